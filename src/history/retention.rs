//! Forgets runs that are older than they are to be kept.

use std::path::Path;
use std::time::Duration;

use rusqlite::TransactionBehavior;

use super::writer::broken_off;
use super::{HistoryError, Store};
use crate::model::UnixMillis;

/// Forgets the runs that began longer ago than `keep`, of one inventory by its canonical path or of all, and says how many
/// they were. One that is under way stays. The file does not shrink: later runs use the room.
///
/// # Errors
/// When the history cannot be written.
pub fn prune(
    store: &mut Store,
    inventory: Option<&Path>,
    keep: Duration,
    now: UnixMillis,
) -> Result<usize, HistoryError> {
    let inventory = inventory.map(|path| path.to_string_lossy());
    let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
    let oldest = now.0.saturating_sub(keep);
    let mut write = || {
        let transaction = store.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let old: Vec<(i64, String, Option<String>, String)> = {
            let mut asked = transaction.prepare(
                "SELECT id, run_id, ended, owner FROM run WHERE started_at < ?1 AND (?2 IS NULL OR inventory = ?2)",
            )?;
            let rows = asked.query((oldest, &inventory))?;
            rows.mapped(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).collect::<Result<_, _>>()?
        };
        let mut forgotten = Vec::new();
        if old.is_empty() {
            return Ok(forgotten);
        }
        for (number, run_id, ended, owner) in old {
            if ended.is_none() && super::owner::is_alive(&owner) {
                continue;
            }
            for table in ["batch", "detail", "intent"] {
                transaction.execute(&format!("DELETE FROM {table} WHERE run = ?1"), [number])?;
            }
            transaction.execute("DELETE FROM run WHERE id = ?1", [number])?;
            transaction.execute("DELETE FROM untold WHERE run = ?1", [&run_id])?;
            forgotten.push(run_id);
        }
        transaction.execute("DELETE FROM roster WHERE id NOT IN (SELECT roster FROM run)", ())?;
        transaction.commit()?;
        Ok(forgotten)
    };
    let written = write();
    let forgotten = written.map_err(|source| store.failed(source))?;
    for run_id in &forgotten {
        // Most have none.
        _ = std::fs::remove_file(broken_off(store.path(), run_id));
    }
    Ok(forgotten.len())
}
