//! What differs from the schedule's run before: new failures, devices that still fail, devices that work again.
//!
//! Pure. A device that was never started tonight says nothing of itself: it is neither a new failure nor a recovery.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Device, Ended, SkipReason, Status, UnixMillis};
use crate::report::Collected;

/// What the runs before came to, as far as the next message needs it.
#[derive(Debug, Clone, Default)]
pub struct Previous {
    /// The devices that were no success when the schedule last tried them, and since when: the start of the first run in
    /// an unbroken row of failures. Devices that were not tried in the last run keep what an earlier one says; held
    /// devices are left out.
    pub failing: HashMap<Arc<str>, UnixMillis>,
}

/// A run beside the one before it. All lists are in inventory order.
pub(super) struct Change<'a> {
    /// Failures that are new; all of them where nothing is known of an earlier run.
    pub(super) failed: Vec<&'a Device>,
    /// Failures that are not, and since when.
    pub(super) still: Vec<(&'a Device, UnixMillis)>,
    /// Successes that were failures before, and since when they had failed.
    pub(super) recovered: Vec<(&'a Device, UnixMillis)>,
    /// Those that acknowledged, and did so before as far as is known.
    pub(super) obeyed: Vec<&'a Device>,
    /// Devices that were to be told and were not: the run was cut short, or the fault is ours.
    pub(super) not_started: Vec<&'a Device>,
    /// Devices that somebody keeps out of runs.
    pub(super) held: Vec<&'a Device>,
    /// Whether there was something to compare with.
    pub(super) is_compared: bool,
    /// Since when the schedule could not start, where this is its first run after that.
    pub(super) unstarted_since: Option<UnixMillis>,
}

impl<'a> Change<'a> {
    /// Compares.
    pub(super) fn of(run: &'a Collected, previous: Option<&Previous>) -> Self {
        let mut change = Self {
            failed: Vec::new(),
            still: Vec::new(),
            recovered: Vec::new(),
            obeyed: Vec::new(),
            not_started: Vec::new(),
            held: Vec::new(),
            is_compared: previous.is_some(),
            unstarted_since: None,
        };
        for (device, outcome) in run.outcomes() {
            let since = previous.and_then(|previous| previous.failing.get(&*device.name).copied());
            match (outcome.status, since) {
                (Status::Skipped, _) => {
                    let is_missed = matches!(
                        outcome.reason,
                        Some(
                            SkipReason::Interrupted
                                | SkipReason::Deadline
                                | SkipReason::MaxFailures
                                | SkipReason::Internal
                        )
                    );
                    change.not_started.extend(is_missed.then_some(device));
                    change.held.extend(outcome.is_held().then_some(device));
                }
                (Status::Ok, None) => change.obeyed.push(device),
                (status, None) if status.is_success() => {}
                (status, Some(since)) if status.is_success() => change.recovered.push((device, since)),
                (_, None) => change.failed.push(device),
                (_, Some(since)) => change.still.push((device, since)),
            }
        }
        change
    }

    /// The first run after others that could not start, since then.
    #[must_use]
    pub(super) fn unstarted(self, since: Option<UnixMillis>) -> Self {
        Self { unstarted_since: since, ..self }
    }

    /// Whether somebody who wants to hear of changes is told: a run that was cut short hides changes, so it is one; so is
    /// one that left devices out through a fault of ours, and the first after others that could not start.
    pub(super) fn is_news(&self, ended: Ended) -> bool {
        let is_whole = ended == Ended::Completed && self.not_started.is_empty();
        let is_change = !self.failed.is_empty() || !self.recovered.is_empty();
        is_change || !is_whole || self.unstarted_since.is_some()
    }
}
