//! Since when schedules have been known with the times that they have. A schedule that has never run has no other trace
//! here, and what it missed is told from what it never had by this alone.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{OptionalExtension as _, TransactionBehavior};

use super::{HistoryError, Store};
use crate::model::UnixMillis;

/// Notes that an inventory (its canonical path) has these schedules at `now`, and no others: their names, and their times
/// in words that change when the times do. Gives since when each has been known with these times, where it was known
/// before; one whose times have changed is known with them from now on.
///
/// # Errors
/// When the history cannot be written.
pub fn seen(
    store: &mut Store,
    inventory: &Path,
    schedules: &[(&str, String)],
    now: UnixMillis,
) -> Result<HashMap<String, UnixMillis>, HistoryError> {
    let inventory = inventory.to_string_lossy();
    let mut note = || -> rusqlite::Result<HashMap<String, UnixMillis>> {
        let noting = store.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut before = HashMap::new();
        for (name, times) in schedules {
            let asked = "SELECT since, times = ?3 FROM schedule WHERE inventory = ?1 AND name = ?2";
            let known = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let known: Option<(i64, bool)> = noting.query_row(asked, (&*inventory, name, times), known).optional()?;
            let (since, is_same) = known.unwrap_or((now.0, false));
            let since = if is_same { since } else { now.0 };
            if known.is_some() {
                before.insert((*name).to_owned(), UnixMillis(since));
            }
            let insert = "INSERT OR REPLACE INTO schedule VALUES (?1, ?2, ?3, ?4)";
            noting.execute(insert, (&*inventory, name, times, since))?;
        }
        let names: Vec<&str> = schedules.iter().map(|(name, _)| *name).collect();
        let gone = "DELETE FROM schedule WHERE inventory = ?1 AND name NOT IN (SELECT value FROM json_each(?2))";
        noting.execute(gone, (&*inventory, serde_json::json!(names).to_string()))?;
        noting.commit()?;
        Ok(before)
    };
    note().map_err(|source| store.failed(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_known_since_it_was_first_seen_with_its_times_and_anew_after_it_was_away() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::create(&folder.path().join("history.db")).unwrap();
        let (here, there) = (Path::new("/a/fleet.toml"), Path::new("/b/fleet.toml"));
        let mut at = |inventory: &Path, now: i64, schedules: &[(&str, &str)]| {
            let schedules: Vec<(&str, String)> =
                schedules.iter().map(|(name, times)| (*name, (*times).to_owned())).collect();
            let since = seen(&mut store, inventory, &schedules, UnixMillis(now)).unwrap();
            let mut since: Vec<(String, i64)> = since.into_iter().map(|(name, since)| (name, since.0)).collect();
            since.sort();
            since
        };
        let of = |all: &[(&str, i64)]| -> Vec<(String, i64)> {
            all.iter().map(|(name, since)| ((*name).to_owned(), *since)).collect()
        };
        let both = [("evening", "0 20"), ("morning", "30 5")];
        assert_eq!(at(here, 1000, &both[1..]), of(&[]), "nobody has seen it before");
        assert_eq!(at(there, 1500, &both[1..]), of(&[]), "nor in another inventory");
        assert_eq!(at(here, 2000, &both), of(&[("morning", 1000)]));
        assert_eq!(at(here, 3000, &both), of(&[("evening", 2000), ("morning", 1000)]));
        let moved = [("evening", "0 21"), ("morning", "30 5")];
        assert_eq!(at(here, 4000, &moved), of(&[("evening", 4000), ("morning", 1000)]), "other times are new ones");
        assert_eq!(at(here, 5000, &moved), of(&[("evening", 4000), ("morning", 1000)]));
        assert_eq!(at(here, 6000, &moved[..1]), of(&[("evening", 4000)]));
        assert_eq!(at(here, 7000, &moved), of(&[("evening", 4000)]), "it was away");
        assert_eq!(at(there, 8000, &both[1..]), of(&[("morning", 1500)]));
    }
}
