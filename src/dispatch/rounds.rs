//! What a run goes through one after the other: the batches of each pass of `--until`, the passes with growing gaps.
//!
//! A round is a batch, or where there are none a whole pass. Pure: it is told the time and what is left, and says which
//! devices come when.

use std::time::Duration;

use tokio::time::Instant;

use crate::lie::{Lie, tells};
use crate::model::DeviceIndex;

/// The gap before the second pass; each further one is twice as long.
const FIRST_GAP: Duration = Duration::from_secs(2);
/// The longest gap between two passes.
const LONGEST_GAP: Duration = Duration::from_mins(5);

/// The devices of a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// All of the plan.
    All,
    /// These, in inventory order.
    These(Vec<DeviceIndex>),
}

/// What follows a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The next batch of the same pass.
    Batch(Instant),
    /// Another pass.
    Pass(Instant),
    /// Nothing more.
    Over,
}

impl Next {
    /// When it begins.
    pub(super) fn at(self) -> Option<Instant> {
        match self {
            Self::Batch(at) | Self::Pass(at) => Some(at),
            Self::Over => None,
        }
    }
}

/// The rounds of a run.
#[derive(Debug)]
pub(super) struct Rounds {
    batch: Option<(u32, Duration)>,
    until: Option<Instant>,
    /// Which pass, from 1.
    pass: u32,
    gap: Duration,
    /// How many devices the pass takes.
    count: usize,
    /// Which they are; `None`: all of the plan, in one round.
    devices: Option<Vec<DeviceIndex>>,
    /// How many of them have begun.
    begun: usize,
}

impl Rounds {
    /// Rounds over `count` devices, which `devices` gives in inventory order where they come in batches: `batch` of them at
    /// a time with a pause between, passes as long as they may begin `until` then.
    pub(super) fn new(
        count: usize,
        devices: impl Iterator<Item = DeviceIndex>,
        batch: Option<(u32, Duration)>,
        until: Option<Instant>,
    ) -> Self {
        let batch = batch.map(|(size, pause)| (size.max(1), pause));
        let devices = batch.map(|_| devices.collect());
        Self { batch, until, pass: 1, gap: FIRST_GAP, count, devices, begun: 0 }
    }

    /// Whether there may be more than one.
    pub(super) fn are_many(&self) -> bool {
        self.batch.is_some() || self.until.is_some()
    }

    /// Which pass this is, from 1.
    pub(super) fn pass(&self) -> u32 {
        self.pass
    }

    /// How many devices the pass takes.
    pub(super) fn of_pass(&self) -> usize {
        self.count
    }

    /// Begins the next batch of the pass.
    pub(super) fn begin(&mut self) -> Part {
        let from = self.begun;
        let size = self.batch.map_or(usize::MAX, |(size, _)| size as usize);
        self.begun = from.saturating_add(size).min(self.count);
        match &self.devices {
            None => Part::All,
            Some(devices) => Part::These(devices.get(from..self.begun).unwrap_or_default().to_vec()),
        }
    }

    /// Begins another pass over these devices, which are in inventory order.
    pub(super) fn begin_pass(&mut self, rest: Vec<DeviceIndex>) -> Part {
        self.pass += 1;
        self.gap = (self.gap * 2).min(LONGEST_GAP);
        self.count = rest.len();
        self.devices = Some(rest);
        self.begun = 0;
        self.begin()
    }

    /// What follows the round that ended `now`, while `rest` devices may be tried again.
    pub(super) fn next(&self, now: Instant, rest: usize) -> Next {
        if let Some((_, pause)) = self.batch
            && self.begun < self.of_pass()
        {
            return Next::Batch(if tells(Lie::PauseForgotten) { now } else { now + pause });
        }
        let at = now + self.gap;
        match self.until {
            Some(until) if rest > 0 && at <= until => Next::Pass(at),
            _ => Next::Over,
        }
    }

    /// The devices that have not begun in this pass.
    pub(super) fn not_begun(&self) -> &[DeviceIndex] {
        self.devices.as_ref().and_then(|devices| devices.get(self.begun..)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn all(devices: u32) -> impl Iterator<Item = DeviceIndex> {
        (0..devices).map(DeviceIndex)
    }

    fn these(range: std::ops::Range<u32>) -> Part {
        Part::These(range.map(DeviceIndex).collect())
    }

    #[test]
    fn without_batches_and_passes_there_is_one_round() {
        let mut rounds = Rounds::new(300, all(300), None, None);
        assert_eq!(rounds.begin(), Part::All);
        assert_eq!(rounds.next(Instant::now(), 7), Next::Over);
        assert!(!rounds.are_many());
    }

    #[test]
    fn gaps_between_passes_double_up_to_five_minutes_and_none_begins_after_the_end() {
        let start = Instant::now();
        let mut rounds = Rounds::new(3, all(3), None, Some(start + 3600 * SECOND));
        let (mut now, mut gaps) = (start, Vec::new());
        rounds.begin();
        while let Next::Pass(at) = rounds.next(now, 1) {
            gaps.push((at - now).as_secs());
            now = at;
            assert_eq!(rounds.begin_pass(vec![DeviceIndex(2)]), these(2..3));
        }
        assert_eq!(gaps[..9], [2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!((now - start).as_secs(), 510 + 10 * 300, "the next would begin at 3,810 s");
        assert_eq!(rounds.pass(), 19);
    }

    #[test]
    fn a_pass_may_begin_at_the_end_itself_and_needs_somebody() {
        let start = Instant::now();
        let mut rounds = Rounds::new(3, all(3), None, Some(start + 2 * SECOND));
        rounds.begin();
        assert_eq!(rounds.next(start, 0), Next::Over);
        assert_eq!(rounds.next(start, 1), Next::Pass(start + 2 * SECOND));
        assert_eq!(rounds.next(start + SECOND / 1000, 1), Next::Over);
    }

    #[test]
    fn batches_take_the_devices_in_order_and_pause_between_them_alone() {
        let now = Instant::now();
        let mut rounds = Rounds::new(7, all(7), Some((3, 10 * SECOND)), Some(now + 60 * SECOND));
        assert_eq!(rounds.begin(), these(0..3));
        assert_eq!(rounds.next(now, 2), Next::Batch(now + 10 * SECOND));
        assert_eq!(rounds.not_begun().len(), 4);
        assert_eq!((rounds.begin(), rounds.next(now, 2)), (these(3..6), Next::Batch(now + 10 * SECOND)));
        assert_eq!((rounds.begin(), rounds.next(now, 2)), (these(6..7), Next::Pass(now + 2 * SECOND)));
        assert_eq!(
            rounds.begin_pass(vec![DeviceIndex(1), DeviceIndex(5)]),
            Part::These([1, 5].map(DeviceIndex).into())
        );
        assert_eq!(rounds.next(now, 2), Next::Pass(now + 4 * SECOND));
        assert_eq!(rounds.not_begun().len(), 0);
    }

    proptest! {
        #[test]
        fn every_device_is_in_one_batch(devices in 0_u32..500, size in 0_u32..40) {
            let now = Instant::now();
            let mut rounds = Rounds::new(devices as usize, all(devices), Some((size, SECOND)), None);
            let mut seen = Vec::new();
            loop {
                let Part::These(part) = rounds.begin() else { panic!() };
                prop_assert!(part.len() <= size.max(1) as usize);
                seen.extend(part);
                if rounds.next(now, 0) == Next::Over {
                    break;
                }
            }
            prop_assert_eq!(seen, (0..devices).map(DeviceIndex).collect::<Vec<_>>());
        }
    }
}
