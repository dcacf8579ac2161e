//! Everything a run tells the outside: facts in the past tense, no colours, no sentences.

use std::sync::Arc;
use std::time::Duration;

use super::{DeviceIndex, Ended, Failure, Outcome, Payload, RunInfo, SharedDevices, StopReason, UnixMillis};

/// What happened, in the order in which it happened.
#[derive(Debug, Clone)]
pub enum RunEvent {
    /// The plan is fixed; nothing was sent yet.
    RunStarted {
        /// What is true of the run.
        run: Arc<RunInfo>,
        /// The selected devices in inventory order: `DeviceIndex` points into them.
        devices: SharedDevices,
    },
    /// A pass of `--until` begins.
    PassStarted {
        /// Which one, from 1.
        pass: u32,
        /// How many devices it takes.
        devices: usize,
        /// When it began.
        at: UnixMillis,
    },
    /// A pass of `--until` is over, and another one will follow.
    PassFinished {
        /// Which one, from 1.
        pass: u32,
        /// How many devices the next one takes.
        rest: usize,
        /// When the next one begins.
        next_at: UnixMillis,
        /// When it was over.
        at: UnixMillis,
    },
    /// An attempt failed; the next one follows after `retry_in`.
    AttemptFailed {
        /// Whose attempt.
        device: DeviceIndex,
        /// Which one, from 1.
        attempt: u32,
        /// Why it failed.
        failure: Failure,
        /// The command with its affixes, when any of it was written: its secrets may show in the failure.
        sent: Option<Arc<Payload>>,
        /// The wait before the next one.
        retry_in: Duration,
        /// When it failed.
        at: UnixMillis,
    },
    /// Exactly once per selected device, skipped ones included: nothing more will be tried for it.
    DeviceFinished {
        /// Which device.
        device: DeviceIndex,
        /// What became of it.
        outcome: Box<Outcome>,
        /// When that was known.
        at: UnixMillis,
    },
    /// Nothing new starts from here on.
    Stopping {
        /// Why.
        reason: StopReason,
        /// Since when.
        at: UnixMillis,
    },
    /// Always the last event.
    RunFinished {
        /// How the run ended.
        ended: Ended,
        /// From the start to the end of the run.
        elapsed: Duration,
        /// When it ended.
        at: UnixMillis,
    },
}
