//! The beginning of a run as it is written: made when it starts, committed by the thread that writes the rest.

use rusqlite::{OptionalExtension as _, TransactionBehavior};

use super::owner::this_process;
use super::{Beginning, Store, roster};
use crate::model::{RunId, SharedDevices, UnixMillis};
use crate::report::command_json;

/// What a row of `run` begins with.
pub(super) struct First {
    pub(super) run_id: RunId,
    inventory: String,
    fleet: String,
    schedule: Option<String>,
    /// JSON.
    command: String,
    /// JSON.
    request: String,
    simulated: bool,
    devices: SharedDevices,
    /// A bit for each device.
    idempotent: Vec<u8>,
    rerun_of: Option<String>,
    started_at: UnixMillis,
}

impl First {
    /// Of a run that begins.
    pub(super) fn of(beginning: &Beginning<'_>) -> rusqlite::Result<Self> {
        let Beginning { info, devices, idempotent, inventory, schedule, request, rerun_of } = beginning;
        let mut bits = vec![0_u8; idempotent.len().div_ceil(8)];
        for (place, _) in idempotent.iter().enumerate().filter(|(_, may)| **may) {
            if let Some(byte) = bits.get_mut(place / 8) {
                *byte |= 1 << (place % 8);
            }
        }
        let command = command_json(&info.command, info.verify, info.if_needed)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(Self {
            run_id: info.id.clone(),
            inventory: inventory.to_string_lossy().into_owned(),
            fleet: info.fleet.clone(),
            schedule: schedule.map(str::to_owned),
            command,
            request: (*request).to_owned(),
            simulated: info.simulated,
            devices: (*devices).clone(),
            idempotent: bits,
            rerun_of: rerun_of.map(str::to_owned),
            started_at: info.started_at,
        })
    }

    /// Commits it, and gives the run's number.
    pub(super) fn insert(&self, store: &mut Store) -> rusqlite::Result<i64> {
        let digest = store.digested.of(&self.devices);
        let transaction = store.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let roster = roster::keep(&transaction, &self.devices, &digest)?;
        let by_id = "SELECT id FROM run WHERE run_id = ?1";
        let rerun_of: Option<i64> = match &self.rerun_of {
            Some(id) => transaction.query_row(by_id, [id], |row| row.get(0)).optional()?,
            None => None,
        };
        transaction.execute(
            "INSERT INTO run (run_id, inventory, fleet, schedule, command, request, simulated, version, roster,
                 devices, idempotent, rerun_of, owner, started_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            rusqlite::params![
                &*self.run_id.0,
                self.inventory,
                self.fleet,
                self.schedule,
                self.command,
                self.request,
                self.simulated,
                env!("CARGO_PKG_VERSION"),
                roster,
                self.devices.len(),
                self.idempotent,
                rerun_of,
                this_process(),
                self.started_at.0
            ],
        )?;
        let run = transaction.last_insert_rowid();
        transaction.commit()?;
        Ok(run)
    }
}
