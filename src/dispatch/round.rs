//! The lanes of a round: all of the plan's, or those of some of its devices.

use std::collections::{BTreeSet, HashMap};

use super::checking::Phase;
use super::pace::{Need, Needs};
use super::ready::{LaneIndex, LaneSize};
use super::rounds::Part;
use crate::model::DeviceIndex;
use crate::plan::{Lanes, Plan};

/// Who shares a lane in a round.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// The lanes and which of the plan's each is; `None`: all of the plan.
    some: Option<(Lanes, Vec<u32>)>,
}

impl Round {
    /// The lanes of these devices; `lane_of`: the plan's lane of each device.
    pub(super) fn new(part: &Part, lane_of: &[u32]) -> Self {
        match part {
            Part::All => Self::default(),
            Part::These(devices) => Self { some: Some(Lanes::among(devices, lane_of)) },
        }
    }

    fn lanes<'a>(&'a self, plan: &'a Plan) -> &'a Lanes {
        self.some.as_ref().map_or(&plan.lanes, |(lanes, _)| lanes)
    }

    /// The devices of a lane, in inventory order.
    pub(super) fn devices<'a>(&'a self, plan: &'a Plan, lane: LaneIndex) -> &'a [DeviceIndex] {
        self.lanes(plan).get(lane.0 as usize)
    }

    /// Which lane of the plan it is.
    pub(super) fn gateway(&self, lane: LaneIndex) -> LaneIndex {
        let known = self.some.as_ref().and_then(|(_, lanes)| lanes.get(lane.0 as usize));
        known.map_or(lane, |&lane| LaneIndex(lane))
    }

    /// What the scheduler must know of the lanes.
    pub(super) fn sizes(&self, plan: &Plan, needs: Needs, is_first_pass: bool) -> Vec<LaneSize> {
        let sites: HashMap<&str, u32> = (0..).zip(&plan.sites).map(|(index, site)| (&*site.name, index)).collect();
        let site_of = |device: DeviceIndex| sites.get(&**plan.device(device)?.site.as_ref()?).copied();
        let size = |devices: &[DeviceIndex]| {
            let mut at: Vec<u32> =
                if sites.is_empty() { Vec::new() } else { devices.iter().filter_map(|&d| site_of(d)).collect() };
            at.sort_unstable();
            at.dedup();
            let mut all: BTreeSet<Need> = BTreeSet::new();
            if needs.are_any() {
                let jobs = devices.iter().filter_map(|&device| plan.job(device));
                all.extend(jobs.map(|job| needs.of(&Phase::first(job, is_first_pass), job)));
            }
            let mut all = all.into_iter();
            LaneSize {
                devices: u32::try_from(devices.len()).unwrap_or(u32::MAX),
                time: plan.expected_of(devices),
                sites: at.into(),
                need: all.next().unwrap_or(Need::Nothing),
                other_needs: all.collect(),
            }
        };
        self.lanes(plan).iter().map(size).collect()
    }
}
