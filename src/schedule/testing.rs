//! What the tests of this module share: entries read from an inventory's text, with the built-in device types.

use std::path::Path;

use super::{Entry, entries};
use crate::device_type::Catalog;
use crate::diagnostic::{Diagnostics, Severity, Sources, render_all};
use crate::inventory::read;
use crate::run::Loaded;

/// An inventory without a mistake.
pub(crate) fn loaded(text: &str) -> Loaded {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let catalog = Catalog::load(&[] as &[&Path], &mut sources, &mut diagnostics);
    let fleet = read(text, Path::new("fleet.toml"), &catalog, &mut sources, &|_| None, &mut diagnostics);
    assert!(fleet.is_some(), "{}", render_all(&diagnostics, &sources, false));
    Loaded { catalog, fleet, sources, diagnostics }
}

/// The entries of an inventory whose schedules have no mistake.
pub(super) fn entries_of(text: &str) -> Vec<Entry> {
    let loaded = loaded(text);
    let mut found = Diagnostics::default();
    let entries = entries(loaded.fleet.as_ref().unwrap(), &loaded.sources, &mut found);
    assert!(!found.has_errors(), "{}", render_all(&found, &loaded.sources, false));
    entries
}

/// The one entry of an inventory.
pub(super) fn entry_of(text: &str) -> Entry {
    entries_of(text).remove(0)
}

/// One display in a zone, with the lines of a schedule.
pub(crate) fn entry_in(zone: &str, lines: &str) -> Entry {
    entry_of(&format!(
        "[sites.hq]\ntimezone = \"{zone}\"\n\
         [[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"10.0.0.1\"\nsite = \"hq\"\n\
         [[schedule]]\nname = \"s\"\ndo = \"power-on\"\n{lines}\n"
    ))
}

/// What is wrong with the schedules of an inventory.
pub(super) fn mistakes(text: &str) -> Vec<String> {
    let loaded = loaded(text);
    let mut found = Diagnostics::default();
    entries(loaded.fleet.as_ref().unwrap(), &loaded.sources, &mut found);
    messages(&found)
}

/// The messages of errors, and of warnings with that word before them.
pub(super) fn messages(found: &Diagnostics) -> Vec<String> {
    found
        .iter()
        .map(|one| match one.severity {
            Severity::Error => one.message.clone(),
            Severity::Warning => format!("warning: {}", one.message),
        })
        .collect()
}
