//! The run as a whole: begins round after round with its lanes in the scheduler, stops when told to, ends when every
//! device has its outcome.
//!
//! Lanes are served by crews (`crew.rs`); the first is this loop's own. `rounds.rs` says what comes after a round.
//! Nothing exists per device that waits but its place in the plan, and what is known of those that another pass takes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{error, warn};

use super::between::Between;
use super::crew::{Crew, crew, start_further, until};
use super::lane::Visit;
use super::lane_state::LaneState;
use super::ready::{LaneIndex, Scheduler, Taken};
use super::record::RunClock;
use super::rounds::{Next, Part, Rounds};
use super::shared::{Random, Shared};
use crate::lie::{Lie, tells};
use crate::model::{DeviceIndex, Ended, Rate, RunEvent, StopReason};
use crate::plan::Plan;
use crate::session::{FileWork, Intents, Stop};
use crate::transport::Connect;

/// Limits over all lanes, and how the run ends early.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Lanes at once.
    pub concurrency: usize,
    /// Threads that serve them, each with a table of open files of its own; at least 1.
    pub crews: usize,
    /// How fast the run goes through the fleet.
    pub pacing: Pacing,
    /// `--deadline`: from the start of the run.
    pub deadline: Option<Duration>,
    /// What is in flight when the run stops gets this long.
    pub grace: Duration,
}

/// How fast a run goes through its fleet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pacing {
    /// `--rate`.
    pub rate: Option<Rate>,
    /// `--batch`: so many devices at a time, and the pause after each but the last.
    pub batch: Option<(u32, Duration)>,
    /// `--max-failures`: once more than that have failed, nobody new is started.
    pub max_failures: Option<u64>,
    /// `--until`, from the start of the run: no pass begins later.
    pub until: Option<Duration>,
}

/// Whom a run tells, and where it works on files.
pub struct Outside {
    /// Everything that happens.
    pub events: mpsc::Sender<RunEvent>,
    /// A command that must not be sent twice, before it is written.
    pub intents: Option<Arc<dyn Intents>>,
    /// Where files are worked on that are fetched.
    pub file_work: FileWork,
}

impl From<mpsc::Sender<RunEvent>> for Outside {
    fn from(events: mpsc::Sender<RunEvent>) -> Self {
        Self { events, intents: None, file_work: FileWork::default() }
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
    let limits = Limits { concurrency: limits.concurrency + usize::from(tells(Lie::SlotTooMany)), ..limits };
    let Outside { events, intents, file_work } = outside.into();
    let shared = Shared::new(plan, connect, &limits, clock, stop, random, events);
    let shared = Arc::new(shared.with(intents, file_work));
    let room = limits.concurrency.div_ceil(shared.crews());
    let mut further = Vec::new();
    if let Err(error) = start_further(&shared, room, &mut further) {
        warn!("fewer lanes at once than wanted: no further thread for them: {error}");
    }
    let mut run = Run::new(&shared, &limits);
    run.begin().await;
    run.go_on(crew(shared.clone(), 0, room)).await;
    run.end().await;
    // Skipped lanes may have been the last: whoever still sleeps must see that it is over.
    shared.end();
    for thread in further {
        if thread.join().is_err() {
            error!("a thread of the engine has failed; please report this");
        }
    }
    let ended = shared.cause().filter(|_| !tells(Lie::EndedCompleted)).map_or(Ended::Completed, StopReason::ended);
    let now = Instant::now();
    let elapsed = now.saturating_duration_since(clock.started);
    shared.tell(RunEvent::RunFinished { ended, elapsed, at: clock.at(now) }).await;
    ended
}

/// A run under way.
struct Run<'s, C> {
    shared: &'s Arc<Shared<C>>,
    grace: Duration,
    deadline: Option<Instant>,
    rounds: Rounds,
    has_passes: bool,
    /// The plan's lane of each device, where rounds have but some of them.
    lane_of: Vec<u32>,
    /// What comes after the round that is over.
    next: Option<Next>,
}

impl<'s, C: Connect> Run<'s, C> {
    fn new(shared: &'s Arc<Shared<C>>, limits: &Limits) -> Self {
        let (plan, started) = (&shared.plan, shared.clock.started);
        let Pacing { batch, until, .. } = limits.pacing;
        // Those that are held stand in no lane.
        let is_held = |device: &DeviceIndex| plan.held.binary_search(device).is_ok();
        let devices = (0..).take(plan.devices.len()).map(DeviceIndex).filter(|device| !is_held(device));
        let count = plan.devices.len() - plan.held.len();
        let rounds = Rounds::new(count, devices, batch, until.map(|until| started + until));
        Self {
            shared,
            grace: limits.grace,
            deadline: limits.deadline.map(|after| started + after),
            has_passes: until.is_some(),
            lane_of: if rounds.are_many() { plan.lanes.lane_of(plan.devices.len()) } else { Vec::new() },
            rounds,
            next: None,
        }
    }

    /// Begins the first round.
    async fn begin(&mut self) {
        let part = self.rounds.begin();
        self.begin_round(&part, true).await;
    }

    /// Serves lanes until nothing more is to be done, or the run has stopped.
    async fn go_on<F: Future<Output = ()>>(&mut self, mut crew: Crew<C, F>) {
        let shared = self.shared;
        let mut grace_over: Option<Instant> = None;
        let (mut is_cut, mut has_told_over) = (false, false);
        loop {
            let is_stopping = shared.stop.is_stopping();
            if shared.starts_are_over() && !has_told_over {
                has_told_over = true;
                crew.meanwhile(self.tell_stopping(StopReason::MaxFailures)).await;
            }
            // What a stop leaves may go on: it is asked for its state, or has started before.
            if !is_stopping || grace_over.is_some() {
                if shared.takes_skip() {
                    crew.meanwhile(skip_the_rest(shared)).await;
                }
                crew.take_on(Instant::now());
            }
            let is_done = crew.is_idle() && shared.with_scheduler(|scheduler| scheduler.is_finished());
            // That the run stops is told first.
            if is_done && (grace_over.is_some() || (!is_stopping && self.is_over().await)) {
                return;
            }
            let next_at = self.next.and_then(Next::at);
            tokio::select! {
                biased;
                () = shared.stop.stopping(), if grace_over.is_none() => {
                    grace_over = Some(Instant::now() + self.grace);
                    shared.ask_to_skip();
                    let reason = shared.stop.reason().unwrap_or(StopReason::Interrupt);
                    crew.meanwhile(self.tell_stopping(reason)).await;
                }
                // The second signal, or the end of the grace: it finds those that wait to be asked again.
                () = shared.stop.cutting(), if !is_cut && grace_over.is_some() => {
                    is_cut = true;
                    shared.ask_to_skip();
                }
                () = until(grace_over), if !is_cut && !tells(Lie::GraceForgotten) => {
                    shared.stop.cut(shared.stop.reason().unwrap_or(StopReason::Interrupt));
                }
                () = until(self.deadline), if grace_over.is_none() => shared.stop.no_more(StopReason::Deadline),
                () = until(next_at), if next_at.is_some() => crew.meanwhile(self.begin_next()).await,
                () = crew.wait() => {}
            }
        }
    }

    /// The round is over: whether that was the last one.
    async fn is_over(&mut self) -> bool {
        if self.next.is_none() {
            let now = Instant::now();
            let rest = self.shared.between.as_ref().map_or(0, Between::rest_count);
            let next = self.rounds.next(now, rest);
            self.next = Some(if self.shared.cause().is_some() { Next::Over } else { next });
            if let Some(Next::Pass(at)) = self.next {
                self.tell_of_the_next_pass(now, at, rest).await;
            }
        }
        // Where nobody new is started, batches are over too; another pass takes nobody new.
        let is_batch = matches!(self.next, Some(Next::Batch(_)));
        self.next == Some(Next::Over) || (is_batch && self.shared.starts_are_over())
    }

    /// Begins what comes next: its time has come.
    async fn begin_next(&mut self) {
        let part = match self.next.take() {
            Some(Next::Batch(_)) => Some((self.rounds.begin(), false)),
            Some(Next::Pass(_)) => {
                self.shared.begin_another_pass();
                Some((self.rounds.begin_pass(self.rest(|device, _| Some(device))), true))
            }
            Some(Next::Over) | None => None,
        };
        if let Some((part, is_pass)) = part {
            self.begin_round(&part, is_pass).await;
        }
    }

    async fn begin_round(&self, part: &Part, is_pass: bool) {
        if is_pass && self.has_passes {
            let (pass, devices) = (self.rounds.pass(), self.rounds.of_pass());
            self.shared.tell(RunEvent::PassStarted { pass, devices, at: self.now() }).await;
        }
        self.shared.begin_round(part, &self.lane_of);
    }

    /// What is told of those that another pass takes, at `at`.
    async fn tell_of_the_next_pass(&self, now: Instant, at: Instant, rest: usize) {
        let (clock, plan) = (&self.shared.clock, &self.shared.plan);
        let retry_in = at - now;
        let failed = self.rest(|device, record| {
            let sent = record.was_written.then(|| Some(plan.job(device)?.request.payload().clone())).flatten();
            let (attempt, failure) = (record.attempts, record.failure()?.clone());
            Some(RunEvent::AttemptFailed { device, attempt, failure, sent, retry_in, at: clock.at(now) })
        });
        for event in failed {
            self.shared.tell(event).await;
        }
        let (pass, next_at, at) = (self.rounds.pass(), clock.at(at), clock.at(now));
        self.shared.tell(RunEvent::PassFinished { pass, rest, next_at, at }).await;
    }

    fn rest<T>(&self, look: impl FnMut(DeviceIndex, &super::record::Record) -> Option<T>) -> Vec<T> {
        self.shared.between.as_ref().map(|between| between.look(look)).unwrap_or_default()
    }

    async fn tell_stopping(&self, reason: StopReason) {
        self.shared.tell(RunEvent::Stopping { reason, at: self.now() }).await;
    }

    fn now(&self) -> crate::model::UnixMillis {
        self.shared.clock.at(Instant::now())
    }

    /// Nothing more is done: who has not begun is skipped, and the last attempt of those that wait for a pass stands.
    async fn end(&mut self) {
        for &device in self.rounds.not_begun() {
            self.shared.skip(device).await;
        }
        for device in self.rest(|device, _| Some(device)) {
            self.shared.skip(device).await;
        }
    }
}

/// The run has stopped, or nobody new is started: what has not begun, or waits to be tried again, gets its outcome.
async fn skip_the_rest<C: Connect>(shared: &Shared<C>) {
    let rest: Vec<(LaneIndex, Option<Box<LaneState>>)> = shared.with_scheduler(Scheduler::drain);
    for (lane, state) in rest {
        let mut visit = Visit::new(Taken { lane, state, grant: None }, shared, shared.round());
        visit.end_stopped(shared).await;
        // Devices that have acknowledged are asked for their state as long as the grace lasts; where the run goes on,
        // those that have been tried are tried again.
        let offers = visit.left(shared);
        if !offers.is_empty() {
            shared.with_scheduler(|scheduler| scheduler.put_back(lane, &offers, visit.state));
        }
    }
}
