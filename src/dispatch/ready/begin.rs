//! The lanes of a round, lined up: by the sites that they stand at, and by what they need.

use hashbrown::HashMap;

use super::line::Line;
use super::{LaneIndex, LaneSize, Scheduler};
use crate::dispatch::pace::Need;
use crate::dispatch::policy::{Length, order};

impl<S> Scheduler<S> {
    /// Begins with all these lanes; those before are done.
    pub(in crate::dispatch) fn begin(&mut self, lanes: &[LaneSize]) {
        let lengths: Vec<Length<'_>> = lanes.iter().map(LaneSize::length).collect();
        let order = order(&lengths, self.room.slots, &self.room.places);
        self.rank_of = vec![0; lanes.len()];
        for (rank, &lane) in (0..).zip(&order) {
            if let Some(place) = self.rank_of.get_mut(lane as usize) {
                *place = rank;
            }
        }
        self.unfinished = lanes.len();
        self.visits = vec![0; lanes.len()];
        self.waiting.clear();
        self.parked.clear();
        for line in &mut self.lines {
            line.returned.clear();
            line.fresh.clear();
        }
        let mut known: HashMap<&[u32], u32> = HashMap::new();
        self.set_of =
            lanes.iter().map(|lane| *known.entry(&lane.sites).or_insert_with(|| self.site_set(&lane.sites))).collect();
        for index in order {
            let Some((lane, &set)) = lanes.get(index as usize).zip(self.set_of.get(index as usize)) else { continue };
            for &need in std::iter::once(&lane.need).chain(&lane.other_needs) {
                let line = self.line(set, need);
                if let Some(line) = self.lines.get_mut(line as usize) {
                    line.fresh.push_back(LaneIndex(index));
                }
            }
        }
        for line in (0..).take(self.lines.len()) {
            self.refresh(line);
        }
    }

    /// The set of these sites.
    fn site_set(&mut self, sites: &[u32]) -> u32 {
        if let Some(known) = self.site_sets.iter().position(|set| **set == *sites) {
            return u32::try_from(known).unwrap_or(u32::MAX);
        }
        let set = u32::try_from(self.site_sets.len()).unwrap_or(u32::MAX);
        self.site_sets.push(sites.into());
        self.lines_of_set.push(Vec::new());
        for &site in sites {
            if let Some(sets) = self.sets_at_site.get_mut(site as usize) {
                sets.push(set);
            }
        }
        set
    }

    /// The line of those at these sites that need this.
    pub(super) fn line(&mut self, set: u32, need: Need) -> u32 {
        if let Some(&line) = self.line_by.get(&(set, need)) {
            return line;
        }
        let line = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        self.lines.push(Line::new(set, need));
        self.turn_of.push(None);
        self.line_by.insert((set, need), line);
        if let Some(lines) = self.lines_of_set.get_mut(set as usize) {
            lines.push(line);
        }
        if let Some(circuit) = self.pace.circuit(need) {
            self.lines_of_circuit.entry(circuit).or_default().push(line);
        }
        line
    }
}
