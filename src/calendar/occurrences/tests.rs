//! What a cron expression comes to on ordinary days and on those on which the clock is changed.

use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

fn calendar(cron: &str, zone: &str) -> Calendar {
    Calendar { cron: Cron::parse(cron).unwrap(), zone: TimeZone::get(zone).unwrap(), except: Vec::new() }
}

/// The runs of a civil span, each as its local time with its offset, and how it passes the clock where that is special.
fn runs(cron: &str, zone: &str, from: DateTime, to: DateTime) -> Vec<String> {
    let calendar = calendar(cron, zone);
    let instant = |at: DateTime| calendar.zone.to_timestamp(at).unwrap();
    let (from, to) = (instant(from) - 1.second(), instant(to));
    calendar
        .after(from)
        .take_while(|one| one.at < to)
        .map(|one| {
            let local = one.at.to_zoned(calendar.zone.clone()).strftime("%d %H:%M%:z").to_string();
            if one.passing == Passing::Plain { local } else { format!("{local} {:?}", one.passing) }
        })
        .collect()
}

fn day(cron: &str, zone: &str, day: Date) -> Vec<String> {
    runs(cron, zone, day.at(0, 0, 0, 0), day.tomorrow().unwrap().at(0, 0, 0, 0))
}

const BERLIN: &str = "Europe/Berlin";
const LORD_HOWE: &str = "Australia/Lord_Howe";

#[test]
fn a_time_in_the_gap_runs_at_the_first_minute_after_it() {
    let spring = date(2026, 3, 29);
    assert_eq!(day("30 2 * * *", BERLIN, spring), ["29 03:00+02:00 AfterGap"]);
    assert_eq!(day("*/15 2 * * *", BERLIN, spring), ["29 03:00+02:00 AfterGap"]);
    assert_eq!(day("15 1-3 * * *", BERLIN, spring), ["29 01:15+01:00", "29 03:00+02:00 AfterGap", "29 03:15+02:00"]);
    // What is planned for the minute after the gap is one run with what was moved there.
    assert_eq!(day("0 1-3 * * *", BERLIN, spring), ["29 01:00+01:00", "29 03:00+02:00"]);
    // Half an hour is left out, from 02:00 to 02:30.
    let spring = date(2026, 10, 4);
    assert_eq!(day("15 2 * * *", LORD_HOWE, spring), ["04 02:30+11:00 AfterGap"]);
    assert_eq!(day("45 2 * * *", LORD_HOWE, spring), ["04 02:45+11:00"]);
}

#[test]
fn a_time_that_comes_twice_runs_once_unless_the_hour_is_a_star_or_a_step() {
    let autumn = date(2026, 10, 25);
    assert_eq!(day("30 2 * * *", BERLIN, autumn), ["25 02:30+02:00 FirstOnly"]);
    assert_eq!(day("*/30 2 * * *", BERLIN, autumn), ["25 02:00+02:00 FirstOnly", "25 02:30+02:00 FirstOnly"]);
    assert_eq!(day("30 2-2/1 * * *", BERLIN, autumn), ["25 02:30+02:00 First", "25 02:30+01:00 Second"]);
    let hourly = day("30 * * * *", BERLIN, autumn);
    assert_eq!(hourly.len(), 25);
    assert_eq!(hourly[2..4], ["25 02:30+02:00 First", "25 02:30+01:00 Second"]);
    let halves = day("0,30 */2 * * *", BERLIN, autumn);
    let four = ["25 02:00+02:00 First", "25 02:30+02:00 First", "25 02:00+01:00 Second", "25 02:30+01:00 Second"];
    assert_eq!(halves[2..6], four);
    // Half an hour comes twice, from 01:30 to 02:00.
    let autumn = date(2026, 4, 5);
    assert_eq!(day("15,45 1 * * *", LORD_HOWE, autumn), ["05 01:15+11:00", "05 01:45+11:00 FirstOnly"]);
}

#[test]
fn runs_come_in_order_where_the_clock_mixes_two_days() {
    // Nuuk goes back from midnight to 23:00, so that the last hour of Saturday comes twice.
    let mixed =
        runs("30 * * * *", "America/Nuuk", date(2026, 10, 24).at(22, 0, 0, 0), date(2026, 10, 25).at(1, 0, 0, 0));
    let expected = ["24 22:30-01:00", "24 23:30-01:00 First", "24 23:30-02:00 Second", "25 00:30-02:00"];
    assert_eq!(mixed, expected);
    // Samoa left out 30 December 2011 as a whole.
    let left_out =
        runs("30 5 * * *", "Pacific/Apia", date(2011, 12, 29).at(0, 0, 0, 0), date(2012, 1, 1).at(0, 0, 0, 0));
    assert_eq!(left_out, ["29 05:30-10:00", "31 00:00+14:00 AfterGap", "31 05:30+14:00"]);
}

#[test]
fn dates_that_are_excepted_have_no_runs() {
    let mut calendar = calendar("30 5 * * *", BERLIN);
    calendar.except = vec![date(2026, 12, 25), date(2026, 12, 26)];
    let start = calendar.zone.to_timestamp(date(2026, 12, 24).at(0, 0, 0, 0)).unwrap();
    let dates: Vec<String> = calendar.after(start).take(3).map(|one| one.planned.date().to_string()).collect();
    assert_eq!(dates, ["2026-12-24", "2026-12-27", "2026-12-28"]);
}

#[test]
fn a_rare_date_is_found_and_one_that_is_always_excepted_is_not() {
    let start = "2097-01-01T00:00Z".parse().unwrap();
    let mut calendar = calendar("0 0 29 feb *", "UTC");
    let next = |calendar: &Calendar| calendar.after(start).next().map(|one| one.planned.date().to_string());
    assert_eq!(next(&calendar).as_deref(), Some("2104-02-29"));
    calendar.except = vec![date(2104, 2, 29), date(2108, 2, 29)];
    assert_eq!(next(&calendar), None);
}

#[test]
fn a_change_of_the_clock_is_known_by_its_date() {
    let berlin = calendar("0 0 * * *", BERLIN);
    let change = berlin.change_on(date(2026, 3, 29)).unwrap();
    assert_eq!((change.at, change.to.duration_since(change.from).as_mins()), (date(2026, 3, 29).at(2, 0, 0, 0), 60));
    let change = calendar("0 0 * * *", LORD_HOWE).change_on(date(2026, 4, 5)).unwrap();
    assert_eq!((change.at, change.to.duration_since(change.from).as_mins()), (date(2026, 4, 5).at(2, 0, 0, 0), -30));
    assert_eq!(berlin.change_on(date(2026, 3, 28)), None);
    assert_eq!(calendar("0 0 * * *", "Asia/Kolkata").change_on(date(2026, 3, 29)), None);
}

fn element(min: u8, max: u8) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("*".to_owned()),
        2 => (min..=max).prop_map(|one| one.to_string()),
        1 => (min..=max, min..=max).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => (2..=5_u8).prop_map(|step| format!("*/{step}")),
        1 => (min..=max, min..=max).prop_map(|(a, b)| format!("{a},{b}")),
    ]
}

/// Not the fields of which croner thinks otherwise: a step as one of two days.
fn expression() -> impl Strategy<Value = String> {
    let day = prop_oneof![
        (element(1, 28), Just("*".to_owned())),
        (Just("*".to_owned()), element(0, 6)),
        (1..=28_u8, 0..=6_u8).prop_map(|(day, weekday)| (day.to_string(), weekday.to_string())),
    ];
    (element(0, 59), element(0, 23), day, element(1, 12))
        .prop_map(|(minute, hour, (day, weekday), month)| format!("{minute} {hour} {day} {month} {weekday}"))
}

proptest! {
    #[test]
    fn on_ordinary_days_the_runs_are_those_that_croner_finds(cron in expression(), start in 0..400_000_000_i64) {
        let start = Timestamp::from_second(1_790_000_000 + start).unwrap();
        let ours: Vec<Timestamp> = calendar(&cron, "Asia/Kolkata").after(start).take(20).map(|one| one.at).collect();
        let theirs: croner::Cron = cron.parse().unwrap();
        let mut at = start.to_zoned(TimeZone::get("Asia/Kolkata").unwrap());
        for one in ours {
            at = theirs.find_next_occurrence(&at, false).unwrap();
            prop_assert_eq!(one, at.timestamp(), "{}", cron);
        }
    }

    #[test]
    fn the_latest_run_is_the_last_of_those_that_follow_each_other(
        cron in expression(), zone in prop_oneof![Just(BERLIN), Just(LORD_HOWE), Just("America/Nuuk")],
        start in 0..40_000_000_i64, span in 0..400_000_i64,
    ) {
        let calendar = calendar(&cron, zone);
        let start = Timestamp::from_second(1_790_000_000 + start).unwrap();
        let end = start + span.seconds();
        let found: Vec<Occurrence> = calendar.after(start).take_while(|one| one.at <= end).collect();
        prop_assert!(found.is_sorted_by(|one, next| one.at < next.at));
        prop_assert_eq!(calendar.latest(start, end), found.last().copied());
    }
}
