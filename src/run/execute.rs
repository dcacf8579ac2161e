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
use tracing::warn;
use ulid::Ulid;

use super::again::kept;
use super::{AsIf, Lock, LockError, Prepared, RunRequest, World, canonical, carry_out, limits, lock, past, recall};
use crate::dispatch::{Outside, RunClock};
use crate::history::{Beginning, Recorder, Store};
use crate::model::{Ended, RunId, RunInfo, Summary, UnixMillis};
use crate::report::{Collected, ReportError, Reporters};
use crate::session::{Intents, Stop};
use crate::simulate::SimulatedFleet;
use crate::transport::{Fit, TcpConnect};

/// Events between the engine and the reporters; full: dispatch waits, so that no outcome is lost.
const EVENT_QUEUE: usize = 1024;

/// How long events may gather before they are passed on together.
const GATHER: Duration = Duration::from_millis(2);

/// How the record of the run is named in errors.
const RECORD: &str = "the record of this run";

/// A run that is over.
pub struct Finished {
    /// How it ended.
    pub ended: Ended,
    /// Its counts.
    pub summary: Summary,
    /// Reports that could not be delivered.
    pub undelivered: Vec<ReportError>,
    /// The run, with the outcomes that its reporters needed; `None` when it never began.
    pub run: Option<Collected>,
}

/// Why a run could not start. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// Another run over the inventory is under way, or this one was stopped while it waited for that.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// No thread for the reporters, or no listener for the simulated fleet.
    #[error("the run could not start: {0}")]
    Io(#[from] io::Error),
}

/// Locks the inventory unless `locked` does so already, runs the plan, and hands every event to the reporters and to the
/// history.
///
/// # Errors
/// When the run could not start.
pub async fn execute(
    request: &RunRequest,
    mut prepared: Prepared,
    fit: Fit,
    mut reporters: Reporters,
    stop: Stop,
    locked: Option<Lock>,
) -> Result<Finished, ExecuteError> {
    let _lock = match (locked, &request.simulate) {
        (Some(lock), _) => Some(lock),
        (None, None) => lock(&request.inventory, request.wait_lock, &stop).await?,
        // A simulated fleet is nobody else's.
        (None, Some(_)) => None,
    };
    let history = recall(request, &mut prepared, AsIf::Before);
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
        held: std::mem::take(&mut prepared.held),
    });
    let (intents, unrecorded) = record(request, history, &prepared, &info, &mut reporters);
    let (events, mut queue) = mpsc::channel(EVENT_QUEUE);
    let reporting = std::thread::Builder::new().name("reports".to_owned()).spawn(move || {
        let mut waiting = Vec::new();
        while queue.blocking_recv_many(&mut waiting, EVENT_QUEUE) > 0 {
            reporters.events(waiting.drain(..));
            // Waking this thread costs the engine a system call: while it looks away, events gather without one.
            if !queue.is_closed() {
                std::thread::park_timeout(GATHER);
            }
        }
        reporters.finish()
    })?;
    let outside = Outside { intents, ..events.into() };
    let limits = limits(request, &prepared, fit, clock.started_at);
    let mut source = rand::rngs::SmallRng::from_rng(&mut rand::rng());
    let random = Box::new(move || source.random::<f64>());
    let world = World { info, limits, clock, stop, random, outside };
    let ended = match &simulated {
        Some(fleet) => carry_out(&prepared, fleet.connect(), world).await,
        None => {
            let gateways = prepared.plan.devices.iter().map(|device| &device.address);
            let connect = TcpConnect::among(tokio::runtime::Handle::current(), gateways);
            carry_out(&prepared, connect, world).await
        }
    };
    // Nothing gathers any more.
    reporting.thread().unpark();
    let reported = reporting.join().map_err(|_| io::Error::other("the reporters have failed; please report this"))?;
    if let (Some(path), Some(keep)) = (&request.history, prepared.keep_history) {
        past::forget(path, &request.inventory, keep);
    }
    let summary = reported.run.as_ref().map(|run| *run.summary()).unwrap_or_default();
    let undelivered = unrecorded.into_iter().chain(reported.errors).collect();
    Ok(Finished { ended, summary, undelivered, run: reported.run })
}

/// Has the run recorded, where it is to be. A history that cannot be used is one report that could not be written.
fn record(
    request: &RunRequest,
    open: Option<Store>,
    prepared: &Prepared,
    info: &RunInfo,
    reporters: &mut Reporters,
) -> (Option<Arc<dyn Intents>>, Option<ReportError>) {
    let Some(path) = &request.history else { return (None, None) };
    let plan = &prepared.plan;
    let idempotent: Vec<bool> = plan.jobs.iter().map(|job| job.request.is_idempotent()).collect();
    let beginning = Beginning {
        info,
        devices: &plan.devices,
        idempotent: &idempotent,
        inventory: &canonical(&request.inventory),
        schedule: request.schedule.as_deref(),
        request: &kept(request),
        rerun_of: request.rerun_of.as_deref(),
    };
    match Recorder::begin(path, open, &beginning) {
        Ok(recorder) => {
            let intents = recorder.intents();
            // A pipe that nobody reads must not keep the end of the run from being recorded.
            reporters.add_first(RECORD, Box::new(recorder));
            reporters.ask_past(past::ask(path.clone(), &request.inventory, request.ok_if));
            (Some(intents), None)
        }
        Err(error) => {
            let why = error.chain();
            warn!("history: {why}; this run is not recorded");
            (None, Some(ReportError { label: RECORD.to_owned(), source: io::Error::other(why) }))
        }
    }
}
