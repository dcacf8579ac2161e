//! `--rate`: starts spaced evenly, none wasted on a device that does not open.
//!
//! A start is the write of a command. A turn is taken when all else is ready for the write, and waited for with the
//! connection open; so few lanes may connect ahead of it that none waits for long. A lane that connects counts as one
//! that is about to take a turn, but only for as long as connecting usually lasts: after that it is likely to be dead,
//! and another one connects in its stead.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::Ticket;
use crate::model::Rate;

/// How long before its turn a device may be connected to.
const NEAR: Duration = Duration::from_millis(500);

/// How long connecting usually lasts at the most: a round trip around the world.
const CONNECTING: Duration = Duration::from_millis(100);

/// A turn that was missed by less is taken all the same: the runtime's clock ticks in milliseconds.
const LATE: Duration = Duration::from_millis(5);

/// Gives out turns.
#[derive(Debug)]
pub(super) struct Starts {
    interval: Duration,
    /// When the next turn is; in the past when nobody took it.
    next: Option<Instant>,
    /// Who connects for a turn, since when.
    connecting: BTreeSet<(Instant, Ticket)>,
}

impl Starts {
    pub(super) fn new(rate: Rate) -> Self {
        Self { interval: rate.interval(), next: None, connecting: BTreeSet::new() }
    }

    /// How long all that are ahead take, from `now` on.
    fn ahead(&self, now: Instant) -> Duration {
        let wait = self.next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now));
        let connecting = u32::try_from(self.connecting.len()).unwrap_or(u32::MAX);
        wait.saturating_add(self.interval.saturating_mul(connecting))
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some(&first) = self.connecting.first()
            && first.0 + CONNECTING <= now
        {
            self.connecting.remove(&first);
        }
    }

    /// Whether the next turn is near enough to connect for it.
    pub(super) fn is_near(&mut self, now: Instant) -> bool {
        self.forget_old(now);
        self.ahead(now) <= NEAR
    }

    /// When it is worth asking again, if not now.
    pub(super) fn opens_at(&mut self, now: Instant) -> Instant {
        if self.is_near(now) {
            return now;
        }
        let served = now + self.ahead(now).saturating_sub(NEAR);
        self.connecting.first().map_or(served, |(since, _)| served.min(*since + CONNECTING))
    }

    /// A device is connected to for a turn.
    pub(super) fn connects(&mut self, ticket: Ticket, now: Instant) {
        self.connecting.insert((now, ticket));
    }

    /// It no longer does: it takes its turn, or failed.
    pub(super) fn connected(&mut self, ticket: Ticket, since: Instant) {
        self.connecting.remove(&(since, ticket));
    }

    /// The turn of a device for which all else is ready at `now`; one that it has `had` stands unless it is long over.
    pub(super) fn turn(&mut self, had: Option<Instant>, now: Instant) -> Instant {
        if let Some(turn) = had.filter(|turn| now < *turn + self.interval.max(LATE)) {
            return turn;
        }
        let turn = self.next.map_or(now, |next| next.max(now));
        self.next = Some(turn + self.interval);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    fn starts(interval: Duration) -> (Starts, Instant) {
        (Starts::new(Rate::every(interval)), Instant::now())
    }

    #[test]
    fn turns_are_an_interval_apart_and_none_is_saved_up() {
        let (mut starts, now) = starts(100 * MILLI);
        assert_eq!([0, 0, 250].map(|at| starts.turn(None, now + at * MILLI) - now), [0, 100, 250].map(|at| at * MILLI));
        assert_eq!(starts.turn(None, now + 260 * MILLI) - now, 350 * MILLI, "no burst after the idle time");
    }

    #[test]
    fn a_turn_that_is_long_over_is_taken_anew() {
        let (mut starts, now) = starts(100 * MILLI);
        let turn = starts.turn(None, now);
        assert_eq!(starts.turn(Some(turn), now + 99 * MILLI), turn);
        assert_eq!(starts.turn(Some(turn), now + 5000 * MILLI), now + 5000 * MILLI);
        assert_eq!(starts.turn(Some(turn), now + 5000 * MILLI), now + 5100 * MILLI);
    }

    #[test]
    fn devices_are_connected_to_shortly_before_their_turn() {
        let (mut starts, now) = starts(2000 * MILLI);
        assert!(starts.is_near(now));
        assert_eq!(starts.turn(None, now), now);
        assert_eq!(starts.opens_at(now), now + 1500 * MILLI);
        assert!(starts.is_near(now + 1500 * MILLI));
    }

    #[test]
    fn who_hangs_holds_up_nobody() {
        let (mut starts, now) = starts(100 * MILLI);
        for ticket in 0..6 {
            assert!(starts.is_near(now), "{ticket}");
            starts.connects(Ticket(ticket), now);
        }
        assert!(!starts.is_near(now), "as many as there are turns until then connect");
        assert_eq!(starts.opens_at(now), now + 100 * MILLI);
        assert!(starts.is_near(now + 100 * MILLI), "they are likely to be dead");
        starts.connects(Ticket(9), now + 100 * MILLI);
        starts.connected(Ticket(9), now + 100 * MILLI);
        assert_eq!(starts.opens_at(now + 100 * MILLI), now + 100 * MILLI);
    }
}
