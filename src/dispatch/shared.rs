//! What all lanes of a run share: the plan, the network, the clock, the scheduler, and the way to the reporters.

mod outcomes;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, OptionFuture};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tracing::warn;

use super::between::{Between, Failures};
use super::checking::Phase;
use super::engine::Limits;
use super::lane::{SeenStop, Visit};
use super::lane_state::LaneState;
use super::pace::{Grant, Need, Needs, Pace};
use super::ready::{LaneIndex, Scheduler};
use super::record::{Record, RunClock};
use super::round::Round;
use super::rounds::Part;
use crate::model::{DeviceIndex, RunEvent};
use crate::plan::Plan;
use crate::session::{FileWork, Intents, Stop};
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
    /// Where files are worked on that are fetched.
    pub(super) file_work: FileWork,
    scheduler: Mutex<Scheduler<Box<LaneState>>>,
    round: Mutex<Arc<Round>>,
    needs: Needs,
    /// Whether what fails in a pass may have another one.
    has_passes: bool,
    is_first_pass: AtomicBool,
    /// What outlives a round; `None` where there is but one.
    pub(super) between: Option<Between>,
    failures: Failures,
    /// More devices have failed than may.
    starts_over: AtomicBool,
    skipped_by_failures: AtomicBool,
    is_over: AtomicBool,
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
    /// For a run that has not begun its first round.
    pub(super) fn new(
        plan: Arc<Plan>,
        connect: C,
        limits: &Limits,
        clock: RunClock,
        stop: Stop,
        random: Random,
        events: mpsc::Sender<RunEvent>,
    ) -> Self {
        let pacing = &limits.pacing;
        let places = plan.sites.iter().map(|site| site.max_concurrency).collect();
        let pace = Pace::new(pacing.rate, &plan);
        Self {
            needs: Needs::new(pacing.rate, &plan),
            has_passes: pacing.until.is_some(),
            is_first_pass: AtomicBool::new(true),
            between: (pacing.until.is_some() || pacing.batch.is_some()).then(Between::default),
            failures: Failures::new(pacing.max_failures),
            starts_over: AtomicBool::new(false),
            skipped_by_failures: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            scheduler: Mutex::new(Scheduler::new(limits.concurrency, places, pace)),
            round: Mutex::default(),
            plan,
            connect,
            clock,
            verify_stop: stop.at_the_cut(),
            stop,
            intents: None,
            file_work: FileWork::default(),
            changed: (0..limits.crews.max(1)).map(|_| Notify::new()).collect(),
            events,
            random: Mutex::new(random),
            was_cut: AtomicBool::new(false),
            must_skip: AtomicBool::new(false),
            exhausted: Mutex::new(None),
            has_warned: AtomicBool::new(false),
            has_warned_denied: AtomicBool::new(false),
        }
    }

    /// Begins a round; `lane_of`: the plan's lane of each device, where the round has but some.
    pub(super) fn begin_round(&self, part: &Part, lane_of: &[u32]) {
        let round = Arc::new(Round::new(part, lane_of));
        let sizes = round.sizes(&self.plan, self.needs, self.is_first_pass());
        *self.round.lock().unwrap_or_else(PoisonError::into_inner) = round;
        // Between rounds nobody has waited for a file.
        self.not_exhausted();
        self.with_scheduler(|scheduler| scheduler.begin(&sizes));
        self.wake_crews();
    }

    /// The pass is over. Another one takes nobody new: failures are not counted in it.
    pub(super) fn begin_another_pass(&self) {
        self.is_first_pass.store(false, Ordering::Relaxed);
        self.starts_over.store(false, Ordering::Release);
        self.failures.count_no_more();
        self.connect.begin_pass();
    }

    fn is_first_pass(&self) -> bool {
        self.is_first_pass.load(Ordering::Relaxed)
    }

    /// Takes a lane that may run now.
    pub(super) fn take(&self, now: Instant) -> Option<Visit> {
        let taken = self.with_scheduler(|scheduler| scheduler.take(now))?;
        Some(Visit::new(taken, self, self.round()))
    }

    /// The round under way.
    pub(super) fn round(&self) -> Arc<Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a lane knows when it begins a round.
    pub(super) fn begin_lane(&self, lane: LaneIndex, round: &Round) -> LaneState {
        let known = self.between.as_ref().map(|between| between.gateway(round.gateway(lane)));
        let mut state = LaneState::new(known.unwrap_or_default());
        if self.is_paced() {
            state.line_up(round.devices(&self.plan, lane), |device| self.first_need(device));
        }
        state
    }

    /// A lane is done in its round.
    pub(super) fn end_lane(&self, gateway: LaneIndex, state: &mut LaneState) {
        if let Some(between) = &self.between {
            between.keep_gateway(gateway, state.gateway());
        }
    }

    /// Whether some start may have to wait.
    pub(super) fn is_paced(&self) -> bool {
        self.needs.are_any()
    }

    /// What a device needs for its next exchange.
    pub(super) fn need(&self, device: DeviceIndex, phase: &Phase) -> Need {
        self.plan.job(device).map_or(Need::Nothing, |job| self.needs.of(phase, job))
    }

    /// Whether a device's own time is over, and its outcome known.
    pub(super) fn is_late(&self, device: DeviceIndex, record: &Record, now: Instant) -> bool {
        self.plan.job(device).is_some_and(|job| record.is_late(job, now))
    }

    /// What a device needs to begin.
    pub(super) fn first_need(&self, device: DeviceIndex) -> Need {
        if !self.needs.are_any() {
            return Need::Nothing;
        }
        let job = self.plan.job(device);
        job.map_or(Need::Nothing, |job| self.needs.of(&Phase::first(job, self.is_first_pass()), job))
    }

    /// An attempt is over that had leave to start.
    pub(super) fn ends(&self, grant: &Grant, is_written: bool) {
        self.with_scheduler(|scheduler| scheduler.ends(grant, is_written));
        self.wake_crews();
    }

    /// The run is over.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        self.wake_crews();
    }

    /// Whether it is.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// How far the run has stopped.
    pub(super) fn stops(&self) -> SeenStop {
        let (stopping, cut) = (self.stop.is_stopping(), self.stop.is_cut());
        SeenStop { stopping, cut, starts_over: self.starts_are_over() }
    }

    /// Whether so many may fail in this pass that nobody new is started.
    pub(super) fn may_run_out_of_failures(&self) -> bool {
        self.failures.is_limited()
    }

    /// Whether too many have failed for anybody new to be started.
    pub(super) fn starts_are_over(&self) -> bool {
        self.starts_over.load(Ordering::Acquire)
    }

    /// With someone who is told of commands that must not be sent twice, and a place where files are worked on.
    pub(super) fn with(mut self, intents: Option<Arc<dyn Intents>>, file_work: FileWork) -> Self {
        (self.intents, self.file_work) = (intents, file_work);
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

    /// Passes an event on; waits while the reporters are behind, so that no outcome is lost.
    pub(super) fn tell(&self, event: RunEvent) -> Telling<'_> {
        // The receiver lives until the engine has ended: a closed queue means that the reporters are gone, and their
        // end is reported by whoever runs them.
        let Err(TrySendError::Full(event)) = self.events.try_send(event) else { return None.into() };
        let sent = self.events.send(event).map(|_| ());
        Some(sent.boxed()).into()
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
