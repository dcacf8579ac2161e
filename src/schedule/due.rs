//! Whether a start comes in time for an entry: for a timer of another program, which knows neither `except` nor how late
//! a run may be. That the entry was there at its time is the timer's to know: systemd makes up what came since the timer
//! was first started, and a daemon counts alike.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan};

use super::Entry;
use crate::calendar::Occurrence;
use crate::inventory::Missed;

/// A start that comes no later than this is in time: a busy machine is not one that was off.
const IN_TIME: SignedDuration = SignedDuration::from_mins(1);

/// So far back a run that was missed is looked for.
const LOOK_BACK_DAYS: i32 = 400;

/// How late a start is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lateness {
    /// It comes when it should.
    InTime,
    /// It comes late, and `missed` allows that.
    Late,
    /// It comes too late.
    TooLate,
}

/// How late it is at `now` for a run that was planned for an instant and put off to `start` by jitter.
pub fn lateness(missed: Missed, planned: Timestamp, start: Timestamp, now: Timestamp) -> Lateness {
    if now.duration_since(start) <= IN_TIME {
        return Lateness::InTime;
    }
    match missed {
        Missed::RunWithin(within) if now.duration_since(planned).unsigned_abs() <= within => Lateness::Late,
        _ => Lateness::TooLate,
    }
}

/// Why nothing is to run now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDue {
    /// No time of the entry came lately: today may be a date of `except`.
    #[error("it is not due: no run was planned for the last {LOOK_BACK_DAYS} days")]
    Never,
    /// The last time is too long ago.
    #[error("it is not due: its last time was {}, {} ago", .at.strftime("%Y-%m-%d %H:%M %:z"), words(*.ago))]
    TooLate {
        /// When, in the entry's zone.
        at: jiff::Zoned,
        /// How long ago.
        ago: Duration,
    },
}

/// The run that is due now.
///
/// # Errors
/// When none is, or `missed` does not allow one so late.
pub fn due(entry: &Entry, now: Timestamp) -> Result<Occurrence, NotDue> {
    let from = now.checked_sub((i64::from(LOOK_BACK_DAYS) * 24).hours()).unwrap_or(Timestamp::MIN);
    let run = entry.calendar.latest(from, now).ok_or(NotDue::Never)?;
    // A timer draws its jitter itself: any start within it is in time.
    let start = run.at.checked_add(entry.schedule.jitter).unwrap_or(run.at);
    match lateness(entry.schedule.missed, run.at, start, now) {
        Lateness::InTime | Lateness::Late => Ok(run),
        Lateness::TooLate => Err(NotDue::TooLate {
            at: run.at.to_zoned(entry.calendar.zone.clone()),
            ago: now.duration_since(run.at).unsigned_abs(),
        }),
    }
}

/// A time that has passed, in whole minutes.
fn words(ago: Duration) -> String {
    let minutes = Duration::from_mins(ago.as_secs() / 60);
    humantime::format_duration(minutes).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::testing::entry_in;
    use super::*;

    fn judged(lines: &str, now: &str) -> Result<String, String> {
        let entry = entry_in("Europe/Berlin", &format!("cron = \"30 5 * * *\"\n{lines}"));
        let found = due(&entry, now.parse().unwrap());
        found.map(|run| run.at.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_start_is_due_in_time_and_late_only_where_missed_allows_it() {
        let planned = Ok("2026-12-24T04:30:00Z".to_owned());
        assert_eq!(judged("", "2026-12-24T04:30:00Z"), planned);
        assert_eq!(judged("", "2026-12-24T04:31:00Z"), planned);
        let late = Err("it is not due: its last time was 2026-12-24 05:30 +01:00, 2m ago".to_owned());
        assert_eq!(judged("", "2026-12-24T04:32:00Z"), late);
        assert_eq!(judged("jitter = \"10m\"", "2026-12-24T04:41:00Z"), planned);
        assert_eq!(judged("missed = \"run-within 2h\"", "2026-12-24T06:30:00Z"), planned);
        assert!(judged("missed = \"run-within 2h\"", "2026-12-24T06:30:01Z").is_err());
    }

    #[test]
    fn nothing_is_due_on_a_date_that_is_excepted() {
        let found = judged("except = [\"2026-12-25\"]", "2026-12-25T04:30:00Z");
        assert_eq!(found, Err("it is not due: its last time was 2026-12-24 05:30 +01:00, 1day ago".to_owned()));
    }
}
