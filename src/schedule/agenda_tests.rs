//! A year of schedules in a clock of our own: every planned time is decided once, whatever the clock does.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;

use super::testing::{entries_of, entry_in};
use super::*;

const HOUR: i64 = 3600;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn agenda(entries: Vec<Entry>, now: Timestamp) -> Agenda {
    Agenda::new(entries, |_| None, now, Box::new(|name, at| steady_part("box", name, at)))
}

fn berlin(lines: &str) -> Entry {
    entry_in("Europe/Berlin", lines)
}

/// What a look decided, in short.
fn seen(decisions: &[Decision]) -> Vec<String> {
    decisions
        .iter()
        .map(|decision| match decision {
            Decision::Start(start) => format!("start {}", start.planned),
            Decision::Waits(start) => format!("wait {}", start.planned),
            Decision::Overlaps(start) => format!("overlap {}", start.planned),
            Decision::Missed { first, last, .. } if first == last => format!("missed {first}"),
            Decision::Missed { first, last, .. } => format!("missed {first} to {last}"),
        })
        .collect()
}

#[test]
fn a_run_starts_at_its_time_and_not_before_and_only_once() {
    let mut agenda = agenda(vec![berlin("cron = \"30 5 * * *\"")], at("2026-11-21T00:00Z"));
    assert_eq!(agenda.next_start(), Some(at("2026-11-21T04:30Z")));
    assert_eq!(seen(&agenda.look(at("2026-11-21T04:29:59Z"))), [""; 0]);
    assert_eq!(seen(&agenda.look(at("2026-11-21T04:30:00Z"))), ["start 2026-11-21T04:30:00Z"]);
    agenda.finished("s");
    assert_eq!(seen(&agenda.look(at("2026-11-21T04:30:01Z"))), [""; 0]);
    assert_eq!(agenda.next_start(), Some(at("2026-11-22T04:30Z")));
}

#[test]
fn jitter_puts_a_start_off_and_a_second_process_puts_it_off_as_much() {
    let entry = berlin("cron = \"30 5 * * *\"\njitter = \"10m\"");
    let start = agenda(vec![entry.clone()], at("2026-11-21T00:00Z")).next_start().unwrap();
    let planned = at("2026-11-21T04:30Z");
    assert!(start > planned && start <= planned + 10.minutes(), "{start}");
    let mut agenda = agenda(vec![entry], at("2026-11-21T04:30:01Z") - 10.minutes());
    assert_eq!(agenda.next_start(), Some(start));
    assert_eq!(seen(&agenda.look(start - 1.second())), [""; 0]);
    assert_eq!(seen(&agenda.look(start)), ["start 2026-11-21T04:30:00Z"]);
}

#[test]
fn a_machine_that_was_off_does_what_missed_says() {
    let since = at("2026-11-18T04:30Z");
    let look = |missed: &str, now: &str| {
        let entry = berlin(&format!("cron = \"30 5 * * *\"\nmissed = \"{missed}\""));
        let mut agenda = Agenda::new(vec![entry], |_| Some(since), at(now), Box::new(|_, _| 0.0));
        seen(&agenda.look(at(now)))
    };
    let nights = "missed 2026-11-19T04:30:00Z to 2026-11-20T04:30:00Z";
    assert_eq!(look("skip", "2026-11-21T05:30Z"), ["missed 2026-11-19T04:30:00Z to 2026-11-21T04:30:00Z"]);
    assert_eq!(look("run-within 2h", "2026-11-21T05:30Z"), [nights, "start 2026-11-21T04:30:00Z"]);
    assert_eq!(look("run-within 2h", "2026-11-21T06:30:01Z"), ["missed 2026-11-19T04:30:00Z to 2026-11-21T04:30:00Z"]);
    // A machine that is a few seconds late was not off.
    assert_eq!(look("skip", "2026-11-21T04:30:20Z"), [nights, "start 2026-11-21T04:30:00Z"]);
    // After years nothing is counted one by one.
    assert_eq!(look("run-within 2h", "2036-11-21T05:30Z").len(), 2);
}

#[test]
fn a_run_that_is_still_under_way_is_not_run_twice() {
    let start = at("2026-11-21T00:00Z");
    let mut skipping = agenda(vec![berlin("cron = \"0 * * * *\"")], start);
    assert_eq!(seen(&skipping.look(start + 1.hour())), ["start 2026-11-21T01:00:00Z"]);
    assert_eq!(seen(&skipping.look(start + 2.hours())), ["overlap 2026-11-21T02:00:00Z"]);
    assert!(skipping.finished("s").is_none());
    assert_eq!(seen(&skipping.look(start + 3.hours())), ["start 2026-11-21T03:00:00Z"]);

    let mut waiting = agenda(vec![berlin("cron = \"0 * * * *\"\noverlap = \"wait\"")], start);
    waiting.look(start + 1.hour());
    assert_eq!(seen(&waiting.look(start + 2.hours())), ["wait 2026-11-21T02:00:00Z"]);
    // The next time is where the wait ends.
    let replaced = seen(&waiting.look(start + 3.hours()));
    assert_eq!(replaced, ["overlap 2026-11-21T02:00:00Z", "wait 2026-11-21T03:00:00Z"]);
    assert_eq!(waiting.finished("s").unwrap().planned, start + 3.hours());
    assert_eq!(seen(&waiting.look(start + 4.hours())), ["wait 2026-11-21T04:00:00Z"]);
    assert!(waiting.finished("s").is_some());
    assert!(waiting.finished("s").is_none());
    assert!(waiting.finished("unknown").is_none());
}

#[test]
fn a_clock_that_goes_back_does_not_run_anything_again() {
    let mut agenda = agenda(vec![berlin("cron = \"30 5 * * *\"")], at("2026-11-21T00:00Z"));
    agenda.look(at("2026-11-21T04:30:00Z"));
    agenda.finished("s");
    assert_eq!(seen(&agenda.look(at("2026-11-21T04:20:00Z"))), [""; 0]);
    assert_eq!(agenda.next_start(), Some(at("2026-11-22T04:30Z")));
    assert_eq!(seen(&agenda.look(at("2026-11-21T04:30:00Z"))), [""; 0]);
    assert_eq!(seen(&agenda.look(at("2026-11-22T04:30:00Z"))), ["start 2026-11-22T04:30:00Z"]);
}

#[test]
fn a_clock_that_was_wrong_by_a_year_loses_no_night_once_it_is_right() {
    let mut agenda = agenda(vec![berlin("cron = \"30 5 * * *\"")], at("2027-11-21T00:00Z"));
    assert_eq!(seen(&agenda.look(at("2027-11-21T04:30:00Z"))), ["start 2027-11-21T04:30:00Z"]);
    agenda.finished("s");
    assert_eq!(seen(&agenda.look(at("2026-11-21T00:00Z"))), [""; 0]);
    assert_eq!(agenda.next_start(), Some(at("2026-11-21T04:30Z")));
    assert_eq!(seen(&agenda.look(at("2026-11-21T04:30:00Z"))), ["start 2026-11-21T04:30:00Z"]);
}

#[test]
fn entries_of_a_new_inventory_go_on_where_they_were() {
    let now = at("2026-11-21T04:30:00Z");
    let both = "[sites.hq]\ntimezone = \"Europe/Berlin\"\n[defaults]\nsite = \"hq\"\ntype = \"lg-rs232\"\n\
        [[device]]\nname = \"tv\"\naddress = \"10.0.0.1\"\n\
        [[schedule]]\nname = \"s\"\ncron = \"30 5 * * *\"\ndo = \"power-on\"\n\
        [[schedule]]\nname = \"new\"\ncron = \"30 5 * * *\"\ndo = \"power-on\"\n";
    let mut agenda = agenda(vec![berlin("cron = \"30 5 * * *\"")], at("2026-11-21T00:00Z"));
    agenda.look(now);
    agenda.replace(entries_of(both));
    // Nothing that is past begins with a new file, and what runs is known to run.
    assert_eq!(seen(&agenda.look(now + 1.second())), [""; 0]);
    let next = seen(&agenda.look(at("2026-11-22T04:30:00Z")));
    assert_eq!(next, ["overlap 2026-11-22T04:30:00Z", "start 2026-11-22T04:30:00Z"]);
    agenda.replace(vec![berlin("cron = \"45 5 * * *\"")]);
    assert_eq!(agenda.next_start(), Some(at("2026-11-22T04:45Z")));
    assert_eq!(agenda.entries().count(), 1);
}

/// How often each planned time was decided.
#[derive(Default)]
struct Counted {
    started: BTreeMap<Timestamp, u32>,
    left_out: BTreeMap<Timestamp, u32>,
    missed: Vec<(Timestamp, Timestamp)>,
}

impl Counted {
    fn count(&mut self, decisions: Vec<Decision>) {
        for decision in decisions {
            match decision {
                Decision::Start(start) => *self.started.entry(start.planned).or_default() += 1,
                Decision::Overlaps(start) => *self.left_out.entry(start.planned).or_default() += 1,
                Decision::Waits(_) => {}
                Decision::Missed { first, last, .. } => self.missed.push((first, last)),
            }
        }
    }

    /// How often a planned time was decided in all.
    fn decided(&self, at: Timestamp) -> u32 {
        let of = |map: &BTreeMap<Timestamp, u32>| map.get(&at).copied().unwrap_or(0);
        let missed = self.missed.iter().filter(|(first, last)| (*first..=*last).contains(&at)).count();
        of(&self.started) + of(&self.left_out) + u32::try_from(missed).unwrap()
    }
}

/// Looks whenever something starts, as a daemon does, until `end`.
fn simulate(entry: &Entry, start: Timestamp, end: Timestamp) -> Counted {
    let mut agenda = agenda(vec![entry.clone()], start);
    let mut counted = Counted::default();
    while let Some(next) = agenda.next_start().filter(|next| *next <= end) {
        counted.count(agenda.look(next));
        agenda.finished("s");
    }
    counted
}

const ZONES: [&str; 4] = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];

#[test]
fn in_a_year_every_planned_run_starts_once_also_in_the_nights_of_both_clock_changes() {
    let start = at("2026-01-01T00:00Z");
    let end = at("2027-01-01T00:00Z");
    for zone in ZONES {
        for cron in ["30 5 * * *", "15 2 * * *", "45 1 * * *", "30 */2 * * *"] {
            let entry = entry_in(zone, &format!("cron = \"{cron}\""));
            let counted = simulate(&entry, start, end);
            assert!(counted.missed.is_empty() && counted.left_out.is_empty(), "{zone} {cron}");
            assert!(counted.started.values().all(|count| *count == 1), "{zone} {cron}");
            let planned: Vec<Timestamp> =
                entry.calendar.after(start).take_while(|run| run.at <= end).map(|run| run.at).collect();
            assert_eq!(counted.started.into_keys().collect::<Vec<_>>(), planned, "{zone} {cron}");
            // Once for each time of each day, whatever the clock did, and once more in Berlin, where 02:30 comes twice.
            let times = if cron.contains('/') { 12 } else { 1 };
            let more = usize::from(times > 1 && zone == "Europe/Berlin");
            assert_eq!(planned.len(), 365 * times + more, "{zone} {cron}");
        }
    }
}

#[test]
fn a_year_by_calendar_has_its_clock_changes_where_the_zone_has_them() {
    let start = at("2026-01-01T00:00Z");
    for (zone, in_the_gap, after_it, twice, first_time) in [
        ("Europe/Berlin", "15 2 * * *", "2026-03-29T01:00:00Z", "15 2 * * *", "2026-10-25T00:15:00Z"),
        ("America/New_York", "15 2 * * *", "2026-03-08T07:00:00Z", "15 1 * * *", "2026-11-01T05:15:00Z"),
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T15:30:00Z", "45 1 * * *", "2026-04-04T14:45:00Z"),
    ] {
        for (cron, wanted) in [(in_the_gap, after_it), (twice, first_time)] {
            let entry = entry_in(zone, &format!("cron = \"{cron}\""));
            let counted = simulate(&entry, start, start + (366 * 24).hours());
            assert_eq!(counted.started.get(&at(wanted)), Some(&1), "{zone} {cron}");
        }
    }
}

/// What happens next: time passes, the clock jumps, the process sleeps, the run ends.
#[derive(Debug, Clone)]
enum Step {
    Pass(i64),
    Sleep(i64),
    Back(i64),
    End,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1..600_i64).prop_map(Step::Pass),
        4 => (600..4 * HOUR).prop_map(Step::Pass),
        2 => (HOUR..80 * HOUR).prop_map(Step::Sleep),
        1 => (1..20 * HOUR).prop_map(Step::Back),
        4 => Just(Step::End),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_planned_time_is_decided_exactly_once_however_the_clock_jumps(
        steps in proptest::collection::vec(step(), 1..120),
        zone in proptest::sample::select(ZONES.to_vec()),
        cron in proptest::sample::select(vec!["30 5 * * *", "*/40 * * * *", "15 1-3 * * *", "0 0 * * 1-5", "30 */2 * * *"]),
        missed in proptest::sample::select(vec!["skip", "run-within 3h"]),
        overlap in proptest::sample::select(vec!["skip", "wait"]),
        jitter in proptest::sample::select(vec!["0s", "5m"]),
        // Days before a change of the clock in one of the zones.
        start in proptest::sample::select(vec!["2026-03-07T00:00Z", "2026-03-28T00:00Z", "2026-10-02T00:00Z", "2026-10-24T00:00Z"]),
    ) {
        let lines = format!("cron = \"{cron}\"\nmissed = \"{missed}\"\noverlap = \"{overlap}\"\njitter = \"{jitter}\"");
        let entry = entry_in(zone, &lines);
        let start = at(start);
        let mut agenda = agenda(vec![entry.clone()], start);
        let mut counted = Counted::default();
        let (mut now, mut latest) = (start, start);
        let mut waits = false;
        // Where the clock went back to, and how far it had been.
        let mut landings: Vec<(Timestamp, Timestamp)> = Vec::new();
        for step in steps {
            match step {
                Step::Pass(seconds) => {
                    // As a daemon does: it looks whenever something starts.
                    let end = now + seconds.seconds();
                    while let Some(next) = agenda.next_start().filter(|next| *next <= end) {
                        let decisions = agenda.look(next.max(now));
                        waits |= decisions.iter().any(|one| matches!(one, Decision::Waits(_)));
                        counted.count(decisions);
                    }
                    now = end;
                }
                Step::Sleep(seconds) => now += SignedDuration::from_secs(seconds),
                Step::Back(seconds) => {
                    now -= SignedDuration::from_secs(seconds);
                    landings.push((now, latest));
                }
                Step::End => {
                    if let Some(start) = agenda.finished("s") {
                        counted.count(vec![Decision::Start(start)]);
                        waits = false;
                    }
                }
            }
            let decisions = agenda.look(now);
            waits |= decisions.iter().any(|one| matches!(one, Decision::Waits(_)));
            counted.count(decisions);
            latest = latest.max(now);
        }
        if waits {
            counted.count(agenda.finished("s").map(Decision::Start).into_iter().collect());
        }
        let jitter = entry.schedule.jitter;
        let forgotten = SignedDuration::from_hours(24);
        for run in entry.calendar.after(start).take_while(|run| run.at + jitter <= latest) {
            let decided = counted.decided(run.at);
            // What lies more than a day ahead of where the clock went back to, in one jump or in several, is as if it
            // had not been, and what lies more than a day back is forgotten.
            let was_wrong = landings.iter().any(|(to, from)| run.at.duration_since(*to) > forgotten && run.at <= *from);
            let is_recent = latest.duration_since(run.at) < forgotten;
            if is_recent || run.at + jitter <= now {
                prop_assert!(decided >= 1, "{} was not decided", run.at);
            }
            if is_recent && !was_wrong {
                prop_assert!(decided == 1, "{} was decided {} times", run.at, decided);
            }
        }
    }
}
