//! Inventories: read a table at a time they say what the `toml` crate says of the whole, place for place, and whatever is
//! wrong with one has its place. What loads can be selected by name.
//!
//! Texts that name files are left alone: a fuzzer would have any file of this machine read.

use std::collections::HashSet;
use std::path::Path;

use fleetctl::diagnostic::{Diagnostics, Sources, TomlCut, parse_toml};
use fleetctl::inventory::select::{parse, resolve};
use fleetctl::inventory::{Fleet, read};
use fleetctl::model::selector_name;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::place::are_sound;
use super::reply::BUILT_IN;

/// Larger fleets only cost the fuzzer its speed.
const DEVICES_MAX: u64 = 300;

/// What a document says: everything but the tables of the array, then each of those, with all places.
type Said = Vec<String>;

/// The target for the reader of tables.
pub(super) fn toml_table(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(said) = in_pieces(text) else { return };
    assert_eq!(Some(said), at_once(text), "{text:?}");
}

fn in_pieces(text: &str) -> Option<Said> {
    let cut = TomlCut::new(text, "device")?;
    let mut said = vec![format!("{:?}", cut.rest()?)];
    let mut count = 0;
    for table in cut.tables() {
        let table = table?;
        let map: DeTable<'_> = table.pairs().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        said.push(format!("{map:?}"));
        count += 1;
    }
    assert!(count <= text.matches("device").count(), "{count} tables in {text:?}");
    Some(said)
}

/// The same, read from the whole document; `None` when something is wrong with it.
fn at_once(text: &str) -> Option<Said> {
    let mut found = Diagnostics::default();
    let tree = parse_toml(text, Sources::default().add("x.toml", ""), &mut found);
    if found.has_errors() {
        return None;
    }
    let mut tree = Spanned::new(tree.span(), tree.into_inner());
    let devices = tree.get_mut().remove("device");
    let mut said = vec![format!("{tree:?}")];
    if let Some(DeValue::Array(tables)) = devices.map(Spanned::into_inner) {
        said.extend(tables.iter().map(|table| match table.get_ref() {
            DeValue::Table(map) => format!("{map:?}"),
            other => panic!("{other:?} among tables"),
        }));
    }
    Some(said)
}

/// The target for inventories.
pub(super) fn inventory(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if text.contains("file") || text.contains('\\') || members(text) > DEVICES_MAX {
        return;
    }
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let environment = |name: &str| (name == "SECRET").then(|| "apple".to_owned());
    let fleet = read(text, Path::new("fleet.toml"), &BUILT_IN, &mut sources, &environment, &mut found);
    are_sound(&found, &sources, text);
    assert_eq!(fleet.is_none(), found.has_errors(), "{text:?}");
    if let Some(fleet) = fleet {
        loaded(&fleet, text);
    }
    toml_table(data);
}

fn loaded(fleet: &Fleet, text: &str) {
    let names: HashSet<&str> = fleet.devices.iter().map(|device| &*device.name).collect();
    assert_eq!(names.len(), fleet.devices.len(), "a name stands for two devices in {text:?}");
    assert_eq!(fleet.members.len(), fleet.devices.len());
    for (position, device) in (0_u32..).zip(fleet.devices.iter()).take(40) {
        assert!(BUILT_IN.get(&device.device_type).is_some(), "{device:?}");
        let selector = selector_name(&device.name);
        let selector = parse(&selector).unwrap_or_else(|error| panic!("{selector:?}: {error}"));
        let selected = resolve(&selector, fleet).map(|selection| selection.positions);
        assert_eq!(selected, Ok(vec![position]), "{:?}", device.name);
    }
}

/// About the devices that the ranges of a text can make: those of a line multiply.
fn members(text: &str) -> u64 {
    let has_long_texts = text.contains("\"\"\"") || text.contains("'''");
    if has_long_texts { product(text) } else { text.lines().map(product).fold(0, u64::saturating_add) }
}

fn product(text: &str) -> u64 {
    let spans = text.match_indices('-').filter_map(|(at, _)| {
        let (before, after) = text.split_at(at);
        let after = after.trim_start_matches(|c: char| c == '-' || c.is_whitespace());
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let before = before.trim_end();
        let start = before.bytes().rev().take_while(u8::is_ascii_digit).count();
        let first: u64 = before.get(before.len() - start..)?.parse().ok()?;
        let last: u64 = after.get(..digits).filter(|digits| !digits.is_empty())?.parse().unwrap_or(u64::MAX);
        Some(last.saturating_sub(first).saturating_add(1))
    });
    spans.fold(1, u64::saturating_mul)
}
