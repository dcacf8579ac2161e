//! The run as a whole: begins with all lanes in the scheduler, stops when told to, ends when every device has its
//! outcome.
//!
//! Lanes are served by crews (`crew.rs`); the first is this loop's own. Nothing exists per device that waits but its
//! place in the plan.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{error, warn};

use super::crew::{Crew, start_further, until};
use super::lane::Visit;
use super::lane_state::LaneState;
use super::ready::{LaneIndex, LaneSize, Scheduler};
use super::record::RunClock;
use super::shared::{Random, Shared};
use crate::model::{DeviceIndex, Ended, RunEvent, StopReason};
use crate::plan::Plan;
use crate::session::{Intents, Stop};
use crate::transport::Connect;

/// Limits over all lanes, and how the run ends early.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Lanes at once.
    pub concurrency: usize,
    /// Threads that serve them, each with a table of open files of its own; at least 1.
    pub crews: usize,
    /// `--deadline`: from the start of the run.
    pub deadline: Option<Duration>,
    /// What is in flight when the run stops gets this long.
    pub grace: Duration,
}

/// Whom a run tells.
pub struct Outside {
    /// Everything that happens.
    pub events: mpsc::Sender<RunEvent>,
    /// A command that must not be sent twice, before it is written.
    pub intents: Option<Arc<dyn Intents>>,
}

impl From<mpsc::Sender<RunEvent>> for Outside {
    fn from(events: mpsc::Sender<RunEvent>) -> Self {
        Self { events, intents: None }
    }
}

/// Runs a plan to its end. Every device's outcome, and everything else that happens, goes to `outside.events`; the last
/// event is `RunFinished`. Says how the run ended.
pub async fn run<C: Connect>(
    plan: Arc<Plan>,
    connect: C,
    limits: Limits,
    clock: RunClock,
    stop: Stop,
    random: Random,
    outside: impl Into<Outside>,
) -> Ended {
    let Outside { events, intents } = outside.into();
    let scheduler = scheduler(&plan, limits.concurrency);
    let crews = limits.crews.max(1);
    let shared = Shared::new(plan, connect, clock, stop, scheduler, random, events);
    let shared = shared.with_crews(crews).with_intents(intents);
    let shared = Arc::new(shared);
    let room = limits.concurrency.div_ceil(crews);
    let mut further = Vec::new();
    if let Err(error) = start_further(&shared, room, &mut further) {
        warn!("fewer lanes at once than wanted: no further thread for them: {error}");
    }
    let mut crew = Crew::new(shared.clone(), 0, room);
    let deadline = limits.deadline.map(|after| clock.started + after);
    let mut grace_over: Option<Instant> = None;
    let mut is_cut = false;
    loop {
        if !shared.stop.is_stopping() {
            crew.take_on(Instant::now());
        } else if grace_over.is_some() {
            if shared.takes_skip() {
                skip_the_rest(&shared).await;
            }
            // What is left may go on: it is asked for its state.
            crew.take_on(Instant::now());
        }
        if crew.is_idle() && shared.with_scheduler(|scheduler| scheduler.is_finished()) {
            break;
        }
        tokio::select! {
            biased;
            () = shared.stop.stopping(), if grace_over.is_none() => {
                grace_over = Some(Instant::now() + limits.grace);
                shared.ask_to_skip();
                let reason = shared.stop.reason().unwrap_or(StopReason::Interrupt);
                shared.tell(RunEvent::Stopping { reason, at: clock.at(Instant::now()) }).await;
            }
            // The second signal, or the end of the grace: it finds those that wait to be asked again.
            () = shared.stop.cutting(), if !is_cut && grace_over.is_some() => {
                is_cut = true;
                shared.ask_to_skip();
            }
            () = until(grace_over), if !is_cut => {
                shared.stop.cut(shared.stop.reason().unwrap_or(StopReason::Interrupt));
            }
            () = until(deadline), if grace_over.is_none() => shared.stop.no_more(StopReason::Deadline),
            () = crew.wait() => {}
        }
    }
    // Skipped lanes may have been the last: whoever still sleeps must see that it is over.
    shared.wake_crews();
    for thread in further {
        if thread.join().is_err() {
            error!("a thread of the engine has failed; please report this");
        }
    }
    let was_cut = shared.was_cut();
    let ended = shared.stop.reason().filter(|_| was_cut).map_or(Ended::Completed, StopReason::ended);
    let now = Instant::now();
    let elapsed = now.saturating_duration_since(clock.started);
    shared.tell(RunEvent::RunFinished { ended, elapsed, at: clock.at(now) }).await;
    ended
}

/// The run has stopped: what has not started, or waits to be tried again, gets its outcome.
async fn skip_the_rest<C: Connect>(shared: &Shared<C>) {
    let rest: Vec<(LaneIndex, Option<Box<LaneState>>)> = shared.with_scheduler(Scheduler::drain);
    for (lane, state) in rest {
        let mut visit = Visit::new(lane, state);
        visit.end_stopped(shared).await;
        // Devices that have acknowledged are asked for their state as long as the grace lasts.
        if let Some(due) = visit.state.next_due() {
            shared.with_scheduler(|scheduler| scheduler.put_back(lane, due, visit.state));
        }
    }
}

fn scheduler(plan: &Plan, concurrency: usize) -> Scheduler<Box<LaneState>> {
    let sites: HashMap<&str, u32> = (0..).zip(&plan.sites).map(|(index, site)| (&*site.name, index)).collect();
    let site_of = |device: DeviceIndex| sites.get(&**plan.device(device)?.site.as_ref()?).copied();
    let lanes: Vec<LaneSize> = plan
        .lanes
        .iter()
        .map(|devices| {
            let mut at: Vec<u32> =
                if sites.is_empty() { Vec::new() } else { devices.iter().filter_map(|&d| site_of(d)).collect() };
            at.sort_unstable();
            at.dedup();
            LaneSize { devices: u32::try_from(devices.len()).unwrap_or(u32::MAX), sites: at.into() }
        })
        .collect();
    Scheduler::new(&lanes, concurrency, plan.sites.iter().map(|site| site.max_concurrency).collect())
}
