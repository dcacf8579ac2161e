//! Schedules whose runs could not start: no run is recorded then, and whoever was told of it wants to hear when one starts
//! again.

use std::path::Path;

use rusqlite::OptionalExtension as _;

use super::{HistoryError, Store};
use crate::model::UnixMillis;

/// Notes that a schedule's run could not start; `inventory`: its canonical path. The first time in a row is what counts.
///
/// # Errors
/// When the history cannot be written.
pub fn note_unstarted(store: &Store, inventory: &Path, schedule: &str, at: UnixMillis) -> Result<(), HistoryError> {
    let insert = "INSERT OR IGNORE INTO unstarted VALUES (?1, ?2, ?3)";
    let row = (inventory.to_string_lossy(), schedule, at.0);
    store.connection.execute(insert, row).map(drop).map_err(|source| store.failed(source))
}

/// Since when the schedule could not start, if its last run could not.
///
/// # Errors
/// When the history cannot be read.
pub fn unstarted(store: &Store, inventory: &Path, schedule: &str) -> Result<Option<UnixMillis>, HistoryError> {
    let asked = "SELECT since FROM unstarted WHERE inventory = ?1 AND schedule = ?2";
    let found = store.connection.query_row(asked, (inventory.to_string_lossy(), schedule), |row| row.get(0)).optional();
    found.map(|since| since.map(UnixMillis)).map_err(|source| store.failed(source))
}

/// Notes that it starts again.
///
/// # Errors
/// When the history cannot be written.
pub fn note_started(store: &Store, inventory: &Path, schedule: &str) -> Result<(), HistoryError> {
    let delete = "DELETE FROM unstarted WHERE inventory = ?1 AND schedule = ?2";
    let row = (inventory.to_string_lossy(), schedule);
    store.connection.execute(delete, row).map(drop).map_err(|source| store.failed(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_time_in_a_row_is_known_until_a_run_starts() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("history.db")).unwrap();
        let (here, there) = (Path::new("/a/fleet.toml"), Path::new("/b/fleet.toml"));
        assert_eq!(unstarted(&store, here, "morning").unwrap(), None);
        note_unstarted(&store, here, "morning", UnixMillis(1000)).unwrap();
        note_unstarted(&store, here, "morning", UnixMillis(2000)).unwrap();
        note_unstarted(&store, there, "morning", UnixMillis(3000)).unwrap();
        assert_eq!(unstarted(&store, here, "morning").unwrap(), Some(UnixMillis(1000)));
        assert_eq!(unstarted(&store, here, "evening").unwrap(), None);
        note_started(&store, here, "morning").unwrap();
        assert_eq!(unstarted(&store, here, "morning").unwrap(), None);
        assert_eq!(unstarted(&store, there, "morning").unwrap(), Some(UnixMillis(3000)));
    }
}
