//! Which devices are believed to be dead: they failed in each of their last runs.

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::past::{Window, each};
use super::{HistoryError, Store};
use crate::model::Device;

/// No more runs than this are looked at for a device that was seldom part of one.
const MOST_RUNS: usize = 50;

/// Those of these devices that failed in the last `times` runs of the inventory in which they were tried; of simulated
/// runs where `simulated`, else of real ones. None for 0 times.
///
/// # Errors
/// When the history cannot be read.
pub fn failing(
    store: &Store,
    inventory: &Path,
    simulated: bool,
    devices: &[Device],
    times: u32,
) -> Result<BTreeSet<Arc<str>>, HistoryError> {
    if times == 0 {
        return Ok(BTreeSet::new());
    }
    let runs = MOST_RUNS.max(times as usize);
    let window =
        Window { inventory: Some(inventory.to_owned()), since: None, runs: Some(runs), simulated: Some(simulated) };
    // Made with the first outcome: a first run over a million devices does without.
    let names: OnceCell<HashSet<&str>> = OnceCell::new();
    let is_meant =
        |name: &str| names.get_or_init(|| devices.iter().map(|device| &*device.name).collect()).contains(name);
    // Failures in a row, the newest first; `None`: a success came before there were enough.
    let mut seen: HashMap<Arc<str>, Option<u32>> = HashMap::new();
    let settled = Cell::new(0);
    each(
        store,
        &window,
        || settled.get() >= devices.len(),
        |name, past| {
            let Some(is_success) = past.is_success.filter(|_| is_meant(name)) else { return };
            let failures = seen.entry(name.clone()).or_insert(Some(0));
            match failures {
                Some(count) if *count < times => {
                    *failures = if is_success { None } else { Some(*count + 1) };
                    if *failures == Some(times) || failures.is_none() {
                        settled.set(settled.get() + 1);
                    }
                }
                _ => {}
            }
        },
    )?;
    Ok(seen.into_iter().filter(|(_, failures)| *failures == Some(times)).map(|(name, _)| name).collect())
}
