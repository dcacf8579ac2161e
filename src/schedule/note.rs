//! What is special about a time: a change of the clock, and where systemd would do otherwise.

use jiff::ToSpan;

use crate::calendar::{ClockChange, Occurrence, Passing};

use super::Entry;

/// What is special about a run's time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// In words.
    pub text: String,
    /// Whether a timer of systemd would leave this run out.
    pub systemd_differs: bool,
}

/// What is special about one run of an entry; `None` for most. With the run `before` it, a change of the clock between
/// the two is noted too: it may fall on a day without a run.
pub fn note(entry: &Entry, run: &Occurrence, before: Option<&Occurrence>) -> Option<Note> {
    let change = entry.calendar.change_on(run.planned.date());
    if change.is_none()
        && let Some(since) = before.and_then(|before| change_between(entry, before, run))
    {
        return Some(Note { text: since, systemd_differs: false });
    }
    let clock = change.map(|change| words(&change)).unwrap_or_default();
    let planned = run.planned.strftime("%H:%M");
    let starts = run.at.to_zoned(entry.calendar.zone.clone()).strftime("%H:%M");
    let (text, systemd_differs) = match run.passing {
        Passing::Plain => (change.map(|_| clock)?, false),
        Passing::AfterGap => (format!("{clock}: {planned} does not come, runs at {starts}"), true),
        Passing::FirstOnly => (format!("{clock}: {planned} comes twice, runs the first time"), false),
        Passing::First => (format!("{clock}: {planned} comes twice, this is the first"), false),
        Passing::Second => (format!("{clock}: {planned} comes twice, this is the second"), true),
    };
    let text = if systemd_differs { format!("{text}; a systemd timer leaves it out") } else { text };
    Some(Note { text, systemd_differs })
}

/// The change on a day between the days of two runs.
fn change_between(entry: &Entry, before: &Occurrence, run: &Occurrence) -> Option<String> {
    let zone = &entry.calendar.zone;
    // Two changes that undo each other are half a year apart; where runs are as rare, they are no news.
    if zone.to_offset(before.at) == zone.to_offset(run.at) {
        return None;
    }
    let last = run.planned.date();
    let days = before.planned.date().series(1.day()).skip(1).take_while(|date| *date < last);
    let (date, change) = days.filter_map(|date| Some((date, entry.calendar.change_on(date)?))).last()?;
    Some(format!("{}, on {date}", words(&change).replace("clocks go", "clocks went")))
}

/// `clocks go from 02:00 to 03:00`.
fn words(change: &ClockChange) -> String {
    let after = change.at.saturating_add(change.to.duration_since(change.from));
    format!("clocks go from {} to {}", change.at.strftime("%H:%M"), after.strftime("%H:%M"))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::testing::entry_in;
    use super::*;

    fn notes(cron: &str, from: &str, count: usize) -> Vec<Option<String>> {
        let entry = entry_in("Europe/Berlin", &format!("cron = \"{cron}\""));
        let from: Timestamp = from.parse().unwrap();
        let runs: Vec<Occurrence> = entry.calendar.after(from).take(count).collect();
        let before = std::iter::once(None).chain(runs.iter().map(Some));
        runs.iter().zip(before).map(|(run, before)| note(&entry, run, before).map(|note| note.text)).collect()
    }

    #[test]
    fn nights_of_a_clock_change_are_noted_and_what_systemd_leaves_out() {
        let spring = "2026-03-28T12:00Z";
        assert_eq!(notes("30 5 * * *", spring, 2), [Some("clocks go from 02:00 to 03:00".to_owned()), None]);
        let gap = "clocks go from 02:00 to 03:00: 02:30 does not come, runs at 03:00; a systemd timer leaves it out";
        assert_eq!(notes("30 2 * * *", spring, 1), [Some(gap.to_owned())]);
        // Friday, Monday, Tuesday: the clock changes on a day without a run.
        let weekdays = [None, Some("clocks went from 02:00 to 03:00, on 2026-03-29".to_owned()), None];
        assert_eq!(notes("30 5 * * mon-fri", "2026-03-27T00:00Z", 3), weekdays);
        let autumn = "2026-10-24T12:00Z";
        let once = "clocks go from 03:00 to 02:00: 02:30 comes twice, runs the first time";
        assert_eq!(notes("30 2 * * *", autumn, 2), [Some(once.to_owned()), None]);
        let twice = notes("30 */2 * * *", autumn, 8);
        assert!(twice[6].as_ref().unwrap().ends_with("02:30 comes twice, this is the first"), "{twice:?}");
        assert!(twice[7].as_ref().unwrap().ends_with("this is the second; a systemd timer leaves it out"), "{twice:?}");
    }
}
