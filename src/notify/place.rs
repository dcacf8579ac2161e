//! Where a device is, for whoever goes there: the numbers by which it is known behind its address.

use super::page::cut;
use crate::model::escape::printable;
use crate::model::{Device, ParamValue};

/// Of more devices than this it is not said where each is: their names and the report say it.
const MOST_DEVICES: usize = 4;

/// Where these devices are, a text each: `relay 4 at 10.20.1.5:17494`, with the name before it where they are several.
/// Nothing of those that are alone behind their address.
pub(super) fn places(devices: &[&Device]) -> Vec<String> {
    if devices.len() > MOST_DEVICES {
        return Vec::new();
    }
    let is_one = devices.len() == 1;
    let text = |device: &&Device| {
        let numbers: Vec<String> = device
            .params
            .iter()
            .filter(|(_, value)| matches!(value, ParamValue::Int(_)))
            .map(|(key, value)| format!("{} {value}", key.replace('_', " ")))
            .collect();
        let name = if is_one { String::new() } else { format!("{}: ", device.name) };
        let place = format!("{name}{} at {}", numbers.join(", "), device.address);
        (!numbers.is_empty()).then(|| cut(&printable(&place)))
    };
    devices.iter().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Address, Medium, Params, Secret};

    fn device(name: &str, relay: Option<i64>) -> Device {
        let secret = (Arc::from("password"), ParamValue::Secret(Secret::new("Zq7kW".to_owned())));
        let relay = relay.map(|relay| (Arc::from("relay"), ParamValue::Int(relay)));
        Device {
            name: name.into(),
            address: Address::parse("10.20.1.5", Some(17494)).unwrap(),
            device_type: "devantech-eth008".into(),
            site: None,
            tags: [].into(),
            params: [secret].into_iter().chain(relay).collect::<Params>(),
            medium: Medium::default(),
        }
    }

    #[test]
    fn a_relay_is_found_by_its_board_and_its_number() {
        let (north, south) = (device("pump-north", Some(3)), device("pump-south", Some(4)));
        assert_eq!(places(&[&south]), ["relay 4 at 10.20.1.5:17494"]);
        let both = ["pump-north: relay 3 at 10.20.1.5:17494", "pump-south: relay 4 at 10.20.1.5:17494"];
        assert_eq!(places(&[&north, &south]), both);
        assert_eq!(places(&[&device("tv", None)]), [""; 0], "its name says it all");
        assert_eq!(places(&[&north; 5]), [""; 0]);
    }
}
