//! `--rate`: starts spaced evenly, none wasted on a device that does not open.
//!
//! A start is the write of a command. A turn is taken when all else is ready for the write, and waited for with the
//! connection open; so few lanes may connect ahead of it that none waits for long. A lane that connects counts as one
//! that is about to take a turn, but only for as long as connecting usually lasts: after that it is likely to be dead,
//! and another one connects in its stead. Should it be alive after all, and its turn not near, it lets go and comes back.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::Ticket;
use crate::lie::{Lie, tells};
use crate::model::Rate;

/// How long before its turn a device may be connected to.
const NEAR: Duration = Duration::from_secs(1);

/// How long it usually takes at the most until a device may be written to: a round trip around the world, and a line that
/// is listened to for 100 ms.
const CONNECTING: Duration = Duration::from_millis(250);

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
    /// Who waits for which turn.
    turns: HashMap<Ticket, Instant>,
    /// Turns to come that were given back.
    free: BTreeSet<Instant>,
}

impl Starts {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            interval: rate.interval(),
            next: None,
            connecting: BTreeSet::new(),
            turns: HashMap::new(),
            free: BTreeSet::new(),
        }
    }

    /// How long all that are ahead take, from `now` on.
    fn ahead(&self, now: Instant) -> Duration {
        let free = self.free.range(now..).count();
        let wait = self.next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now));
        let times = |count: usize| self.interval.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        wait.saturating_add(times(self.connecting.len())).saturating_sub(times(free))
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

    /// The turn of a device for which all else is ready at `now`; `None`: none is near. One that it has and that is over
    /// moves to `now` if nobody has the next one, with which it would else come together.
    pub(super) fn turn(&mut self, ticket: Ticket, since: Instant, now: Instant) -> Option<Instant> {
        self.connecting.remove(&(since, ticket));
        if let Some(&turn) = self.turns.get(&ticket) {
            if now < turn + LATE {
                return Some(turn);
            }
            if self.next == Some(turn + self.interval) {
                self.turns.insert(ticket, now);
                self.next = Some(now + self.interval);
                return Some(now);
            }
        }
        let free = self.free.range(now..).next().copied();
        let next = |next: Instant| if tells(Lie::TurnsSavedUp) { next } else { next.max(now) };
        let turn = free.unwrap_or_else(|| self.next.map_or(now, next));
        if turn > now + 2 * NEAR {
            self.turns.remove(&ticket);
            return None;
        }
        self.free = self.free.split_off(&now);
        if !self.free.remove(&turn) {
            self.next = Some(turn + self.interval);
        }
        self.turns.insert(ticket, turn);
        Some(turn)
    }

    /// It takes its turn now.
    pub(super) fn starts(&mut self, ticket: Ticket) {
        self.turns.remove(&ticket);
    }

    /// Its attempt is over: a turn that it has not taken is another's.
    pub(super) fn ends(&mut self, ticket: Ticket, since: Instant) {
        self.connecting.remove(&(since, ticket));
        if let Some(turn) = self.turns.remove(&ticket) {
            self.free.insert(turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    fn starts(interval: Duration) -> (Starts, Instant) {
        (Starts::new(Rate::every(interval)), Instant::now())
    }

    fn turn(starts: &mut Starts, ticket: u64, now: Instant) -> Option<Instant> {
        starts.turn(Ticket(ticket), now, now)
    }

    #[test]
    fn turns_are_an_interval_apart_and_none_is_saved_up() {
        let (mut starts, now) = starts(100 * MILLI);
        let mut at = |ticket, millis: u32| turn(&mut starts, ticket, now + millis * MILLI).map(|turn| turn - now);
        assert_eq!(
            [(1, 0), (2, 0), (3, 250)].map(|(ticket, millis)| at(ticket, millis)),
            [0, 100, 250].map(|at| Some(at * MILLI))
        );
        assert_eq!(at(4, 260), Some(350 * MILLI), "no burst after the idle time");
    }

    #[test]
    fn a_turn_that_is_over_is_taken_anew() {
        let (mut starts, now) = starts(100 * MILLI);
        let first = turn(&mut starts, 1, now);
        assert_eq!(turn(&mut starts, 1, now + 4 * MILLI), first, "by no more than the clock's own grain");
        assert_eq!(turn(&mut starts, 1, now + LATE), Some(now + LATE), "half-open");
        assert_eq!(turn(&mut starts, 1, now + 5000 * MILLI), Some(now + 5000 * MILLI));
        assert_eq!(turn(&mut starts, 2, now + 5000 * MILLI), Some(now + 5100 * MILLI));
    }

    #[test]
    fn a_turn_that_is_taken_late_stays_an_interval_from_the_next() {
        let (mut starts, now) = starts(100 * MILLI);
        let mut at = |ticket, millis: u32| turn(&mut starts, ticket, now + millis * MILLI).map(|turn| turn - now);
        assert_eq!(
            [at(1, 0), at(1, 79), at(2, 80)],
            [0, 79, 179].map(|at| Some(at * MILLI)),
            "nobody had the next one"
        );
        assert_eq!([at(3, 80), at(2, 260), at(3, 270)], [279, 379, 279].map(|at| Some(at * MILLI)), "somebody has");
    }

    #[test]
    fn devices_are_connected_to_shortly_before_their_turn_and_let_go_when_it_is_not_near() {
        let (mut starts, now) = starts(3000 * MILLI);
        assert!(starts.is_near(now));
        assert_eq!(turn(&mut starts, 1, now), Some(now));
        assert_eq!(starts.opens_at(now), now + 2000 * MILLI);
        assert!(starts.is_near(now + 2000 * MILLI));
        assert_eq!(turn(&mut starts, 2, now), None, "three seconds are not near");
        assert_eq!(turn(&mut starts, 2, now + 2000 * MILLI), Some(now + 3000 * MILLI));
    }

    #[test]
    fn a_turn_is_waited_for_with_the_line_open_for_two_seconds_at_the_most() {
        for (interval, wait) in [(2000, Some(2000)), (2001, None)] {
            let (mut starts, now) = starts(interval * MILLI);
            turn(&mut starts, 1, now);
            assert_eq!(turn(&mut starts, 2, now), wait.map(|wait: u32| now + wait * MILLI));
        }
    }

    #[test]
    fn a_turn_that_is_given_back_is_the_next_ones() {
        let (mut starts, now) = starts(100 * MILLI);
        for ticket in 1..=4 {
            turn(&mut starts, ticket, now);
        }
        starts.starts(Ticket(1));
        starts.ends(Ticket(1), now);
        starts.ends(Ticket(3), now);
        assert_eq!(turn(&mut starts, 5, now + 10 * MILLI), Some(now + 200 * MILLI));
        assert_eq!(turn(&mut starts, 6, now + 10 * MILLI), Some(now + 400 * MILLI));
        starts.ends(Ticket(5), now);
        assert_eq!(turn(&mut starts, 7, now + 300 * MILLI), Some(now + 500 * MILLI), "one that is over is nobody's");
    }

    #[test]
    fn who_hangs_holds_up_nobody() {
        let (mut starts, now) = starts(200 * MILLI);
        for ticket in 0..6 {
            assert!(starts.is_near(now), "{ticket}");
            starts.connects(Ticket(ticket), now);
        }
        assert!(!starts.is_near(now), "as many as there are turns until then connect");
        let later = now + CONNECTING;
        assert_eq!(starts.opens_at(now), now + 200 * MILLI);
        assert!(starts.is_near(later), "they are likely to be dead");
        starts.connects(Ticket(9), later);
        starts.ends(Ticket(9), later);
        assert_eq!(starts.opens_at(later), later);
    }
}
