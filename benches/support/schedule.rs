//! What a run has to last, reckoned without a network: the lower bound, and the ideal in fleetctl's own order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// A lane of a reckoned run: its devices, and how long it takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane {
    /// How many devices it has.
    pub(crate) devices: usize,
    /// From the first connection to the last answer, gaps and time-outs included.
    pub(crate) lasts: Duration,
}

/// No run is shorter: its longest lane must pass, and all lanes must pass through so many places.
pub(crate) fn bound(lanes: &[Lane], places: u32) -> Duration {
    let longest = lanes.iter().map(|lane| lane.lasts).max().unwrap_or_default();
    longest.max(lanes.iter().map(|lane| lane.lasts).sum::<Duration>() / places)
}

/// A run that costs nothing but the devices' own time: lanes with the most devices first, ties in the inventory's
/// order, and a place that becomes free takes the next at once.
pub(crate) fn ideal(lanes: &[Lane], places: u32) -> Duration {
    let mut order: Vec<&Lane> = lanes.iter().collect();
    order.sort_by_key(|lane| Reverse(lane.devices));
    let mut free: BinaryHeap<Reverse<Duration>> = (0..places).map(|_| Reverse(Duration::ZERO)).collect();
    let mut end = Duration::ZERO;
    for lane in order {
        let Some(Reverse(from)) = free.pop() else { break };
        let until = from + lane.lasts;
        end = end.max(until);
        free.push(Reverse(until));
    }
    end
}
