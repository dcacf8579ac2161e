//! Devices that are kept out of runs, until when, and why.

use std::path::Path;
use std::sync::Arc;

use rusqlite::TransactionBehavior;

use super::{HistoryError, Store};
use crate::model::UnixMillis;

/// A device that is kept out of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its name.
    pub device: Arc<str>,
    /// The end of the hold.
    pub until: UnixMillis,
    /// Its last day as it was given: `2026-12-24`.
    pub until_day: String,
    /// Why.
    pub why: String,
}

/// Keeps devices of an inventory out of runs; one that is held already is held anew. Forgets holds that are over.
///
/// # Errors
/// When the history cannot be written.
pub fn hold(store: &mut Store, inventory: &Path, holds: &[Hold], now: UnixMillis) -> Result<(), HistoryError> {
    let inventory = inventory.to_string_lossy();
    let mut write = || {
        let transaction = store.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute("DELETE FROM hold WHERE until <= ?1", [now.0])?;
        for one in holds {
            transaction.execute(
                "INSERT OR REPLACE INTO hold VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (&inventory, &one.device, one.until.0, &one.until_day, &one.why, now.0),
            )?;
        }
        transaction.commit()
    };
    let written = write();
    written.map_err(|source| store.failed(source))
}

/// Ends the holds of these devices; says which of them were held.
///
/// # Errors
/// When the history cannot be written.
pub fn release(
    store: &mut Store,
    inventory: &Path,
    names: &[&str],
    now: UnixMillis,
) -> Result<Vec<String>, HistoryError> {
    let inventory = inventory.to_string_lossy();
    let mut write = || {
        let transaction = store.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut released = Vec::new();
        for name in names {
            let ended = "DELETE FROM hold WHERE inventory = ?1 AND device = ?2 AND until > ?3";
            if transaction.execute(ended, (&inventory, name, now.0))? > 0 {
                released.push((*name).to_owned());
            }
        }
        transaction.commit()?;
        Ok(released)
    };
    let written = write();
    written.map_err(|source| store.failed(source))
}

/// The devices of an inventory that are held now, by name.
///
/// # Errors
/// When the history cannot be read.
pub fn holds(store: &Store, inventory: &Path, now: UnixMillis) -> Result<Vec<Hold>, HistoryError> {
    let read = || -> rusqlite::Result<Vec<Hold>> {
        let mut asked = store.connection.prepare(
            "SELECT device, until, until_day, why FROM hold WHERE inventory = ?1 AND until > ?2 ORDER BY device",
        )?;
        let rows = asked.query((inventory.to_string_lossy(), now.0))?;
        rows.mapped(|row| {
            let device: String = row.get(0)?;
            let until = UnixMillis(row.get(1)?);
            Ok(Hold { device: device.into(), until, until_day: row.get(2)?, why: row.get(3)? })
        })
        .collect()
    };
    read().map_err(|source| store.failed(source))
}
