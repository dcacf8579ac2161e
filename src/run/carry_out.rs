//! A prepared run from its first event to its last, over any network: what `execute` does with real sockets and threads,
//! and tests with gateways of their own under a paused clock.
//!
//! Owns the order of events: the run has started, who is held has its outcome, then whatever the engine tells. Time,
//! network, random numbers, the record of intents and where files are worked on come from outside; nothing here touches a
//! file.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Paced, Prepared, RunRequest, Until};
use crate::dispatch::{self, Limits, Outside, Pacing, Random, RunClock};
use crate::model::{Ended, Outcome, RunEvent, RunInfo, SkipReason, UnixMillis};
use crate::session::Stop;
use crate::transport::{Connect, Fit};

/// The limits of a run that starts at `started_at`, as the engine wants them.
pub fn limits(request: &RunRequest, prepared: &Prepared, fit: Fit, started_at: UnixMillis) -> Limits {
    Limits {
        concurrency: fit.lanes,
        crews: fit.tables,
        pacing: pacing(&prepared.pacing, request.pacing.until, started_at),
        deadline: request.deadline,
        grace: request.grace,
    }
}

/// What a run has from outside.
pub struct World {
    /// What is true of it before anything is sent: told first.
    pub info: Arc<RunInfo>,
    /// Over all lanes.
    pub limits: Limits,
    /// Its start, on both clocks.
    pub clock: RunClock,
    /// How it is stopped.
    pub stop: Stop,
    /// For jitter.
    pub random: Random,
    /// Whom it tells.
    pub outside: Outside,
}

/// Runs what is prepared over this network and says how it ended. The last event is `RunFinished`.
pub async fn carry_out<C: Connect>(prepared: &Prepared, connect: C, world: World) -> Ended {
    let World { info, limits, clock, stop, random, outside } = world;
    let plan = prepared.plan.clone();
    let (verified, changed) = (info.verify.then_some(false), info.if_needed.then_some(false));
    _ = outside.events.send(RunEvent::RunStarted { run: info, devices: plan.devices.clone() }).await;
    for &device in &plan.held {
        let outcome = Outcome { verified, changed, ..Outcome::skipped(SkipReason::Held) };
        let at = clock.started_at;
        _ = outside.events.send(RunEvent::DeviceFinished { device, outcome: Box::new(outcome), at }).await;
    }
    dispatch::run(plan, connect, limits, clock, stop, random, outside).await
}

/// How fast it goes through the fleet: all times from the start of the run.
fn pacing(paced: &Paced, until: Option<Until>, started_at: UnixMillis) -> Pacing {
    let from_start = |end: Timestamp| match until {
        // However long it took to ask whether the run may start.
        Some(Until::After(span)) => span,
        _ => Duration::from_millis(u64::try_from(end.as_millisecond().saturating_sub(started_at.0)).unwrap_or(0)),
    };
    Pacing {
        rate: paced.rate,
        batch: paced.batch.map(|size| (size, paced.pause)),
        max_failures: paced.max_failures,
        until: paced.until.map(from_start),
    }
}
