//! What is known of a run so far: the one collection that all end-of-run formats render from.
//!
//! Built from events. Keeps the outcome of each device as it came, and only when some format will need it: once, however
//! many reports are written, and all in one block, so that a run of a million devices costs no box each.

use std::sync::Arc;
use std::time::Duration;

use crate::lie::{Lie, tells};
use crate::model::{
    Device, DeviceIndex, Ended, Outcome, RunEvent, RunInfo, Share, SharedDevices, SkipReason, Summary, UnixMillis,
};

/// A run and its outcomes.
#[derive(Debug)]
pub struct Collected {
    run: Arc<RunInfo>,
    devices: SharedDevices,
    outcomes: Option<Vec<Option<Outcome>>>,
    summary: Summary,
    end: Option<End>,
    /// Whether a history was asked, and when the last run of this name before it ended that was a success.
    knows_past: bool,
    earlier_success: Option<UnixMillis>,
}

#[derive(Debug, Clone, Copy)]
struct End {
    ended: Ended,
    elapsed: Duration,
    at: UnixMillis,
}

impl Collected {
    /// A run that has just started; `keep` says whether outcomes are kept.
    pub fn new(run: Arc<RunInfo>, devices: SharedDevices, keep: bool) -> Self {
        let outcomes = keep.then(|| devices.iter().map(|_| None).collect());
        let summary = Summary::default();
        Self { run, devices, outcomes, summary, end: None, knows_past: false, earlier_success: None }
    }

    /// Counts an event that is about to be passed on.
    pub(super) fn note(&mut self, event: &RunEvent) {
        match event {
            RunEvent::DeviceFinished { outcome, .. } => self.summary.add(outcome),
            RunEvent::RunFinished { ended, elapsed, at } => {
                self.end = Some(End { ended: *ended, elapsed: *elapsed, at: *at });
            }
            RunEvent::RunStarted { .. }
            | RunEvent::PassStarted { .. }
            | RunEvent::PassFinished { .. }
            | RunEvent::AttemptFailed { .. }
            | RunEvent::Stopping { .. } => {}
        }
    }

    /// Keeps what an event carries once everyone has seen it.
    pub(super) fn keep(&mut self, event: RunEvent) {
        if let RunEvent::DeviceFinished { device, outcome, .. } = event
            && let Some(place) = self.outcomes.as_mut().and_then(|all| {
                let is_swapped = tells(Lie::NeighboursOutcome) && (device.get() ^ 1) < all.len();
                all.get_mut(device.get() ^ usize::from(is_swapped))
            })
        {
            *place = Some(*outcome);
        }
    }

    /// Makes every device stand in the report exactly once: one whose outcome never came can only be our own fault.
    pub(super) fn complete(&mut self) {
        let missing = (self.devices.len() as u64).saturating_sub(self.summary.total);
        for _ in 0..missing {
            self.summary.add(&Outcome::skipped(SkipReason::Internal));
        }
        for place in self.outcomes.iter_mut().flatten() {
            place.get_or_insert_with(|| Outcome::skipped(SkipReason::Internal));
        }
    }

    /// What was true of the run before anything was sent.
    pub fn info(&self) -> &RunInfo {
        &self.run
    }

    /// The selected devices in inventory order.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// A device by its place.
    pub fn device(&self, index: DeviceIndex) -> Option<&Device> {
        self.devices.get(index.get())
    }

    /// Devices with their outcomes, in inventory order; those that have none yet, or whose outcome was not kept, are
    /// left out.
    pub fn outcomes(&self) -> impl Iterator<Item = (&Device, &Outcome)> + Clone {
        let kept = self.outcomes.as_deref().unwrap_or_default();
        self.devices.iter().zip(kept).filter_map(|(device, outcome)| Some((device, outcome.as_ref()?)))
    }

    /// The counts so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// How the run ended; `Completed` as long as nothing else is known.
    pub fn ended(&self) -> Ended {
        self.end.map_or(Ended::Completed, |end| end.ended)
    }

    /// From start to end.
    pub fn elapsed(&self) -> Duration {
        self.end.map_or(Duration::ZERO, |end| end.elapsed)
    }

    /// Takes what a history knows of earlier runs of this name: when the last of them ended that was a success.
    pub fn set_past(&mut self, last_success: Option<UnixMillis>) {
        (self.knows_past, self.earlier_success) = (true, last_success);
    }

    /// Whether the devices alone give exit status 0.
    pub fn is_success(&self, ok_if: Share) -> bool {
        self.ended() == Ended::Completed && ok_if.is_reached(self.summary.successes(), self.summary.counted())
    }

    /// When the last run of this name that was a success ended, this one included; `None` where no history was asked, or
    /// it knows none.
    pub fn last_success(&self, ok_if: Share) -> Option<UnixMillis> {
        if self.knows_past && self.is_success(ok_if) { Some(self.finished_at()) } else { self.earlier_success }
    }

    /// When the run ended.
    pub fn finished_at(&self) -> UnixMillis {
        self.end.map_or(self.run.started_at, |end| end.at)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_run;
    use super::*;
    use crate::model::Status;

    #[test]
    fn a_device_whose_outcome_never_came_is_skipped_for_our_own_fault() {
        let mut events = test_run::events();
        events.retain(|event| !matches!(event, RunEvent::DeviceFinished { device, .. } if device.0 == 0));
        let run = test_run::collect(events);
        let (device, outcome) = run.outcomes().next().unwrap();
        assert_eq!(
            (&*device.name, outcome.status, outcome.reason),
            ("tv-001", Status::Skipped, Some(SkipReason::Internal))
        );
        assert_eq!(run.summary().total, run.devices().len() as u64);
    }
}
