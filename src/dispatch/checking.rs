//! Where a device stands between its command and the questions about its state, and what an answer means.
//!
//! `--if-needed` asks first, `--verify` after the acknowledgement, as often and as long as the type says. Questions are
//! no attempts. Background: contract.md, "Verify, if-needed, until".

use std::time::Duration;

use tokio::time::Instant;

use crate::lie::{Lie, tells};
use crate::model::{ErrorKind, Failure, Status, StopReason, Value};
use crate::plan::{Check, Job};
use crate::session::{Attempt, Ending};

/// What a device's next exchange is about.
#[derive(Debug)]
pub(super) enum Phase {
    /// Whether it is right already.
    Asking,
    /// Its command.
    Commanding,
    /// Whether its command has had its effect.
    Verifying(Box<Verifying>),
}

/// A device that has acknowledged and is asked for its state.
#[derive(Debug)]
pub(super) struct Verifying {
    /// No question is asked later.
    until: Instant,
    /// The last state that it showed.
    shown: Option<Value>,
    /// What the last question came to that showed none.
    unanswered: Option<(Status, Failure)>,
}

/// What follows a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The device is as it should be.
    Right,
    /// Another question at this time.
    Again(Instant),
    /// Nothing more is asked.
    Over,
}

impl Phase {
    /// Where a device begins. In a later pass, what is to be verified may have become true meanwhile: it is asked first.
    pub(super) fn first(job: &Job, is_first_pass: bool) -> Self {
        let asks = job.check.as_ref().is_some_and(|check| check.before || (check.afterwards && !is_first_pass));
        if asks { Self::Asking } else { Self::Commanding }
    }

    /// The device has acknowledged at `now`.
    pub(super) fn verifying(check: &Check, now: Instant) -> Self {
        Self::Verifying(Box::new(Verifying { until: now + check.within, shown: None, unanswered: None }))
    }
}

impl Verifying {
    /// The end of the time that a question has which begins at `now`, at the last moment perhaps. The first one has its
    /// time however late its turn comes: nothing can be said of a device that was never asked.
    pub(super) fn deadline(&self, check: &Check, now: Instant) -> Instant {
        let is_first = self.shown.is_none() && self.unanswered.is_none();
        let begins = if is_first { self.until.max(now) } else { self.until };
        begins + check.timing.connect_timeout + check.timing.reply_timeout
    }

    /// Takes in what a question came to that ended at `now`.
    pub(super) fn take_in(&mut self, check: &Check, ending: Ending, now: Instant) -> Answer {
        match ending {
            Ending::Acknowledged { value: Some(_) } if tells(Lie::AnyStateRight) => return Answer::Right,
            Ending::Acknowledged { value: Some(value) } if value.is(&check.wanted) => return Answer::Right,
            Ending::Acknowledged { value } => {
                self.shown = value.or_else(|| self.shown.take());
            }
            // No, not now and nothing at all mean the same: not yet.
            Ending::Refused(failure) | Ending::Busy(failure) => self.unanswered = Some((Status::Rejected, failure)),
            Ending::Failed { status, failure } => self.unanswered = Some((status, failure)),
            Ending::Unnamed(failure) => self.unanswered = Some((Status::Unreachable, failure)),
            Ending::Denied(why) => {
                self.unanswered = Some((Status::NoReply, Failure::new(ErrorKind::Internal).detail(why)));
            }
            // Our own fault, and one that may pass: the next question may find what it needs.
            Ending::Exhausted(why) => {
                self.unanswered = Some((Status::NoReply, Failure::new(ErrorKind::Internal).detail(why)));
            }
            Ending::Sent | Ending::Stopped(_) | Ending::NotSoon => {}
        }
        let next = now + check.every.max(Duration::from_millis(1));
        if next <= self.until { Answer::Again(next) } else { Answer::Over }
    }

    /// What becomes of a device that did not show the wanted state to the end, or until the run `stopped`.
    pub(super) fn failed(&mut self, check: &Check, stopped: Option<StopReason>) -> (Status, Failure) {
        match (self.shown.take(), stopped, self.unanswered.take()) {
            (Some(shown), ..) => mismatch(&shown, check),
            (None, Some(reason), _) => (Status::NoReply, Failure::new(ErrorKind::Interrupted).detail(reason.words())),
            (None, None, Some(last)) => last,
            (None, None, None) => (Status::NoReply, Failure::new(ErrorKind::ReplyTimeout)),
        }
    }
}

/// What the answer to a first question means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum First {
    /// The device is right already.
    Right(Value),
    /// It shows another state, or none that can be read: it is told.
    Tell {
        /// It has answered something.
        is_answered: bool,
    },
    /// It could not be asked, which counts as an attempt.
    NotAsked,
}

/// What came of the first question.
pub(super) fn first_answer(check: &Check, made: &Attempt) -> First {
    match &made.ending {
        Ending::Acknowledged { value: Some(value) } if value.is(&check.wanted) || tells(Lie::LeftAlone) => {
            First::Right(value.clone())
        }
        Ending::Stopped(_) | Ending::Exhausted(_) | Ending::Denied(_) => First::NotAsked,
        Ending::Refused(failure) if failure.kind == ErrorKind::AuthFailed => First::NotAsked,
        _ if !made.written => First::NotAsked,
        ending => First::Tell { is_answered: ending.is_answered() },
    }
}

fn mismatch(shown: &Value, check: &Check) -> (Status, Failure) {
    let said = format!("it shows `{}`, not `{}`", shown.words(), check.wanted);
    (Status::Mismatch, Failure::new(ErrorKind::Mismatch).detail(said))
}
