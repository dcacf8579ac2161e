//! The outcomes of many runs, the newest run first, without what devices said: a row each of one narrow table.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::owner::is_alive;
use super::roster::{Entry, Rosters};
use super::{HistoryError, Store};
use crate::model::UnixMillis;

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
    /// Tenths of a millisecond, where a valid reply came.
    pub(super) reply: Option<i64>,
    /// When it was done.
    pub(super) at: Option<i64>,
}

/// The newest first.
pub(super) const RUNS: &str = "SELECT id, roster, started_at, ended, owner FROM run
    WHERE inventory = :inventory AND started_at >= :since AND (:simulated IS NULL OR simulated = :simulated)
    ORDER BY id DESC LIMIT :runs";

/// Of one run.
pub(super) const OUTCOMES: &str =
    "SELECT place, status, attempts, elapsed, delivery, finished_at FROM outcome WHERE run = ?1";

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
            outcomes(connection, number, &roster, &mut show)?;
            let (ended, owner): (Option<String>, String) = (run.get(3)?, run.get(4)?);
            if ended.is_none() && !is_alive(&owner) {
                unanswered(connection, number, &roster, &mut show)?;
            }
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

pub(super) fn outcomes(
    connection: &Connection,
    run: i64,
    roster: &[Entry],
    show: &mut impl FnMut(&Arc<str>, Past),
) -> rusqlite::Result<()> {
    let mut asked = connection.prepare_cached(OUTCOMES)?;
    let mut rows = asked.query([run])?;
    while let Some(row) = rows.next()? {
        let Some(entry) = roster.get(row.get::<_, usize>(0)?) else { continue };
        let is_success = match row.get_ref(1)?.as_str()? {
            "skipped" => None,
            status => Some(crate::report::is_success(status)),
        };
        let is_answered = row.get_ref(4)?.as_str()? == "confirmed";
        let elapsed = row.get(3)?;
        let reply = if is_answered { elapsed } else { None };
        show(entry.name(), Past { is_success, attempts: row.get(2)?, elapsed, reply, at: row.get(5)? });
    }
    Ok(())
}

/// In a killed run: those whose command was perhaps written, and that have no outcome.
pub(super) fn unanswered(
    connection: &Connection,
    run: i64,
    roster: &[Entry],
    show: &mut impl FnMut(&Arc<str>, Past),
) -> rusqlite::Result<()> {
    let mut asked = connection.prepare_cached(
        "SELECT place FROM intent WHERE run = ?1
         AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.run = intent.run AND outcome.place = intent.place)",
    )?;
    let mut rows = asked.query([run])?;
    while let Some(row) = rows.next()? {
        if let Some(entry) = roster.get(row.get::<_, usize>(0)?) {
            show(entry.name(), Past { is_success: Some(false), attempts: 1, elapsed: None, reply: None, at: None });
        }
    }
    Ok(())
}
