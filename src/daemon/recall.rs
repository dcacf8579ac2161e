//! What a daemon that begins knows of the runs before it: until when times are decided, and what the last runs came to.

use std::collections::HashMap;
use std::path::Path;

use jiff::Timestamp;
use tracing::warn;

use crate::history::{HistoryError, RecordedRun, RunName, Store, last_of_schedule, last_success, recorded};
use crate::model::Share;
use crate::report::{PerDevice, Reporters, RunMetrics, replay};
use crate::run::canonical;

/// What is known.
#[derive(Debug, Default)]
pub struct Recalled {
    /// When the last run of a schedule began: times until then are decided.
    pub since: HashMap<String, Timestamp>,
    /// What its last run came to that is over.
    pub last: HashMap<String, RunMetrics>,
}

/// Asks the history; without one, or with one that cannot be read, nothing is known.
pub fn recall<'a>(history: Option<&Path>, inventory: &Path, names: impl Iterator<Item = &'a str>) -> Recalled {
    let mut recalled = Recalled::default();
    let Some(path) = history else { return recalled };
    if let Err(error) = ask(path, &canonical(inventory), names, &mut recalled) {
        warn!("history: {}; what earlier runs came to is not known", error.chain());
    }
    recalled
}

fn ask<'a>(
    path: &Path,
    inventory: &Path,
    names: impl Iterator<Item = &'a str>,
    recalled: &mut Recalled,
) -> Result<(), HistoryError> {
    let Some(store) = Store::open(path)? else { return Ok(()) };
    for name in names {
        let (newest, over) = last_of_schedule(&store, inventory, name)?;
        let began = newest.and_then(|run| Timestamp::from_millisecond(run.started_at.0).ok());
        recalled.since.extend(began.map(|began| (name.to_owned(), began)));
        if let Some(over) = over {
            recalled.last.extend(metrics(&store, &over, inventory, name)?.map(|last| (name.to_owned(), last)));
        }
    }
    Ok(())
}

fn metrics(store: &Store, run: &RecordedRun, inventory: &Path, name: &str) -> Result<Option<RunMetrics>, HistoryError> {
    let report = recorded(store, run)?;
    let events = replay(report).map_err(|problem| HistoryError::Damaged { run: run.run_id.clone(), problem })?;
    let last_success = last_success(store, inventory, RunName::Schedule(name), Share::ALL)?;
    let mut reporters = Reporters::default();
    reporters.keep_outcomes();
    reporters.events(events);
    let collected = reporters.finish().run.map(|mut run| {
        run.set_past(last_success);
        run
    });
    Ok(collected.map(|run| RunMetrics::of(&run, name, Share::ALL, PerDevice::Auto)))
}
