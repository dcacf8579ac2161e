//! Serves one lane: the devices behind one gateway, one exchange at a time, over one connection where the type allows.
//!
//! A visit lasts as long as one of its devices may go on; then the lane gives its slot back and keeps no connection,
//! until the next device is due. What must outlive a panic or a stop (who is under way, and how far) stands in the
//! `Visit`, outside of the future that may be dropped. `turn.rs` says whose turn it is, `conclude.rs` what an attempt
//! means, `stopping.rs` what becomes of those that a stop finds waiting. Decides nothing itself: `policy/` does.

mod conclude;
mod stopping;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use self::turn::Turn;
use super::checking::Phase;
use super::lane_state::LaneState;
use super::pace::Grant;
use super::ready::{After, LaneIndex, Taken};
use super::record::Record;
use super::round::Round;
use super::shared::{Shared, Telling};
use crate::device_type::Login;
use crate::lie::{Lie, tells};
use crate::model::{DeviceIndex, StopReason};
use crate::plan::Job;
use crate::session::{self, Attempt, Before, Connection, Keep, Pacer, Progress, attempt, close};
use crate::transport::Connect;

/// How long a lane waits when this machine has no file, port or memory left. It keeps its slot meanwhile: no other lane
/// could use that, and those that have not started need not start only to wait too.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(100);

/// A lane that holds a slot.
pub(super) struct Visit {
    pub(super) lane: LaneIndex,
    pub(super) state: Box<LaneState>,
    /// Who shares the lane.
    round: Arc<Round>,
    /// The device under way.
    current: Option<Current>,
    /// Leave for one start, which no device has yet.
    grant: Option<Grant>,
    /// It has seen how far the run has stopped: what it still waits for may go on.
    pub(super) seen_stop: SeenStop,
}

/// A device under way.
struct Current {
    device: DeviceIndex,
    record: Record,
    progress: Progress,
    /// Its leave to start, where starts are limited.
    grant: Option<Grant>,
}

/// Which stops a lane has acted on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SeenStop {
    /// The run stops.
    pub(super) stopping: bool,
    /// What is in flight ends.
    pub(super) cut: bool,
    /// Nobody new is started.
    pub(super) starts_over: bool,
}

/// What comes after an attempt.
enum Then<'s> {
    /// That it was the last one, or that another follows.
    Tell(Telling<'s>),
    /// Nothing, until this machine may have something to connect with.
    Pause,
    /// The next turn.
    GoOn,
}

/// A device's leave to start, as its attempt asks for it.
struct Leave<'s, C> {
    shared: &'s Shared<C>,
    /// Where starts are limited.
    grant: Option<&'s Grant>,
    /// Nothing was tried at the device before: it is not started once too many have failed.
    is_new: bool,
}

impl<C: Connect> Pacer for Leave<'_, C> {
    fn turn(&self, now: Instant) -> session::Turn {
        if self.is_new && self.shared.starts_are_over() {
            return session::Turn::Never(StopReason::MaxFailures);
        }
        let Some(grant) = self.grant else { return session::Turn::At(now) };
        let turn = self.shared.with_scheduler(|scheduler| scheduler.turn(grant, now));
        turn.map_or(session::Turn::NotSoon, session::Turn::At)
    }

    fn starts(&self, now: Instant) {
        if let Some(grant) = self.grant {
            self.shared.with_scheduler(|scheduler| scheduler.starts(grant, now));
        }
    }

    fn holds(&self) -> bool {
        self.grant.is_none_or(|grant| self.shared.with_scheduler(|scheduler| scheduler.holds(grant)))
    }
}

impl Visit {
    /// A visit to a lane of this round.
    pub(super) fn new<C: Connect>(taken: Taken<Box<LaneState>>, shared: &Shared<C>, round: Arc<Round>) -> Self {
        let Taken { lane, state, grant } = taken;
        let state = state.unwrap_or_else(|| Box::new(shared.begin_lane(lane, &round)));
        Self { lane, state, round, current: None, grant, seen_stop: SeenStop::default() }
    }

    /// The lane's devices in this round.
    fn devices<'a, C: Connect>(&'a self, shared: &'a Shared<C>) -> &'a [DeviceIndex] {
        self.round.devices(&shared.plan, self.lane)
    }

    /// Serves the lane until none of its devices may go on.
    pub(super) async fn serve<C: Connect>(&mut self, shared: &Shared<C>) -> After<()> {
        let mut connection = None;
        let mut kept_for: Option<&Job> = None;
        while let Some((device, job)) = self.next_try(shared).await {
            if !kept_for.is_some_and(|kept| serves(kept, job)) {
                close(&mut connection).await;
            }
            let made = self.try_once(shared, job, &mut connection).await;
            let keep = made.keep;
            let then = self.conclude(shared, device, job, made, Instant::now());
            kept_for = Some(job);
            // Told before anything else can go wrong.
            match then {
                Then::Tell(telling) => _ = telling.await,
                Then::Pause => Box::pin(pause(shared)).await,
                Then::GoOn => {}
            }
            if keep == Keep::No {
                close(&mut connection).await;
            }
        }
        close(&mut connection).await;
        if let Some(unused) = self.grant.take() {
            shared.ends(&unused, false);
        }
        let stops = shared.stops();
        if stops != SeenStop::default() {
            Box::pin(self.end_stopped(shared)).await;
            self.seen_stop = stops;
        }
        self.after(shared)
    }

    /// The next device that is tried; `None`: nobody may go on now.
    async fn next_try<'p, C: Connect>(&mut self, shared: &'p Shared<C>) -> Option<(DeviceIndex, &'p Job)> {
        loop {
            match self.next_turn(shared)? {
                Turn::Try(device, job) => return Some((device, job)),
                Turn::Over(telling) => _ = telling.await,
            }
        }
    }

    /// What becomes of the lane when none of its devices may go on now.
    fn after<C: Connect>(&mut self, shared: &Shared<C>) -> After<()> {
        let offers = self.offers(shared);
        if offers.is_empty() {
            shared.end_lane(self.round.gateway(self.lane), &mut self.state);
            return After::Done;
        }
        After::Wait(offers, ())
    }

    /// The end of the gap after the gateway's last exchange.
    fn not_before(&self, job: &Job) -> Option<Instant> {
        let last = self.state.last_exchange.filter(|_| !tells(Lie::GapForgotten));
        last.map(|(end, gap)| end + gap.max(job.link.gap))
    }

    async fn try_once<C: Connect>(
        &mut self,
        shared: &Shared<C>,
        job: &Job,
        connection: &mut Option<Connection<C::Stream>>,
    ) -> Attempt {
        let not_before = self.not_before(job);
        let Some(Current { device, record, progress, grant }) = self.current.as_mut() else {
            return Attempt::not_made("no device is under way");
        };
        let Some(planned) = shared.plan.device(*device) else {
            return Attempt::not_made("the plan does not know the device");
        };
        let device_deadline = record.started + job.timing.device_deadline;
        let is_new = record.attempts == 0 && shared.may_run_out_of_failures();
        let leave = Leave { shared, grant: grant.as_ref(), is_new };
        let mut before = Before {
            request: &job.request,
            params: &job.params,
            login: job.login.as_ref(),
            save: job.save.as_deref(),
            file_work: shared.file_work,
            address: &planned.address,
            link: &job.link,
            timing: &job.timing,
            not_before,
            after_unanswered: record.is_unanswered,
            is_check: false,
            pacer: (is_new || leave.grant.is_some()).then_some(&leave as &dyn Pacer),
            device_deadline,
            intent: None,
            stop: &shared.stop,
        };
        if let (Some(check), Phase::Asking | Phase::Verifying(_)) = (&job.check, &record.phase) {
            let (request, timing) = (&check.question, &check.timing);
            before = Before { request, timing, is_check: true, pacer: None, ..before };
        }
        if let (Some(check), Phase::Verifying(verifying)) = (&job.check, &record.phase) {
            before = Before {
                device_deadline: verifying.deadline(check, Instant::now()),
                stop: &shared.verify_stop,
                ..before
            };
        }
        if !before.is_check && !job.request.is_idempotent() {
            before.intent = shared.intents.as_deref().map(|intents| (intents, *device));
        }
        attempt(&before, &shared.connect, connection, progress).await
    }
}

/// This machine has nothing to connect with. The device waits, which is no attempt and not the start of its time, until
/// there is something; if for the whole of a device's time no lane got anything, there will be nothing.
async fn pause<C: Connect>(shared: &Shared<C>) {
    tokio::select! {
        () = sleep(EXHAUSTED_WAIT) => {}
        () = shared.stop.stopping() => {}
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
