//! What all lanes of a run share: the plan, the network, the clock, the scheduler, and the way to the reporters.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, OptionFuture};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tracing::warn;

use super::lane_state::LaneState;
use super::ready::Scheduler;
use super::record::{RunClock, checked};
use crate::model::{DeviceIndex, Outcome, RunEvent, SkipReason, StopReason};
use crate::plan::Plan;
use crate::session::{Intents, Stop};
use crate::transport::Connect;

/// A source of numbers from 0 to 1, for jitter.
pub type Random = Box<dyn FnMut() -> f64 + Send>;

/// An event on its way to the reporters: there already, or waiting for room in their queue.
pub(super) type Telling<'s> = OptionFuture<BoxFuture<'s, ()>>;

/// What all lanes share.
pub(super) struct Shared<C> {
    pub(super) plan: Arc<Plan>,
    pub(super) connect: C,
    pub(super) clock: RunClock,
    pub(super) stop: Stop,
    /// How the run stops for those that have acknowledged and are asked for their state.
    pub(super) verify_stop: Stop,
    /// Who is told before a command is written that must not be sent twice.
    pub(super) intents: Option<Arc<dyn Intents>>,
    scheduler: Mutex<Scheduler<Box<LaneState>>>,
    /// Something about the scheduler changed that the crews must look at: one for each.
    changed: Box<[Notify]>,
    events: mpsc::Sender<RunEvent>,
    random: Mutex<Random>,
    was_cut: AtomicBool,
    /// The run stops, and there may be lanes that do not know it.
    must_skip: AtomicBool,
    /// Since when no lane has found a file, port or memory to connect with.
    exhausted: Mutex<Option<Instant>>,
    has_warned: AtomicBool,
    has_warned_denied: AtomicBool,
}

impl<C: Connect> Shared<C> {
    pub(super) fn new(
        plan: Arc<Plan>,
        connect: C,
        clock: RunClock,
        stop: Stop,
        scheduler: Scheduler<Box<LaneState>>,
        random: Random,
        events: mpsc::Sender<RunEvent>,
    ) -> Self {
        Self {
            plan,
            connect,
            clock,
            verify_stop: stop.at_the_cut(),
            stop,
            intents: None,
            scheduler: Mutex::new(scheduler),
            changed: Box::new([Notify::new()]),
            events,
            random: Mutex::new(random),
            was_cut: AtomicBool::new(false),
            must_skip: AtomicBool::new(false),
            exhausted: Mutex::new(None),
            has_warned: AtomicBool::new(false),
            has_warned_denied: AtomicBool::new(false),
        }
    }

    /// For so many crews.
    pub(super) fn with_crews(mut self, crews: usize) -> Self {
        self.changed = (0..crews.max(1)).map(|_| Notify::new()).collect();
        self
    }

    /// With someone who is told of commands that must not be sent twice.
    pub(super) fn with_intents(mut self, intents: Option<Arc<dyn Intents>>) -> Self {
        self.intents = intents;
        self
    }

    /// How many crews there are.
    pub(super) fn crews(&self) -> usize {
        self.changed.len()
    }

    /// Waits until a crew has to look at the scheduler again.
    pub(super) async fn changed(&self, crew: usize) {
        match self.changed.get(crew) {
            Some(changed) => changed.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Has every crew look at the scheduler again.
    pub(super) fn wake_crews(&self) {
        for changed in &self.changed {
            changed.notify_one();
        }
    }

    /// Lanes that wait are to be told that the run stops.
    pub(super) fn ask_to_skip(&self) {
        self.must_skip.store(true, Ordering::Release);
    }

    /// Whether they are, once each time.
    pub(super) fn takes_skip(&self) -> bool {
        self.must_skip.swap(false, Ordering::Acquire)
    }

    /// Whether the stop has cost a device its outcome.
    pub(super) fn was_cut(&self) -> bool {
        self.was_cut.load(Ordering::Relaxed)
    }

    /// Passes an event on; waits while the reporters are behind, so that no outcome is lost.
    pub(super) fn tell(&self, event: RunEvent) -> Telling<'_> {
        // The receiver lives until the engine has ended: a closed queue means that the reporters are gone, and their
        // end is reported by whoever runs them.
        let Err(TrySendError::Full(event)) = self.events.try_send(event) else { return None.into() };
        let sent = self.events.send(event).map(|_| ());
        Some(sent.boxed()).into()
    }

    /// Tells that a device has its outcome.
    pub(super) fn finish(&self, device: DeviceIndex, outcome: Outcome) -> Telling<'_> {
        let at = outcome.finished_at.unwrap_or_else(|| self.clock.at(Instant::now()));
        self.tell(RunEvent::DeviceFinished { device, outcome: Box::new(outcome), at })
    }

    pub(super) fn skip(&self, device: DeviceIndex) -> Telling<'_> {
        self.cut_or_skipped();
        let reason = self.stop.reason().map_or(SkipReason::Internal, StopReason::skip);
        let (verified, changed) = self.plan.job(device).map_or((None, None), |job| checked(job, false, false));
        self.finish(device, Outcome { verified, changed, ..Outcome::skipped(reason) })
    }

    /// The stop has cost a device its outcome: the run is not completed.
    pub(super) fn cut_or_skipped(&self) {
        self.was_cut.store(true, Ordering::Relaxed);
    }

    pub(super) fn random(&self) -> f64 {
        (self.random.lock().unwrap_or_else(PoisonError::into_inner))()
    }

    pub(super) fn warn_exhausted(&self, reason: &str) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            warn!("{reason}; devices wait for it, which is no fault of theirs (`ulimit -n`, `--concurrency`)");
        }
    }

    pub(super) fn warn_denied(&self, device: DeviceIndex, reason: &str) {
        if let Some(device) = self.plan.device(device)
            && !self.has_warned_denied.swap(true, Ordering::Relaxed)
        {
            let address = &device.address;
            warn!("{address}: {reason}; such devices are skipped, which is no fault of theirs");
        }
    }

    /// This machine has nothing to connect with at `now`; since when that is so.
    pub(super) fn exhausted_since(&self, now: Instant) -> Instant {
        *self.exhausted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now)
    }

    /// A lane has got what it needs to connect.
    pub(super) fn not_exhausted(&self) {
        *self.exhausted.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn with_scheduler<T>(&self, use_it: impl FnOnce(&mut Scheduler<Box<LaneState>>) -> T) -> T {
        use_it(&mut self.scheduler.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
