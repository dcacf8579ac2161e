//! Who may be told again: what failed or never started in a run, less what was made good since, under retry safety.
//!
//! A run, the one that it took up and those that took it up are one story: a device that a later one reached is done, and
//! a command that any of them may have delivered counts as delivered, so that however often a run is taken up no device
//! acts twice.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::recorded::{Told, told};
use super::runs::by_number;
use super::{HistoryError, RecordedRun, Store, find};
use crate::report::is_success;

/// A device that failed or never started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: Arc<str>,
    /// Its command may have been carried out: it must not be sent again unless it may be sent twice.
    pub may_have_acted: bool,
    /// It was kept out by `hold`.
    pub was_held: bool,
    /// What became of it, in a word.
    pub status: String,
}

/// What there is to be done again.
#[derive(Debug)]
pub struct Again {
    /// The run whose failures they are.
    pub run: RecordedRun,
    /// The devices in the run's order.
    pub candidates: Vec<Candidate>,
}

/// What failed or never started in a run (its id, or `last`) and was not made good since.
///
/// # Errors
/// When there is no such run, or the history cannot be read.
pub fn again(store: &Store, which: &str, inventory: Option<&Path>) -> Result<Again, HistoryError> {
    let run = find(store, which, inventory)?;
    let mut known: HashMap<Arc<str>, Candidate> = HashMap::new();
    for number in family(store, run.number).map_err(|source| store.failed(source))? {
        let member = by_number(store, number)?;
        if member.ended.is_none() {
            // What it has not got to yet reads as never started, and it may get to it at any moment.
            return Err(HistoryError::NotFound(format!("run {} is under way: wait for its end", member.run_id)));
        }
        for device in told(store, &member)? {
            let may_have_acted = may_have_acted(&device);
            let was_held = device.reason.as_deref() == Some("held");
            let (name, status) = (device.name, device.status);
            let before = known.get(&name);
            let may_have_acted = may_have_acted || before.is_some_and(|before| before.may_have_acted);
            // What a later run did not get to is still what it was; what was a success stays one.
            let status = match before {
                Some(before) if is_success(&before.status) && status == "skipped" => before.status.clone(),
                _ => status,
            };
            known.insert(name.clone(), Candidate { name, may_have_acted, was_held, status });
        }
    }
    let own = told(store, &run)?;
    let candidates = own.into_iter().filter_map(|device| known.remove(&device.name));
    let candidates = candidates.filter(|candidate| !is_success(&candidate.status)).collect();
    Ok(Again { run, candidates })
}

/// Whether a further command could make the device act twice. One that was refused was not carried out.
fn may_have_acted(device: &Told) -> bool {
    match &*device.delivery {
        "none" => false,
        "confirmed" => device.status != "rejected",
        _ => true,
    }
}

/// The runs of the story to which this one belongs, in their order.
fn family(store: &Store, run: i64) -> rusqlite::Result<Vec<i64>> {
    let mut asked = store.connection.prepare(
        "WITH RECURSIVE
           above (id) AS (
             VALUES (?1) UNION SELECT run.rerun_of FROM run JOIN above ON run.id = above.id
             WHERE run.rerun_of IS NOT NULL),
           story (id) AS (
             SELECT min(id) FROM above UNION SELECT run.id FROM run JOIN story ON run.rerun_of = story.id)
         SELECT id FROM story JOIN run USING (id) ORDER BY id",
    )?;
    asked.query([run])?.mapped(|row| row.get(0)).collect()
}
