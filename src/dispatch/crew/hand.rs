//! What serves lanes one after another: a future of its crew, with its share of the thread.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tracing::error;

/// How many hands move in a turn. Between turns the runtime looks at sockets, timers and signals; the more go together,
/// the fewer looks, and the longer one of them waits.
const MOST_IN_A_TURN: u32 = 256;

/// What is left of a crew's turn.
#[derive(Debug, Default)]
pub(super) struct Turn(Arc<AtomicU32>);

impl Turn {
    /// Another turn begins.
    pub(super) fn begin(&self) {
        self.0.store(MOST_IN_A_TURN, Ordering::Relaxed);
    }
}

pin_project! {
    /// One of a crew's hands.
    pub(super) struct Hand<F> {
        #[pin]
        work: F,
        left: Arc<AtomicU32>,
    }
}

impl<F> Hand<F> {
    /// One that takes part in the crew's turns.
    pub(super) fn new(work: F, turn: &Turn) -> Self {
        Self { work, left: turn.0.clone() }
    }
}

impl<F: Future<Output = ()>> Future for Hand<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let left = this.left.load(Ordering::Relaxed);
        if left == 0 {
            // In the next turn. Who is woken while it moves ends the turn of them all.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        this.left.store(left - 1, Ordering::Relaxed);
        let work = this.work;
        // Its devices' outcomes are told by whoever serves them; what goes wrong beyond that must not take other lanes along.
        std::panic::catch_unwind(AssertUnwindSafe(|| work.poll(context))).unwrap_or_else(|_| {
            error!("a hand of the engine ended badly; please report this");
            Poll::Ready(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;
    use std::task::Waker;

    use futures::Stream as _;
    use futures::stream::FuturesUnordered;

    use super::*;

    #[test]
    fn in_a_turn_so_many_hands_move_and_in_the_next_turns_the_others() {
        let (turn, moved) = (Turn::default(), AtomicUsize::new(0));
        let count = |_| async {
            moved.fetch_add(1, Ordering::Relaxed);
            std::future::pending::<()>().await;
        };
        let mut hands = pin!((0..1000).map(count).map(|work| Hand::new(work, &turn)).collect::<FuturesUnordered<_>>());
        let mut context = Context::from_waker(Waker::noop());
        let most = usize::try_from(MOST_IN_A_TURN).unwrap();
        for wanted in [most, 2 * most, 3 * most, 1000, 1000] {
            turn.begin();
            assert!(hands.as_mut().poll_next(&mut context).is_pending());
            assert_eq!(moved.load(Ordering::Relaxed), wanted);
        }
    }

    #[test]
    fn a_hand_that_ends_badly_takes_no_other_along() {
        let turn = Turn::default();
        turn.begin();
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(Hand::new(async { panic!("planted") }, &turn)).poll(&mut context).is_ready());
        assert!(pin!(Hand::new(async {}, &turn)).poll(&mut context).is_ready());
    }
}
