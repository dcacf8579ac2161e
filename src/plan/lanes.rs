//! Who shares a lane: the devices of one gateway, in inventory order.

use std::hash::Hash;

use hashbrown::HashMap;

use crate::lie::{Lie, tells};
use crate::model::{Device, DeviceIndex};

/// All lanes, in the order of their first devices. Two flat lists, whatever the number of lanes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lanes {
    members: Vec<DeviceIndex>,
    ends: Vec<u32>,
}

impl Lanes {
    /// Groups devices by gateway.
    pub fn of(devices: &[Device]) -> Self {
        Self::of_some((0..).map(DeviceIndex).zip(devices))
    }

    /// Groups some of the devices of a run, each with its place in it.
    pub fn of_some<'d>(devices: impl IntoIterator<Item = (DeviceIndex, &'d Device)>) -> Self {
        let own = |index: DeviceIndex| tells(Lie::TwoSessions).then_some(index);
        Self::grouped(devices.into_iter().map(|(index, device)| (index, (own(index), &device.address)))).0
    }

    /// The lane of each of so many devices.
    pub fn lane_of(&self, devices: usize) -> Vec<u32> {
        let mut lane_of = vec![0; devices];
        for (lane, members) in (0..).zip(self.iter()) {
            for device in members {
                if let Some(place) = lane_of.get_mut(device.get()) {
                    *place = lane;
                }
            }
        }
        lane_of
    }

    /// The lanes of these devices alone, which are in inventory order, and which lane of the whole each of them is.
    pub fn among(devices: &[DeviceIndex], lane_of: &[u32]) -> (Self, Vec<u32>) {
        Self::grouped(devices.iter().map(|&device| (device, lane_of.get(device.get()).copied().unwrap_or(0))))
    }

    /// Those with the same key share a lane; the keys in the order of the lanes.
    fn grouped<K: Copy + Eq + Hash>(devices: impl Iterator<Item = (DeviceIndex, K)>) -> (Self, Vec<K>) {
        let expected = devices.size_hint().0;
        let mut lane_of: HashMap<K, u32> = HashMap::with_capacity(expected);
        let mut keys = Vec::new();
        let mut sizes: Vec<u32> = Vec::new();
        let lanes: Vec<(DeviceIndex, u32)> = devices
            .map(|(device, key)| {
                let lane = *lane_of.entry(key).or_insert_with(|| {
                    keys.push(key);
                    sizes.push(0);
                    u32::try_from(sizes.len() - 1).unwrap_or(u32::MAX)
                });
                if let Some(size) = sizes.get_mut(lane as usize) {
                    *size += 1;
                }
                (device, lane)
            })
            .collect();
        let mut next = 0;
        let mut starts: Vec<u32> = Vec::with_capacity(sizes.len());
        let ends = sizes
            .iter()
            .map(|size| {
                starts.push(next);
                next += size;
                next
            })
            .collect();
        let mut members = vec![DeviceIndex(0); lanes.len()];
        for (device, lane) in lanes {
            if let Some(start) = starts.get_mut(lane as usize)
                && let Some(place) = members.get_mut(*start as usize)
            {
                *place = device;
                *start += 1;
            }
        }
        (Self { members, ends }, keys)
    }

    /// How many lanes there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The devices of a lane, in inventory order.
    pub fn get(&self, lane: usize) -> &[DeviceIndex] {
        let start = lane.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |&end| end as usize);
        let end = self.ends.get(lane).map_or(start, |&end| end as usize);
        self.members.get(start..end).unwrap_or_default()
    }

    /// All lanes.
    pub fn iter(&self) -> impl Iterator<Item = &[DeviceIndex]> {
        (0..self.len()).map(|lane| self.get(lane))
    }

    /// The devices of the longest lane.
    pub fn longest(&self) -> usize {
        self.iter().map(<[DeviceIndex]>::len).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Params};

    #[test]
    fn devices_of_one_gateway_share_a_lane_in_inventory_order() {
        let devices: Vec<Device> = ["10.0.0.1:23", "gw:23", "10.0.0.1:23", "gw:24", "gw:23"]
            .iter()
            .map(|address| Device {
                name: "x".into(),
                address: Address::parse(address, None).unwrap(),
                device_type: "lg-rs232".into(),
                site: None,
                tags: [].into(),
                params: Params::default(),
                medium: crate::model::Medium::default(),
            })
            .collect();
        let lanes = Lanes::of(&devices);
        let shown: Vec<Vec<u32>> = lanes.iter().map(|lane| lane.iter().map(|device| device.0).collect()).collect();
        assert_eq!(shown, [vec![0, 2], vec![1, 4], vec![3]]);
        assert_eq!((lanes.len(), lanes.longest(), lanes.get(7)), (3, 2, [].as_slice()));
        let lane_of = lanes.lane_of(devices.len());
        assert_eq!(lane_of, [0, 1, 0, 2, 1]);
        let (some, whole) = Lanes::among(&[1, 2, 4].map(DeviceIndex), &lane_of);
        let shown: Vec<Vec<u32>> = some.iter().map(|lane| lane.iter().map(|device| device.0).collect()).collect();
        assert_eq!((shown, whole), (vec![vec![1, 4], vec![2]], vec![1, 0]));
    }
}
