//! What is known of a device while it is under way, and the outcome that it comes to.

use std::time::Duration;

use tokio::time::Instant;

use super::checking::Phase;
use super::policy::Tried;
use crate::lie::{Lie, tells};
use crate::model::{
    AttemptError, Delivery, ErrorKind, Failure, FileRecord, Outcome, ReplyTime, SkipReason, Status, StopReason,
    UnixMillis, Value,
};
use crate::plan::Job;
use crate::session::{Attempt, Ending};

/// A device's attempts so far.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one device")]
pub(super) struct Record {
    /// When its first attempt began, in this pass: from then on its own time counts.
    pub(super) started: Instant,
    /// Every try at the device, busy ones included.
    pub(super) attempts: u32,
    /// Those of earlier passes.
    attempts_before: u32,
    /// Those that were not answered.
    pub(super) failed: u32,
    /// Some attempt wrote a byte of the command.
    pub(super) was_written: bool,
    /// An attempt was written, and none since then was answered: its answer may still come.
    pub(super) is_unanswered: bool,
    /// Some attempt was written without a valid reply.
    has_unanswered: bool,
    /// It has been asked something.
    pub(super) was_asked: bool,
    /// It has acknowledged its command.
    is_acknowledged: bool,
    /// It has shown the wanted state.
    is_right: bool,
    /// It gets no further pass.
    is_given_up: bool,
    /// It was asked first and waits for its command: its time has not begun.
    pub(super) awaits_start: bool,
    /// What its next exchange is about.
    pub(super) phase: Phase,
    /// Why the device is skipped, if in the end nothing was written nor judged.
    skip: SkipReason,
    /// Apart, as most of the devices under way have none.
    past: Option<Box<Past>>,
}

/// What a device's attempts came to.
#[derive(Debug, Default)]
struct Past {
    last: Option<Last>,
    earlier: Vec<AttemptError>,
    /// How long the last valid reply to its command took.
    reply_time: Option<ReplyTime>,
    /// When its first attempt began, if that was in an earlier pass.
    began: Option<Instant>,
}

/// What the last attempt came to.
#[derive(Debug)]
struct Last {
    status: Status,
    delivery: Delivery,
    value: Option<Value>,
    reply: Option<Box<[u8]>>,
    file: Option<Box<FileRecord>>,
    failure: Option<Failure>,
}

/// The run's clock: wall time is read once, at the start; from then on it advances with the runtime's own clock.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    /// The start on the runtime's clock.
    pub started: Instant,
    /// The same moment on the wall.
    pub started_at: UnixMillis,
}

impl RunClock {
    /// A moment of the run on the wall.
    pub fn at(&self, now: Instant) -> UnixMillis {
        self.started_at.after(now.saturating_duration_since(self.started))
    }
}

/// `verified` and `changed`, each where it is asked for.
pub(super) fn checked(job: &Job, is_right: bool, is_acknowledged: bool) -> (Option<bool>, Option<bool>) {
    let check = job.check.as_deref();
    let verified = check.filter(|check| check.afterwards).map(|_| is_right);
    (verified, check.filter(|check| check.before).map(|_| is_acknowledged))
}

impl Record {
    /// A device whose first attempt begins now.
    pub(super) fn new(now: Instant, job: &Job) -> Self {
        Self {
            started: now,
            attempts: 0,
            attempts_before: 0,
            failed: 0,
            was_written: false,
            is_unanswered: false,
            has_unanswered: false,
            was_asked: false,
            is_acknowledged: false,
            is_right: false,
            is_given_up: false,
            awaits_start: false,
            phase: Phase::first(job, true),
            skip: SkipReason::Internal,
            past: None,
        }
    }

    /// The device begins another pass now.
    pub(super) fn again(&mut self, now: Instant, job: &Job) {
        self.past.get_or_insert_default().began.get_or_insert(self.started);
        self.started = now;
        self.attempts_before = self.attempts;
        self.failed = 0;
        self.awaits_start = false;
        self.phase = Phase::first(job, false);
    }

    /// It was asked first and is not right: its command is next, in a time of its own.
    pub(super) fn begin_command(&mut self) {
        self.phase = Phase::Commanding;
        self.awaits_start = true;
    }

    /// It waits for its start once more, if it has waited for that alone.
    pub(super) fn waits_for_start(&mut self) {
        self.awaits_start |= self.attempts == self.attempts_before && matches!(self.phase, Phase::Commanding);
    }

    /// Its turn has come at `now`.
    pub(super) fn starts(&mut self, now: Instant) {
        if std::mem::take(&mut self.awaits_start) {
            self.started = now;
        }
    }

    /// Whether its own time is over at `now`, and its outcome known: nothing more is waited for.
    pub(super) fn is_late(&self, job: &Job, now: Instant) -> bool {
        !self.awaits_start && self.has_outcome() && !self.is_verifying() && now >= self.time_over(job)
    }

    /// When its own time is over.
    pub(super) fn time_over(&self, job: &Job) -> Instant {
        self.started + job.timing.device_deadline
    }

    /// It is believed to be dead: it gets no further pass.
    pub(super) fn give_up(&mut self) {
        self.is_given_up = true;
    }

    /// Whether it has failed in a way that another pass may change without making it act twice.
    pub(super) fn may_come_back(&self, job: &Job) -> bool {
        let Some(last) = self.last() else { return false };
        let is_failure = match last.status {
            Status::Ok | Status::Sent | Status::Skipped => false,
            Status::Rejected => last.failure.as_ref().is_some_and(|failure| failure.kind == ErrorKind::Busy),
            Status::Unreachable | Status::NoReply | Status::BadReply | Status::Mismatch => true,
        };
        is_failure
            && !self.is_given_up
            && !(tells(Lie::PassForgets) && last.status == Status::Unreachable)
            && (job.request.is_idempotent()
                || tells(Lie::PulseInNextPass)
                || !(self.has_unanswered || self.is_acknowledged))
    }

    /// Whether it is a success as things stand.
    pub(super) fn is_success(&self) -> bool {
        self.last().is_some_and(|last| last.status.is_success())
    }

    fn last(&self) -> Option<&Last> {
        self.past.as_ref()?.last.as_ref()
    }

    fn set_last(&mut self, last: Option<Last>) {
        self.past.get_or_insert_default().last = last;
    }

    /// Takes an attempt in and says what it means for another one. `None`: it was none, because this machine had
    /// nothing to make it with.
    pub(super) fn take_in(&mut self, attempt: Attempt, busy_delay: Duration) -> Option<Tried> {
        let delivery = attempt.ending.delivery(attempt.written);
        let is_answered = attempt.ending.is_answered();
        let (tried, status, value, failure) = match attempt.ending {
            Ending::Acknowledged { value } => (Tried::Settled, Status::Ok, value, None),
            Ending::Sent => (Tried::Settled, Status::Sent, None, None),
            Ending::Refused(failure) => (Tried::Settled, Status::Rejected, None, Some(failure)),
            Ending::Busy(failure) => (Tried::Busy { delay: busy_delay }, Status::Rejected, None, Some(failure)),
            Ending::Unnamed(failure) => (Tried::Settled, Status::Unreachable, None, Some(failure)),
            Ending::Failed { status, failure } if failure.kind == ErrorKind::DeviceDeadline => {
                (Tried::Settled, status, None, Some(failure))
            }
            Ending::Failed { status, failure } => (Tried::Unanswered { delivery }, status, None, Some(failure)),
            Ending::Denied(reason) => {
                self.internal(&reason);
                return Some(Tried::Settled);
            }
            Ending::Stopped(_) | Ending::Exhausted(_) | Ending::NotSoon => return None,
        };
        self.file_last();
        self.attempts += u32::from(!(tells(Lie::AttemptsForgotten) && matches!(tried, Tried::Busy { .. })));
        self.failed += u32::from(matches!(tried, Tried::Unanswered { .. }));
        self.was_written |= attempt.written;
        let left_open = attempt.written && !is_answered && delivery == Delivery::Unknown;
        self.is_unanswered = (self.is_unanswered || left_open) && !is_answered;
        self.has_unanswered |= left_open;
        self.is_acknowledged |= status == Status::Ok;
        self.set_last(Some(Last { status, delivery, value, reply: attempt.reply, file: attempt.file, failure }));
        if delivery == Delivery::Confirmed
            && let Some(past) = &mut self.past
        {
            past.reply_time = attempt.reply_time;
        }
        Some(tried)
    }

    /// Moves the last attempt's failure to the earlier ones.
    fn file_last(&mut self) {
        if let Some(past) = &mut self.past
            && let Some(failure) = past.last.take().and_then(|last| last.failure)
        {
            past.earlier.push(AttemptError { attempt: self.attempts, failure });
        }
    }

    /// The failure of the last attempt.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.last()?.failure.as_ref()
    }

    /// Whether an attempt has been judged.
    pub(super) fn has_outcome(&self) -> bool {
        self.last().is_some()
    }

    /// It was asked first, and is right already.
    pub(super) fn right_already(&mut self, value: Value, reply: Option<Box<[u8]>>) {
        // That of an earlier pass stays as it was.
        let delivery = self.last().map_or(Delivery::None, |last| last.delivery);
        self.file_last();
        self.attempts += 1;
        self.is_right = true;
        let (status, value) = (Status::Ok, Some(value));
        self.set_last(Some(Last { status, delivery, value, reply, file: None, failure: None }));
    }

    /// It has shown the wanted state.
    pub(super) fn verified(&mut self) {
        self.is_right = true;
    }

    /// It has acknowledged, but not shown the wanted state.
    pub(super) fn not_verified(&mut self, status: Status, failure: Failure) {
        if let Some(last) = self.past.as_mut().and_then(|past| past.last.as_mut()) {
            last.status = status;
            last.failure = Some(failure);
        }
    }

    /// Whether it has acknowledged its command.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.last().is_some_and(|last| last.status == Status::Ok) && self.is_acknowledged
    }

    /// Whether it has acknowledged and is asked for its state.
    pub(super) fn is_verifying(&self) -> bool {
        matches!(self.phase, Phase::Verifying(_))
    }

    /// Whether nothing was sent to it yet.
    pub(super) fn is_untouched(&self) -> bool {
        self.attempts == 0 && !self.was_asked
    }

    /// Nothing was tried, because its password is known to be wrong; what an attempt came to before stands.
    pub(super) fn not_asked(&mut self, failure: Failure) {
        self.past.get_or_insert_default().last.get_or_insert(Last {
            status: Status::Rejected,
            delivery: Delivery::None,
            value: None,
            reply: None,
            file: None,
            failure: Some(failure),
        });
    }

    /// The run stopped while an attempt was under way; `written`: its command was, at least in part. Says whether that
    /// has cost the device its outcome: an answer (that it is busy) stands as long as nothing was written since.
    pub(super) fn stopped(&mut self, reason: StopReason, written: bool, reply: Option<Box<[u8]>>) -> bool {
        if !written && self.last().is_some_and(|last| last.delivery == Delivery::Confirmed) {
            return false;
        }
        self.file_last();
        self.attempts += 1;
        self.skip = reason.skip();
        self.was_written |= written;
        self.has_unanswered |= written;
        self.set_last(self.was_written.then(|| Last {
            status: Status::NoReply,
            delivery: Delivery::Unknown,
            value: None,
            reply,
            file: None,
            failure: Some(Failure::new(ErrorKind::Interrupted).detail(reason.words())),
        }));
        true
    }

    /// A panic ended it; `written`: its command perhaps was. What it has acknowledged stays acknowledged.
    pub(super) fn panicked(&mut self, reason: &str, written: bool) {
        if self.is_verifying() {
            self.not_verified(Status::NoReply, Failure::new(ErrorKind::Internal).detail(reason));
            return;
        }
        self.was_written |= written;
        self.has_unanswered |= written;
        self.internal(reason);
    }

    /// Our own fault ended it.
    pub(super) fn internal(&mut self, reason: &str) {
        self.file_last();
        self.attempts += 1;
        self.skip = SkipReason::Internal;
        self.set_last(self.was_written.then(|| Last {
            status: Status::NoReply,
            delivery: Delivery::Unknown,
            value: None,
            reply: None,
            file: None,
            failure: Some(Failure::new(ErrorKind::Internal).detail(reason)),
        }));
    }

    /// The outcome as things stand.
    pub(super) fn outcome(self, job: &Job, now: Instant, clock: &RunClock) -> Outcome {
        let past = self.past.map(|past| *past).unwrap_or_default();
        let (verified, changed) = checked(job, self.is_right, self.is_acknowledged);
        let Some(last) = past.last else { return Outcome { verified, changed, ..Outcome::skipped(self.skip) } };
        // What it has acknowledged stays so, though nobody reached it when it was asked for its state in a later pass.
        let delivery = match (last.delivery, self.has_unanswered) {
            (Delivery::Confirmed, _) => Delivery::Confirmed,
            (_, true) if tells(Lie::NoneAfterWrite) => Delivery::None,
            (_, true) if tells(Lie::ConfirmedBySilence) && last.reply.is_some() => Delivery::Confirmed,
            (_, true) => Delivery::Unknown,
            (_, false) if self.is_acknowledged => Delivery::Confirmed,
            (_, false) => Delivery::None,
        };
        Outcome {
            status: last.status,
            delivery,
            reason: None,
            verified,
            changed,
            attempts: self.attempts,
            elapsed: now.saturating_duration_since(past.began.unwrap_or(self.started)),
            reply_time: past.reply_time.filter(|_| delivery == Delivery::Confirmed),
            finished_at: Some(clock.at(now)),
            sent: (self.was_written && !(tells(Lie::SentForgotten) && self.is_unanswered))
                .then(|| job.request.payload().clone()),
            reply: last.reply.map(Into::into),
            value: last.value,
            file: last.file,
            error: last.failure.map(Box::new),
            earlier_errors: past.earlier.into(),
        }
    }
}
