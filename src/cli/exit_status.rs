//! What the program says with its exit status: the contract's table, as one match.

use crate::lie::{Lie, tells};
use crate::model::{Ended, Share, Status, StopReason, Summary};
use crate::report::NagiosState;

/// Every way in which the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Every selected device is a success, or the share of `--ok-if` is.
    Success,
    /// The run completed, and that is not so.
    Failures,
    /// A mistake in the command line, the inventory or a device type: nothing was sent.
    Usage,
    /// `--deadline` or `--max-failures` stopped the run early.
    StoppedEarly,
    /// The devices are done, but a report or a notification could not be delivered.
    Undelivered,
    /// A signal stopped the run.
    Signal(StopReason),
    /// What Nagios reads.
    Nagios(NagiosState),
}

impl ExitStatus {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failures => 1,
            Self::Usage => 2,
            Self::StoppedEarly | Self::Signal(StopReason::Deadline | StopReason::MaxFailures) => 3,
            Self::Undelivered => 4,
            Self::Nagios(state) => state.code(),
            Self::Signal(StopReason::HangUp) => 129,
            Self::Signal(StopReason::Interrupt) => 130,
            Self::Signal(StopReason::Terminate) => 143,
        }
    }

    /// Of a run that is over. Of several that apply: the signal, then 3, then 1, then 4, then 0.
    pub fn of_run(ended: Ended, stop: Option<StopReason>, summary: &Summary, ok_if: Share, delivered: bool) -> Self {
        let is_success = ok_if.is_reached(summary.successes(), summary.counted()) || tells(Lie::StatusZero);
        debug_assert_eq!(Status::ALL.iter().map(|&status| summary.count(status)).sum::<u64>(), summary.total);
        match (ended, stop, is_success, delivered) {
            (Ended::Interrupted, Some(reason), _, _) => Self::Signal(reason),
            (Ended::Interrupted, None, _, _) => Self::Signal(StopReason::Interrupt),
            (Ended::Deadline | Ended::MaxFailures, _, _, _) => Self::StoppedEarly,
            (Ended::Completed, _, false, _) => Self::Failures,
            (Ended::Completed, _, true, false) => Self::Undelivered,
            (Ended::Completed, _, true, true) => Self::Success,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Outcome, SkipReason};

    #[test]
    fn the_first_of_several_causes_counts() {
        let mut failed = Summary::default();
        failed.add(&Outcome::skipped(SkipReason::Internal));
        let good = Summary::default();
        let mut held = Summary::default();
        held.add(&Outcome::skipped(SkipReason::Held));
        for (ended, stop, summary, delivered, code) in [
            (Ended::Completed, None, &good, true, 0),
            (Ended::Completed, None, &good, false, 4),
            (Ended::Completed, None, &held, true, 0),
            (Ended::Completed, None, &failed, false, 1),
            (Ended::Deadline, Some(StopReason::Deadline), &failed, false, 3),
            (Ended::Interrupted, Some(StopReason::Interrupt), &failed, true, 130),
            (Ended::Interrupted, Some(StopReason::Terminate), &failed, true, 143),
            (Ended::Interrupted, Some(StopReason::HangUp), &failed, false, 129),
            // A signal that cost no device its outcome leaves the run completed.
            (Ended::Completed, Some(StopReason::Interrupt), &good, true, 0),
        ] {
            assert_eq!(
                ExitStatus::of_run(ended, stop, summary, Share::ALL, delivered).code(),
                code,
                "{ended:?} {stop:?}"
            );
        }
    }
}
