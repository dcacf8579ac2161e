//! Who shares a lane: the devices of one gateway, in inventory order.

use std::collections::HashMap;

use crate::model::{Address, Device, DeviceIndex};

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
        let devices = devices.into_iter();
        let mut lane_of: HashMap<&Address, u32> = HashMap::with_capacity(devices.size_hint().0);
        let mut sizes: Vec<u32> = Vec::new();
        let lanes: Vec<(DeviceIndex, u32)> = devices
            .map(|(index, device)| {
                let lane = *lane_of.entry(&device.address).or_insert_with(|| {
                    sizes.push(0);
                    u32::try_from(sizes.len() - 1).unwrap_or(u32::MAX)
                });
                if let Some(size) = sizes.get_mut(lane as usize) {
                    *size += 1;
                }
                (index, lane)
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
        Self { members, ends }
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
    use crate::model::Params;

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
    }
}
