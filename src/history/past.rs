//! The outcomes of many runs, the newest run first, without what devices said.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::kept;
use super::owner::is_alive;
use super::roster::{Entry, Rosters};
use super::{HistoryError, Store};
use crate::model::{ReplyTime, Status, UnixMillis};

/// Which runs are looked at.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// Of this inventory, by its canonical path; `None`: of that of the last run.
    pub inventory: Option<PathBuf>,
    /// That began then or later.
    pub since: Option<UnixMillis>,
    /// At most so many, the newest.
    pub runs: Option<usize>,
    /// Only simulated ones, or none of them; `None`: all.
    pub simulated: Option<bool>,
}

/// What became of a device in a run.
pub(super) struct Past {
    /// `None`: it counts neither as success nor as failure, as it was skipped.
    pub(super) is_success: Option<bool>,
    pub(super) attempts: u32,
    /// Tenths of a millisecond from its first attempt to its outcome, where it has one.
    pub(super) elapsed: Option<i64>,
    /// How long the valid reply to its command took, where one came and that was kept.
    pub(super) reply: Option<ReplyTime>,
    /// When it was done.
    pub(super) at: Option<i64>,
}

/// The newest first.
pub(super) const RUNS: &str = "SELECT id, roster, started_at, ended, owner FROM run
    WHERE inventory = :inventory AND started_at >= :since AND (:simulated IS NULL OR simulated = :simulated)
    ORDER BY id DESC LIMIT :runs";

/// Shows each outcome of each run, until `show` says that it has seen enough, which it is asked between runs.
pub(super) fn each(
    store: &Store,
    window: &Window,
    mut is_enough: impl FnMut() -> bool,
    mut show: impl FnMut(&Arc<str>, Past),
) -> Result<(), HistoryError> {
    let connection = &store.connection;
    let mut walk = || -> rusqlite::Result<()> {
        let Some(inventory) = inventory(connection, window)? else { return Ok(()) };
        let since = window.since.map_or(i64::MIN, |since| since.0);
        let limit = window.runs.and_then(|runs| i64::try_from(runs).ok()).unwrap_or(-1);
        let mut rosters = Rosters::default();
        let mut asked = connection.prepare(RUNS)?;
        let simulated = window.simulated;
        let mut runs = asked.query(
            named_params! { ":inventory": inventory, ":since": since, ":simulated": simulated, ":runs": limit },
        )?;
        while let Some(run) = runs.next()? {
            if is_enough() {
                break;
            }
            let roster = rosters.get(connection, run.get(1)?)?;
            let number = run.get(0)?;
            let (ended, owner): (Option<String>, String) = (run.get(3)?, run.get(4)?);
            let was_killed = ended.is_none() && !is_alive(&owner);
            outcomes(connection, number, was_killed, &roster, &mut show)?;
        }
        Ok(())
    };
    walk().map_err(|source| store.failed(source))
}

fn inventory(connection: &Connection, window: &Window) -> rusqlite::Result<Option<String>> {
    match &window.inventory {
        Some(path) => Ok(Some(path.to_string_lossy().into_owned())),
        None => connection.query_row("SELECT inventory FROM run ORDER BY id DESC", (), |row| row.get(0)).optional(),
    }
}

/// Shows each outcome of a run; of one that `was_killed` also those whose command was perhaps written, and that have none.
pub(super) fn outcomes(
    connection: &Connection,
    run: i64,
    was_killed: bool,
    roster: &[Entry],
    show: &mut impl FnMut(&Arc<str>, Past),
) -> rusqlite::Result<()> {
    let mut intents = if was_killed { kept::intents(connection, run)? } else { BTreeSet::new() };
    kept::each(connection, run, |kept| {
        let place = kept.place as usize;
        intents.remove(&place);
        let Some(entry) = roster.get(place) else { return };
        let is_success = (kept.status != Status::Skipped).then(|| kept.status.is_success());
        let (attempts, elapsed, reply, at) = (kept.attempts, Some(kept.elapsed), kept.reply_time, kept.finished_at);
        show(entry.name(), Past { is_success, attempts, elapsed, reply, at });
    })?;
    for entry in intents.into_iter().filter_map(|place| roster.get(place)) {
        show(entry.name(), Past { is_success: Some(false), attempts: 1, elapsed: None, reply: None, at: None });
    }
    Ok(())
}
