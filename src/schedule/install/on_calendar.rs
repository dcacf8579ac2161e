//! A cron expression as systemd writes it: `Mon..Fri *-*-* 05:30:00 Europe/Berlin` (systemd.time(7)).

use std::fmt::Display;

use crate::calendar::Cron;

/// As systemd counts them: a range of weekdays that would pass from Sunday to Monday is refused.
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The expressions that together mean the same: two where a day of the month or of the week is enough, for which systemd
/// has no words.
pub(super) fn on_calendar(cron: &Cron, zone: &str) -> Vec<String> {
    let months = list(cron.months(), |month| format!("{month:02}"));
    let hours: Vec<i8> = cron.hours().collect();
    let minutes: Vec<i8> = cron.minutes().collect();
    let hours = list((hours.len() < 24).then_some(hours), |hour| format!("{hour:02}"));
    let minutes = list((minutes.len() < 60).then_some(minutes), |minute| format!("{minute:02}"));
    let line = |weekdays: Option<Vec<i8>>, days: Option<Vec<i8>>| {
        let weekday = |day: i8| usize::try_from(day).ok().and_then(|day| WEEKDAYS.get(day)).copied().unwrap_or("Sun");
        let weekdays = weekdays.map(|days| format!("{} ", list(Some(from_monday(&days)), weekday))).unwrap_or_default();
        let days = list(days, |day| format!("{day:02}"));
        format!("{weekdays}*-{months}-{days} {hours}:{minutes}:00 {zone}")
    };
    if cron.is_either_day() {
        let (weekdays, days) = (cron.weekdays(), cron.days());
        // One of them being every day in other words, the other says nothing.
        if weekdays.is_none() || days.is_none() {
            return vec![line(None, None)];
        }
        return vec![line(weekdays, None), line(None, days)];
    }
    vec![line(cron.weekdays(), cron.days())]
}

/// Days of the week counted from Sunday, as cron counts them, counted from Monday and in that order.
fn from_monday(days: &[i8]) -> Vec<i8> {
    let mut days: Vec<i8> = days.iter().map(|day| (day + 6) % 7).collect();
    days.sort_unstable();
    days
}

/// Values with three or more in a row as a range; `*` for all.
fn list<T: Display>(values: Option<Vec<i8>>, shown: impl Fn(i8) -> T) -> String {
    let Some(values) = values else { return "*".to_owned() };
    let mut parts: Vec<String> = Vec::new();
    for run in values.chunk_by(|one, next| one + 1 == *next) {
        match run {
            [first, _, .., last] => parts.push(format!("{}..{}", shown(*first), shown(*last))),
            few => parts.extend(few.iter().map(|one| shown(*one).to_string())),
        }
    }
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_becomes_one_that_systemd_reads() {
        for (cron, expected) in [
            ("30 5 * * 1-5", &["Mon..Fri *-*-* 05:30:00 Europe/Berlin"][..]),
            ("*/30 * * * *", &["*-*-* *:00,30:00 Europe/Berlin"]),
            ("0 8-18/2 1,15 jan-mar,dec *", &["*-01..03,12-01,15 08,10,12,14,16,18:00:00 Europe/Berlin"]),
            ("0 5 13 * fri", &["Fri *-*-* 05:00:00 Europe/Berlin", "*-*-13 05:00:00 Europe/Berlin"]),
            ("0 5 1-31 * fri", &["*-*-* 05:00:00 Europe/Berlin"]),
            ("0 5 * * sun-thu", &["Mon..Thu,Sun *-*-* 05:00:00 Europe/Berlin"]),
            ("0 5 * * 5-7", &["Fri..Sun *-*-* 05:00:00 Europe/Berlin"]),
            ("0 5 * * 0,6", &["Sat,Sun *-*-* 05:00:00 Europe/Berlin"]),
        ] {
            assert_eq!(on_calendar(&Cron::parse(cron).unwrap(), "Europe/Berlin"), expected, "{cron}");
        }
    }

    /// The days that an expression's weekdays name, counted from Sunday; only ranges that ascend from Monday to Sunday.
    fn weekdays_read(text: &str) -> Vec<i8> {
        let place =
            |name: &str| WEEKDAYS.iter().position(|day| *day == name).unwrap_or_else(|| panic!("{name}: {text}"));
        let mut days = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once("..").unwrap_or((part, part));
            assert!(place(first) <= place(last), "{part} of {text} does not ascend");
            days.extend((place(first)..=place(last)).map(|day| i8::try_from((day + 1) % 7).unwrap()));
        }
        days.sort_unstable();
        days
    }

    #[test]
    fn every_set_of_weekdays_is_written_in_ranges_from_monday_to_sunday() {
        for set in 1..128_u8 {
            let days: Vec<i8> = (0..7).filter(|day| set >> day & 1 == 1).collect();
            let written: Vec<String> = days.iter().map(i8::to_string).collect();
            let cron = Cron::parse(&format!("0 5 * * {}", written.join(","))).unwrap();
            let lines = on_calendar(&cron, "UTC");
            assert_eq!(lines.len(), 1);
            let weekdays = lines[0].strip_suffix("*-*-* 05:00:00 UTC").unwrap().trim_end();
            // All seven need no words.
            let read = if weekdays.is_empty() { (0..7).collect() } else { weekdays_read(weekdays) };
            assert_eq!(read, days, "{}", lines[0]);
        }
    }
}
