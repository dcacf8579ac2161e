//! A thread's share of the engine: gives lanes that may run to tasks of its own runtime.
//!
//! One task per lane in flight. A task that has served its lane asks the scheduler for the next one itself, so a full
//! run costs no hand-over; only when there is none it ends, and its crew makes a new task when a lane is due. All crews
//! take from one scheduler. A run has one crew, on the caller's thread, unless more connections are wanted at once than
//! one table of open files holds: then each further crew has a thread and a table of its own.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures::FutureExt as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::error;

use super::lane::Visit;
use super::lane_state::LaneState;
use super::ready::{After, LaneIndex};
use super::shared::Shared;
use crate::transport::{Connect, own_file_table};

/// The tasks of one thread.
pub(super) struct Crew<C> {
    shared: Arc<Shared<C>>,
    /// Which one, for waking it.
    index: usize,
    /// The most lanes that it serves at once.
    room: usize,
    tasks: JoinSet<()>,
}

impl<C: Connect> Crew<C> {
    pub(super) fn new(shared: Arc<Shared<C>>, index: usize, room: usize) -> Self {
        Self { shared, index, room: room.max(1), tasks: JoinSet::new() }
    }

    /// Gives every lane that may run now, and that there is room for, to a task.
    pub(super) fn take_on(&mut self, now: Instant) {
        while self.has_room()
            && let Some((lane, state)) = self.shared.with_scheduler(|scheduler| scheduler.take(now))
        {
            self.tasks.spawn(work(self.shared.clone(), lane, state));
        }
    }

    fn has_room(&self) -> bool {
        self.tasks.len() < self.room
    }

    /// Whether none of its tasks runs.
    pub(super) fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Waits until a task has ended, the scheduler has changed, or a lane is due that there is room for. Cancel-safe.
    pub(super) async fn wait(&mut self) {
        let is_stopping = self.shared.stop.is_stopping();
        let wake = self.shared.with_scheduler(|scheduler| scheduler.next_wake());
        // Once the run stops the first crew alone serves what may go on.
        let wake = wake.filter(|_| (!is_stopping || self.index == 0) && self.has_room());
        tokio::select! {
            biased;
            Some(ended) = self.tasks.join_next() => {
                if let Err(fault) = ended {
                    error!("a task of the engine ended badly; please report this: {fault}");
                }
            }
            () = self.shared.changed(self.index) => {}
            () = until(wake) => {}
        }
    }

    /// Serves lanes until the run is over.
    async fn serve(mut self) {
        loop {
            if !self.shared.stop.is_stopping() {
                self.take_on(Instant::now());
            }
            if self.is_idle() && self.shared.with_scheduler(|scheduler| scheduler.is_finished()) {
                return;
            }
            self.wait().await;
        }
    }
}

/// Starts the crews after the first, each on a thread with a table of open files of its own.
///
/// Threads wake each other through a file of the runtime that is woken, and name it by its number: so all runtimes are
/// made before the first thread has a table of its own, and every table holds the files of all. Everything that is
/// opened later is used by the thread that opened it alone.
///
/// # Errors
/// When the system gives no runtime, thread or table; those that were started serve until the run is over.
pub(super) fn start_further<C: Connect>(
    shared: &Arc<Shared<C>>,
    room: usize,
    crews: &mut Vec<JoinHandle<()>>,
) -> io::Result<()> {
    let runtime = |_| tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtimes = (1..shared.crews()).map(runtime).collect::<io::Result<Vec<_>>>()?;
    for (index, runtime) in (1..).zip(runtimes) {
        let crew = Crew::new(shared.clone(), index, room);
        // Nor may the run have opened a connection before the table is copied: a copy would keep it from closing.
        let (ready, is_ready) = std::sync::mpsc::channel();
        let serve = move || {
            let own = own_file_table();
            let has_own = own.is_ok();
            // Whoever started this thread waits for it.
            _ = ready.send(own);
            if has_own {
                runtime.block_on(crew.serve());
            }
        };
        crews.push(std::thread::Builder::new().name(format!("lanes-{index}")).spawn(serve)?);
        is_ready.recv().unwrap_or_else(|_| Err(io::Error::other("a thread of the engine did not start")))?;
    }
    Ok(())
}

/// Never, where there is nothing to wait for.
pub(super) async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Serves one lane after another until none may start.
async fn work<C: Connect>(shared: Arc<Shared<C>>, lane: LaneIndex, state: Option<Box<LaneState>>) {
    let mut visit = Visit::new(lane, state);
    loop {
        let served = AssertUnwindSafe(visit.serve(&shared)).catch_unwind().await;
        let after = match served {
            Ok(after) => after,
            Err(panic) => {
                let what = panic_text(panic.as_ref());
                error!("a fault in fleetctl itself, please report it: {what}");
                Box::pin(visit.end_panicked(&shared, &what)).await
            }
        };
        let now = Instant::now();
        let Visit { lane, state, has_ended_stopped, .. } = visit;
        let is_stopping = shared.stop.is_stopping();
        let (next, has_changed) = shared.with_scheduler(|scheduler| {
            let wake = scheduler.next_wake();
            scheduler.release(
                lane,
                match after {
                    After::Done => After::Done,
                    After::Wait(due, ()) => After::Wait(due, state),
                },
            );
            let next = if is_stopping { None } else { scheduler.take(now) };
            // Crews sleep until the wake-up that they know of: an earlier one, or a lane that nobody takes, is their
            // business, and so is the end.
            let has_changed = scheduler.next_wake() != wake || scheduler.has_turn(now) || scheduler.is_finished();
            (next, has_changed)
        });
        // Asked again now that the lane is back: a stop that came meanwhile has not found it.
        let is_stopping = shared.stop.is_stopping();
        if is_stopping && !has_ended_stopped {
            shared.ask_to_skip();
        }
        if has_changed || is_stopping {
            shared.wake_crews();
        }
        match next {
            Some((lane, state)) => {
                // Tasks whose replies came together close their connections one after another, and only then open the
                // next ones: the devices, or a loaded peer, are woken once and not at every turn.
                tokio::task::yield_now().await;
                visit = Visit::new(lane, state);
            }
            None => return,
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned());
    crate::model::escape::printable(&text)
}
