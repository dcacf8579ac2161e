//! How fast a run goes through its fleet, in the numbers of its selection.

use std::time::Duration;

use jiff::Timestamp;

use super::Pacing;
use crate::model::Rate;

/// What `Pacing` comes to for a selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paced {
    /// How far starts are apart.
    pub rate: Option<Rate>,
    /// So many devices at a time, in inventory order; at least 1.
    pub batch: Option<u32>,
    /// From the end of a batch to the next; nothing without batches.
    pub pause: Duration,
    /// Nothing new is started once more devices than that have failed.
    pub max_failures: Option<u64>,
    /// No pass starts after it; without it there is one pass.
    pub until: Option<Timestamp>,
}

impl Paced {
    /// For so many selected devices.
    pub(super) fn of(pacing: &Pacing, devices: usize, until: Option<Timestamp>) -> Self {
        let total = u64::try_from(devices).unwrap_or(u64::MAX);
        let batch = pacing.batch.map(|batch| u32::try_from(batch.rounded_up(total).max(1)).unwrap_or(u32::MAX));
        Self {
            rate: pacing.rate,
            batch,
            pause: pacing.pause,
            max_failures: pacing.max_failures.map(|most| most.rounded_down(total)),
            until,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Portion;

    fn paced(batch: &str, max_failures: &str, devices: usize) -> (Option<u32>, Option<u64>) {
        let portion = |text: &str| text.parse::<Portion>().ok();
        let pacing = Pacing { batch: portion(batch), max_failures: portion(max_failures), ..Pacing::default() };
        let paced = Paced::of(&pacing, devices, None);
        (paced.batch, paced.max_failures)
    }

    #[test]
    fn a_batch_is_rounded_up_and_failures_down() {
        assert_eq!(paced("10%", "10%", 300), (Some(30), Some(30)));
        assert_eq!(paced("10%", "10%", 301), (Some(31), Some(30)));
        assert_eq!(paced("1%", "1%", 5), (Some(1), Some(0)));
        assert_eq!(paced("7", "0", 5), (Some(7), Some(0)));
        assert_eq!(paced("33.3333%", "33.3333%", 3), (Some(1), Some(0)));
        assert_eq!(paced("", "", 5), (None, None));
    }

    proptest! {
        #[test]
        fn a_share_of_the_selection_is_exact(millionths in 1..=1_000_000_u64, devices in 1..2_000_000_u64) {
            let share = format!("{}.{:04}%", millionths / 10_000, millionths % 10_000);
            let (batch, failures) = paced(&share, &share, usize::try_from(devices).unwrap());
            let (batch, failures) = (u64::from(batch.unwrap()), failures.unwrap());
            let (exact, whole) = (u128::from(devices) * u128::from(millionths), 1_000_000_u128);
            // The least batch that is no less than the share, the most failures that are no more than it.
            prop_assert!(u128::from(batch) * whole >= exact && u128::from(batch - 1) * whole < exact);
            prop_assert!(u128::from(failures) * whole <= exact && u128::from(failures + 1) * whole > exact);
        }
    }
}
