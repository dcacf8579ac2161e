//! The loop: gives lanes that may run to tasks, sleeps until the next one is due, stops when told to.
//!
//! One task per lane in flight. A task that has served its lane asks the scheduler for the next one itself, so a full
//! run costs no hand-over; only when there is none it ends, and the loop makes a new task when a lane is due. Nothing
//! exists per device that waits but its place in the plan.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::error;

use super::lane::Visit;
use super::lane_state::LaneState;
use super::ready::{After, LaneIndex, LaneSize, Scheduler};
use super::record::RunClock;
use super::shared::{Random, Shared};
use crate::model::{DeviceIndex, Ended, RunEvent, StopReason};
use crate::plan::Plan;
use crate::session::Stop;
use crate::transport::Connect;

/// Limits over all lanes, and how the run ends early.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Lanes at once.
    pub concurrency: usize,
    /// `--deadline`: from the start of the run.
    pub deadline: Option<Duration>,
    /// What is in flight when the run stops gets this long.
    pub grace: Duration,
}

/// Runs a plan to its end. Every device's outcome, and everything else that happens, goes to `events`; the last event is
/// `RunFinished`. Says how the run ended.
pub async fn run<C: Connect>(
    plan: Arc<Plan>,
    connect: C,
    limits: Limits,
    clock: RunClock,
    stop: Stop,
    random: Random,
    events: mpsc::Sender<RunEvent>,
) -> Ended {
    let scheduler = scheduler(&plan, limits.concurrency);
    let shared = Arc::new(Shared::new(plan, connect, clock, stop, scheduler, random, events));
    let mut tasks = JoinSet::new();
    let deadline = limits.deadline.map(|after| clock.started + after);
    let mut grace_over: Option<Instant> = None;
    let mut is_cut = false;
    loop {
        let now = Instant::now();
        if shared.stop.is_stopping() {
            // A lane that gave its slot back while the run stopped is skipped like those that never had one.
            if grace_over.is_some() {
                skip_the_rest(&shared).await;
            }
        } else {
            while let Some((lane, state)) = shared.with_scheduler(|scheduler| scheduler.take(now)) {
                tasks.spawn(work(shared.clone(), Visit::new(lane, state)));
            }
        }
        if shared.with_scheduler(|scheduler| scheduler.is_finished()) && tasks.is_empty() {
            break;
        }
        let wake = shared.with_scheduler(|scheduler| scheduler.next_wake());
        tokio::select! {
            biased;
            () = shared.stop.stopping(), if grace_over.is_none() => {
                grace_over = Some(Instant::now() + limits.grace);
                let reason = shared.stop.reason().unwrap_or(StopReason::Interrupt);
                shared.tell(RunEvent::Stopping { reason, at: clock.at(Instant::now()) }).await;
            }
            () = until(grace_over), if !is_cut => {
                shared.stop.cut(shared.stop.reason().unwrap_or(StopReason::Interrupt));
                is_cut = true;
            }
            () = until(deadline), if grace_over.is_none() => shared.stop.no_more(StopReason::Deadline),
            Some(ended) = tasks.join_next() => {
                if let Err(fault) = ended {
                    error!("a task of the engine ended badly; please report this: {fault}");
                }
            }
            () = shared.changed.notified() => {}
            () = until(wake) => {}
        }
    }
    let was_cut = shared.was_cut();
    let ended = shared.stop.reason().filter(|_| was_cut).map_or(Ended::Completed, StopReason::ended);
    let now = Instant::now();
    let elapsed = now.saturating_duration_since(clock.started);
    shared.tell(RunEvent::RunFinished { ended, elapsed, at: clock.at(now) }).await;
    ended
}

/// Never, where there is nothing to wait for.
async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Serves one lane after another until none may start.
async fn work<C: Connect>(shared: Arc<Shared<C>>, mut visit: Visit) {
    loop {
        let served = AssertUnwindSafe(visit.serve(&shared)).catch_unwind().await;
        let after = match served {
            Ok(after) => after,
            Err(panic) => {
                let what = panic_text(panic.as_ref());
                error!("a fault in fleetctl itself, please report it: {what}");
                visit.end_panicked(&shared, &what).await
            }
        };
        let now = Instant::now();
        let Visit { lane, state, .. } = visit;
        let next = shared.with_scheduler(|scheduler| {
            let wake = scheduler.next_wake();
            scheduler.release(
                lane,
                match after {
                    After::Done => After::Done,
                    After::Wait(due, ()) => After::Wait(due, state),
                },
            );
            let next = if shared.stop.is_stopping() { None } else { scheduler.take(now) };
            // The loop sleeps until the wake-up it knows of: an earlier one, or a lane that nobody takes, is its business.
            if scheduler.next_wake() != wake || scheduler.has_turn(now) {
                shared.changed.notify_one();
            }
            next
        });
        match next {
            Some((lane, state)) => visit = Visit::new(lane, state),
            None => return,
        }
    }
}

/// The run has stopped: what has not started, or waits, gets its outcome.
async fn skip_the_rest<C: Connect>(shared: &Shared<C>) {
    let rest: Vec<(LaneIndex, Option<LaneState>)> = shared.with_scheduler(Scheduler::drain);
    for (lane, state) in rest {
        Visit::new(lane, state).end_stopped(shared).await;
    }
}

fn scheduler(plan: &Plan, concurrency: usize) -> Scheduler<LaneState> {
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

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned());
    crate::model::escape::printable(&text)
}
