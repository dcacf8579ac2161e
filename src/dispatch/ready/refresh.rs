//! Which lines are in the draw: looked at again whenever a place, a circuit or a lane of theirs has changed.

use super::Scheduler;
use crate::dispatch::pace::Need;

impl<S> Scheduler<S> {
    /// Looks again at the lines that share a site with these.
    pub(super) fn refresh_around(&mut self, set: u32) {
        let sites = self.site_sets.get(set as usize).cloned().unwrap_or_default();
        for &site in &sites {
            let sets = self.sets_at_site.get(site as usize).cloned().unwrap_or_default();
            for set in sets {
                self.refresh_all(self.lines_of_set.get(set as usize).cloned());
            }
        }
    }

    pub(super) fn refresh_circuit(&mut self, circuit: Option<u32>) {
        if let Some(circuit) = circuit {
            self.refresh_all(self.lines_of_circuit.get(&circuit).cloned());
        }
    }

    pub(super) fn refresh_all(&mut self, lines: Option<Vec<u32>>) {
        for line in lines.into_iter().flatten() {
            self.refresh(line);
        }
    }

    pub(super) fn refresh(&mut self, line_index: u32) {
        let Some(line) = self.lines.get_mut(line_index as usize) else { return };
        let sites = self.site_sets.get(line.sites as usize);
        let has_places =
            sites.into_iter().flatten().all(|&site| self.room.places.get(site as usize).is_none_or(|&free| free > 0));
        let is_open = has_places && self.pace.has_room(line.need);
        let turn = if is_open { line.turn(&self.rank_of, &self.visits) } else { None };
        let open = if line.need == Need::Nothing { &mut self.open } else { &mut self.open_to_start };
        if let Some(held) = self.turn_of.get_mut(line_index as usize)
            && *held != turn
        {
            if let Some(old) = held.take() {
                open.remove(&(old, line_index));
            }
            if let Some(turn) = turn {
                open.insert((turn, line_index));
            }
            *held = turn;
        }
    }
}
