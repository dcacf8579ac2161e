//! A thread's share of the engine: gives lanes that may run to hands that serve them.
//!
//! One hand per lane in flight: a future, not a task of the runtime, which would round each up to a multiple of 128 bytes
//! and pass each through its queue. A hand that has served its lane asks the scheduler for the next one itself, so a full
//! run costs no hand-over; only when there is none it ends, and its crew takes on another when a lane is due. All crews
//! take from one scheduler. A run has one crew, on the caller's thread, unless more connections are wanted at once than
//! one table of open files holds: then each further crew has a thread and a table of its own.

mod hand;

use std::future::poll_fn;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::runtime::Runtime;
use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tracing::error;

use self::hand::{Hand, Turn};
use super::lane::Visit;
use super::lane_state::LaneState;
use super::ready::{After, Taken};
use super::shared::Shared;
use crate::transport::{Connect, own_file_table};

/// How far ahead a crew's own timer stands at the most. A lane's may not be the next one of its runtime then: whenever a
/// thread is given a timer that comes before all that it knew when it last looked, tokio wakes it with a system call, also
/// by itself, and where devices answer at once that was one for each of them.
const NEAREST_TIMER: Duration = Duration::from_millis(500);

/// How a hand begins.
type Work<C, F> = fn(Arc<Shared<C>>, Visit) -> F;

/// The hands of one thread.
pub(super) struct Crew<C, F> {
    shared: Arc<Shared<C>>,
    /// Which one, for waking it.
    index: usize,
    /// The most lanes that it serves at once.
    room: usize,
    work: Work<C, F>,
    hands: FuturesUnordered<Hand<F>>,
    turn: Turn,
    /// See `NEAREST_TIMER`; a timer is its runtime's, so it is made by the thread that waits.
    nearest: Option<Pin<Box<Sleep>>>,
}

/// A crew without hands.
pub(super) fn crew<C: Connect>(
    shared: Arc<Shared<C>>,
    index: usize,
    room: usize,
) -> Crew<C, impl Future<Output = ()> + Send> {
    Crew {
        shared,
        index,
        room: room.max(1),
        work: work::<C>,
        hands: FuturesUnordered::new(),
        turn: Turn::default(),
        nearest: None,
    }
}

impl<C: Connect, F: Future<Output = ()>> Crew<C, F> {
    /// Gives every lane that may run now, and that there is room for, to a hand.
    pub(super) fn take_on(&mut self, now: Instant) {
        while self.has_room()
            && let Some(visit) = self.shared.take(now)
        {
            self.hands.push(Hand::new((self.work)(self.shared.clone(), visit), &self.turn));
        }
    }

    fn has_room(&self) -> bool {
        self.hands.len() < self.room
    }

    /// Whether it has no hands.
    pub(super) fn is_idle(&self) -> bool {
        self.hands.is_empty()
    }

    /// Waits until a hand has ended, the scheduler has changed, or a lane is due that there is room for. Cancel-safe.
    pub(super) async fn wait(&mut self) {
        let is_stopping = self.shared.stop.is_stopping();
        let wake = self.shared.with_scheduler(|scheduler| scheduler.next_wake(Instant::now()));
        // Once the run stops the first crew alone serves what may go on.
        let wake = wake.filter(|_| (!is_stopping || self.index == 0) && self.has_room());
        let has_hands = !self.is_idle();
        let nearest = self.nearest.get_or_insert_with(|| Box::pin(sleep(NEAREST_TIMER)));
        let (hands, turn) = (&mut self.hands, &self.turn);
        let ended = poll_fn(|context| {
            turn.begin();
            hands.poll_next_unpin(context)
        });
        tokio::select! {
            biased;
            () = nearest.as_mut(), if has_hands => nearest.as_mut().reset(Instant::now() + NEAREST_TIMER),
            // A turn is bounded by its own count. Under the runtime's, a hand that may do no more would be polled in vain,
            // and after it every other.
            Some(()) = unconstrained(ended) => {}
            () = self.shared.changed(self.index) => {}
            () = until(wake) => {}
        }
    }

    /// Waits for something else while its hands go on: one of them may hold what that waits for, such as the next place in
    /// the reporters' queue.
    pub(super) async fn meanwhile<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        let (hands, turn) = (&mut self.hands, &self.turn);
        let both = poll_fn(|context| {
            let polled = other.as_mut().poll(context);
            if polled.is_pending() {
                turn.begin();
                while let Poll::Ready(Some(())) = hands.poll_next_unpin(context) {}
            }
            polled
        });
        unconstrained(both).await
    }

    /// Serves lanes until the run is over.
    async fn serve(mut self) {
        loop {
            if !self.shared.stop.is_stopping() {
                self.take_on(Instant::now());
            }
            if self.is_idle() && self.shared.is_over() {
                return;
            }
            self.wait().await;
        }
    }
}

/// A runtime for a thread. What is left of those whose threads could not be started is given up from within another
/// runtime, where nobody may wait for it to end.
struct Own(Option<Runtime>);

impl Own {
    fn new() -> io::Result<Self> {
        Ok(Self(Some(tokio::runtime::Builder::new_current_thread().enable_all().build()?)))
    }

    fn block_on(&self, future: impl Future<Output = ()>) {
        if let Some(runtime) = &self.0 {
            runtime.block_on(future);
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
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
    let runtimes = (1..shared.crews()).map(|_| Own::new()).collect::<io::Result<Vec<_>>>()?;
    for (index, runtime) in (1..).zip(runtimes) {
        let crew = crew(shared.clone(), index, room);
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
#[expect(clippy::manual_async_fn, reason = "an async fn holds its arguments twice, and 100,000 wait")]
fn work<C: Connect>(shared: Arc<Shared<C>>, mut visit: Visit) -> impl Future<Output = ()> + Send {
    async move {
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
            let Some(next) = give_back(&shared, visit, after) else { return };
            // Hands whose replies came together close their connections one after another, and only then open the next
            // ones: the devices, or a loaded peer, are woken once and not at every turn.
            tokio::task::yield_now().await;
            visit = Visit::new(next, &shared, shared.round());
        }
    }
}

/// Gives a lane back that was served, and takes the next one.
fn give_back<C: Connect>(shared: &Shared<C>, visit: Visit, after: After<()>) -> Option<Taken<Box<LaneState>>> {
    let now = Instant::now();
    let Visit { lane, state, seen_stop, .. } = visit;
    let is_stopping = shared.stop.is_stopping();
    let (next, has_changed) = shared.with_scheduler(|scheduler| {
        let wake = scheduler.next_wake(now);
        scheduler.release(
            lane,
            match after {
                After::Done => After::Done,
                After::Wait(offers, ()) => After::Wait(offers, state),
            },
        );
        let next = if is_stopping { None } else { scheduler.take(now) };
        // Crews sleep until the wake-up that they know of: an earlier one, or a lane that nobody takes, is their
        // business, and so is the end.
        let has_changed = scheduler.next_wake(now) != wake || scheduler.has_turn(now) || scheduler.is_finished();
        (next, has_changed)
    });
    // Asked now that the lane is back: a stop that came meanwhile has not found it.
    let must_skip = shared.stops() != seen_stop;
    if must_skip {
        shared.ask_to_skip();
    }
    if has_changed || is_stopping || must_skip {
        shared.wake_crews();
    }
    next
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned());
    crate::model::escape::printable(&text)
}
