//! Serves one lane: the devices behind one gateway, one exchange at a time, over one connection where the type allows.
//!
//! A visit lasts as long as one of its devices may go on; then the lane gives its slot back and keeps no connection,
//! until the next device is due. What must outlive a panic or a stop (who is under way, and how far) stands in the
//! `Visit`, outside of the future that may be dropped. Decides nothing itself: `policy/` does.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::lane_state::LaneState;
use super::policy::{Next, what_next};
use super::ready::{After, LaneIndex};
use super::record::Record;
use super::shared::Shared;
use crate::device_type::Login;
use crate::model::{DeviceIndex, ErrorKind, Failure, RunEvent};
use crate::plan::Job;
use crate::session::{Before, Connection, Ending, Progress, attempt, close};
use crate::transport::Connect;

/// How long a lane waits when this machine has no file, port or memory left. It keeps its slot meanwhile: no other lane
/// could use that, and those that have not started need not start only to wait too.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(100);

/// A lane that holds a slot.
pub(super) struct Visit {
    pub(super) lane: LaneIndex,
    pub(super) state: LaneState,
    /// The device under way.
    current: Option<(DeviceIndex, Record, Progress)>,
}

impl Visit {
    pub(super) fn new(lane: LaneIndex, state: Option<LaneState>) -> Self {
        Self { lane, state: state.unwrap_or_default(), current: None }
    }

    /// Serves the lane until none of its devices may go on.
    pub(super) async fn serve<C: Connect>(&mut self, shared: &Shared<C>) -> After<()> {
        let mut connection = None;
        let mut kept_for: Option<&Job> = None;
        while !shared.stop.is_stopping() {
            let Some((device, mut record)) = self.next(shared, Instant::now()) else { break };
            let Some(job) = shared.plan.job(device) else { break };
            let now = Instant::now();
            let late = record.has_outcome()
                && self.earliest_write(&record, job, now) >= record.started + job.timing.device_deadline;
            let is_refused = job.login.as_ref().is_some_and(|login| self.is_refused(login));
            if is_refused {
                record.not_asked(refused_before());
            }
            if late || is_refused {
                shared.finish(device, record.outcome(job, now, &shared.clock)).await;
                continue;
            }
            self.current = Some((device, record, Progress::default()));
            if !kept_for.is_some_and(|kept| serves(kept, job)) {
                close(&mut connection).await;
            }
            self.try_once(shared, device, job, &mut connection).await;
            kept_for = Some(job);
        }
        close(&mut connection).await;
        if shared.stop.is_stopping() {
            Box::pin(self.end_stopped(shared)).await;
            return After::Done;
        }
        match self.state.waiting.first_key_value() {
            Some((&(due, _), _)) => After::Wait(due, ()),
            None => After::Done,
        }
    }

    /// The device whose turn it is: one that is due again, else the next that has not started.
    fn next<C: Connect>(&mut self, shared: &Shared<C>, now: Instant) -> Option<(DeviceIndex, Record)> {
        if let Some(first) = self.state.waiting.first_entry().filter(|first| first.key().0 <= now) {
            let ((_, device), record) = first.remove_entry();
            return Some((device, record));
        }
        let devices = shared.plan.lanes.get(self.lane.0 as usize);
        let device = *devices.get(self.state.started)?;
        self.state.started += 1;
        Some((device, Record::new(now)))
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

    /// Whether the gateway has refused this log-in to one of its devices.
    fn is_refused(&self, login: &Arc<Login>) -> bool {
        self.state.refused.iter().any(|refused| Arc::ptr_eq(refused, login))
    }

    async fn try_once<C: Connect>(
        &mut self,
        shared: &Shared<C>,
        device: DeviceIndex,
        job: &Job,
        connection: &mut Option<Connection<C::Stream>>,
    ) {
        let Some(address) = shared.plan.device(device).map(|device| &device.address) else { return };
        let not_before = self.not_before(job);
        let Some((_, record, progress)) = self.current.as_mut() else { return };
        let before = Before {
            request: &job.request,
            params: &job.params,
            login: job.login.as_ref(),
            save: job.save.as_deref(),
            address,
            link: &job.link,
            timing: &job.timing,
            not_before,
            after_unanswered: record.is_unanswered,
            device_deadline: record.started + job.timing.device_deadline,
            stop: &shared.stop,
        };
        let made = attempt(&before, &shared.connect, connection, progress).await;
        let now = Instant::now();
        if matches!(&made.ending, Ending::Refused(failure) if failure.kind == ErrorKind::AuthFailed) {
            self.state.refused.extend(job.login.clone());
        }
        if made.written {
            self.state.last_exchange = Some((now, job.link.gap));
        }
        let Some((_, mut record, _)) = self.current.take() else { return };
        match &made.ending {
            Ending::Exhausted(_) | Ending::Stopped(_) | Ending::Unnamed(_) => {}
            Ending::Denied(reason) => shared.warn_denied(&address.to_string(), reason),
            _ => shared.not_exhausted(),
        }
        match made.ending {
            Ending::Stopped(reason) => {
                if record.stopped(reason, made.written, made.reply) {
                    shared.cut_or_skipped();
                }
                shared.finish(device, record.outcome(job, now, &shared.clock)).await;
            }
            Ending::Exhausted(reason) => {
                Box::pin(self.wait_for_files(shared, device, record, job, &reason, now)).await;
            }
            _ => {
                let Some(tried) = record.take_in(made, job.link.busy_delay) else { return };
                let spent = now.saturating_duration_since(record.started);
                let idempotent = job.request.is_idempotent();
                match what_next(tried, idempotent, record.failed, &job.timing, spent, shared.random()) {
                    Next::Retry(wait) if !shared.stop.is_stopping() => {
                        let failure = record.failure().cloned();
                        Box::pin(self.wait(shared, device, record, failure, now, wait)).await;
                    }
                    // A device that would wait for its next attempt when the run stops keeps its last outcome.
                    _ => shared.finish(device, record.outcome(job, now, &shared.clock)).await,
                }
            }
        }
    }

    async fn wait<C: Connect>(
        &mut self,
        shared: &Shared<C>,
        device: DeviceIndex,
        record: Record,
        failure: Option<Failure>,
        now: Instant,
        wait: Duration,
    ) {
        if let Some(failure) = failure {
            let attempt = record.attempts;
            let job = shared.plan.job(device).filter(|_| record.was_written);
            let sent = job.map(|job| job.request.payload().clone());
            let at = shared.clock.at(now);
            shared.tell(RunEvent::AttemptFailed { device, attempt, failure, sent, retry_in: wait, at }).await;
        }
        self.state.waiting.insert((now + wait, device), record);
    }

    /// This machine has nothing to connect with. The device waits, which is no attempt and not the start of its time,
    /// until there is something; if for the whole of a device's time no lane got anything, there will be nothing.
    async fn wait_for_files<C: Connect>(
        &mut self,
        shared: &Shared<C>,
        device: DeviceIndex,
        mut record: Record,
        job: &Job,
        reason: &str,
        now: Instant,
    ) {
        shared.warn_exhausted(reason);
        if now + EXHAUSTED_WAIT >= shared.exhausted_since(now) + job.timing.device_deadline {
            record.internal(reason);
            shared.finish(device, record.outcome(job, now, &shared.clock)).await;
            return;
        }
        if record.attempts == 0 {
            // It was the last to be started, and has not been after all.
            self.state.started = self.state.started.saturating_sub(1);
        } else {
            self.state.waiting.insert((now, device), record);
        }
        tokio::select! {
            () = sleep(EXHAUSTED_WAIT) => {}
            () = shared.stop.stopping() => {}
        }
    }

    /// The run has stopped: those that wait keep their last attempt's outcome, the others are skipped.
    pub(super) async fn end_stopped<C: Connect>(&mut self, shared: &Shared<C>) {
        let now = Instant::now();
        let waiting = std::mem::take(&mut self.state.waiting);
        let mut waiting: Vec<_> = waiting.into_iter().map(|((_, device), record)| (device, record)).collect();
        waiting.sort_by_key(|(device, _)| *device);
        for (device, record) in waiting {
            let Some(job) = shared.plan.job(device) else { continue };
            if record.has_outcome() {
                shared.finish(device, record.outcome(job, now, &shared.clock)).await;
            } else {
                shared.skip(device).await;
            }
        }
        let devices = shared.plan.lanes.get(self.lane.0 as usize);
        for &device in devices.get(self.state.started..).unwrap_or_default() {
            shared.skip(device).await;
        }
        self.state.started = devices.len();
    }

    /// A panic in the lane: the device under way ends as our own fault, the others go on.
    pub(super) async fn end_panicked<C: Connect>(&mut self, shared: &Shared<C>, what: &str) -> After<()> {
        let now = Instant::now();
        if let Some((device, mut record, progress)) = self.current.take()
            && let Some(job) = shared.plan.job(device)
        {
            record.panicked(what, progress.at_exchange);
            shared.finish(device, record.outcome(job, now, &shared.clock)).await;
        }
        let fresh = self.state.started < shared.plan.lanes.get(self.lane.0 as usize).len();
        if fresh || !self.state.waiting.is_empty() { After::Wait(now, ()) } else { After::Done }
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
