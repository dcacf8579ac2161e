//! The `--select` language over a small fleet: mistakes have their place, and what is selected obeys the laws of sets.

use std::path::Path;
use std::sync::LazyLock;

use fleetctl::diagnostic::{Diagnostics, Sources, render_all};
use fleetctl::inventory::select::{Selection, parse, resolve};
use fleetctl::inventory::{Fleet, read};

use super::place::is_in;
use super::reply::BUILT_IN;

static FLEET: LazyLock<Fleet> = LazyLock::new(|| {
    let text = r#"
        [sites.hq]
        [sites.lab]
        [groups]
        lobby = "tag:lobby and not tag:old"
        walls = "wall-* or @lobby"
        all = "@walls or not @walls"
        [[device]]
        name = "tv-[08-11]"
        address = "10.0.0.[8-11]"
        type = "lg-rs232"
        tags = ["lobby"]
        site = "hq"
        [[device]]
        name = "wall-[1-3]"
        address = "10.0.1.1"
        type = "lg-rs232"
        params = { set_id = "[1-3]" }
        tags = ["old", "lobby"]
        [[device]]
        name = "pump"
        address = "10.0.2.1"
        type = "devantech-eth008"
        params = { relay = 1 }
        site = "lab"
        [[device]]
        name = "and \"one\" (x)"
        address = "10.0.2.2"
        type = "esc-cr"
    "#;
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let fleet = read(text, Path::new("fleet.toml"), &BUILT_IN, &mut sources, &|_| None, &mut found);
    fleet.unwrap_or_else(|| panic!("{}", render_all(&found, &sources, false)))
});

/// What an expression selects; `None` when it is refused.
fn selected(text: &str) -> Option<Selection> {
    let selector = match parse(text) {
        Ok(selector) => selector,
        Err(error) => {
            is_in(&error.at, text, &error.message);
            return None;
        }
    };
    match resolve(&selector, &FLEET) {
        Ok(selection) => {
            let count = u32::try_from(FLEET.devices.len()).unwrap();
            assert!(selection.positions.is_sorted_by(|one, next| one < next), "{text:?}: {selection:?}");
            assert!(selection.positions.iter().all(|position| *position < count), "{text:?}: {selection:?}");
            assert!(!selection.positions.is_empty(), "{text:?} selects nothing, and says so to nobody");
            Some(selection)
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "{text:?} is refused without a reason");
            for error in errors {
                is_in(&error.at, text, &error.message);
            }
            None
        }
    }
}

/// The target.
pub(super) fn selector(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(once) = selected(text) else { return };
    // As deep as an expression may be, it cannot be put into another one.
    let same = |text: String| {
        if parse(&text).is_ok() {
            assert_eq!(selected(&text).map(|two| two.positions).as_ref(), Some(&once.positions), "{text:?}");
        }
    };
    same(format!("({text})"));
    same(format!("({text}), ({text})"));
    same(format!("({text}) and ({text})"));
    let rest = selected(&format!("not ({text})"));
    let all = u32::try_from(FLEET.devices.len()).unwrap();
    if let Some(rest) = rest {
        let expected: Vec<u32> = (0..all).filter(|position| !once.positions.contains(position)).collect();
        assert_eq!(rest.positions, expected, "not ({text})");
        assert_eq!(selected(&format!("not not ({text})")).map(|back| back.positions), Some(once.positions));
    }
}
