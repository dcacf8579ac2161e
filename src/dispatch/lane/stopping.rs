//! What becomes of a lane's devices that a stop finds waiting, or a panic.

use tokio::time::Instant;

use super::{Current, Visit};
use crate::dispatch::checking::Phase;
use crate::dispatch::ready::{After, Offer};
use crate::dispatch::shared::Shared;
use crate::lie::{Lie, tells};
use crate::model::StopReason;
use crate::transport::Connect;

impl Visit {
    /// The run has stopped: those that wait keep their last attempt's outcome, the others are skipped. Where only nobody
    /// new is started, those that wait go on.
    pub(in crate::dispatch) async fn end_stopped<C: Connect>(&mut self, shared: &Shared<C>) {
        if shared.stop.is_stopping() {
            self.end_waiting(shared).await;
        }
        if shared.starts_are_over() {
            for device in self.state.give_up_asked() {
                shared.skip(device).await;
            }
        }
        let fresh = self.state.give_up_fresh(self.round.devices(&shared.plan, self.lane));
        for device in fresh {
            shared.skip(device).await;
        }
    }

    /// What a lane that has ended so may still go on with.
    pub(in crate::dispatch) fn left<C: Connect>(&self, shared: &Shared<C>) -> Vec<Offer> {
        self.offers(shared)
    }

    async fn end_waiting<C: Connect>(&mut self, shared: &Shared<C>) {
        let now = Instant::now();
        let is_cut = shared.stop.is_cut();
        for (device, mut record) in self.state.take_waiting(!is_cut) {
            let Some(job) = shared.plan.job(device) else { continue };
            if let (Some(check), Phase::Verifying(verifying)) = (&job.check, &mut record.phase) {
                let reason = shared.stop.reason().unwrap_or(StopReason::Interrupt);
                let (status, failure) = verifying.failed(check, Some(reason));
                record.not_verified(status, failure);
                shared.cut_or_skipped();
            }
            if record.has_outcome() {
                shared.conclude(device, record, job, now).await;
            } else {
                shared.skip(device).await;
            }
        }
    }

    /// A panic in the lane: the device under way ends as our own fault, the others go on.
    pub(in crate::dispatch) async fn end_panicked<C: Connect>(&mut self, shared: &Shared<C>, what: &str) -> After<()> {
        let now = Instant::now();
        if let Some(Current { device, mut record, progress, grant }) = self.current.take() {
            let is_command = matches!(record.phase, Phase::Commanding);
            let is_written = progress.at_exchange && is_command;
            if let Some(grant) = grant {
                shared.ends(&grant, is_written);
            }
            if let Some(job) = shared.plan.job(device).filter(|_| !tells(Lie::LostOnPanic)) {
                record.panicked(what, is_written);
                shared.conclude(device, record, job, now).await;
            }
        }
        if let Some(unused) = self.grant.take() {
            shared.ends(&unused, false);
        }
        self.after(shared)
    }
}
