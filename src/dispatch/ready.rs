//! The scheduler: which lane may start now.
//!
//! It owns every limit that holds over all lanes and decides by itself, without a runtime: time is passed in, and asking
//! costs the logarithm of the number of site sets, never of lanes or devices that wait. Several engines could take lanes
//! from one scheduler behind a mutex; none of them owns a limit.
//!
//! Order: lanes that come back from a wait go first, the one that was due first before the others; then those with the
//! most devices, ties in inventory order, so that a long lane does not start last and hold up the end. Lanes whose
//! sites are the same stand in one line (`Line`); a line whose sites have no room is out of the draw until one has,
//! so a full site is skipped at no cost.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};

use tokio::time::Instant;

/// A lane of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LaneIndex(pub(super) u32);

/// What the scheduler must know of a lane.
#[derive(Debug, Clone)]
pub(super) struct LaneSize {
    /// Its devices.
    pub(super) devices: u32,
    /// The capped sites that they stand at, sorted, each once.
    pub(super) sites: Box<[u32]>,
}

/// What becomes of a lane that gives its slot back.
#[derive(Debug)]
pub(super) enum After<S> {
    /// All its devices have their outcome.
    Done,
    /// None of its devices may go on before this instant; `S` is what the lane must remember.
    Wait(Instant, S),
}

/// Among lines, the one whose first lane goes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Returned(Instant, LaneIndex),
    Fresh(Reverse<u32>, LaneIndex),
}

/// Lanes with the same capped sites.
#[derive(Debug, Default)]
struct Line {
    sites: Box<[u32]>,
    returned: BinaryHeap<Reverse<(Instant, LaneIndex)>>,
    fresh: VecDeque<LaneIndex>,
}

/// Decides which lane may start; `S` is what a waiting lane remembers.
#[derive(Debug)]
pub(super) struct Scheduler<S> {
    free_slots: usize,
    /// Lanes that are not done.
    unfinished: usize,
    /// Free places by site.
    free_places: Vec<usize>,
    lines: Vec<Line>,
    line_of: Vec<u32>,
    devices_of: Vec<u32>,
    lines_at_site: Vec<Vec<u32>>,
    /// Lines that have a lane and room at all their sites, by the turn of their first lane.
    open: BTreeSet<(Turn, u32)>,
    /// What `open` holds of each line.
    turn_of: Vec<Option<Turn>>,
    waiting: BinaryHeap<Reverse<(Instant, LaneIndex)>>,
    parked: HashMap<LaneIndex, S>,
}

impl<S> Scheduler<S> {
    /// All lanes, at most `slots` of them at once; `site_caps[site]` lanes at once at a site.
    pub(super) fn new(lanes: &[LaneSize], slots: usize, site_caps: Vec<usize>) -> Self {
        let mut order: Vec<u32> = (0..).take(lanes.len()).collect();
        let devices_of: Vec<u32> = lanes.iter().map(|lane| lane.devices).collect();
        order.sort_by_key(|&lane| Reverse(devices_of.get(lane as usize).copied()));
        let mut scheduler = Self {
            free_slots: slots.max(1),
            unfinished: lanes.len(),
            lines_at_site: vec![Vec::new(); site_caps.len()],
            free_places: site_caps,
            lines: Vec::new(),
            line_of: vec![0; lanes.len()],
            devices_of,
            open: BTreeSet::new(),
            turn_of: Vec::new(),
            waiting: BinaryHeap::new(),
            parked: HashMap::new(),
        };
        let mut known: HashMap<&[u32], u32> = HashMap::new();
        for index in order {
            let Some(lane) = lanes.get(index as usize) else { continue };
            let line = *known.entry(&lane.sites).or_insert_with(|| scheduler.add_line(&lane.sites));
            if let (Some(of), Some(line_entry)) =
                (scheduler.line_of.get_mut(index as usize), scheduler.lines.get_mut(line as usize))
            {
                *of = line;
                line_entry.fresh.push_back(LaneIndex(index));
            }
        }
        for line in 0..scheduler.lines.len() {
            scheduler.refresh(u32::try_from(line).unwrap_or(u32::MAX));
        }
        scheduler
    }

    fn add_line(&mut self, sites: &[u32]) -> u32 {
        let line = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        self.lines.push(Line { sites: sites.into(), ..Line::default() });
        self.turn_of.push(None);
        for &site in sites {
            if let Some(lines) = self.lines_at_site.get_mut(site as usize) {
                lines.push(line);
            }
        }
        line
    }

    /// Takes a slot for the lane whose turn it is; `None` when none may start now. What the lane remembered comes along.
    pub(super) fn take(&mut self, now: Instant) -> Option<(LaneIndex, Option<S>)> {
        self.wake(now);
        if self.free_slots == 0 {
            return None;
        }
        let &(turn, line_index) = self.open.first()?;
        let line = self.lines.get_mut(line_index as usize)?;
        let lane = match turn {
            Turn::Returned(..) => line.returned.pop()?.0.1,
            Turn::Fresh(..) => line.fresh.pop_front()?,
        };
        let sites = line.sites.clone();
        self.free_slots -= 1;
        for &site in &sites {
            if let Some(free) = self.free_places.get_mut(site as usize) {
                *free = free.saturating_sub(1);
            }
        }
        self.refresh_around(line_index, &sites);
        Some((lane, self.parked.remove(&lane)))
    }

    /// Whether `take` would give a lane.
    pub(super) fn has_turn(&mut self, now: Instant) -> bool {
        self.wake(now);
        self.free_slots > 0 && !self.open.is_empty()
    }

    /// Gives a lane's slot back.
    pub(super) fn release(&mut self, lane: LaneIndex, after: After<S>) {
        self.free_slots += 1;
        let Some(&line_index) = self.line_of.get(lane.0 as usize) else { return };
        let sites = self.lines.get(line_index as usize).map(|line| line.sites.clone()).unwrap_or_default();
        for &site in &sites {
            if let Some(free) = self.free_places.get_mut(site as usize) {
                *free += 1;
            }
        }
        match after {
            After::Done => self.unfinished = self.unfinished.saturating_sub(1),
            After::Wait(until, state) => {
                self.parked.insert(lane, state);
                self.waiting.push(Reverse((until, lane)));
            }
        }
        self.refresh_around(line_index, &sites);
    }

    /// When the next waiting lane is due.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.waiting.peek().map(|Reverse((until, _))| *until)
    }

    /// Whether no lane runs, waits or could start.
    pub(super) fn is_finished(&self) -> bool {
        self.unfinished == 0
    }

    /// Takes every lane that does not run, in no order that means anything: nothing will start any more.
    pub(super) fn drain(&mut self) -> Vec<(LaneIndex, Option<S>)> {
        let mut lanes: Vec<LaneIndex> = self.waiting.drain().map(|Reverse((_, lane))| lane).collect();
        for line in &mut self.lines {
            lanes.extend(line.returned.drain().map(|Reverse((_, lane))| lane));
            lanes.extend(line.fresh.drain(..));
        }
        self.open.clear();
        self.turn_of.fill(None);
        self.unfinished = self.unfinished.saturating_sub(lanes.len());
        lanes.sort_unstable();
        lanes.into_iter().map(|lane| (lane, self.parked.remove(&lane))).collect()
    }

    /// Takes a lane back that `drain` gave: it waits until `due`.
    pub(super) fn put_back(&mut self, lane: LaneIndex, due: Instant, state: S) {
        self.unfinished += 1;
        self.parked.insert(lane, state);
        self.waiting.push(Reverse((due, lane)));
    }

    /// Moves waiting lanes that are due into their lines. What is waited for until `t` is free at `t`.
    fn wake(&mut self, now: Instant) {
        while let Some(&Reverse((until, lane))) = self.waiting.peek() {
            if until > now {
                return;
            }
            self.waiting.pop();
            let Some(&line_index) = self.line_of.get(lane.0 as usize) else { continue };
            if let Some(line) = self.lines.get_mut(line_index as usize) {
                line.returned.push(Reverse((until, lane)));
            }
            self.refresh(line_index);
        }
    }

    /// Looks again at a line and at those that share a site with it.
    fn refresh_around(&mut self, line: u32, sites: &[u32]) {
        self.refresh(line);
        for &site in sites {
            let lines = self.lines_at_site.get(site as usize).cloned().unwrap_or_default();
            for other in lines {
                if other != line {
                    self.refresh(other);
                }
            }
        }
    }

    fn refresh(&mut self, line_index: u32) {
        let Some(line) = self.lines.get(line_index as usize) else { return };
        let has_room = line.sites.iter().all(|&site| self.free_places.get(site as usize).is_none_or(|&free| free > 0));
        let turn = if has_room { line.turn(&self.devices_of) } else { None };
        if let Some(held) = self.turn_of.get_mut(line_index as usize)
            && *held != turn
        {
            if let Some(old) = held.take() {
                self.open.remove(&(old, line_index));
            }
            if let Some(turn) = turn {
                self.open.insert((turn, line_index));
            }
            *held = turn;
        }
    }
}

impl Line {
    /// The turn of its first lane.
    fn turn(&self, devices_of: &[u32]) -> Option<Turn> {
        if let Some(&Reverse((until, lane))) = self.returned.peek() {
            return Some(Turn::Returned(until, lane));
        }
        let &lane = self.fresh.front()?;
        Some(Turn::Fresh(Reverse(devices_of.get(lane.0 as usize).copied().unwrap_or(0)), lane))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn lanes(sizes: &[(u32, &[u32])]) -> Vec<LaneSize> {
        sizes.iter().map(|&(devices, sites)| LaneSize { devices, sites: sites.into() }).collect()
    }

    fn take_all(scheduler: &mut Scheduler<()>, now: Instant) -> Vec<u32> {
        std::iter::from_fn(|| scheduler.take(now).map(|(lane, _)| lane.0)).collect()
    }

    #[test]
    fn long_lanes_start_first_and_ties_keep_the_inventorys_order() {
        let mut scheduler = Scheduler::new(&lanes(&[(1, &[]), (9, &[]), (1, &[]), (3, &[])]), 10, vec![]);
        assert_eq!(take_all(&mut scheduler, Instant::now()), [1, 3, 0, 2]);
    }

    #[test]
    fn no_more_lanes_run_than_there_are_slots_and_places() {
        let now = Instant::now();
        let site: &[u32] = &[0];
        let mut scheduler = Scheduler::new(&lanes(&[(5, site), (4, site), (3, site), (2, &[]), (1, &[])]), 4, vec![2]);
        assert_eq!(take_all(&mut scheduler, now), [0, 1, 3, 4], "the third lane of the site is passed over");
        scheduler.release(LaneIndex(3), After::Done);
        assert_eq!(take_all(&mut scheduler, now), [0; 0], "a slot is free, but no place at the site");
        scheduler.release(LaneIndex(0), After::Done);
        assert_eq!(take_all(&mut scheduler, now), [2]);
        assert!(!scheduler.is_finished());
        for lane in [1, 2, 4] {
            scheduler.release(LaneIndex(lane), After::Done);
        }
        assert!(scheduler.is_finished());
    }

    #[test]
    fn a_lane_over_two_sites_needs_a_place_at_both() {
        let now = Instant::now();
        let mut scheduler = Scheduler::new(&lanes(&[(3, &[0]), (2, &[0, 1]), (1, &[1])]), 10, vec![1, 1]);
        assert_eq!(take_all(&mut scheduler, now), [0, 2]);
        scheduler.release(LaneIndex(0), After::Done);
        assert_eq!(take_all(&mut scheduler, now), [0; 0]);
        scheduler.release(LaneIndex(2), After::Done);
        assert_eq!(take_all(&mut scheduler, now), [1]);
    }

    #[test]
    fn a_lane_comes_back_when_its_wait_is_over_and_goes_before_fresh_ones() {
        let start = Instant::now();
        let mut scheduler = Scheduler::new(&lanes(&[(9, &[]), (1, &[]), (1, &[])]), 1, vec![]);
        assert_eq!(scheduler.take(start), Some((LaneIndex(0), None)));
        let due = start + Duration::from_secs(3);
        scheduler.release(LaneIndex(0), After::Wait(due, "state"));
        assert_eq!(scheduler.next_wake(), Some(due));
        assert_eq!(scheduler.take(start), Some((LaneIndex(1), None)));
        scheduler.release(LaneIndex(1), After::Done);
        assert_eq!(scheduler.take(due), Some((LaneIndex(0), Some("state"))), "half-open: free at the instant itself");
        assert_eq!(scheduler.take(due), None);
        scheduler.release(LaneIndex(0), After::Done);
        assert!(scheduler.has_turn(due));
    }

    #[test]
    fn draining_leaves_nothing_to_start() {
        let start = Instant::now();
        let mut scheduler = Scheduler::new(&lanes(&[(3, &[]), (2, &[]), (1, &[])]), 2, vec![]);
        scheduler.take(start);
        scheduler.take(start);
        scheduler.release(LaneIndex(0), After::Wait(start + Duration::from_secs(1), 7));
        assert_eq!(scheduler.drain(), [(LaneIndex(0), Some(7)), (LaneIndex(2), None)]);
        assert_eq!(scheduler.take(start + Duration::from_secs(2)), None);
        scheduler.release(LaneIndex(1), After::Done);
        assert!(scheduler.is_finished());
    }

    #[test]
    fn a_hundred_thousand_lanes_are_scheduled_in_a_blink() {
        let sizes: Vec<LaneSize> =
            (0..100_000).map(|lane| LaneSize { devices: lane % 9 + 1, sites: [lane % 500].into() }).collect();
        let now = Instant::now();
        let mut scheduler: Scheduler<()> = Scheduler::new(&sizes, 256, vec![1; 500]);
        let mut running = VecDeque::new();
        let mut started = 0;
        loop {
            while let Some((lane, _)) = scheduler.take(now) {
                started += 1;
                running.push_back(lane);
            }
            let Some(lane) = running.pop_front() else { break };
            scheduler.release(lane, After::Done);
        }
        assert_eq!(started, 100_000);
    }
}
