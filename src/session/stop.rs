//! How a run that stops reaches the attempts in flight.
//!
//! Two steps, as the contract says: from the first on nothing new is written; with the second, what is in flight ends
//! at once. Both are tokens, never an abort: an aborted task could not say how far it got.
//!
//! A lane asks a dozen times for each device whether it may go on. A token answers that under a lock, so that a step that
//! was taken is noted beside its token too, before whoever waits for the token is woken.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::model::StopReason;

/// Whether and why the run stops. Clones share their state.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    reason: Arc<OnceLock<StopReason>>,
    no_more: Step,
    cut: Step,
}

/// One of the two steps.
#[derive(Debug, Clone, Default)]
struct Step {
    is_taken: Arc<AtomicBool>,
    token: CancellationToken,
}

impl Step {
    fn take(&self) {
        self.is_taken.store(true, Ordering::Release);
        self.token.cancel();
    }

    fn is_taken(&self) -> bool {
        self.is_taken.load(Ordering::Acquire)
    }
}

impl Stop {
    /// Nothing new starts from here on; the first cause decides what the run ends as.
    pub fn no_more(&self, reason: StopReason) {
        _ = self.reason.set(reason);
        self.no_more.take();
    }

    /// What is in flight ends now.
    pub fn cut(&self, reason: StopReason) {
        self.no_more(reason);
        self.cut.take();
    }

    /// Why the run stops, once it does.
    pub fn reason(&self) -> Option<StopReason> {
        self.no_more.is_taken().then(|| self.reason.get().copied()).flatten()
    }

    /// Whether nothing new may start.
    pub fn is_stopping(&self) -> bool {
        self.no_more.is_taken()
    }

    /// The same for who may go on after the first step: it stops when what is in flight must end.
    #[must_use]
    pub fn at_the_cut(&self) -> Self {
        Self { reason: self.reason.clone(), no_more: self.cut.clone(), cut: self.cut.clone() }
    }

    /// Whether what is in flight must end.
    pub fn is_cut(&self) -> bool {
        self.cut.is_taken()
    }

    /// Waits until nothing new may start.
    pub fn stopping(&self) -> WaitForCancellationFuture<'_> {
        self.no_more.token.cancelled()
    }

    /// Waits until what is in flight must end.
    pub fn cutting(&self) -> WaitForCancellationFuture<'_> {
        self.cut.token.cancelled()
    }
}
