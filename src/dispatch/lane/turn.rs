//! Whose turn it is in a lane: one that is due again, else the next that has not started, as far as limits let it start.

use tokio::time::Instant;

use super::{Current, Visit};
use crate::dispatch::pace::{Grant, Need};
use crate::dispatch::ready::Offer;
use crate::dispatch::record::Record;
use crate::dispatch::shared::{Shared, Telling};
use crate::model::{DeviceIndex, ErrorKind, Failure};
use crate::plan::Job;
use crate::session::Progress;
use crate::transport::Connect;

/// A turn of a lane.
pub(super) enum Turn<'p> {
    /// This device is tried.
    Try(DeviceIndex, &'p Job),
    /// Nothing more is tried for a device, which this tells.
    Over(Telling<'p>),
}

/// What may start now, asked once for each need.
struct Leaves<'a, C> {
    shared: &'a Shared<C>,
    now: Instant,
    /// What the lane holds already.
    held: &'a mut Option<Grant>,
    refused: Vec<Need>,
}

impl<C: Connect> Leaves<'_, C> {
    /// Whether what needs this may go on; `held` has its leave then.
    fn allow(&mut self, need: Need) -> bool {
        let Need::Start(inrush) = need else { return true };
        if self.held.as_ref().is_some_and(|held| held.need() == need) {
            return true;
        }
        if self.refused.contains(&need) {
            return false;
        }
        let Some(grant) = self.shared.with_scheduler(|scheduler| scheduler.admit(inrush, self.now)) else {
            self.refused.push(need);
            return false;
        };
        // What it held was for another need, and nobody took it.
        if let Some(unused) = self.held.replace(grant) {
            self.shared.ends(&unused, false);
        }
        true
    }
}

impl Visit {
    /// The device whose turn it is, and whether it is to be tried; `None`: nobody may go on now.
    pub(super) fn next_turn<'p, C: Connect>(&mut self, shared: &'p Shared<C>) -> Option<Turn<'p>> {
        if shared.stop.is_cut() {
            return None;
        }
        let now = Instant::now();
        let (device, mut record, need) = self.next(shared, now)?;
        let job = shared.plan.job(device)?;
        record.starts(now);
        let is_verifying = record.is_verifying();
        let late = record.has_outcome() && self.earliest_write(&record, job, now) >= record.time_over(job);
        let is_refused = job.login.as_ref().is_some_and(|login| self.state.is_refused(login));
        if !is_verifying && is_refused {
            record.not_asked(refused_before());
        }
        if !is_verifying && (late || is_refused) {
            return Some(Turn::Over(shared.conclude(device, record, job, now)));
        }
        let held = self.grant.take();
        let grant = if need == Need::Nothing {
            // A question goes first: nothing is held meanwhile.
            held.inspect(|unused| shared.ends(unused, false));
            None
        } else {
            held
        };
        self.current = Some(Current { device, record, progress: Progress::default(), grant });
        Some(Turn::Try(device, job))
    }

    /// One that is due again, else the next that has not started.
    fn next<C: Connect>(&mut self, shared: &Shared<C>, now: Instant) -> Option<(DeviceIndex, Record, Need)> {
        let is_stopping = shared.stop.is_stopping();
        let mut leaves = Leaves { shared, now, held: &mut self.grant, refused: Vec::new() };
        let due = self.state.take_due(now, |device, record| {
            let may =
                if is_stopping { record.is_verifying() } else { !record.awaits_start || !shared.starts_are_over() };
            may && (shared.is_late(device, record, now) || leaves.allow(shared.need(device, &record.phase)))
        });
        if let Some((device, record)) = due {
            let need = shared.need(device, &record.phase);
            return Some((device, record, need));
        }
        if is_stopping || shared.starts_are_over() {
            return None;
        }
        let devices = self.round.devices(&shared.plan, self.lane);
        let device = self.state.take_fresh(devices, |device| leaves.allow(shared.first_need(device)))?;
        let job = shared.plan.job(device)?;
        Some((device, shared.begin(device, job, now), shared.first_need(device)))
    }

    /// When the lane may go on with which devices, once it has no slot.
    pub(super) fn offers<C: Connect>(&self, shared: &Shared<C>) -> Vec<Offer> {
        let mut offers: Vec<Offer> = Vec::new();
        let mut offer = |due: Instant, need| match offers.iter_mut().find(|known| known.need == need) {
            Some(known) => known.due = known.due.min(due),
            None => offers.push(Offer { due, need }),
        };
        let mut fresh = self.state.fresh(self.devices(shared));
        if !shared.is_paced() {
            // Nobody needs anything: the first to be due is enough.
            if let Some(due) = self.state.next_due().or_else(|| fresh.next().map(|_| Instant::now())) {
                offer(due, Need::Nothing);
            }
            return offers;
        }
        for (due, device, record) in self.state.waiting() {
            let need = shared.need(device, &record.phase);
            offer(due, need);
            // It does not wait for its start when its time is over.
            if let Some(over) = shared.plan.job(device).filter(|_| need != Need::Nothing && record.has_outcome())
                && !record.awaits_start
            {
                offer(record.time_over(over).max(due), Need::Nothing);
            }
        }
        for device in fresh {
            offer(Instant::now(), shared.first_need(device));
        }
        offers
    }

    /// When a device whose turn it is could write at the earliest: after the gap, and after listening for a late answer.
    fn earliest_write(&self, record: &Record, job: &Job, now: Instant) -> Instant {
        let heard = if record.is_unanswered { now + job.link.quiet } else { now };
        self.not_before(job).map_or(heard, |gap_over| heard.max(gap_over))
    }
}

/// What is said of a device whose gateway has refused its password to another: too many wrong ones lock some boards.
fn refused_before() -> Failure {
    Failure::new(ErrorKind::AuthFailed).detail("refused to another device of this gateway, not sent again")
}
