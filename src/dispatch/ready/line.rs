//! Lanes that stand in one line: at the same capped sites, with the same need.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use tokio::time::Instant;

use super::LaneIndex;
use crate::dispatch::pace::Need;

/// Among lines, the one whose first lane goes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    Returned(Instant, LaneIndex),
    Fresh(u32),
}

/// A lane that waits, as it was after so many visits: it is void once the lane was taken again.
pub(super) type Place = (Instant, LaneIndex, u32);

/// Lanes at the same capped sites with the same need.
#[derive(Debug)]
pub(super) struct Line {
    /// A set of sites.
    pub(super) sites: u32,
    pub(super) need: Need,
    pub(super) returned: BinaryHeap<Reverse<Place>>,
    pub(super) fresh: VecDeque<LaneIndex>,
}

impl Line {
    pub(super) fn new(sites: u32, need: Need) -> Self {
        Self { sites, need, returned: BinaryHeap::new(), fresh: VecDeque::new() }
    }

    /// The turn of its first lane.
    pub(super) fn turn(&mut self, rank_of: &[u32], visits: &[u32]) -> Option<Turn> {
        self.drop_void(visits);
        if let Some(&Reverse((due, lane, _))) = self.returned.peek() {
            return Some(Turn::Returned(due, lane));
        }
        let &lane = self.fresh.front()?;
        Some(Turn::Fresh(rank_of.get(lane.0 as usize).copied().unwrap_or(u32::MAX)))
    }

    /// Takes its first lane, if that still stands here: otherwise it has another turn.
    pub(super) fn pop(&mut self, visits: &[u32]) -> Option<LaneIndex> {
        if self.drop_void(visits) {
            return None;
        }
        self.returned.pop().map(|Reverse((_, lane, _))| lane).or_else(|| self.fresh.pop_front())
    }

    /// Drops places at its head whose lanes were taken from elsewhere; says whether there were any.
    fn drop_void(&mut self, visits: &[u32]) -> bool {
        let mut dropped = false;
        while let Some(Reverse((_, lane, visit))) = self.returned.peek()
            && visits.get(lane.0 as usize) != Some(visit)
        {
            self.returned.pop();
            dropped = true;
        }
        while let Some(lane) = self.fresh.front()
            && visits.get(lane.0 as usize) != Some(&0)
        {
            self.fresh.pop_front();
            dropped = true;
        }
        dropped
    }
}
