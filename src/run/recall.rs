//! What earlier runs mean for the next: whom it leaves out, and whom it only tries.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tracing::{info, warn};

use super::{Prepared, RunRequest};
use crate::history::{HistoryError, Hold, Store, failing, holds};
use crate::model::{UnixMillis, fold_names};

/// A device that failed in so many runs in a row is believed to be dead, where the inventory does not say otherwise.
const PROBE_AFTER: u32 = 3;

/// Takes into the plan what the history knows: held devices are kept out, those believed to be dead are tried once.
/// Without a history nothing is known; what is wrong with it is said, and stops nothing.
pub fn recall(request: &RunRequest, prepared: &mut Prepared) {
    let Some(path) = &request.history else { return };
    if let Err(error) = recall_from(path, request, prepared) {
        warn!("history: {}; whether devices are held is not known", error.chain());
    }
}

fn recall_from(path: &Path, request: &RunRequest, prepared: &mut Prepared) -> Result<(), HistoryError> {
    let Some(store) = Store::open(path)? else { return Ok(()) };
    let inventory = canonical(&request.inventory);
    let held = holds(&store, &inventory, UnixMillis(Timestamp::now().as_millisecond()))?;
    let held: HashMap<&str, &Hold> = held.iter().map(|hold| (&*hold.device, hold)).collect();
    let plan = &prepared.plan;
    let found: Vec<&Hold> = plan.devices.iter().filter_map(|device| held.get(&*device.name).copied()).collect();
    for line in told(&found) {
        warn!("held {line}");
    }
    let times = prepared.probe_after.unwrap_or(PROBE_AFTER);
    let dead = failing(&store, &inventory, request.simulate.is_some(), &plan.devices, times)?;
    if held.is_empty() && dead.is_empty() {
        return Ok(());
    }
    if !dead.is_empty() {
        let names = fold_names(dead.iter().map(|name| &**name));
        info!("failed in their last {times} runs, and are tried once with a short time to connect: {names}");
    }
    let plan = Arc::make_mut(&mut prepared.plan);
    plan.hold(|device| held.contains_key(&*device.name));
    plan.probe(|device| dead.contains(&device.name));
    Ok(())
}

/// Whom it concerns, until when and why, a line for each reason: `until 2026-12-24: tv-[003-004] (being repaired)`.
pub fn told(holds: &[&Hold]) -> Vec<String> {
    let mut reasons: Vec<((&str, &str), Vec<&str>)> = Vec::new();
    for hold in holds {
        let reason = (&*hold.until_day, &*hold.why);
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(&hold.device),
            None => reasons.push((reason, vec![&hold.device])),
        }
    }
    let line = |((day, why), names): &((&str, &str), Vec<&str>)| {
        let names = fold_names(names.iter().copied());
        crate::model::escape::printable(&format!("until the end of {day}: {names} ({why})"))
    };
    reasons.iter().map(line).collect()
}

/// An inventory's path as the history knows it.
pub fn canonical(inventory: &Path) -> PathBuf {
    inventory.canonicalize().unwrap_or_else(|_| inventory.to_owned())
}
