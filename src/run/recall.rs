//! What earlier runs mean for the next: whom it leaves out, whom it only tries, and who begins first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tracing::{info, warn};

use super::{Prepared, RunRequest};
use crate::history::{HistoryError, Hold, Next, Recent, Store, holds, recent};
use crate::model::{Held, UnixMillis, fold_names};
use crate::report::command_json;

/// A device that failed in so many runs in a row is believed to be dead, where the inventory does not say otherwise.
const PROBE_AFTER: u32 = 3;

/// What devices are expected to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsIf {
    /// As in the runs before: who was silent is likely to be so again, and had better begin early.
    Before,
    /// As if all of them answered, which an estimate says of itself.
    Answering,
}

/// Takes into the plan what the history knows: held devices are kept out, those believed to be dead are tried once, and
/// how long each is expected to take.
/// Without a history nothing is known; what is wrong with it is said, and stops nothing. Gives the open history back: to
/// open one costs a small run more than all that it asks.
pub fn recall(request: &RunRequest, prepared: &mut Prepared, as_if: AsIf) -> Option<Store> {
    let path = request.history.as_ref()?;
    recall_from(path, request, prepared, as_if).unwrap_or_else(|error| {
        warn!("history: {}; whether devices are held is not known", error.chain());
        None
    })
}

fn recall_from(
    path: &Path,
    request: &RunRequest,
    prepared: &mut Prepared,
    as_if: AsIf,
) -> Result<Option<Store>, HistoryError> {
    let Some(store) = Store::open(path)? else { return Ok(None) };
    let inventory = canonical(&request.inventory);
    let held = holds(&store, &inventory, UnixMillis(Timestamp::now().as_millisecond()))?;
    let held: HashMap<&str, &Hold> = held.iter().map(|hold| (&*hold.device, hold)).collect();
    let plan = &prepared.plan;
    let found: Vec<&Hold> = plan.devices.iter().filter_map(|device| held.get(&*device.name).copied()).collect();
    for line in told(&found) {
        warn!("held {line}");
    }
    let mut reasons: HashMap<(&str, &str), Arc<Held>> = HashMap::new();
    for hold in &found {
        let (until_day, why) = (hold.until_day.clone(), hold.why.clone());
        let reason = reasons.entry((&hold.until_day, &hold.why)).or_insert_with(|| Arc::new(Held { until_day, why }));
        prepared.held.insert(hold.device.clone(), reason.clone());
    }
    let times = prepared.probe_after.unwrap_or(PROBE_AFTER);
    // What cannot be written as JSON was recorded by nobody.
    let command = command_json(&prepared.command, request.verify, request.if_needed).unwrap_or_default();
    let (simulated, devices) = (request.simulate.is_some(), &plan.devices);
    let next = Next { inventory: &inventory, simulated, command: &command, devices, dead_after: times };
    let Recent { dead, expected, answered } = recent(&store, &next)?;
    if !dead.is_empty() {
        let names = fold_names(dead.iter().map(|name| &**name));
        info!("failed in their last {times} runs, and are tried once with a short time to connect: {names}");
    }
    let plan = Arc::make_mut(&mut prepared.plan);
    if !held.is_empty() {
        plan.hold(|device| held.contains_key(&*device.name));
    }
    if !dead.is_empty() {
        plan.probe(|device| dead.contains(&*device.name));
    }
    plan.expect(match as_if {
        AsIf::Before => &expected,
        AsIf::Answering => &answered,
    });
    Ok(Some(store))
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
    inventory.canonicalize().unwrap_or_else(|_| {
        // It is gone: what was recorded of it stands under the path that it had.
        let whole = std::path::absolute(inventory).unwrap_or_else(|_| inventory.to_owned());
        match (whole.parent().and_then(|folder| folder.canonicalize().ok()), whole.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => whole,
        }
    })
}
