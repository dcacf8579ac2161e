//! The versions of the tables, and the way from each to the next.
//!
//! `user_version` of the file says which one it has, `application_id` whose it is. A step is never changed once it was
//! released: what comes later is a further file in `migrations/`.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::HistoryError;

/// The steps: the first makes version 1 of an empty file.
const STEPS: [&str; 9] = [
    include_str!("migrations/1-runs.sql"),
    include_str!("migrations/2-holds.sql"),
    include_str!("migrations/3-letters.sql"),
    include_str!("migrations/4-courses.sql"),
    include_str!("migrations/5-batches.sql"),
    include_str!("migrations/6-unstarted.sql"),
    include_str!("migrations/7-told.sql"),
    include_str!("migrations/8-replies.sql"),
    include_str!("migrations/9-schedules.sql"),
];

/// `flct`: whose file it is, for `file(1)` and for us.
const APPLICATION: i64 = 0x666c_6374;

/// The version that this program reads and writes.
pub(super) fn latest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Brings a file to this version, all steps or none.
///
/// # Errors
/// When it is of a newer version, of another program, or cannot be written.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), HistoryError> {
    if version(connection, path)? == latest() {
        return Ok(());
    }
    let failed = |source| HistoryError::Database { path: path.to_owned(), source };
    let steps = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another process may have been faster.
    let found = version(&steps, path)?;
    for (number, step) in (1..).zip(STEPS).skip_while(|(number, _)| *number <= found) {
        steps.execute_batch(step).map_err(failed)?;
        steps.pragma_update(None, "user_version", number).map_err(failed)?;
    }
    steps.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
    steps.commit().map_err(failed)
}

/// The file's version, 0 for an empty one.
///
/// # Errors
/// When it is of a newer version or of another program, or no database.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<i64, HistoryError> {
    let failed = |source| HistoryError::Database { path: path.to_owned(), source };
    // All of one moment: another process may be making the tables.
    let moment = connection.is_autocommit().then(|| connection.unchecked_transaction()).transpose().map_err(failed)?;
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
    let (found, application) = (number("user_version")?, number("application_id")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).map_err(failed)?;
    drop(moment);
    if application != APPLICATION && (application != 0 || found != 0 || tables > 0) {
        return Err(HistoryError::Foreign { path: path.to_owned() });
    }
    if found > latest() {
        return Err(HistoryError::Newer { path: path.to_owned(), found, known: latest() });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(connection: &Connection) -> Vec<String> {
        let mut asked = connection.prepare("SELECT sql FROM sqlite_schema ORDER BY name").unwrap();
        asked.query_map((), |row| row.get::<_, Option<String>>(0)).unwrap().filter_map(Result::unwrap).collect()
    }

    #[test]
    fn from_every_version_the_same_tables_come_and_what_was_there_stays() {
        let path = Path::new("test");
        let mut fresh = Connection::open_in_memory().unwrap();
        migrate(&mut fresh, path).unwrap();
        for old in 1..=latest() {
            let mut connection = Connection::open_in_memory().unwrap();
            for step in STEPS.iter().take(usize::try_from(old).unwrap()) {
                connection.execute_batch(step).unwrap();
            }
            connection.pragma_update(None, "user_version", old).unwrap();
            connection.pragma_update(None, "application_id", APPLICATION).unwrap();
            connection.execute("INSERT INTO intent VALUES (7, 8)", ()).unwrap();
            migrate(&mut connection, path).unwrap();
            assert_eq!(version(&connection, path).unwrap(), latest(), "from {old}");
            assert_eq!(tables(&connection), tables(&fresh), "from {old}");
            let kept: i64 = connection.query_row("SELECT place FROM intent WHERE run = 7", (), |r| r.get(0)).unwrap();
            assert_eq!(kept, 8, "from {old}");
        }
    }

    #[test]
    fn outcomes_of_an_earlier_version_are_read_as_they_were() {
        let path = Path::new("test");
        let mut connection = Connection::open_in_memory().unwrap();
        for step in STEPS.iter().take(4) {
            connection.execute_batch(step).unwrap();
        }
        connection.pragma_update(None, "user_version", 4).unwrap();
        connection.pragma_update(None, "application_id", APPLICATION).unwrap();
        let words = ["ok", "sent", "rejected", "unreachable", "no_reply", "bad_reply", "mismatch", "skipped"];
        let reasons =
            [None, Some("interrupted"), Some("deadline"), Some("max_failures"), Some("held"), Some("internal")];
        let (deliveries, flags) = (["none", "unknown", "confirmed"], [None, Some(false), Some(true)]);
        let mut told = Vec::new();
        for place in 0..40_usize {
            let (word, delivery) = (words[place % 8], deliveries[place % 3]);
            let (reason, verified, changed) = (reasons[place % 6], flags[place % 3], flags[place / 3 % 3]);
            let at = (place % 5 > 0).then_some(1_774_066_500_000_i64);
            // The last first: what counts is the place.
            let row = (2, 39 - place, word, delivery, reason, verified, changed, place, 13 * place, at, place / 7);
            connection.execute("INSERT INTO outcome VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)", row).unwrap();
            told.push(format!(
                "{:?}",
                (39 - place, word, delivery, reason, verified, changed, place, 13 * place, at, place / 7)
            ));
        }
        migrate(&mut connection, path).unwrap();
        let mut read = Vec::new();
        crate::history::kept::each(&connection, 2, |kept| {
            let (word, delivery, reason) =
                (kept.status.as_str(), kept.delivery.as_str(), kept.reason.map(crate::model::SkipReason::as_str));
            let (verified, changed, attempts, elapsed) = (kept.verified, kept.changed, kept.attempts, kept.elapsed);
            let all = (
                kept.place,
                word,
                delivery,
                reason,
                verified,
                changed,
                attempts,
                elapsed,
                kept.finished_at,
                kept.detail,
            );
            read.push(format!("{all:?}"));
            assert_eq!(kept.reply_time, None, "of an earlier version's outcomes nobody knows it");
        })
        .unwrap();
        told.reverse();
        assert_eq!(read, told);
    }

    #[test]
    fn a_newer_version_and_another_program_are_refused_and_left_as_they_are() {
        let path = Path::new("test");
        let mut newer = Connection::open_in_memory().unwrap();
        migrate(&mut newer, path).unwrap();
        newer.pragma_update(None, "user_version", latest() + 1).unwrap();
        let error = migrate(&mut newer, path).unwrap_err();
        assert!(matches!(error, HistoryError::Newer { .. }), "{error}");
        assert!(error.to_string().contains("newer fleetctl"), "{error}");

        let mut foreign = Connection::open_in_memory().unwrap();
        foreign.execute_batch("CREATE TABLE places (url TEXT)").unwrap();
        assert!(matches!(migrate(&mut foreign, path), Err(HistoryError::Foreign { .. })));
        assert_eq!(tables(&foreign), ["CREATE TABLE places (url TEXT)"]);
    }
}
