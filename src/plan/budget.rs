//! When devices may start on a circuit: a sliding budget, kept greedily in inventory order.
//!
//! A device counts from its start for as long as it settles. Whoever fits starts; one that does not fit yet holds up
//! nobody behind it. Pure: the run itself keeps the same rule by the clock.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// A device that waits for its circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    /// When everything but its circuit allows it to start. A list of them ascends.
    pub(super) ready: Duration,
    /// In thousandths of an ampere.
    pub(super) milliamps: u64,
    /// For how long it draws that.
    pub(super) settle: Duration,
}

/// A circuit over time.
#[derive(Debug)]
pub(super) struct Budget {
    max: u64,
    used: u64,
    /// What is drawn, by its end.
    drawn: BinaryHeap<Reverse<(Duration, u64)>>,
}

impl Budget {
    /// A circuit that carries so many thousandths of an ampere, and from which nothing is drawn yet.
    pub(super) fn new(max: u64) -> Self {
        Self { max, used: 0, drawn: BinaryHeap::new() }
    }

    /// When each of `devices` starts. They are ready no earlier than those of an earlier call; one that alone exceeds the
    /// circuit counts as filling it.
    pub(super) fn start(&mut self, devices: &[Waiting]) -> Vec<Duration> {
        let mut starts = vec![Duration::ZERO; devices.len()];
        let mut queue = Queue::new(devices.len());
        let mut coming = devices.iter().enumerate().peekable();
        let mut left = devices.len();
        let mut now = devices.first().map_or(Duration::ZERO, |first| first.ready);
        loop {
            while let Some(Reverse((end, milliamps))) = self.drawn.peek().copied()
                && end <= now
            {
                self.drawn.pop();
                self.used -= milliamps;
            }
            while let Some((place, device)) = coming.next_if(|(_, device)| device.ready <= now) {
                queue.set(place, device.milliamps.min(self.max));
            }
            while let Some((place, milliamps)) = queue.first_at_most(self.max - self.used) {
                queue.set(place, Queue::NOBODY);
                let settle = devices.get(place).map_or(Duration::ZERO, |device| device.settle);
                self.used += milliamps;
                self.drawn.push(Reverse((now + settle, milliamps)));
                if let Some(start) = starts.get_mut(place) {
                    *start = now;
                }
                left -= 1;
            }
            if left == 0 {
                return starts;
            }
            let free = self.drawn.peek().map(|Reverse((end, _))| *end);
            let ready = coming.peek().map(|(_, device)| device.ready);
            now = match (free, ready) {
                (Some(free), Some(ready)) => free.min(ready),
                (Some(one), None) | (None, Some(one)) => one,
                // Whoever waits fits into an empty circuit.
                (None, None) => return starts,
            };
        }
    }
}

/// Who waits, by place, with what they draw: a tree whose nodes know the least below them.
struct Queue {
    leaves: usize,
    least: Vec<u64>,
}

impl Queue {
    const NOBODY: u64 = u64::MAX;

    fn new(places: usize) -> Self {
        let leaves = places.next_power_of_two();
        Self { leaves, least: vec![Self::NOBODY; 2 * leaves] }
    }

    fn at(&self, node: usize) -> u64 {
        self.least.get(node).copied().unwrap_or(Self::NOBODY)
    }

    fn set(&mut self, place: usize, milliamps: u64) {
        let mut node = self.leaves + place;
        let mut value = milliamps;
        while let Some(slot) = self.least.get_mut(node).filter(|_| node > 0) {
            *slot = value;
            value = value.min(self.at(node ^ 1));
            node /= 2;
        }
    }

    /// The first that draws at most so much.
    fn first_at_most(&self, free: u64) -> Option<(usize, u64)> {
        let mut node = 1;
        if self.at(node) > free || self.at(node) == Self::NOBODY {
            return None;
        }
        while node < self.leaves {
            node *= 2;
            if self.at(node) > free {
                node += 1;
            }
        }
        Some((node - self.leaves, self.at(node)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(devices: &[(u64, u64, u64)]) -> Vec<Waiting> {
        let second = Duration::from_secs;
        devices
            .iter()
            .map(|&(ready, milliamps, settle)| Waiting { ready: second(ready), milliamps, settle: second(settle) })
            .collect()
    }

    fn starts(max: u64, devices: &[(u64, u64, u64)]) -> Vec<u64> {
        Budget::new(max).start(&seconds(devices)).iter().map(Duration::as_secs).collect()
    }

    /// The same rule, second by second, by looking at everybody.
    fn slowly(max: u64, devices: &[(u64, u64, u64)]) -> Vec<u64> {
        let mut starts: Vec<Option<u64>> = vec![None; devices.len()];
        let mut now = 0;
        while starts.contains(&None) {
            for (place, &(ready, milliamps, _)) in devices.iter().enumerate() {
                let drawn: u64 = starts
                    .iter()
                    .zip(devices)
                    .filter(|(start, (_, _, settle))| start.is_some_and(|start| start <= now && now < start + settle))
                    .map(|(_, (_, milliamps, _))| milliamps)
                    .sum();
                if starts[place].is_none() && ready <= now && drawn + milliamps <= max {
                    starts[place] = Some(now);
                }
            }
            now += 1;
        }
        starts.into_iter().flatten().collect()
    }

    #[test]
    fn as_many_start_together_as_the_circuit_carries() {
        assert_eq!(starts(32_000, &[(0, 4_500, 3); 15]), [0, 0, 0, 0, 0, 0, 0, 3, 3, 3, 3, 3, 3, 3, 6]);
        assert_eq!(starts(9_000, &[(0, 4_500, 3); 2]), [0, 0], "two of 4.5 A are 9 A");
        assert_eq!(starts(5, &[]), Vec::<u64>::new());
    }

    #[test]
    fn one_that_does_not_fit_yet_holds_up_nobody() {
        assert_eq!(starts(10, &[(0, 6, 4), (0, 6, 4), (0, 4, 1), (0, 4, 1)]), [0, 4, 0, 1]);
        assert_eq!(starts(10, &[(0, 10, 4), (2, 1, 1), (7, 1, 1)]), [0, 4, 7]);
    }

    #[test]
    fn what_is_drawn_goes_on_into_the_next_batch() {
        let mut budget = Budget::new(10);
        assert_eq!(budget.start(&seconds(&[(0, 10, 5)])), [Duration::ZERO]);
        assert_eq!(budget.start(&seconds(&[(2, 5, 5)])), [Duration::from_secs(5)]);
        assert_eq!(budget.start(&seconds(&[(6, 5, 5), (6, 5, 5)])), [6, 10].map(Duration::from_secs));
    }

    #[test]
    fn a_hundred_thousand_different_devices_are_soon_done() {
        let devices: Vec<(u64, u64, u64)> = (0..100_000).map(|place| (0, 1 + place % 9_973, 1 + place % 7)).collect();
        let starts = starts(20_000, &devices);
        assert_eq!(starts.iter().filter(|start| **start == 0).count(), 199 + 13 + 3 + 2);
    }

    proptest! {
        #[test]
        fn it_agrees_with_looking_at_everybody_every_second(
            max in 1..30_u64,
            drawn in proptest::collection::vec((0..5_u64, 1..30_u64, 1..6_u64), 0..30),
        ) {
            let mut ready = 0;
            let devices: Vec<_> = drawn
                .into_iter()
                .map(|(later, milliamps, settle)| {
                    ready += later;
                    (ready, milliamps.min(max), settle)
                })
                .collect();
            let found = starts(max, &devices);
            prop_assert_eq!(&found, &slowly(max, &devices));
            // Whatever the way there: the window holds at every start.
            for &now in &found {
                let drawn: u64 = found
                    .iter()
                    .zip(&devices)
                    .filter(|(start, (_, _, settle))| **start <= now && now < **start + settle)
                    .map(|(_, (_, milliamps, _))| milliamps)
                    .sum();
                prop_assert!(drawn <= max, "{drawn} of {max} at {now}");
            }
        }
    }
}
