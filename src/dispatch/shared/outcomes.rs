//! Outcomes: where a device begins, what becomes of it when nothing more is tried, and what cost others theirs.

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::{Shared, Telling};
use crate::dispatch::record::{Record, checked};
use crate::model::{DeviceIndex, Outcome, RunEvent, SkipReason, StopReason};
use crate::plan::Job;
use crate::transport::Connect;

impl<C: Connect> Shared<C> {
    /// What is known of a device that begins now.
    pub(in crate::dispatch) fn begin(&self, device: DeviceIndex, job: &Job, now: Instant) -> Record {
        let known = self.between.as_ref().filter(|_| !self.is_first_pass()).and_then(|between| between.take(device));
        known.map_or_else(
            || Record::new(now, job),
            |(_, mut record)| {
                record.again(now, job);
                *record
            },
        )
    }

    /// Nothing more is tried for a device in this pass: tells its outcome, unless it may have another pass.
    pub(in crate::dispatch) fn conclude(
        &self,
        device: DeviceIndex,
        record: Record,
        job: &Job,
        now: Instant,
    ) -> Telling<'_> {
        let is_failure = !record.is_success() && record.has_outcome();
        if is_failure && !self.stop.is_stopping() && self.failures.add() {
            self.starts_over.store(true, Ordering::Release);
            self.ask_to_skip();
            self.wake_crews();
        }
        if let Some(between) = self.between.as_ref().filter(|_| self.has_passes)
            && !self.stop.is_stopping()
            && record.may_come_back(job)
        {
            between.keep(device, record, now);
            return None.into();
        }
        self.finish(device, record.outcome(job, now, &self.clock))
    }

    /// Tells that a device has its outcome.
    fn finish(&self, device: DeviceIndex, outcome: Outcome) -> Telling<'_> {
        let at = outcome.finished_at.unwrap_or_else(|| self.clock.at(Instant::now()));
        self.tell(RunEvent::DeviceFinished { device, outcome: Box::new(outcome), at })
    }

    /// A device is not started any more; what an earlier pass came to stands.
    pub(in crate::dispatch) fn skip(&self, device: DeviceIndex) -> Telling<'_> {
        let job = self.plan.job(device);
        let known = self.between.as_ref().and_then(|between| between.take(device));
        if let (Some((at, record)), Some(job)) = (known, job) {
            // Its pass, or the next one, is cut.
            if self.stop.is_stopping() {
                self.cut_or_skipped();
            }
            return self.finish(device, record.outcome(job, at, &self.clock));
        }
        self.cut_or_skipped();
        // Failures are not counted once the run stops: where they were too many, that came first.
        let by_failures = self.starts_are_over();
        self.skipped_by_failures.fetch_or(by_failures, Ordering::Relaxed);
        let reason = if by_failures { Some(StopReason::MaxFailures) } else { self.stop.reason() };
        let reason = reason.map_or(SkipReason::Internal, StopReason::skip);
        let (verified, changed) = job.map_or((None, None), |job| checked(job, false, false));
        self.finish(device, Outcome { verified, changed, ..Outcome::skipped(reason) })
    }

    /// This has cost a device its outcome.
    pub(in crate::dispatch) fn cut_by(&self, reason: StopReason) {
        self.cut_or_skipped();
        self.skipped_by_failures.fetch_or(reason == StopReason::MaxFailures, Ordering::Relaxed);
    }

    /// The stop has cost a device its outcome: the run is not completed.
    pub(in crate::dispatch) fn cut_or_skipped(&self) {
        self.was_cut.store(true, Ordering::Relaxed);
    }

    /// What has cost a device its outcome, or kept it from starting: the first cause.
    pub(in crate::dispatch) fn cause(&self) -> Option<StopReason> {
        if self.skipped_by_failures.load(Ordering::Relaxed) {
            return Some(StopReason::MaxFailures);
        }
        self.stop.reason().filter(|_| self.was_cut.load(Ordering::Relaxed))
    }
}
