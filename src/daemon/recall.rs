//! What the history knows of runs that this process did not make: those before it began, and those that somebody starts
//! beside it, by hand or by a timer.

use std::collections::HashMap;
use std::path::Path;

use jiff::Timestamp;
use tracing::warn;

use crate::history::{
    HistoryError, RecordedRun, RunName, Store, collected, last_by_hand, last_of_schedule, last_success,
};
use crate::model::{Share, UnixMillis};
use crate::report::{PerDevice, RunMetrics};
use crate::run::canonical;

/// What a run came to.
#[derive(Debug, Clone)]
pub struct LastRun {
    /// When it began: a later one takes its place.
    pub began: UnixMillis,
    /// What is shown of it.
    pub metrics: RunMetrics,
}

/// When the runs began that are known, by their labels: they are not read again.
pub type Known = HashMap<String, UnixMillis>;

/// What is known.
#[derive(Debug, Default)]
pub struct Recalled {
    /// When the last run of a schedule began: times until then are decided.
    pub since: HashMap<String, Timestamp>,
    /// What the last run of each schedule came to that is over, where it is not known.
    pub last: HashMap<String, LastRun>,
    /// The same of runs by hand, by their actions.
    pub by_hand: HashMap<String, LastRun>,
}

/// Asks the history; without one, or with one that cannot be read, nothing is known.
pub fn recall<'a>(
    history: Option<&Path>,
    inventory: &Path,
    names: impl Iterator<Item = &'a str>,
    known: &Known,
    per_device: PerDevice,
) -> Recalled {
    let mut recalled = Recalled::default();
    let Some(path) = history else { return recalled };
    if let Err(error) = ask(path, &canonical(inventory), names, known, per_device, &mut recalled) {
        warn!("history: {}; what earlier runs came to is not known", error.chain());
    }
    recalled
}

fn ask<'a>(
    path: &Path,
    inventory: &Path,
    names: impl Iterator<Item = &'a str>,
    known: &Known,
    per_device: PerDevice,
    recalled: &mut Recalled,
) -> Result<(), HistoryError> {
    let Some(store) = Store::open(path)? else { return Ok(()) };
    let is_new = |name: &str, run: &RecordedRun| known.get(name).is_none_or(|began| *began < run.started_at);
    let mut schedules: Vec<&str> = Vec::new();
    for name in names {
        schedules.push(name);
        let (newest, over) = last_of_schedule(&store, inventory, name)?;
        let began = newest.and_then(|run| Timestamp::from_millisecond(run.started_at.0).ok());
        recalled.since.extend(began.map(|began| (name.to_owned(), began)));
        if let Some(over) = over.filter(|over| is_new(name, over)) {
            let last = last_run(&store, &over, name, RunName::Schedule(name), per_device)?;
            recalled.last.extend(last.map(|last| (name.to_owned(), last)));
        }
    }
    for run in last_by_hand(&store, inventory)? {
        let label = run.label();
        let name = if run.command.get("action").is_some_and(serde_json::Value::is_string) {
            RunName::Action(label)
        } else {
            RunName::Raw
        };
        // What a schedule is called is the schedule's.
        if !schedules.contains(&label) && is_new(label, &run) {
            let last = last_run(&store, &run, label, name, per_device)?;
            recalled.by_hand.extend(last.map(|last| (label.to_owned(), last)));
        }
    }
    Ok(())
}

fn last_run(
    store: &Store,
    run: &RecordedRun,
    label: &str,
    name: RunName<'_>,
    per_device: PerDevice,
) -> Result<Option<LastRun>, HistoryError> {
    let last_success = last_success(store, &run.inventory, name, Share::ALL, None)?;
    let metrics = collected(store, run)?.map(|mut run| {
        run.set_past(last_success);
        RunMetrics::of(&run, label, Share::ALL, per_device)
    });
    Ok(metrics.map(|metrics| LastRun { began: run.started_at, metrics }))
}
