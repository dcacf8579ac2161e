//! A cron expression as systemd writes it: `Mon..Fri *-*-* 05:30:00 Europe/Berlin` (systemd.time(7)).

use std::fmt::Display;

use crate::calendar::Cron;

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

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
        let weekdays = weekdays.map(|days| format!("{} ", list(Some(days), weekday))).unwrap_or_default();
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
            ("0 5 * * 0,6", &["Sun,Sat *-*-* 05:00:00 Europe/Berlin"]),
        ] {
            assert_eq!(on_calendar(&Cron::parse(cron).unwrap(), "Europe/Berlin"), expected, "{cron}");
        }
    }
}
