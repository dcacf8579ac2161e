//! Circuits: a breaker holds so much inrush at a time, each start counting from its write for the time that it draws.
//!
//! A share is taken before connecting, so that two devices cannot both count on the last ampere, and given back if
//! nothing was written. Spans are half-open: what counts for 3 s from t is free at t + 3 s.

use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;

use super::Ticket;
use crate::model::Inrush;

/// What is drawn from each circuit.
#[derive(Debug, Default)]
pub(super) struct Circuits {
    /// The most and what is taken, in thousandths of an ampere.
    limits: Vec<(u64, u64)>,
    /// Shares that were taken and not yet begun to draw.
    taken: HashMap<Ticket, Inrush>,
    /// What draws, by when it ends.
    drawing: BTreeMap<(Instant, Ticket), Inrush>,
}

impl Circuits {
    /// Circuits with these limits.
    pub(super) fn new(limits: impl Iterator<Item = u64>) -> Self {
        Self { limits: limits.map(|most| (most, 0)).collect(), ..Self::default() }
    }

    /// Whether so much more may be drawn. A circuit that is not known has no limit.
    pub(super) fn has_room(&self, inrush: &Inrush) -> bool {
        let circuit = self.limits.get(inrush.circuit as usize);
        circuit.is_none_or(|(most, taken)| taken.saturating_add(inrush.milliamps) <= *most)
    }

    /// Takes a share.
    pub(super) fn take(&mut self, ticket: Ticket, inrush: Inrush) {
        self.count(&inrush, true);
        self.taken.insert(ticket, inrush);
    }

    /// The command is written: the share draws from `now` on. Said again where the first write came to nothing.
    pub(super) fn starts(&mut self, ticket: Ticket, now: Instant) {
        if let Some(inrush) = self.taken.remove(&ticket).or_else(|| self.stop_drawing(ticket)) {
            self.drawing.insert((now + inrush.settle, ticket), inrush);
        }
    }

    /// A write has come to nothing and is made again later: until then its share is taken and draws nothing. Says whether
    /// it is still there: it may have drawn to its end while nothing was written.
    pub(super) fn holds(&mut self, ticket: Ticket) -> bool {
        if let Some(inrush) = self.stop_drawing(ticket) {
            self.taken.insert(ticket, inrush);
        }
        self.taken.contains_key(&ticket)
    }

    /// Few draw at a time: those of one circuit within some seconds.
    fn stop_drawing(&mut self, ticket: Ticket) -> Option<Inrush> {
        let key = self.drawing.keys().find(|(_, one)| *one == ticket).copied()?;
        self.drawing.remove(&key)
    }

    /// The attempt is over; `is_written`: some of its command was. Says whose share is free now.
    pub(super) fn ends(&mut self, ticket: Ticket, is_written: bool) -> Option<u32> {
        let unused = self.taken.remove(&ticket);
        // A write that the stream took nothing of draws nothing.
        let unused = if is_written { unused } else { unused.or_else(|| self.stop_drawing(ticket)) }?;
        self.count(&unused, false);
        Some(unused.circuit)
    }

    /// One whose draw is over by `now`; its circuit.
    pub(super) fn take_over(&mut self, now: Instant) -> Option<u32> {
        let first = self.drawing.first_entry().filter(|first| first.key().0 <= now)?;
        let inrush = first.remove();
        self.count(&inrush, false);
        Some(inrush.circuit)
    }

    /// When the next draw is over.
    pub(super) fn next_over(&self) -> Option<Instant> {
        self.drawing.first_key_value().map(|((over, _), _)| *over)
    }

    fn count(&mut self, inrush: &Inrush, more: bool) {
        if let Some((_, taken)) = self.limits.get_mut(inrush.circuit as usize) {
            *taken = if more { taken.saturating_add(inrush.milliamps) } else { taken.saturating_sub(inrush.milliamps) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn draws(milliamps: u64) -> Inrush {
        Inrush { circuit: 0, milliamps, settle: Duration::from_secs(3) }
    }

    #[test]
    fn a_share_counts_from_its_taking_to_the_end_of_its_draw() {
        let now = Instant::now();
        let mut circuits = Circuits::new([10_000].into_iter());
        circuits.take(Ticket(1), draws(6000));
        assert!(circuits.has_room(&draws(4000)) && !circuits.has_room(&draws(4001)));
        let written = now + Duration::from_secs(1);
        circuits.starts(Ticket(1), written);
        let over = written + Duration::from_secs(3);
        assert_eq!(circuits.next_over(), Some(over));
        assert_eq!(circuits.take_over(over - Duration::from_nanos(1)), None);
        assert_eq!(circuits.take_over(over), Some(0), "half-open");
        assert!(circuits.has_room(&draws(10_000)));
        assert_eq!(circuits.ends(Ticket(1), true), None);
    }

    #[test]
    fn a_write_that_came_to_nothing_keeps_its_share_until_it_is_made_again() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut circuits = Circuits::new([10_000].into_iter());
        circuits.take(Ticket(1), draws(6000));
        circuits.starts(Ticket(1), now);
        assert!(circuits.holds(Ticket(1)));
        assert_eq!(circuits.take_over(now + 5 * second), None, "it draws nothing meanwhile");
        assert!(!circuits.has_room(&draws(5000)));
        circuits.starts(Ticket(1), now + 5 * second);
        assert_eq!(circuits.next_over(), Some(now + 8 * second));
        assert_eq!(circuits.take_over(now + 8 * second), Some(0));
        assert!(!circuits.holds(Ticket(1)), "what has drawn to its end is another's");
    }

    #[test]
    fn what_was_not_written_gives_its_share_back() {
        let now = Instant::now();
        let mut circuits = Circuits::new([10_000].into_iter());
        circuits.take(Ticket(1), draws(6000));
        assert_eq!(circuits.ends(Ticket(1), false), Some(0));
        circuits.take(Ticket(2), draws(6000));
        circuits.starts(Ticket(2), now);
        assert_eq!(circuits.ends(Ticket(2), false), Some(0), "the stream took nothing");
        assert!(circuits.has_room(&draws(10_000)) && circuits.next_over().is_none());
        circuits.take(Ticket(3), draws(6000));
        circuits.starts(Ticket(3), now - Duration::from_secs(2));
        circuits.starts(Ticket(3), now);
        assert_eq!(circuits.next_over(), Some(now + Duration::from_secs(3)), "from the write that counts");
        assert_eq!(circuits.ends(Ticket(3), true), None, "it draws on, answered or not");
        assert!(!circuits.has_room(&draws(5000)));
    }
}
