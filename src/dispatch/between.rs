//! What outlives a round: who may be tried again in the next pass, what gateways remember, how many have failed.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::lane_state::Gateway;
use super::ready::LaneIndex;
use super::record::Record;
use crate::lie::{Lie, tells};
use crate::model::DeviceIndex;

/// Devices between two passes, and gateways between two rounds.
#[derive(Debug, Default)]
pub(super) struct Between {
    /// Those that have failed and may be tried again, with the time at which they did.
    rest: Mutex<BTreeMap<DeviceIndex, (Instant, Box<Record>)>>,
    gateways: Mutex<HashMap<LaneIndex, Gateway>>,
}

impl Between {
    /// A device has failed in this pass at `now` and may be tried again.
    pub(super) fn keep(&self, device: DeviceIndex, record: Record, now: Instant) {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner).insert(device, (now, Box::new(record)));
    }

    /// What is known of a device from the passes before.
    pub(super) fn take(&self, device: DeviceIndex) -> Option<(Instant, Box<Record>)> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner).remove(&device)
    }

    /// How many may be tried again.
    pub(super) fn rest_count(&self) -> usize {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Shows each of those that may be tried again, in inventory order.
    pub(super) fn look<T>(&self, mut look: impl FnMut(DeviceIndex, &Record) -> Option<T>) -> Vec<T> {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        rest.iter().filter_map(|(&device, (_, record))| look(device, record)).collect()
    }

    /// What a gateway remembers of the rounds before.
    pub(super) fn gateway(&self, gateway: LaneIndex) -> Gateway {
        self.gateways.lock().unwrap_or_else(PoisonError::into_inner).remove(&gateway).unwrap_or_default()
    }

    /// A lane is done in this round.
    pub(super) fn keep_gateway(&self, gateway: LaneIndex, known: Gateway) {
        self.gateways.lock().unwrap_or_else(PoisonError::into_inner).insert(gateway, known);
    }
}

/// `--max-failures`.
#[derive(Debug)]
pub(super) struct Failures {
    most: Option<u64>,
    count: AtomicU64,
    is_counting: AtomicBool,
}

impl Failures {
    pub(super) fn new(most: Option<u64>) -> Self {
        Self { most, count: AtomicU64::new(0), is_counting: AtomicBool::new(true) }
    }

    /// Whether failures are counted.
    pub(super) fn is_limited(&self) -> bool {
        self.most.is_some() && self.is_counting.load(Ordering::Relaxed)
    }

    /// A device has failed; says whether that is the one that was too many.
    pub(super) fn add(&self) -> bool {
        let Some(most) = self.most.filter(|_| self.is_limited()) else { return false };
        self.count.fetch_add(1, Ordering::Relaxed) == most + u64::from(tells(Lie::FailuresOffByOne))
    }

    /// The first pass is over: who fails again is not counted.
    pub(super) fn count_no_more(&self) {
        self.is_counting.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failure_that_is_too_many_is_told_once_and_only_in_the_first_pass() {
        let failures = Failures::new(Some(2));
        assert!(failures.is_limited());
        assert_eq!([(); 4].map(|()| failures.add()), [false, false, true, false]);
        let failures = Failures::new(Some(0));
        failures.count_no_more();
        assert!(!failures.is_limited() && !failures.add(), "who fails again is known already");
        let unlimited = Failures::new(None);
        assert!(!unlimited.is_limited() && !unlimited.add());
    }
}
