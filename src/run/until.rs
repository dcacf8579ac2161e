//! When the last pass of a run may begin: what `--until` says, as an instant.
//!
//! Pure: the time and every zone are given. A time of day is the next one, at most 12 h ahead; it is read from the clock
//! of the schedule, else of the one zone of all selected sites, else of the machine. One that a clock change leaves out
//! means the first minute after it; one that comes twice means the next.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::diagnostic::parse_duration;
use crate::model::fold_names;

/// A time of day further ahead than this looks like one that has passed.
const FURTHEST: SignedDuration = SignedDuration::from_hours(12);

/// A day, in seconds.
const DAY: i32 = 86_400;

/// When the last pass of a run may begin, as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// So long after the start; more than nothing.
    After(Duration),
    /// At the next such time of day.
    At(Time),
}

impl FromStr for Until {
    type Err = String;

    /// Reads `30m`, `1h 30m`, `06:30`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains(':') {
            let time = Time::strptime("%H:%M", text.trim());
            return time.map(Self::At).map_err(|_| {
                format!(
                    "`{text}` is no time of day: write `06:30`, from `00:00` to `23:59`, or a duration such as `30m`"
                )
            });
        }
        match parse_duration(text) {
            Ok(Duration::ZERO) => Err("a run cannot go on until it begins: write `30m`, or a time of day".to_owned()),
            Ok(span) => Ok(Self::After(span)),
            Err(why) => Err(format!("{why}; or a time of day, `06:30`")),
        }
    }
}

/// Whose clock a time of day is read from.
#[derive(Debug, Clone)]
pub struct Clocks<'a> {
    /// A schedule's own zone.
    pub schedule: Option<&'a TimeZone>,
    /// The selected sites that have a zone, by name.
    pub sites: Vec<(&'a str, &'a TimeZone)>,
    /// The machine's zone.
    pub machine: TimeZone,
}

/// An instant, and the zone in which it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// Whose clock says so.
    pub zone: TimeZone,
}

impl fmt::Display for End {
    /// `06:30 Europe/Berlin (2026-11-22T05:30:00Z)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.zone.to_datetime(self.at).time();
        let utc = TimeZone::UTC.to_datetime(self.at);
        let seconds = if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
        write!(f, "{} {} ({})", time.strftime(seconds), name(&self.zone), utc.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// Why `--until` names no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UntilError {
    /// The selected sites have several clocks.
    #[error("`--until {time}` means two instants, since the selected sites are in two zones: {first} and {second}")]
    TwoZones {
        /// The time of day.
        time: String,
        /// A zone and its sites.
        first: String,
        /// Another one and its sites.
        second: String,
    },
    /// The next such time of day is too far ahead to be meant.
    #[error("`--until {time}` looks like it is in the past: it is {now} in {zone}, and {time} comes again in {ahead}")]
    Past {
        /// The time of day.
        time: String,
        /// What time it is.
        now: String,
        /// Whose clock says so.
        zone: String,
        /// How far ahead the next one is.
        ahead: String,
    },
    /// The calendar ends before.
    #[error("`--until`: so long a time ends after the calendar")]
    TooFar,
}

/// The instant that is meant.
///
/// # Errors
/// See [`UntilError`].
pub fn end(until: Until, now: Timestamp, clocks: &Clocks<'_>) -> Result<End, UntilError> {
    match until {
        Until::After(span) => {
            let at = now.checked_add(span).map_err(|_| UntilError::TooFar)?;
            let zone = clocks.zone("").unwrap_or(&clocks.machine).clone();
            Ok(End { at, zone })
        }
        Until::At(time) => {
            let shown = time.strftime("%H:%M").to_string();
            let zone = clocks.zone(&shown)?.clone();
            let at = next(time, now, &zone).ok_or(UntilError::TooFar)?;
            let ahead = now.duration_until(at);
            if ahead > FURTHEST {
                let minutes = ahead.as_secs().div_euclid(60);
                return Err(UntilError::Past {
                    time: shown,
                    now: zone.to_datetime(now).time().strftime("%H:%M").to_string(),
                    zone: name(&zone).to_owned(),
                    ahead: format!("{} h {} min", minutes / 60, minutes % 60),
                });
            }
            Ok(End { at, zone })
        }
    }
}

impl Clocks<'_> {
    fn zone(&self, time: &str) -> Result<&TimeZone, UntilError> {
        if let Some(zone) = self.schedule {
            return Ok(zone);
        }
        let Some((_, first)) = self.sites.first() else { return Ok(&self.machine) };
        let is_same = |one: &TimeZone, other: &TimeZone| one.iana_name() == other.iana_name() && one == other;
        let Some((_, second)) = self.sites.iter().find(|(_, zone)| !is_same(zone, first)) else { return Ok(first) };
        let sites = |wanted: &TimeZone| {
            let sites = self.sites.iter().filter(|(_, zone)| is_same(zone, wanted)).map(|(site, _)| *site);
            format!("{} ({})", name(wanted), fold_names(sites))
        };
        Err(UntilError::TwoZones { time: time.to_owned(), first: sites(first), second: sites(second) })
    }
}

/// What a zone is called.
fn name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("local time")
}

/// The next instant at which a clock in a zone shows a time of day.
fn next(time: Time, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let today = zone.to_datetime(now).date();
    let tomorrow = today.tomorrow().ok();
    // A zone may leave out a whole day.
    let days = [Some(today), tomorrow, tomorrow.and_then(|day| day.tomorrow().ok())];
    days.into_iter().flatten().flat_map(|day| instants(day, time, zone)).filter(|instant| *instant > now).min()
}

/// The instants at which a clock in a zone shows a time of a day: one, or two where it is set back in between.
fn instants(day: Date, time: Time, zone: &TimeZone) -> Vec<Timestamp> {
    let shown = day.to_datetime(time);
    let offsets = match zone.to_ambiguous_timestamp(shown).offset() {
        AmbiguousOffset::Unambiguous { offset } => vec![offset],
        AmbiguousOffset::Fold { before, after } => vec![before, after],
        // The zone has no such day.
        AmbiguousOffset::Gap { before, after } if after.seconds() - before.seconds() >= DAY => return Vec::new(),
        AmbiguousOffset::Gap { after, .. } => {
            // By the later offset the time that was left out lies before the change.
            let Ok(before) = after.to_timestamp(shown) else { return Vec::new() };
            return zone.following(before).next().map(|change| change.timestamp()).into_iter().collect();
        }
    };
    offsets.into_iter().filter_map(|offset| offset.to_timestamp(shown).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn in_zone(name: &str) -> Clocks<'static> {
        Clocks { schedule: None, sites: Vec::new(), machine: zone(name) }
    }

    /// The instant, or the message.
    fn found(until: &str, now: &str, clocks: &Clocks<'_>) -> String {
        match end(until.parse().unwrap(), at(now), clocks) {
            Ok(end) => end.at.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn it_is_a_duration_or_a_time_of_day() {
        let time = |hour, minute| Ok(Until::At(Time::new(hour, minute, 0, 0).unwrap()));
        assert_eq!("30m".parse(), Ok(Until::After(Duration::from_mins(30))));
        assert_eq!("1h 30m".parse(), Ok(Until::After(Duration::from_mins(90))));
        assert_eq!("06:30".parse(), time(6, 30));
        assert_eq!("6:30".parse(), time(6, 30));
        assert_eq!("00:00".parse(), time(0, 0));
        for (text, why) in [
            ("0s", "cannot go on until it begins"),
            ("0", "has no unit"),
            ("30", "has no unit"),
            ("-5m", "is no duration"),
            ("24:00", "is no time of day"),
            ("6:60", "is no time of day"),
            ("06:30:15", "is no time of day"),
            ("06:30 Europe/Berlin", "is no time of day"),
            ("half past six", "or a time of day"),
            ("", "or a time of day"),
        ] {
            let error = text.parse::<Until>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_duration_counts_from_now_whatever_the_zones() {
        let (berlin, lisbon) = (zone("Europe/Berlin"), zone("Europe/Lisbon"));
        let two = Clocks { sites: vec![("hq", &berlin), ("quay", &lisbon)], ..in_zone("UTC") };
        assert_eq!(found("1h 30m", "2026-11-21T05:30:00Z", &two), "2026-11-21T07:00:00Z");
        let ages = end(Until::After(Duration::MAX), at("2026-11-21T05:30:00Z"), &two);
        assert_eq!(ages, Err(UntilError::TooFar));
    }

    #[test]
    fn a_time_of_day_is_the_next_one() {
        let berlin = in_zone("Europe/Berlin");
        for (now, end) in [
            ("2026-11-21T04:30:00Z", "2026-11-21T05:30:00Z"),
            ("2026-11-21T05:29:59.999Z", "2026-11-21T05:30:00Z"),
            // The evening before, over midnight; exactly 12 h ahead.
            ("2026-11-20T22:00:00Z", "2026-11-21T05:30:00Z"),
            ("2026-11-20T17:30:00Z", "2026-11-21T05:30:00Z"),
        ] {
            assert_eq!(found("06:30", now, &berlin), end, "{now}");
        }
    }

    #[test]
    fn one_that_is_over_is_said_to_be_with_both_times() {
        let berlin = in_zone("Europe/Berlin");
        assert_eq!(
            found("06:30", "2026-11-21T06:10:00Z", &berlin),
            "`--until 06:30` looks like it is in the past: it is 07:10 in Europe/Berlin, and 06:30 comes again in 23 h 20 min"
        );
        for now in ["2026-11-21T05:30:00Z", "2026-11-20T17:29:59Z"] {
            assert!(found("06:30", now, &berlin).contains("in the past"), "{now}");
        }
    }

    #[test]
    fn it_is_read_from_the_schedules_clock_else_the_sites_else_the_machines() {
        let (berlin, lisbon, tokyo) = (zone("Europe/Berlin"), zone("Europe/Lisbon"), zone("Asia/Tokyo"));
        let now = "2026-11-21T00:00:00Z";
        let machine = in_zone("UTC");
        assert_eq!(found("10:30", now, &machine), "2026-11-21T10:30:00Z");
        let one = Clocks { sites: vec![("hq", &berlin), ("annexe", &berlin)], ..machine.clone() };
        assert_eq!(found("10:30", now, &one), "2026-11-21T09:30:00Z");
        let two = Clocks { sites: vec![("hq-1", &berlin), ("quay", &lisbon), ("hq-2", &berlin)], ..machine };
        assert_eq!(
            found("10:30", now, &two),
            "`--until 10:30` means two instants, since the selected sites are in two zones: Europe/Berlin (hq-[1-2]) and Europe/Lisbon (quay)"
        );
        let schedule = Clocks { schedule: Some(&tokyo), ..two };
        assert_eq!(found("10:30", now, &schedule), "2026-11-21T01:30:00Z");
    }

    #[test]
    fn a_time_that_a_clock_change_leaves_out_is_the_first_minute_after_it() {
        // On 2026-03-29 clocks in Berlin went from 02:00 to 03:00.
        let berlin = in_zone("Europe/Berlin");
        for time in ["02:00", "02:01", "02:30", "02:59", "03:00"] {
            assert_eq!(found(time, "2026-03-28T22:00:00Z", &berlin), "2026-03-29T01:00:00Z", "{time}");
        }
        assert_eq!(found("01:59", "2026-03-28T22:00:00Z", &berlin), "2026-03-29T00:59:00Z");
        assert_eq!(found("03:01", "2026-03-28T22:00:00Z", &berlin), "2026-03-29T01:01:00Z");
        // Half an hour, at Lord Howe Island: 02:00 became 02:30 on 2026-10-04.
        let island = in_zone("Australia/Lord_Howe");
        assert_eq!(found("02:15", "2026-10-03T12:00:00Z", &island), "2026-10-03T15:30:00Z");
    }

    #[test]
    fn a_time_that_comes_twice_is_the_next() {
        // On 2026-10-25 clocks in Berlin went from 03:00 back to 02:00.
        let berlin = in_zone("Europe/Berlin");
        for (now, end) in [
            ("2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z"),
            ("2026-10-25T00:29:59Z", "2026-10-25T00:30:00Z"),
            ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
            ("2026-10-25T01:29:59Z", "2026-10-25T01:30:00Z"),
        ] {
            assert_eq!(found("02:30", now, &berlin), end, "{now}");
        }
        assert!(found("02:30", "2026-10-25T01:30:00Z", &berlin).contains("in the past"));
        // Twelve hours are twelve hours, whatever clocks show: 18:30 to 06:30 takes 13 of them that night.
        assert!(found("06:30", "2026-10-24T16:30:00Z", &berlin).contains("comes again in 13 h 0 min"));
    }

    #[test]
    fn a_day_that_a_zone_leaves_out_is_passed_over() {
        // Samoa had no 2011-12-30: after the 29th, 23:59, came the 31st.
        assert_eq!(found("06:30", "2011-12-30T09:00:00Z", &in_zone("Pacific/Apia")), "2011-12-30T16:30:00Z");
    }

    #[test]
    fn an_end_is_shown_by_its_clock_and_in_utc() {
        let end = |until: &str, now: &str| end(until.parse().unwrap(), at(now), &in_zone("Europe/Berlin")).unwrap();
        assert_eq!(end("06:30", "2026-11-22T03:00:00Z").to_string(), "06:30 Europe/Berlin (2026-11-22T05:30:00Z)");
        assert_eq!(end("90s", "2026-11-22T03:00:07Z").to_string(), "04:01:37 Europe/Berlin (2026-11-22T03:01:37Z)");
        let fixed = End { at: at("2026-11-22T03:00:00Z"), zone: TimeZone::fixed(jiff::tz::offset(1)) };
        assert_eq!(fixed.to_string(), "04:00 local time (2026-11-22T03:00:00Z)");
    }
}
