//! A cron expression of five fields: minute, hour, day of the month, month, day of the week.
//!
//! Where both days are restricted, either is enough (`0 5 13 * fri`: every 13th, and every Friday), as crontab(5) of
//! Debian's cron has it; a field that begins with `*` restricts nothing in this sense, so `0 5 */2 * mon` means Mondays
//! on odd days.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{Date, Time};

use super::field::{DAY, Field, HOUR, Kind, MINUTE, MONTH, WEEKDAY};

/// A cron expression.
#[derive(Clone, PartialEq, Eq)]
pub struct Cron {
    text: Arc<str>,
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    /// Sunday is 0.
    weekdays: Field,
}

/// A mistake in an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CronError {
    /// The bytes of the expression that are wrong.
    pub at: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

const KINDS: [&Kind; 5] = [&MINUTE, &HOUR, &DAY, &MONTH, &WEEKDAY];

impl Cron {
    /// Reads an expression.
    ///
    /// # Errors
    /// The first field that cannot be understood; another number of fields than five; a date that never comes.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let whole =
            |message: String, help: &str| Err(CronError { at: 0..text.len(), message, help: Some(help.to_owned()) });
        if text.trim_start().starts_with('@') {
            return whole(format!("`{text}` is no five fields"), "write them: `0 5 * * *` is every day at 05:00");
        }
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let &[minutes, hours, days, months, weekdays] = fields.as_slice() else {
            let count = fields.len();
            return whole(
                format!("a cron expression has five fields, this has {count}"),
                "minute, hour, day of the month, month, day of the week: `30 5 * * mon-fri`",
            );
        };
        let mut read = [Field { bits: 0, is_star: false, is_rhythm: false }; 5];
        let mut from = 0;
        for ((field, kind), into) in [minutes, hours, days, months, weekdays].into_iter().zip(KINDS).zip(&mut read) {
            let start = text.get(from..).and_then(|rest| rest.find(field)).map_or(from, |skipped| from + skipped);
            from = start + field.len();
            *into = Field::parse(field, kind).map_err(|(at, message, help)| CronError {
                at: start + at.start..start + at.end,
                message,
                help,
            })?;
        }
        let [minutes, hours, days, months, mut weekdays] = read;
        weekdays.bits = (weekdays.bits | weekdays.bits >> 7 & 1) & 0x7f;
        let cron = Self { text: fields.join(" ").into(), minutes, hours, days, months, weekdays };
        if !cron.ever_comes() {
            return whole("this date never comes".to_owned(), "no such month has this day");
        }
        Ok(cron)
    }

    /// As it is written, with single spaces.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn ever_comes(&self) -> bool {
        if !self.weekdays.is_star {
            // In some year any day of a month is any day of the week, and a star holds the 1st, which every month has.
            return true;
        }
        let longest = [31_i8, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        self.months.values().any(|month| {
            let days = usize::try_from(month - 1).ok().and_then(|place| longest.get(place)).copied().unwrap_or(0);
            self.days.values().any(|day| day <= days)
        })
    }

    /// Whether it comes on a date.
    pub fn fits(&self, date: Date) -> bool {
        let day = self.days.bits >> date.day() & 1 == 1;
        let weekday = self.weekdays.bits >> date.weekday().to_sunday_zero_offset() & 1 == 1;
        let fits = if self.is_either_day() { day || weekday } else { day && weekday };
        fits && self.months.bits >> date.month() & 1 == 1
    }

    /// Whether a day of the month or a day of the week is enough.
    pub fn is_either_day(&self) -> bool {
        !self.days.is_star && !self.weekdays.is_star
    }

    /// Whether it runs in both of the hours that come twice: its hour is `*` or a step.
    pub fn runs_in_both_hours(&self) -> bool {
        self.hours.is_rhythm
    }

    /// The times of a day, ascending.
    pub fn times(&self) -> impl Iterator<Item = Time> + '_ {
        self.hours().flat_map(|hour| self.minutes().filter_map(move |minute| Time::new(hour, minute, 0, 0).ok()))
    }

    /// Its minutes, ascending.
    pub fn minutes(&self) -> impl Iterator<Item = i8> + Clone {
        self.minutes.values()
    }

    /// Its hours, ascending.
    pub fn hours(&self) -> impl Iterator<Item = i8> + Clone {
        self.hours.values()
    }

    /// Its days of the month, ascending; `None` where every day fits.
    pub fn days(&self) -> Option<Vec<i8>> {
        let days: Vec<i8> = self.days.values().collect();
        (days.len() < 31).then_some(days)
    }

    /// Its months from 1, ascending; `None` where every month fits.
    pub fn months(&self) -> Option<Vec<i8>> {
        let months: Vec<i8> = self.months.values().collect();
        (months.len() < 12).then_some(months)
    }

    /// Its days of the week, Sunday is 0; `None` where every day fits.
    pub fn weekdays(&self) -> Option<Vec<i8>> {
        let days: Vec<i8> = self.weekdays.values().collect();
        (days.len() < 7).then_some(days)
    }

    /// The shortest time from one run to the next, on days without a clock change.
    pub fn shortest_gap(&self) -> Duration {
        const DAY_MINUTES: u64 = 24 * 60;
        let of_day = |time: Time| u64::from(time.hour().unsigned_abs()) * 60 + u64::from(time.minute().unsigned_abs());
        let minutes: Vec<u64> = self.times().map(of_day).collect();
        let next = minutes.iter().skip(1).copied().chain(minutes.first().map(|first| first + DAY_MINUTES));
        let gap = minutes.iter().zip(next).map(|(one, next)| next - one).min();
        Duration::from_mins(gap.unwrap_or(DAY_MINUTES))
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn dates(text: &str) -> Vec<i8> {
        let cron = Cron::parse(text).unwrap();
        (1..=31).filter(|day| cron.fits(date(2026, 5, *day))).collect()
    }

    #[test]
    fn days_of_month_and_week_are_alternatives_where_both_are_restricted() {
        assert_eq!(dates("0 5 13 * fri"), [1, 8, 13, 15, 22, 29]);
        assert_eq!(dates("0 5 13 * *"), [13]);
        assert_eq!(dates("0 5 * * 7"), [3, 10, 17, 24, 31]);
        assert_eq!(dates("0 5 */2 * mon"), [11, 25]);
        assert_eq!(dates("0 5 * jun *"), [0_i8; 0]);
    }

    #[test]
    fn times_and_gaps_are_those_of_a_day() {
        let cron = Cron::parse("5,50 3-5/2 * * *").unwrap();
        let times: Vec<String> = cron.times().map(|time| time.strftime("%H:%M").to_string()).collect();
        assert_eq!(times, ["03:05", "03:50", "05:05", "05:50"]);
        assert_eq!(cron.shortest_gap(), Duration::from_mins(45));
        assert_eq!(Cron::parse("30 5 * * 1").unwrap().shortest_gap(), Duration::from_hours(24));
        assert!(cron.runs_in_both_hours());
        assert!(!Cron::parse("*/30 2-3 * * *").unwrap().runs_in_both_hours());
    }

    #[test]
    fn a_mistake_has_its_place_in_the_expression() {
        let wrong = |text: &str| Cron::parse(text).unwrap_err();
        assert_eq!(wrong("30  25 * * *").at, 4..6);
        assert_eq!(wrong("0 0 1 1 mon,xx").at, 12..14);
        assert!(wrong("30 5 * *").message.contains("five fields, this has 4"));
        assert!(wrong("0 30 5 * * *").message.contains("this has 6"));
        assert!(wrong("@daily").message.contains("no five fields"));
        assert!(wrong("0 0 31 2,4 *").message.contains("never comes"));
        assert!(wrong("").message.contains("this has 0"));
        assert!(Cron::parse("0 0 29 feb *").is_ok());
    }
}
