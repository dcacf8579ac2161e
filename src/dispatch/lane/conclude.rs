//! What an attempt means for its device: its outcome, another attempt, a question, or a wait.

use std::time::Duration;

use tokio::time::Instant;

use super::{Current, EXHAUSTED_WAIT, Then, Visit};
use crate::dispatch::checking::{Answer, First, Phase, first_answer};
use crate::dispatch::policy::{Next, Tried, what_next};
use crate::dispatch::record::Record;
use crate::dispatch::shared::Shared;
use crate::lie::{Lie, tells};
use crate::model::{DeviceIndex, ErrorKind, Failure, RunEvent};
use crate::plan::Job;
use crate::session::{Attempt, Ending};
use crate::transport::Connect;

impl Visit {
    /// What an attempt that ended at `now` means for its device.
    pub(super) fn conclude<'s, C: Connect>(
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
        let Some(Current { mut record, grant, progress, .. }) = self.current.take() else { return Then::GoOn };
        if let Some(grant) = &grant {
            shared.ends(grant, made.written);
        }
        match &made.ending {
            Ending::Exhausted(_) | Ending::Stopped(_) | Ending::NotSoon | Ending::Unnamed(_) => {}
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
                    return Then::Tell(shared.conclude(device, record, job, now));
                }
                First::Tell { is_answered } => {
                    record.begin_command();
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
                    shared.cut_by(reason);
                }
            }
            Ending::NotSoon => {
                self.comes_back(shared, device, record, now);
                return Then::GoOn;
            }
            Ending::Exhausted(reason) => {
                shared.warn_exhausted(&reason);
                if now + EXHAUSTED_WAIT < shared.exhausted_since(now) + job.timing.device_deadline {
                    self.comes_back(shared, device, record, now);
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
                // Believed to be dead, and not found again: it costs no more.
                let is_dead = job.is_probe && record.attempts == 1 && !progress.is_connected;
                let tried = match tried {
                    Tried::Unanswered { .. } if is_dead => {
                        record.give_up();
                        Tried::Settled
                    }
                    tried => tried,
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
                    if tells(Lie::VerifiedUnasked) {
                        record.verified();
                        return Then::Tell(shared.conclude(device, record, job, now));
                    }
                    record.phase = Phase::verifying(check, now);
                    self.state.wait(now + check.after, device, record);
                    return Then::GoOn;
                }
            }
        }
        Then::Tell(shared.conclude(device, record, job, now))
    }

    /// Nothing was tried, by no fault of the device: it is as if its turn had not come.
    fn comes_back<C: Connect>(&mut self, shared: &Shared<C>, device: DeviceIndex, mut record: Record, now: Instant) {
        if record.is_untouched() {
            let need = shared.first_need(device);
            self.state.put_back(self.round.devices(&shared.plan, self.lane), device, need);
        } else {
            record.waits_for_start();
            self.state.wait(now, device, record);
        }
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
                // Where the run was stopped, whoever waits is ended by that.
                Answer::Again(due) => {
                    self.state.wait(due, device, record);
                    return Then::GoOn;
                }
                Answer::Over => {
                    if stopped.is_some() {
                        shared.cut_or_skipped();
                    }
                    let (status, failure) = verifying.failed(check, stopped);
                    record.not_verified(status, failure);
                }
            }
        }
        Then::Tell(shared.conclude(device, record, job, now))
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
}
