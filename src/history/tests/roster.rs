//! Runs over the same devices share a roster, and runs over others do not, however little differs.

use std::sync::Arc;

use super::super::roster::{Digested, digest};
use super::super::testing::{Place, Run, device, ok};
use crate::model::{Address, Device, SharedDevices};

fn rosters(place: &Place) -> i64 {
    place.store().connection.query_row("SELECT count(*) FROM roster", (), |row| row.get(0)).unwrap()
}

#[test]
fn whatever_differs_of_a_device_makes_another_roster_and_the_same_devices_share_one() {
    let plain = || device("tv-1");
    let tags = |tags: &[&str]| tags.iter().map(|&tag| Arc::from(tag)).collect();
    let fleets: Vec<Vec<Device>> = vec![
        vec![],
        vec![plain()],
        vec![plain(), device("tv-2")],
        vec![device("tv-2"), plain()],
        vec![Device { address: Address::parse("10.0.0.9:1", None).unwrap(), ..plain() }],
        vec![Device { address: Address::parse("10.0.0.9:2", None).unwrap(), ..plain() }],
        vec![Device { device_type: "other".into(), ..plain() }],
        vec![Device { site: Some("lobby".into()), ..plain() }],
        vec![Device { site: None, tags: tags(&["lobby"]), ..plain() }],
        vec![Device { tags: tags(&["a", "b"]), ..plain() }],
        vec![Device { tags: tags(&["ab"]), ..plain() }],
        vec![Device { tags: tags(&["b", "a"]), ..plain() }],
    ];
    let place = Place::new();
    for round in 0..2_usize {
        for (number, devices) in fleets.iter().enumerate() {
            let outcomes: Vec<_> = (0..devices.len()).map(|place| (u32::try_from(place).unwrap(), ok())).collect();
            let run = Run { devices: devices.clone(), ..Run::new(100 * round + number + 1, 0) };
            assert!(run.record(&place.path, &outcomes).errors.is_empty());
            let expected = if round == 0 { number + 1 } else { fleets.len() };
            assert_eq!(rosters(&place), i64::try_from(expected).unwrap(), "fleet {number} in round {round}");
        }
    }
}

#[test]
fn a_digest_that_is_remembered_is_that_of_the_same_devices() {
    let fleets: [SharedDevices; 2] = [vec![device("tv-1")].into(), vec![device("tv-2")].into()];
    let digested = Digested::default();
    for fleet in fleets.iter().chain(&fleets).chain(&fleets[1..]) {
        assert_eq!(digested.of(fleet), digest(fleet));
    }
}
