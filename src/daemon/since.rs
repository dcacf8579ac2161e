//! Until when the times of each schedule are decided when a daemon begins: what came after that was missed.
//!
//! A schedule that ran is decided until its last run began. One that never ran, or has other times since, is decided until
//! some daemon first saw it with these times: a machine that was off at its first time makes it up as `missed` says, and an
//! entry that was written a minute ago has missed nothing. A timer of systemd counts the same way, from when it was first
//! started; so what it starts with `schedule run --due` need not ask the history. Without a history nothing is known, and
//! nothing before the daemon's beginning was missed.

use std::collections::HashMap;
use std::path::Path;

use jiff::Timestamp;
use tracing::warn;

use crate::history::{HistoryError, Store, seen};
use crate::model::UnixMillis;
use crate::run::canonical;
use crate::schedule::Entry;

/// Notes in the history that a daemon has these schedules at `now`, and no others. Gives since when each was known before
/// with these times.
pub fn note_seen(
    history: Option<&Path>,
    inventory: &Path,
    entries: &[Entry],
    now: Timestamp,
) -> HashMap<String, Timestamp> {
    let Some(path) = history else { return HashMap::new() };
    match noted(path, &canonical(inventory), entries, now) {
        Ok(since) => since,
        Err(error) => {
            warn!("history: {}; what schedules miss before their first run is not made up", error.chain());
            HashMap::new()
        }
    }
}

fn noted(
    path: &Path,
    inventory: &Path,
    entries: &[Entry],
    now: Timestamp,
) -> Result<HashMap<String, Timestamp>, HistoryError> {
    // An inventory without schedules needs no history, and makes none.
    if entries.is_empty() && Store::open(path)?.is_none() {
        return Ok(HashMap::new());
    }
    let times = |entry: &Entry| format!("{} {}", entry.calendar.cron.as_str(), entry.zone_name());
    let schedules: Vec<(&str, String)> = entries.iter().map(|entry| (entry.name(), times(entry))).collect();
    let since = seen(&mut Store::create(path)?, inventory, &schedules, UnixMillis(now.as_millisecond()))?;
    let at = |(name, since): (String, UnixMillis)| Some((name, Timestamp::from_millisecond(since.0).ok()?));
    Ok(since.into_iter().filter_map(at).collect())
}

/// Until when the times of a schedule are decided: its last run began, or it has been known with them since. `None`:
/// neither is known.
pub fn decided_until(last_run: Option<Timestamp>, known_since: Option<Timestamp>) -> Option<Timestamp> {
    last_run.max(known_since)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::schedule::testing::entry_in;
    use crate::schedule::{Agenda, Decision, due};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// What a daemon that begins then starts at once.
    fn starts(folder: &Path, entry: &Entry, last_run: Option<&str>, now: &str) -> Vec<Timestamp> {
        let entries = [entry.clone()];
        let known = note_seen(Some(&folder.join("history.db")), &folder.join("fleet.toml"), &entries, at(now));
        let since = |name: &str| decided_until(last_run.map(at), known.get(name).copied());
        let mut agenda = Agenda::new(entries.to_vec(), since, at(now), Box::new(|_, _| 0.0));
        let started = |decision| if let Decision::Start(start) = decision { Some(start.planned) } else { None };
        agenda.look(at(now)).into_iter().filter_map(started).collect()
    }

    #[test]
    fn a_first_time_that_came_while_nothing_ran_is_made_up_as_a_timer_would() {
        let folder = tempfile::tempdir().unwrap();
        let entry = entry_in("UTC", "cron = \"30 5 * * *\"\nmissed = \"run-within 2h\"");
        let none: [Timestamp; 0] = [];
        assert_eq!(
            starts(folder.path(), &entry, None, "2026-11-20T06:00:00Z"),
            none,
            "it was not there at half past five"
        );
        let planned = at("2026-11-21T05:30:00Z");
        for now in ["2026-11-21T06:00:00Z", "2026-11-21T07:30:00Z"] {
            assert_eq!(starts(folder.path(), &entry, None, now), [planned], "{now}");
            assert_eq!(due(&entry, at(now)).map(|run| run.at), Ok(planned), "{now}: the timer's start runs too");
        }
        let late = "2026-11-21T07:30:01Z";
        assert_eq!(starts(folder.path(), &entry, None, late), none, "`missed` does not allow it any more");
        assert!(due(&entry, at(late)).is_err(), "nor with a timer");
        let after = "2026-11-21T06:00:02Z";
        assert_eq!(starts(folder.path(), &entry, Some("2026-11-21T06:00:01Z"), after), none, "it has run");
    }

    #[test]
    fn what_must_not_run_late_is_not_made_up_nor_is_a_time_that_it_did_not_have() {
        let folder = tempfile::tempdir().unwrap();
        let none: [Timestamp; 0] = [];
        let skip = entry_in("UTC", "cron = \"30 5 * * *\"\nmissed = \"skip\"");
        assert_eq!(starts(folder.path(), &skip, None, "2026-11-20T06:00:00Z"), none);
        assert_eq!(starts(folder.path(), &skip, None, "2026-11-21T06:00:00Z"), none);
        // The same entry at another time, written while the daemon was down, after a run at the old one.
        let moved = entry_in("UTC", "cron = \"0 6 * * *\"\nmissed = \"run-within 2h\"");
        let last = Some("2026-11-21T05:30:00Z");
        assert_eq!(starts(folder.path(), &moved, last, "2026-11-21T06:10:00Z"), none);
        let planned = at("2026-11-22T06:00:00Z");
        assert_eq!(starts(folder.path(), &moved, last, "2026-11-22T06:10:00Z"), [planned]);
    }

    #[test]
    fn without_a_history_nothing_was_missed_and_no_schedules_make_none() {
        let folder = tempfile::tempdir().unwrap();
        let entry = Arc::new(entry_in("UTC", "cron = \"30 5 * * *\"\nmissed = \"run-within 2h\""));
        let history = folder.path().join("history.db");
        let inventory = folder.path().join("fleet.toml");
        for _ in 0..2 {
            assert!(note_seen(None, &inventory, &[Entry::clone(&entry)], at("2026-11-20T06:00:00Z")).is_empty());
            assert!(note_seen(Some(&history), &inventory, &[], at("2026-11-20T06:00:00Z")).is_empty());
        }
        assert!(!history.exists());
        assert_eq!(decided_until(None, None), None);
    }
}
