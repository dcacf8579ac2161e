//! Which runs there are: listed without a look at their devices, found by id or as the last one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Row, named_params};
use serde_json::Value;

use super::kept;
use super::owner::is_alive;
use super::{HistoryError, Store};
use crate::model::escape::printable;
use crate::model::{SkipReason, Status, Summary, UnixMillis};

/// A shorter beginning of an id is no id: most runs of one day share more.
const LEAST_PREFIX: usize = 6;

/// Which runs are meant; by default all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this inventory, by its canonical path.
    pub inventory: Option<PathBuf>,
    /// That began then or later.
    pub since: Option<UnixMillis>,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

/// A run as the history knows it.
#[derive(Debug, Clone)]
pub struct RecordedRun {
    pub(super) number: i64,
    /// Its id.
    pub run_id: String,
    /// The inventory's canonical path.
    pub inventory: PathBuf,
    /// `[fleet] name`.
    pub fleet: String,
    /// The schedule that started it.
    pub schedule: Option<String>,
    /// What it was asked to do, as in the report.
    pub command: Value,
    /// What else it takes to run it again, as JSON.
    pub request: String,
    /// Whether its devices were simulated.
    pub simulated: bool,
    pub(super) roster: i64,
    /// How many devices it was to take.
    pub devices: u64,
    /// The number of the run whose failures it took up.
    pub(super) rerun_of: Option<i64>,
    pub(super) idempotent: Vec<u8>,
    /// When it began.
    pub started_at: UnixMillis,
    /// When it ended; of a killed one the last that is known. `None`: it is under way.
    pub finished_at: Option<UnixMillis>,
    pub(super) elapsed_ms: Option<u64>,
    /// The contract's `ended`; a killed run reads as `interrupted`. `None`: it is under way.
    pub ended: Option<String>,
    /// It never came to its end.
    pub was_killed: bool,
    /// Its counts; of a run under way the counts so far.
    pub summary: Summary,
}

impl RecordedRun {
    /// The action or `cmd`: what reports call the run.
    pub fn label(&self) -> &str {
        self.command.get("action").and_then(Value::as_str).unwrap_or("cmd")
    }

    /// Whether the command of the device at this place may be sent twice.
    pub(super) fn is_idempotent(&self, place: usize) -> bool {
        self.idempotent.get(place / 8).is_some_and(|byte| byte & (1 << (place % 8)) != 0)
    }
}

/// What a run is made of, in the order of [`read`].
const COLUMNS: &str =
    "id, run_id, inventory, fleet, schedule, command, request, simulated, roster, devices, idempotent,
    owner, started_at, finished_at, elapsed_ms, ended, ok, sent, rejected, unreachable, no_reply, bad_reply, mismatch,
    skipped, flaky, attempts, held, rerun_of";

/// The runs, the newest first. Costs a row each, however many devices they had.
///
/// # Errors
/// When the history cannot be read.
pub fn list(store: &Store, filter: &Filter) -> Result<Vec<RecordedRun>, HistoryError> {
    let text = format!(
        "SELECT {COLUMNS} FROM run
         WHERE (:inventory IS NULL OR inventory = :inventory) AND started_at >= :since
         ORDER BY id DESC LIMIT :limit"
    );
    let inventory = filter.inventory.as_ref().map(|path| path.to_string_lossy());
    let since = filter.since.map_or(i64::MIN, |since| since.0);
    let limit = filter.limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1);
    let listed = || -> rusqlite::Result<Vec<RecordedRun>> {
        let mut asked = store.connection.prepare(&text)?;
        let rows = asked.query(named_params! { ":inventory": inventory, ":since": since, ":limit": limit })?;
        rows.mapped(|row| read(row, &store.connection)).collect()
    };
    listed().map_err(|source| store.failed(source))
}

/// Whether anything is known of an inventory, by its canonical path: runs, held devices, or what is still to be told.
///
/// # Errors
/// When the history cannot be read.
pub fn knows(store: &Store, inventory: &Path) -> Result<bool, HistoryError> {
    let asked = "SELECT EXISTS (SELECT 1 FROM run WHERE inventory = ?1)
        OR EXISTS (SELECT 1 FROM hold WHERE inventory = ?1)
        OR EXISTS (SELECT 1 FROM letter WHERE inventory = ?1)
        OR EXISTS (SELECT 1 FROM unstarted WHERE inventory = ?1)";
    let found = store.connection.query_row(asked, [inventory.to_string_lossy()], |row| row.get(0));
    found.map_err(|source| store.failed(source))
}

/// The run of this id, of the beginning of an id that no other has, or `last`: the newest that is not under way.
///
/// # Errors
/// When there is none, several, or the history cannot be read.
pub fn find(store: &Store, which: &str, inventory: Option<&Path>) -> Result<RecordedRun, HistoryError> {
    if which == "last" {
        let of = inventory.map(|path| format!(" of {}", path.display())).unwrap_or_default();
        let filter = Filter { inventory: inventory.map(Path::to_owned), ..Filter::default() };
        let mut filter = Filter { limit: Some(16), ..filter };
        loop {
            let runs = list(store, &filter)?;
            let count = runs.len();
            let under_way = runs.first().map(|run| run.run_id.clone());
            if let Some(found) = runs.into_iter().find(|run| run.ended.is_some()) {
                return Ok(found);
            }
            // Only were so many under way at once that they hide it.
            match filter.limit {
                Some(limit) if count == limit => filter.limit = None,
                _ => {
                    return Err(HistoryError::NotFound(match under_way {
                        Some(id) => format!("no run{of} is over yet: {id} is under way"),
                        None => format!("the history has no run{of}"),
                    }));
                }
            }
        }
    }
    let shown = printable(which);
    let id = which.to_ascii_uppercase();
    if id.len() < LEAST_PREFIX || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(HistoryError::NotFound(format!(
            "`{shown}` is no run's id: `history list` shows them, or say `last`"
        )));
    }
    let text = format!("SELECT {COLUMNS} FROM run WHERE run_id >= ?1 AND run_id < ?1 || '~' ORDER BY run_id LIMIT 2");
    let found = || {
        let mut asked = store.connection.prepare(&text)?;
        let rows = asked.query([&id])?;
        rows.mapped(|row| read(row, &store.connection)).collect::<rusqlite::Result<Vec<_>>>()
    };
    let found = found().map_err(|source| store.failed(source))?;
    match <[RecordedRun; 1]>::try_from(found) {
        Ok([run]) => Ok(run),
        Err(none) if none.is_empty() => Err(HistoryError::NotFound(format!("the history has no run `{shown}`"))),
        Err(_) => Err(HistoryError::NotFound(format!("several runs begin with `{shown}`: write more of the id"))),
    }
}

/// The run before this one that was asked to do the same: of a rerun the one that it took up, else the one before it of the
/// same inventory, schedule and command. `None`: it was the first, or that one is forgotten.
///
/// # Errors
/// When the history cannot be read.
pub fn find_before(store: &Store, run: &RecordedRun) -> Result<Option<RecordedRun>, HistoryError> {
    if let Some(number) = run.rerun_of {
        let text = format!("SELECT {COLUMNS} FROM run WHERE id = ?1");
        let found = store.connection.query_row(&text, [number], |row| read(row, &store.connection)).optional();
        return found.map_err(|source| store.failed(source));
    }
    let text = format!(
        "SELECT {COLUMNS} FROM run
         WHERE id < ?1 AND inventory = ?2 AND schedule IS ?3 AND command = ?4 AND simulated = ?5 AND rerun_of IS NULL
         ORDER BY id DESC LIMIT 1"
    );
    let inventory = run.inventory.to_string_lossy();
    let found = || {
        // As it was written: the text is compared, not its meaning.
        let asked = "SELECT command FROM run WHERE id = ?1";
        let command: String = store.connection.query_row(asked, [run.number], |row| row.get(0))?;
        let mut asked = store.connection.prepare(&text)?;
        let mut rows = asked.query((run.number, inventory, &run.schedule, command, run.simulated))?;
        rows.next()?.map(|row| read(row, &store.connection)).transpose()
    };
    found().map_err(|source| store.failed(source))
}

/// The newest runs by hand over real devices, the newest first; not those that took up another run's failures.
pub(super) fn by_hand(store: &Store, inventory: &Path, limit: usize) -> Result<Vec<RecordedRun>, HistoryError> {
    let text = format!(
        "SELECT {COLUMNS} FROM run WHERE inventory = ?1 AND schedule IS NULL AND simulated = 0 AND rerun_of IS NULL
         ORDER BY id DESC LIMIT ?2"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let listed = || -> rusqlite::Result<Vec<RecordedRun>> {
        let mut asked = store.connection.prepare(&text)?;
        let rows = asked.query((inventory.to_string_lossy(), limit))?;
        rows.mapped(|row| read(row, &store.connection)).collect()
    };
    listed().map_err(|source| store.failed(source))
}

/// The newest runs of a schedule over real devices, the newest first.
pub(super) fn of_schedule(
    store: &Store,
    inventory: &Path,
    schedule: &str,
    limit: usize,
) -> Result<Vec<RecordedRun>, HistoryError> {
    let text = format!(
        "SELECT {COLUMNS} FROM run WHERE inventory = ?1 AND schedule = ?2 AND simulated = 0 ORDER BY id DESC LIMIT ?3"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let listed = || -> rusqlite::Result<Vec<RecordedRun>> {
        let mut asked = store.connection.prepare(&text)?;
        let rows = asked.query((inventory.to_string_lossy(), schedule, limit))?;
        rows.mapped(|row| read(row, &store.connection)).collect()
    };
    listed().map_err(|source| store.failed(source))
}

/// A run by its number.
pub(super) fn by_number(store: &Store, number: i64) -> Result<RecordedRun, HistoryError> {
    let text = format!("SELECT {COLUMNS} FROM run WHERE id = ?1");
    let found = store.connection.query_row(&text, [number], |row| read(row, &store.connection));
    found.map_err(|source| store.failed(source))
}

fn read(row: &Row<'_>, connection: &Connection) -> rusqlite::Result<RecordedRun> {
    let count = |column| row.get::<_, Option<u64>>(column).map(Option::unwrap_or_default);
    let (number, devices, owner): (i64, u64, String) = (row.get(0)?, row.get(9)?, row.get(11)?);
    let ended: Option<String> = row.get(15)?;
    let was_killed = ended.is_none() && !is_alive(&owner);
    let started_at = row.get(12)?;
    let (mut finished_at, mut elapsed_ms) = (row.get(13)?, row.get(14)?);
    let summary = if ended.is_some() {
        let mut counts = [0; Status::ALL.len()];
        for (place, column) in counts.iter_mut().zip(16..) {
            *place = count(column)?;
        }
        Summary::of_counts(counts, count(24)?, count(25)?, count(26)?)
    } else {
        let (summary, last) = count_outcomes(connection, number, was_killed.then_some(devices))?;
        if was_killed {
            let last = last.unwrap_or(started_at);
            (finished_at, elapsed_ms) = (Some(last), u64::try_from(last.saturating_sub(started_at)).ok());
        }
        summary
    };
    let command: String = row.get(5)?;
    Ok(RecordedRun {
        number,
        run_id: row.get(1)?,
        inventory: PathBuf::from(row.get::<_, String>(2)?),
        fleet: row.get(3)?,
        schedule: row.get(4)?,
        command: serde_json::from_str(&command).unwrap_or_default(),
        request: row.get(6)?,
        simulated: row.get(7)?,
        roster: row.get(8)?,
        devices,
        rerun_of: row.get(27)?,
        idempotent: row.get(10)?,
        started_at: UnixMillis(started_at),
        finished_at: finished_at.map(UnixMillis),
        elapsed_ms,
        ended: if was_killed { Some("interrupted".to_owned()) } else { ended },
        was_killed,
        summary,
    })
}

/// The counts of a run that has none of its own, and when its last device was done. `devices`: it was killed, and had so
/// many.
fn count_outcomes(connection: &Connection, run: i64, devices: Option<u64>) -> rusqlite::Result<(Summary, Option<i64>)> {
    let mut counts = [0_u64; Status::ALL.len()];
    let (mut flaky, mut attempts, mut held, mut last) = (0, 0, 0, None);
    let mut intents = if devices.is_some() { kept::intents(connection, run)? } else { BTreeSet::new() };
    kept::each(connection, run, |kept| {
        intents.remove(&(kept.place as usize));
        if let Some(count) = counts.get_mut(kept.status as usize) {
            *count += 1;
        }
        attempts += u64::from(kept.attempts);
        flaky += u64::from(kept.status.is_success() && kept.attempts > 1);
        held += u64::from(kept.reason == Some(SkipReason::Held));
        last = last.max(kept.finished_at);
    })?;
    if let Some(devices) = devices {
        // As `recorded.rs` reads each of them.
        let intended = intents.len() as u64;
        let known: u64 = counts.iter().sum();
        if let Some(no_reply) = counts.get_mut(Status::NoReply as usize) {
            *no_reply += intended;
        }
        if let Some(skipped) = counts.get_mut(Status::Skipped as usize) {
            *skipped += devices.saturating_sub(known + intended);
        }
        attempts += intended;
    }
    Ok((Summary::of_counts(counts, flaky, attempts, held), last))
}
