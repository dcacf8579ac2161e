//! The last runs of a name, for whoever says since when all is well: metrics, and a process that runs schedules.

use std::path::Path;

use rusqlite::named_params;

use super::runs::{RecordedRun, by_hand, of_schedule};
use super::{HistoryError, Store};
use crate::model::{Share, UnixMillis};

/// So many runs are looked at to find one that is over: more are not under way at once.
const LOOKED_AT: usize = 16;

/// Among so many of the newest runs by hand each action is looked for.
const LOOKED_AT_BY_HAND: usize = 64;

/// What a run is called: its schedule, else what it was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunName<'a> {
    /// The schedule's name.
    Schedule(&'a str),
    /// The action of a run by hand.
    Action(&'a str),
    /// A raw command by hand, whichever it was.
    Raw,
}

/// When the last run of a name ended that was a success; runs of simulated devices and reruns, which take only a part,
/// are none. `ok_if` is the share that makes a run one; with `until` only those count that had ended by then.
///
/// # Errors
/// When the history cannot be read.
pub fn last_success(
    store: &Store,
    inventory: &Path,
    name: RunName<'_>,
    ok_if: Share,
    until: Option<UnixMillis>,
) -> Result<Option<UnixMillis>, HistoryError> {
    let (schedule, action) = match name {
        RunName::Schedule(name) => (Some(name), None),
        RunName::Action(name) => (None, Some(name)),
        RunName::Raw => (None, None),
    };
    let found = || {
        let mut asked = store.connection.prepare(
            "SELECT finished_at, ok + sent, devices - held FROM run
             WHERE inventory = :inventory AND schedule IS :schedule AND ended = 'completed' AND simulated = 0
                AND finished_at <= :until AND rerun_of IS NULL AND (schedule IS NOT NULL OR command ->> 'action' IS :action)
             ORDER BY id DESC",
        )?;
        let inventory = inventory.to_string_lossy();
        let until = until.map_or(i64::MAX, |until| until.0);
        let mut rows = asked.query(
            named_params! { ":inventory": inventory, ":schedule": schedule, ":action": action, ":until": until },
        )?;
        while let Some(row) = rows.next()? {
            if ok_if.is_reached(row.get(1)?, row.get(2)?) {
                return row.get::<_, Option<i64>>(0);
            }
        }
        Ok(None)
    };
    found().map(|at| at.map(UnixMillis)).map_err(|source| store.failed(source))
}

/// The newest run of a schedule, and the newest that is over: often the same.
///
/// # Errors
/// When the history cannot be read.
pub fn last_of_schedule(
    store: &Store,
    inventory: &Path,
    schedule: &str,
) -> Result<(Option<RecordedRun>, Option<RecordedRun>), HistoryError> {
    let runs = of_schedule(store, inventory, schedule, LOOKED_AT)?;
    let over = runs.iter().find(|run| run.ended.is_some()).cloned();
    Ok((runs.into_iter().next(), over))
}

/// Of each action, and of raw commands, the newest run by hand that is over.
///
/// # Errors
/// When the history cannot be read.
pub fn last_by_hand(store: &Store, inventory: &Path) -> Result<Vec<RecordedRun>, HistoryError> {
    let mut last: Vec<RecordedRun> = Vec::new();
    for run in by_hand(store, inventory, LOOKED_AT_BY_HAND)? {
        if run.ended.is_some() && last.iter().all(|known| known.label() != run.label()) {
            last.push(run);
        }
    }
    Ok(last)
}
