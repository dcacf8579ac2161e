//! The scheduler: which lane may start now.
//!
//! It owns every limit that holds over all lanes (slots, places at sites, and through `pace/` rate and circuits) and
//! decides by itself, without a runtime: time is passed in, and asking costs the logarithm of the number of lines, never
//! of lanes or devices that wait. All crews take lanes from the one scheduler behind a mutex; none of them owns a limit.
//!
//! Order: lanes that come back from a wait go first, the one that was due first before the others; then the others as
//! `policy/order.rs` lines them up, so that a long lane does not start last and hold up the end. Lanes with the same
//! sites and the same need stand in one line (`Line`); a line whose sites or circuit have no room is out of the draw
//! until they have, so whoever cannot start now is skipped at no cost. A lane whose devices need different things stands
//! in several lines; where it is taken from one, its places in the others are void.

mod begin;
mod line;
mod refresh;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

use hashbrown::HashMap;
use tokio::time::Instant;

use self::line::{Line, Place, Turn};
use super::pace::{Grant, Need, Pace};
use super::policy::Length;
use crate::lie::{Lie, tells};
use crate::plan::InrushIndex;

/// A lane of the round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LaneIndex(pub(super) u32);

/// What the scheduler must know of a lane.
#[derive(Debug, Clone)]
pub(super) struct LaneSize {
    /// Its devices.
    pub(super) devices: u32,
    /// How long it is expected to take; zero where no earlier run has measured any lane.
    pub(super) time: Duration,
    /// The capped sites that they stand at, sorted, each once.
    pub(super) sites: Box<[u32]>,
    /// What its devices need to begin, each once; more than one only where they differ.
    pub(super) need: Need,
    /// See `need`.
    pub(super) other_needs: Box<[Need]>,
}

impl LaneSize {
    fn length(&self) -> Length<'_> {
        Length { devices: self.devices, time: self.time, sites: &self.sites }
    }
}

/// A time from which a lane may go on, and what it needs for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) due: Instant,
    pub(super) need: Need,
}

/// What becomes of a lane that gives its slot back.
#[derive(Debug)]
pub(super) enum After<S> {
    /// All its devices have their outcome.
    Done,
    /// None of its devices may go on now; `S` is what the lane must remember.
    Wait(Vec<Offer>, S),
}

/// A lane that may start.
#[derive(Debug)]
pub(super) struct Taken<S> {
    pub(super) lane: LaneIndex,
    /// What it remembered.
    pub(super) state: Option<S>,
    /// For one start, where starts are limited.
    pub(super) grant: Option<Grant>,
}

/// The slots and places that are free.
#[derive(Debug)]
struct Room {
    slots: usize,
    /// By site.
    places: Vec<usize>,
}

/// Decides which lane may start; `S` is what a waiting lane remembers.
#[derive(Debug)]
pub(super) struct Scheduler<S> {
    room: Room,
    pace: Pace,
    /// Lanes that are not done.
    unfinished: usize,
    /// Which sites lanes stand at: sets that occur.
    site_sets: Vec<Box<[u32]>>,
    sets_at_site: Vec<Vec<u32>>,
    lines: Vec<Line>,
    line_by: HashMap<(u32, Need), u32>,
    lines_of_set: Vec<Vec<u32>>,
    lines_of_circuit: HashMap<u32, Vec<u32>>,
    set_of: Vec<u32>,
    /// Which place each lane has in the order in which they begin.
    rank_of: Vec<u32>,
    /// How often each lane was taken.
    visits: Vec<u32>,
    /// Lines that have a lane and room at all their sites, by the turn of their first lane: those that need nothing
    /// else.
    open: BTreeSet<(Turn, u32)>,
    /// The same of those that need a start, and have room on their circuit.
    open_to_start: BTreeSet<(Turn, u32)>,
    /// What these hold of each line.
    turn_of: Vec<Option<Turn>>,
    waiting: BinaryHeap<Reverse<(Place, u32)>>,
    parked: HashMap<LaneIndex, S>,
}

impl<S> Scheduler<S> {
    /// Limits without lanes: at most `slots` lanes at once, `site_caps[site]` of them at a site.
    pub(super) fn new(slots: usize, mut site_caps: Vec<usize>, pace: Pace) -> Self {
        for most in &mut site_caps {
            *most += usize::from(tells(Lie::SiteTooMany));
        }
        Self {
            sets_at_site: vec![Vec::new(); site_caps.len()],
            room: Room { slots: slots.max(1), places: site_caps },
            pace,
            unfinished: 0,
            site_sets: Vec::new(),
            lines: Vec::new(),
            line_by: HashMap::new(),
            lines_of_set: Vec::new(),
            lines_of_circuit: HashMap::new(),
            set_of: Vec::new(),
            rank_of: Vec::new(),
            visits: Vec::new(),
            open: BTreeSet::new(),
            open_to_start: BTreeSet::new(),
            turn_of: Vec::new(),
            waiting: BinaryHeap::new(),
            parked: HashMap::new(),
        }
    }

    /// Takes a slot, and all else that it needs, for the lane whose turn it is; `None` when none may start now.
    pub(super) fn take(&mut self, now: Instant) -> Option<Taken<S>> {
        self.wake(now);
        if self.room.slots == 0 {
            return None;
        }
        loop {
            let line_index = self.next_line(now)?;
            let line = self.lines.get_mut(line_index as usize)?;
            let (set, need) = (line.sites, line.need);
            let Some(lane) = line.pop(&self.visits) else {
                self.refresh(line_index);
                continue;
            };
            self.visited(lane);
            self.room.slots -= 1;
            for &site in self.site_sets.get(set as usize).into_iter().flatten() {
                if let Some(free) = self.room.places.get_mut(site as usize) {
                    *free = free.saturating_sub(1);
                }
            }
            let grant = if let Need::Start(inrush) = need { Some(self.pace.grant(inrush, now)) } else { None };
            self.refresh(line_index);
            self.refresh_around(set);
            self.refresh_circuit(self.pace.circuit(need));
            let state = if self.parked.is_empty() { None } else { self.parked.remove(&lane) };
            return Some(Taken { lane, state, grant });
        }
    }

    /// The line whose turn it is.
    fn next_line(&mut self, now: Instant) -> Option<u32> {
        let first = self.open.first();
        let to_start =
            if !self.open_to_start.is_empty() && self.pace.is_near(now) { self.open_to_start.first() } else { None };
        match (first, to_start) {
            (Some(one), Some(other)) => Some(one.min(other).1),
            (one, other) => one.or(other).map(|(_, line)| *line),
        }
    }

    /// Whether `take` would give a lane.
    pub(super) fn has_turn(&mut self, now: Instant) -> bool {
        self.wake(now);
        self.room.slots > 0 && self.next_line(now).is_some()
    }

    /// Lets a further device of a lane start that holds its slot; `None`: not now.
    pub(super) fn admit(&mut self, inrush: Option<InrushIndex>, now: Instant) -> Option<Grant> {
        self.wake(now);
        let need = Need::Start(inrush);
        if !self.pace.is_near(now) || !self.pace.has_room(need) {
            return None;
        }
        let grant = self.pace.grant(inrush, now);
        self.refresh_circuit(self.pace.circuit(need));
        Some(grant)
    }

    /// All else is ready for a write at `now`: when it may be; `None`: not soon.
    pub(super) fn turn(&mut self, grant: &Grant, now: Instant) -> Option<Instant> {
        self.pace.turn(grant, now)
    }

    /// The write of a command.
    pub(super) fn starts(&mut self, grant: &Grant, now: Instant) {
        self.pace.starts(grant, now);
    }

    /// A write that came to nothing is to be made again: whether what it draws is still kept for it.
    pub(super) fn holds(&mut self, grant: &Grant) -> bool {
        self.pace.holds(grant)
    }

    /// The end of an attempt; `is_written`: some of its command was.
    pub(super) fn ends(&mut self, grant: &Grant, is_written: bool) {
        let circuit = self.pace.ends(grant, is_written);
        self.refresh_circuit(circuit);
    }

    /// Gives a lane's slot back.
    pub(super) fn release(&mut self, lane: LaneIndex, after: After<S>) {
        self.room.slots += 1;
        let Some(&set) = self.set_of.get(lane.0 as usize) else { return };
        for &site in self.site_sets.get(set as usize).into_iter().flatten() {
            if let Some(free) = self.room.places.get_mut(site as usize) {
                *free += 1;
            }
        }
        match after {
            After::Done => self.unfinished = self.unfinished.saturating_sub(1),
            After::Wait(offers, state) => self.park(lane, set, &offers, state),
        }
        self.refresh_around(set);
    }

    fn park(&mut self, lane: LaneIndex, set: u32, offers: &[Offer], state: S) {
        let visit = self.visits.get(lane.0 as usize).copied().unwrap_or(0);
        self.parked.insert(lane, state);
        for offer in offers {
            let line = self.line(set, offer.need);
            self.waiting.push(Reverse(((offer.due, lane, visit), line)));
        }
    }

    /// When there may be something to take that is not there at `now`.
    pub(super) fn next_wake(&mut self, now: Instant) -> Option<Instant> {
        let due = self.waiting.peek().map(|Reverse(((due, ..), _))| *due);
        if self.room.slots == 0 {
            return due;
        }
        let near = if self.open_to_start.is_empty() { None } else { self.pace.near_at(now) };
        [due, near, self.pace.next_over()].into_iter().flatten().min()
    }

    /// Whether no lane runs, waits or could start.
    pub(super) fn is_finished(&self) -> bool {
        self.unfinished == 0
    }

    /// Takes every lane that does not run, in inventory order: only those that are put back may go on.
    pub(super) fn drain(&mut self) -> Vec<(LaneIndex, Option<S>)> {
        let is_there = |visits: &[u32], (_, lane, visit): Place| visits.get(lane.0 as usize) == Some(&visit);
        let waiting = self.waiting.drain().map(|Reverse((place, _))| place);
        let mut lanes: Vec<LaneIndex> =
            waiting.filter(|&place| is_there(&self.visits, place)).map(|one| one.1).collect();
        for line in &mut self.lines {
            let returned = line.returned.drain().map(|Reverse(place)| place);
            lanes.extend(returned.filter(|&place| is_there(&self.visits, place)).map(|one| one.1));
            lanes.extend(line.fresh.drain(..).filter(|lane| self.visits.get(lane.0 as usize) == Some(&0)));
        }
        self.open.clear();
        self.open_to_start.clear();
        self.turn_of.fill(None);
        lanes.sort_unstable();
        lanes.dedup();
        self.unfinished = self.unfinished.saturating_sub(lanes.len());
        for &lane in &lanes {
            self.visited(lane);
        }
        lanes.into_iter().map(|lane| (lane, self.parked.remove(&lane))).collect()
    }

    /// Takes a lane back that `drain` gave.
    pub(super) fn put_back(&mut self, lane: LaneIndex, offers: &[Offer], state: S) {
        self.unfinished += 1;
        if let Some(&set) = self.set_of.get(lane.0 as usize) {
            self.park(lane, set, offers, state);
        }
    }

    fn visited(&mut self, lane: LaneIndex) {
        if let Some(visits) = self.visits.get_mut(lane.0 as usize) {
            *visits = visits.wrapping_add(1).max(1);
        }
    }

    /// Moves waiting lanes that are due into their lines, and ends draws. What is waited for until `t` is free at `t`.
    fn wake(&mut self, now: Instant) {
        while let Some(&Reverse((place, line_index))) = self.waiting.peek()
            && place.0 <= now
        {
            self.waiting.pop();
            if let Some(line) = self.lines.get_mut(line_index as usize) {
                line.returned.push(Reverse(place));
            }
            self.refresh(line_index);
        }
        while let Some(circuit) = self.pace.take_over(now) {
            self.refresh_circuit(Some(circuit));
        }
    }
}
