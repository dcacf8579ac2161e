//! Notifications that could not be sent: kept for the next run or the daemon, and shown beside their run.

use std::path::Path;

use rusqlite::Row;

use super::{HistoryError, Store};
use crate::model::{RunId, UnixMillis};
use crate::notify::{Kept, NotifyError, Spool, SpoolError, TO_BE_SENT};

/// The letters of one inventory that wait in a history.
#[derive(Debug)]
pub struct Letters {
    store: Store,
    inventory: String,
}

impl Letters {
    /// Those of the inventory with this canonical path.
    ///
    /// # Errors
    /// When the history cannot be opened to be written.
    pub fn of(history: &Path, inventory: &Path) -> Result<Self, HistoryError> {
        Ok(Self { store: Store::create(history)?, inventory: inventory.to_string_lossy().into_owned() })
    }
}

impl Spool for Letters {
    fn put(&mut self, kept: Kept) -> Result<(), SpoolError> {
        self.store.connection.execute(
            "INSERT OR REPLACE INTO letter VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            (
                &self.inventory,
                &kept.id,
                kept.run.as_ref().map(|run| &*run.0),
                &*kept.notification,
                serde_json::to_string(&kept.letter)?,
                kept.tries,
                kept.next_at,
                kept.give_up_at,
                &kept.error,
            ),
        )?;
        Ok(())
    }

    fn due(&mut self, now: UnixMillis) -> Result<Vec<Kept>, SpoolError> {
        let mut asked = self.store.connection.prepare(
            "SELECT id, run, notification, letter, tries, next_at, give_up_at, error FROM letter
             WHERE inventory = ?1 AND next_at <= ?2 ORDER BY next_at, id",
        )?;
        let rows = asked.query_map((&self.inventory, now.0), |row| Ok(kept(row)))?;
        rows.map(|row| row?).collect()
    }

    fn arrived(&mut self, id: &str, at: UnixMillis) -> Result<(), SpoolError> {
        self.store.connection.execute(
            "UPDATE untold SET told_at = ?3 WHERE (run, notification) IN
                (SELECT run, notification FROM letter WHERE inventory = ?1 AND id = ?2)",
            (&self.inventory, id, at.0),
        )?;
        self.done(id)
    }

    fn done(&mut self, id: &str) -> Result<(), SpoolError> {
        self.store.connection.execute("DELETE FROM letter WHERE inventory = ?1 AND id = ?2", (&self.inventory, id))?;
        Ok(())
    }
}

fn kept(row: &Row<'_>) -> Result<Kept, SpoolError> {
    let (run, notification): (Option<String>, String) = (row.get(1)?, row.get(2)?);
    Ok(Kept {
        id: row.get(0)?,
        run: run.map(|run| RunId(run.into())),
        notification: notification.into(),
        letter: serde_json::from_str(row.get_ref(3)?.as_str()?)?,
        tries: row.get(4)?,
        next_at: row.get(5)?,
        give_up_at: row.get(6)?,
        error: row.get(7)?,
    })
}

/// Notes who could not be told of a run.
///
/// # Errors
/// When the history cannot be written.
pub fn note_untold(store: &Store, run: &RunId, errors: &[NotifyError]) -> Result<(), HistoryError> {
    for error in errors {
        store
            .connection
            .execute(
                "INSERT OR REPLACE INTO untold (run, notification, error) VALUES (?1, ?2, ?3)",
                (&*run.0, &*error.notification, error.to_string()),
            )
            .map_err(|source| store.failed(source))?;
    }
    Ok(())
}

/// Somebody who could not be told of a run at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untold {
    /// Who, and why.
    pub error: String,
    /// When they were told after all.
    pub told_at: Option<UnixMillis>,
    /// Whether they are still to be told.
    pub is_kept: bool,
}

/// Who could not be told of a run at first, by name.
///
/// # Errors
/// When the history cannot be read.
pub fn untold(store: &Store, run: &str) -> Result<Vec<Untold>, HistoryError> {
    let read = || -> rusqlite::Result<Vec<Untold>> {
        let mut asked = store.connection.prepare(
            "SELECT error, told_at, EXISTS (
                SELECT 1 FROM letter WHERE letter.run = untold.run AND letter.notification = untold.notification)
             FROM untold WHERE run = ?1 ORDER BY notification",
        )?;
        let rows = asked.query_map([run], |row| {
            let error: String = row.get(0)?;
            // That it was kept is how it was then.
            let error = error.strip_suffix(TO_BE_SENT).unwrap_or(&error).to_owned();
            Ok(Untold { error, told_at: row.get::<_, Option<i64>>(1)?.map(UnixMillis), is_kept: row.get(2)? })
        })?;
        rows.collect()
    };
    read().map_err(|source| store.failed(source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::{Letter, Ping};

    fn letter(id: &str, next_at: i64) -> Kept {
        Kept {
            id: id.to_owned(),
            run: Some(RunId("01JD2X".into())),
            notification: "uptime".into(),
            letter: Letter::Ping { ping: Ping::Start, body: "field-tvs: begins".to_owned() },
            tries: 1,
            next_at,
            give_up_at: 9000,
            error: "refused".to_owned(),
        }
    }

    #[test]
    fn letters_wait_until_they_are_due_and_belong_to_their_inventory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.db");
        let mut mine = Letters::of(&path, Path::new("/a/fleet.toml")).unwrap();
        for kept in [letter("b", 2000), letter("a", 1000), letter("c", 3000)] {
            mine.put(kept).unwrap();
        }
        let mut others = Letters::of(&path, Path::new("/b/fleet.toml")).unwrap();
        assert_eq!(others.due(UnixMillis(9000)).unwrap(), []);
        assert_eq!(mine.due(UnixMillis(2000)).unwrap(), [letter("a", 1000), letter("b", 2000)]);
        mine.put(Kept { tries: 2, ..letter("a", 5000) }).unwrap();
        mine.done("b").unwrap();
        assert_eq!(mine.due(UnixMillis(9000)).unwrap(), [letter("c", 3000), Kept { tries: 2, ..letter("a", 5000) }]);
    }
}
