//! A `[[schedule]]` of a simulated fleet: the same run at the same times, told to nobody.
//!
//! `notify` and `reports` are left out, as both would pass a rehearsal off as a night of the real fleet; an entry that
//! fetches files is left out whole, since it would put simulated ones in the place of the real ones.

use std::fmt::Write as _;
use std::time::Duration;

use super::{line, quoted};
use crate::device_type::ParamKind;
use crate::inventory::{Fleet, Missed, Overlap, Schedule, Until};
use crate::model::Command;

/// Appends one entry.
pub(super) fn write(text: &mut String, entry: &Schedule, fleet: &Fleet) {
    if entry.save.is_some() {
        _ = writeln!(text, "\n# the schedule {} fetches files and was left out", quoted(&entry.name));
        return;
    }
    text.push_str("\n[[schedule]]\n");
    line(text, "name", &quoted(&entry.name));
    line(text, "cron", &quoted(entry.cron.as_str()));
    if let Some(zone) = entry.timezone.as_ref().and_then(|zone| zone.iana_name()) {
        line(text, "timezone", &quoted(zone));
    }
    if let Some(selecting) = &entry.select {
        line(text, "select", &quoted(&selecting.text));
    }
    match &entry.command {
        Command::Raw { text: raw, .. } => line(text, "cmd", &quoted(raw)),
        Command::Action { name, .. } => line(text, "do", &quoted(name)),
    }
    let mut args = Vec::new();
    for (key, value) in entry.command.args() {
        if is_secret(key, &entry.command, fleet) {
            _ = writeln!(text, "# its {key} is secret and was left out");
        } else {
            args.push(format!("{} = {}", quoted(key), quoted(value)));
        }
    }
    if !args.is_empty() {
        line(text, "args", &format!("{{ {} }}", args.join(", ")));
    }
    for (key, is_set) in [("verify", entry.verify), ("if_needed", entry.if_needed)] {
        if is_set {
            line(text, key, "true");
        }
    }
    times(text, entry);
}

fn times(text: &mut String, entry: &Schedule) {
    let span = |span: Duration| humantime::format_duration(span).to_string();
    match entry.until {
        Some(Until::TimeOfDay(time)) => line(text, "until", &quoted(&time.strftime("%H:%M").to_string())),
        Some(Until::For(length)) => line(text, "until", &quoted(&span(length))),
        None => {}
    }
    if let Missed::RunWithin(late) = entry.missed {
        line(text, "missed", &quoted(&format!("run-within {}", span(late))));
    }
    if entry.overlap == Overlap::Wait {
        line(text, "overlap", &quoted("wait"));
    }
    if !entry.jitter.is_zero() {
        line(text, "jitter", &quoted(&span(entry.jitter)));
    }
    if !entry.except.is_empty() {
        let dates: Vec<String> = entry.except.iter().map(|date| quoted(&date.to_string())).collect();
        line(text, "except", &format!("[{}]", dates.join(", ")));
    }
}

/// Whether some type takes this argument for a secret.
fn is_secret(key: &str, command: &Command, fleet: &Fleet) -> bool {
    fleet.members.iter().any(|member| {
        let own = match command {
            Command::Action { name, .. } => member.device_type.action(name).and_then(|action| action.arg(key)),
            Command::Raw { .. } => None,
        };
        let spec = own.or_else(|| member.device_type.param(key));
        spec.is_some_and(|spec| matches!(spec.kind, ParamKind::Secret { .. }))
    })
}
