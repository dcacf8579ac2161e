//! Carries a prepared run out: the engine on this thread's runtime, the reporters on a thread of their own.
//!
//! Reporters write to files and pipes, which may block; so they sit at the end of a bounded queue, and a slow one costs
//! the engine nothing until the queue is full.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::mpsc;
use tokio::time::Instant;
use ulid::Ulid;

use super::{Prepared, RunRequest};
use crate::dispatch::{self, Limits, RunClock};
use crate::model::{Ended, RunEvent, RunId, RunInfo, Summary, UnixMillis};
use crate::report::{ReportError, Reporters};
use crate::session::Stop;
use crate::simulate::SimulatedFleet;
use crate::transport::{Fit, TcpConnect};

/// Events between the engine and the reporters; full: dispatch waits, so that no outcome is lost.
const EVENT_QUEUE: usize = 1024;

/// How long events may gather before they are passed on together.
const GATHER: Duration = Duration::from_millis(2);

/// A run that is over.
pub struct Finished {
    /// How it ended.
    pub ended: Ended,
    /// Its counts.
    pub summary: Summary,
    /// Reports that could not be delivered.
    pub undelivered: Vec<ReportError>,
}

/// Runs the plan, and hands every event to the reporters.
///
/// # Errors
/// When the run could not start: no thread for the reporters, no listener for the simulated fleet.
pub async fn execute(
    request: &RunRequest,
    prepared: &Prepared,
    fit: Fit,
    mut reporters: Reporters,
    stop: Stop,
) -> io::Result<Finished> {
    let simulated = match &request.simulate {
        Some(simulation) => Some(SimulatedFleet::start(&prepared.plan.devices, &prepared.members, simulation)?),
        None => None,
    };
    let clock = RunClock { started: Instant::now(), started_at: UnixMillis(Timestamp::now().as_millisecond()) };
    let info = Arc::new(RunInfo {
        id: RunId(Ulid::generate().to_string().into()),
        fleet: prepared.fleet.clone(),
        command: prepared.command.clone(),
        schedule: request.schedule.clone(),
        verify: request.verify,
        if_needed: request.if_needed,
        started_at: clock.started_at,
        simulated: simulated.is_some(),
    });
    let (events, mut queue) = mpsc::channel(EVENT_QUEUE);
    let reporting = std::thread::Builder::new().name("reports".to_owned()).spawn(move || {
        let mut waiting = Vec::new();
        while queue.blocking_recv_many(&mut waiting, EVENT_QUEUE) > 0 {
            reporters.events(waiting.drain(..));
            // Waking this thread costs the engine a system call: while it looks away, events gather without one.
            std::thread::sleep(GATHER);
        }
        reporters.finish()
    })?;
    let started = RunEvent::RunStarted { run: info, devices: prepared.plan.devices.clone() };
    _ = events.send(started).await;
    let limits = Limits { concurrency: fit.lanes, crews: fit.tables, deadline: request.deadline, grace: request.grace };
    let mut source = rand::rngs::SmallRng::from_rng(&mut rand::rng());
    let random = Box::new(move || source.random::<f64>());
    let plan = prepared.plan.clone();
    let ended = match &simulated {
        Some(fleet) => dispatch::run(plan, fleet.connect(), limits, clock, stop, random, events).await,
        None => {
            dispatch::run(plan, TcpConnect::new(tokio::runtime::Handle::current()), limits, clock, stop, random, events)
                .await
        }
    };
    let reported = reporting.join().map_err(|_| io::Error::other("the reporters have failed; please report this"))?;
    let summary = reported.run.map(|run| *run.summary()).unwrap_or_default();
    Ok(Finished { ended, summary, undelivered: reported.errors })
}
