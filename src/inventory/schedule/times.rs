//! The keys of a schedule about times besides `cron`: how long, how late, how much later, and when not.

use std::time::Duration;

use jiff::civil::{Date, Time};
use toml::de::DeValue;

use super::{LONGEST_UNTIL, Missed, Until};
use crate::calendar::Cron;
use crate::diagnostic::{Diagnostic, Diagnostics, TomlTable, parse_duration};

pub(super) fn read_until(
    table: &mut TomlTable<'_, '_>,
    cron: Option<&Cron>,
    diagnostics: &mut Diagnostics,
) -> Option<Until> {
    let (text, span) = table.text("until", diagnostics)?;
    let mut wrong = |message: String, help: &str| {
        diagnostics.push(Diagnostic::error(format!("`until`: {message}")).at(span.clone(), "").help(help));
        None
    };
    if !text.contains(':') {
        return match parse_duration(text) {
            Ok(Duration::ZERO) => wrong("must be more than nothing".to_owned(), "write `30m` or `06:30`"),
            Ok(duration) => Some(Until::For(duration)),
            Err(message) => wrong(message, "or a time of day: `06:30`"),
        };
    }
    let is_time = text.len() == 5 && text.bytes().filter(u8::is_ascii_digit).count() == 4;
    let Some(end) = Time::strptime("%H:%M", text).ok().filter(|_| is_time) else {
        return wrong(format!("`{text}` is no time of day"), "write `06:30`, or a duration: `30m`");
    };
    // A run starts at one of these times, and the next `end` after it must be near.
    let far = cron.and_then(|cron| cron.times().map(|start| (start, ahead(start, end))).max_by_key(|(_, far)| *far));
    match far {
        Some((start, far)) if far > LONGEST_UNTIL => wrong(
            format!(
                "{text} is {} h {} min after the run at {}",
                far.as_secs() / 3600,
                far.as_secs() / 60 % 60,
                start.strftime("%H:%M")
            ),
            "a time of day is at most 12 h ahead",
        ),
        _ => Some(Until::TimeOfDay(end)),
    }
}

/// The time from a time of day to the next such one.
fn ahead(start: Time, end: Time) -> Duration {
    const DAY: i64 = 24 * 60 * 60;
    let seconds = end.duration_since(start).as_secs().rem_euclid(DAY);
    Duration::from_secs(u64::try_from(if seconds == 0 { DAY } else { seconds }).unwrap_or(0))
}

pub(super) fn read_missed(table: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Missed {
    let Some((text, span)) = table.text("missed", diagnostics) else { return Missed::default() };
    let mut wrong = |message: String| {
        let mistake = Diagnostic::error(format!("`missed`: {message}")).at(span.clone(), "");
        diagnostics.push(mistake.help("write `skip`, or `run-within 2h`"));
        Missed::default()
    };
    match text.split_once(' ') {
        None if text == "skip" => Missed::Skip,
        Some(("run-within", within)) => match parse_duration(within) {
            Ok(Duration::ZERO) => wrong("must be more than nothing".to_owned()),
            Ok(within) => Missed::RunWithin(within),
            Err(message) => wrong(message),
        },
        _ => wrong(format!("`{text}` is not known")),
    }
}

pub(super) fn read_jitter(
    table: &mut TomlTable<'_, '_>,
    cron: Option<&Cron>,
    diagnostics: &mut Diagnostics,
) -> Duration {
    let Some(jitter) = table.duration("jitter", diagnostics) else { return Duration::ZERO };
    if let (Some(gap), Some(value)) = (cron.map(Cron::shortest_gap), table.get("jitter"))
        && jitter >= gap
    {
        let gap = gap.as_secs() / 60;
        diagnostics.push(
            Diagnostic::error("`jitter` is as long as the time from one run to the next")
                .at(value.span(), format!("must be less than {gap} min")),
        );
    }
    jitter
}

pub(super) fn read_except(table: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Vec<Date> {
    let mut dates = Vec::new();
    for value in table.array("except", diagnostics) {
        // TOML has dates of its own.
        let text = match value.value() {
            DeValue::Datetime(at) => Some(at.to_string()),
            _ => value.text(diagnostics).map(str::to_owned),
        };
        let Some(text) = text else { continue };
        match Date::strptime("%Y-%m-%d", &text) {
            Ok(date) => dates.push(date),
            Err(_) => {
                let mistake = Diagnostic::error(format!("`{text}` is no date")).at(value.span(), "");
                diagnostics.push(mistake.help("write year, month and day: `2026-12-25`"));
            }
        }
    }
    dates.sort_unstable();
    dates.dedup();
    dates
}
