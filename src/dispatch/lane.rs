//! Serves one lane: the devices behind one gateway, one exchange at a time, over one connection where the type allows.
//!
//! A visit lasts as long as one of its devices may go on; then the lane gives its slot back and keeps no connection,
//! until the next device is due. What must outlive a panic or a stop (who is under way, and how far) stands in the
//! `Visit`, outside of the future that may be dropped. Decides nothing itself: `policy/` does.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::checking::{Answer, First, Phase, first_answer};
use super::lane_state::LaneState;
use super::policy::{Next, what_next};
use super::ready::{After, LaneIndex};
use super::record::Record;
use super::shared::{Shared, Telling};
use crate::device_type::Login;
use crate::model::{DeviceIndex, ErrorKind, Failure, RunEvent, StopReason};
use crate::plan::Job;
use crate::session::{Attempt, Before, Connection, Ending, Keep, Progress, attempt, close};
use crate::transport::Connect;

/// How long a lane waits when this machine has no file, port or memory left. It keeps its slot meanwhile: no other lane
/// could use that, and those that have not started need not start only to wait too.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(100);

/// A lane that holds a slot.
pub(super) struct Visit {
    pub(super) lane: LaneIndex,
    pub(super) state: Box<LaneState>,
    /// The device under way.
    current: Option<(DeviceIndex, Record, Progress)>,
    /// It has seen that the run stops: what it still waits for may go on.
    pub(super) has_ended_stopped: bool,
}

/// A turn of a lane.
enum Turn<'p> {
    /// This device is tried.
    Try(DeviceIndex, &'p Job),
    /// Nothing more is tried for a device, which this tells.
    Over(Telling<'p>),
}

/// What comes after an attempt.
enum Then<'s> {
    /// That it was the last one, or that another follows.
    Tell(Telling<'s>),
    /// Nothing, until this machine may have something to connect with.
    Pause,
    /// The next turn.
    GoOn,
}

impl Visit {
    pub(super) fn new(lane: LaneIndex, state: Option<Box<LaneState>>) -> Self {
        Self { lane, state: state.unwrap_or_default(), current: None, has_ended_stopped: false }
    }

    /// Serves the lane until none of its devices may go on.
    pub(super) async fn serve<C: Connect>(&mut self, shared: &Shared<C>) -> After<()> {
        let mut connection = None;
        let mut kept_for: Option<&Job> = None;
        while let Some((device, job)) = self.next_try(shared).await {
            if !kept_for.is_some_and(|kept| serves(kept, job)) {
                close(&mut connection).await;
            }
            let made = self.try_once(shared, device, job, &mut connection).await;
            let keep = made.keep;
            let then = self.conclude(shared, device, job, made, Instant::now());
            kept_for = Some(job);
            // Told before anything else can go wrong.
            match then {
                Then::Tell(telling) => _ = telling.await,
                Then::Pause => Box::pin(pause(shared)).await,
                Then::GoOn => {}
            }
            if keep == Keep::No {
                close(&mut connection).await;
            }
        }
        close(&mut connection).await;
        if shared.stop.is_stopping() {
            Box::pin(self.end_stopped(shared)).await;
            self.has_ended_stopped = true;
        }
        match self.state.next_due() {
            Some(due) => After::Wait(due, ()),
            None => After::Done,
        }
    }

    /// The next device that is tried; `None`: nobody may go on now.
    async fn next_try<'p, C: Connect>(&mut self, shared: &'p Shared<C>) -> Option<(DeviceIndex, &'p Job)> {
        loop {
            match self.next_turn(shared)? {
                Turn::Try(device, job) => return Some((device, job)),
                Turn::Over(telling) => _ = telling.await,
            }
        }
    }

    /// The device whose turn it is, and whether it is to be tried; `None`: nobody may go on now.
    fn next_turn<'p, C: Connect>(&mut self, shared: &'p Shared<C>) -> Option<Turn<'p>> {
        if shared.stop.is_cut() {
            return None;
        }
        let now = Instant::now();
        let (device, mut record) = self.next(shared, now)?;
        let job = shared.plan.job(device)?;
        if record.is_verifying() {
            self.current = Some((device, record, Progress::default()));
            return Some(Turn::Try(device, job));
        }
        let late = record.has_outcome()
            && self.earliest_write(&record, job, now) >= record.started + job.timing.device_deadline;
        let is_refused = job.login.as_ref().is_some_and(|login| self.state.is_refused(login));
        if is_refused {
            record.not_asked(refused_before());
        }
        Some(if late || is_refused {
            Turn::Over(shared.finish(device, record.outcome(job, now, &shared.clock)))
        } else {
            self.current = Some((device, record, Progress::default()));
            Turn::Try(device, job)
        })
    }

    /// One that is due again, else the next that has not started.
    fn next<C: Connect>(&mut self, shared: &Shared<C>, now: Instant) -> Option<(DeviceIndex, Record)> {
        let is_stopping = shared.stop.is_stopping();
        self.state.take_due(now, is_stopping).or_else(|| {
            if is_stopping {
                return None;
            }
            let devices = shared.plan.lanes.get(self.lane.0 as usize);
            let device = *devices.get(self.state.started as usize)?;
            let job = shared.plan.job(device)?;
            self.state.started += 1;
            Some((device, Record::new(now, job)))
        })
    }

    /// When a device whose turn it is could write at the earliest: after the gap, and after listening for a late answer.
    fn earliest_write(&self, record: &Record, job: &Job, now: Instant) -> Instant {
        let heard = if record.is_unanswered { now + job.link.quiet } else { now };
        self.not_before(job).map_or(heard, |gap_over| heard.max(gap_over))
    }

    /// The end of the gap after the gateway's last exchange.
    fn not_before(&self, job: &Job) -> Option<Instant> {
        self.state.last_exchange.map(|(end, gap)| end + gap.max(job.link.gap))
    }

    async fn try_once<C: Connect>(
        &mut self,
        shared: &Shared<C>,
        device: DeviceIndex,
        job: &Job,
        connection: &mut Option<Connection<C::Stream>>,
    ) -> Attempt {
        let not_before = self.not_before(job);
        let (Some(planned), Some((_, record, progress))) = (shared.plan.device(device), self.current.as_mut()) else {
            return Attempt::not_made("the plan does not know the device");
        };
        let device_deadline = record.started + job.timing.device_deadline;
        let mut before = Before {
            request: &job.request,
            params: &job.params,
            login: job.login.as_ref(),
            save: job.save.as_deref(),
            address: &planned.address,
            link: &job.link,
            timing: &job.timing,
            not_before,
            after_unanswered: record.is_unanswered,
            is_check: false,
            device_deadline,
            stop: &shared.stop,
        };
        if let (Some(check), Phase::Asking | Phase::Verifying(_)) = (&job.check, &record.phase) {
            before = Before { request: &check.question, save: None, timing: &check.timing, is_check: true, ..before };
        }
        if let (Some(check), Phase::Verifying(verifying)) = (&job.check, &record.phase) {
            before = Before { device_deadline: verifying.deadline(check), stop: &shared.verify_stop, ..before };
        }
        attempt(&before, &shared.connect, connection, progress).await
    }

    /// What an attempt that ended at `now` means for its device.
    fn conclude<'s, C: Connect>(
        &mut self,
        shared: &'s Shared<C>,
        device: DeviceIndex,
        job: &Job,
        mut made: Attempt,
        now: Instant,
    ) -> Then<'s> {
        if made.written {
            self.state.last_exchange = Some((now, job.link.gap));
        }
        let Some((_, mut record, _)) = self.current.take() else { return Then::GoOn };
        match &made.ending {
            Ending::Exhausted(_) | Ending::Stopped(_) | Ending::Unnamed(_) => {}
            Ending::Denied(reason) => shared.warn_denied(device, reason),
            _ => shared.not_exhausted(),
        }
        if let (Some(check), Phase::Asking | Phase::Verifying(_)) = (&job.check, &record.phase) {
            record.was_asked |= made.written;
            if record.is_verifying() {
                return self.verify(shared, device, job, made.ending, record, now);
            }
            match first_answer(check, &made) {
                First::Right(value) => {
                    record.right_already(value, made.reply);
                    return Then::Tell(shared.finish(device, record.outcome(job, now, &shared.clock)));
                }
                First::Tell { is_answered } => {
                    record.phase = Phase::Commanding;
                    record.is_unanswered = !is_answered;
                    self.state.wait(now, device, record);
                    return Then::GoOn;
                }
                // Nothing of the command was written, whatever became of the question.
                First::NotAsked => made.written = false,
            }
        }
        match made.ending {
            Ending::Stopped(reason) => {
                if record.stopped(reason, made.written, made.reply) {
                    shared.cut_or_skipped();
                }
            }
            Ending::Exhausted(reason) => {
                shared.warn_exhausted(&reason);
                if now + EXHAUSTED_WAIT < shared.exhausted_since(now) + job.timing.device_deadline {
                    if record.is_untouched() {
                        // It was the last to be started, and has not been after all.
                        self.state.started = self.state.started.saturating_sub(1);
                    } else {
                        self.state.wait(now, device, record);
                    }
                    return Then::Pause;
                }
                record.internal(&reason);
            }
            ending => {
                if let (Ending::Refused(Failure { kind: ErrorKind::AuthFailed, .. }), Some(login)) =
                    (&ending, &job.login)
                {
                    self.state.refuse(login.clone());
                }
                let Some(tried) = record.take_in(Attempt { ending, ..made }, job.link.busy_delay) else {
                    return Then::GoOn;
                };
                let spent = now.saturating_duration_since(record.started);
                let idempotent = job.request.is_idempotent();
                // A device that would wait for its next attempt when the run stops keeps its last outcome.
                if let Next::Retry(wait) =
                    what_next(tried, idempotent, record.failed, &job.timing, spent, shared.random())
                    && !shared.stop.is_stopping()
                {
                    return self.wait(shared, device, record, job, now, wait);
                }
                if let Some(check) = job.check.as_ref().filter(|check| check.afterwards && record.is_acknowledged()) {
                    record.phase = Phase::verifying(check, now);
                    self.state.wait(now + check.after, device, record);
                    return Then::GoOn;
                }
            }
        }
        Then::Tell(shared.finish(device, record.outcome(job, now, &shared.clock)))
    }

    /// What a question means that came to this after the acknowledgement.
    fn verify<'s, C: Connect>(
        &mut self,
        shared: &'s Shared<C>,
        device: DeviceIndex,
        job: &Job,
        ending: Ending,
        mut record: Record,
        now: Instant,
    ) -> Then<'s> {
        if let Ending::Exhausted(reason) = &ending {
            shared.warn_exhausted(reason);
        }
        let stopped = if let Ending::Stopped(reason) = ending { Some(reason) } else { None };
        if let (Some(check), Phase::Verifying(verifying)) = (&job.check, &mut record.phase) {
            match verifying.take_in(check, ending, now) {
                Answer::Right => record.verified(),
                Answer::Again(due) if stopped.is_none() => {
                    self.state.wait(due, device, record);
                    return Then::GoOn;
                }
                Answer::Again(_) | Answer::Over => {
                    if stopped.is_some() {
                        shared.cut_or_skipped();
                    }
                    let (status, failure) = verifying.failed(check, stopped);
                    record.not_verified(status, failure);
                }
            }
        }
        Then::Tell(shared.finish(device, record.outcome(job, now, &shared.clock)))
    }

    /// The device is tried again after `wait`.
    fn wait<'s, C: Connect>(
        &mut self,
        shared: &'s Shared<C>,
        device: DeviceIndex,
        record: Record,
        job: &Job,
        now: Instant,
        wait: Duration,
    ) -> Then<'s> {
        let then = match record.failure().cloned() {
            Some(failure) => {
                let sent = record.was_written.then(|| job.request.payload().clone());
                let (attempt, at) = (record.attempts, shared.clock.at(now));
                let retry_in = wait;
                Then::Tell(shared.tell(RunEvent::AttemptFailed { device, attempt, failure, sent, retry_in, at }))
            }
            None => Then::GoOn,
        };
        self.state.wait(now + wait, device, record);
        then
    }

    /// The run has stopped: those that wait keep their last attempt's outcome, the others are skipped.
    pub(super) async fn end_stopped<C: Connect>(&mut self, shared: &Shared<C>) {
        let now = Instant::now();
        let is_cut = shared.stop.is_cut();
        for (device, mut record) in self.state.take_waiting(!is_cut) {
            let Some(job) = shared.plan.job(device) else { continue };
            if let (Some(check), Phase::Verifying(verifying)) = (&job.check, &mut record.phase) {
                let reason = shared.stop.reason().unwrap_or(StopReason::Interrupt);
                let (status, failure) = verifying.failed(check, Some(reason));
                record.not_verified(status, failure);
                shared.cut_or_skipped();
            }
            if record.has_outcome() {
                shared.finish(device, record.outcome(job, now, &shared.clock)).await;
            } else {
                shared.skip(device).await;
            }
        }
        let devices = shared.plan.lanes.get(self.lane.0 as usize);
        for &device in devices.get(self.state.started as usize..).unwrap_or_default() {
            shared.skip(device).await;
        }
        self.state.started = u32::try_from(devices.len()).unwrap_or(u32::MAX);
    }

    /// A panic in the lane: the device under way ends as our own fault, the others go on.
    pub(super) async fn end_panicked<C: Connect>(&mut self, shared: &Shared<C>, what: &str) -> After<()> {
        let now = Instant::now();
        if let Some((device, mut record, progress)) = self.current.take()
            && let Some(job) = shared.plan.job(device)
        {
            let is_command = matches!(record.phase, Phase::Commanding);
            record.panicked(what, progress.at_exchange && is_command);
            shared.finish(device, record.outcome(job, now, &shared.clock)).await;
        }
        let fresh = (self.state.started as usize) < shared.plan.lanes.get(self.lane.0 as usize).len();
        if fresh || self.state.next_due().is_some() { After::Wait(now, ()) } else { After::Done }
    }
}

/// This machine has nothing to connect with. The device waits, which is no attempt and not the start of its time, until
/// there is something; if for the whole of a device's time no lane got anything, there will be nothing.
async fn pause<C: Connect>(shared: &Shared<C>) {
    tokio::select! {
        () = sleep(EXHAUSTED_WAIT) => {}
        () = shared.stop.stopping() => {}
    }
}

/// Whether a connection that served one job may serve another: type, link and log-in are the same.
fn serves(kept: &Job, job: &Job) -> bool {
    Arc::ptr_eq(kept.request.device_type(), job.request.device_type())
        && Arc::ptr_eq(&kept.link, &job.link)
        && is_same(kept.login.as_ref(), job.login.as_ref())
}

fn is_same(one: Option<&Arc<Login>>, other: Option<&Arc<Login>>) -> bool {
    one.map(Arc::as_ptr) == other.map(Arc::as_ptr)
}

/// What is said of a device whose gateway has refused its password to another: too many wrong ones lock some boards.
fn refused_before() -> Failure {
    Failure::new(ErrorKind::AuthFailed).detail("refused to another device of this gateway, not sent again")
}
