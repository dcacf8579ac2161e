//! `[[schedule]]`: what is to run when, as the file says it.
//!
//! Everything that one entry shows by itself is checked here; the keys about times in `times.rs`. What its selector means, whose time zone it runs in and
//! whether the selected types know its action is judged where schedules are used (`schedule/`), as groups are: an entry
//! that selects nothing tonight keeps nobody from running something else.

mod times;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use toml::de::DeValue;

use self::times::{read_except, read_jitter, read_missed, read_until};
use super::schema::{did_you_mean, inside, is_name, timezone};
use super::select::{self, Selector};
use crate::calendar::Cron;
use crate::diagnostic::{Diagnostic, Diagnostics, Span, TomlTable, TomlValue, nearest};
use crate::model::Command;

/// The longest time from a run's start to a time of day in `until`.
pub const LONGEST_UNTIL: Duration = Duration::from_hours(12);

/// One `[[schedule]]`.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Unique among the schedules.
    pub name: Arc<str>,
    /// Where its name is written.
    pub span: Span,
    /// When.
    pub cron: Cron,
    /// Whose clock; without one that of the sites of all selected devices.
    pub timezone: Option<TimeZone>,
    /// Whom; without one every device.
    pub select: Option<Selecting>,
    /// What.
    pub command: Command,
    /// Where that is written.
    pub places: CommandPlaces,
    /// `save`: where a transfer's files go, relative to the inventory.
    pub save: Option<String>,
    /// Whether devices are asked for their state afterwards.
    pub verify: bool,
    /// Whether they are asked first.
    pub if_needed: bool,
    /// How long passes over what has failed go on.
    pub until: Option<Until>,
    /// What becomes of a run whose time passed while nothing could start it.
    pub missed: Missed,
    /// What becomes of a run whose predecessor is still under way.
    pub overlap: Overlap,
    /// A start is put off by a part of this.
    pub jitter: Duration,
    /// Dates without runs.
    pub except: Vec<Date>,
    /// Names of `[notify.*]`.
    pub notify: Vec<Arc<str>>,
    /// `FORMAT=PATH`, with its place; relative to the inventory.
    pub reports: Vec<(String, Span)>,
}

/// Where a command is written.
#[derive(Debug, Clone)]
pub struct CommandPlaces {
    /// `do` or `cmd`.
    pub command: Span,
    /// Each of `args`: its name and its value.
    pub args: BTreeMap<String, (Span, Span)>,
    /// `save`.
    pub save: Option<Span>,
}

/// `select` of a schedule.
#[derive(Debug, Clone)]
pub struct Selecting {
    /// As it is written.
    pub text: Arc<str>,
    /// Where.
    pub span: Span,
    /// As it was understood.
    pub selector: Selector,
}

/// When the passes of a run end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The next such time of day, at most [`LONGEST_UNTIL`] ahead.
    TimeOfDay(Time),
    /// So long after the start.
    For(Duration),
}

/// What becomes of a run whose time passed while nothing could start it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missed {
    /// Nothing: the next one is the next one.
    #[default]
    Skip,
    /// It runs late, if it is not later than this.
    RunWithin(Duration),
}

/// What becomes of a run whose predecessor is still under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// It is left out.
    #[default]
    Skip,
    /// It waits, until the entry's next time at most.
    Wait,
}

/// Reads all `[[schedule]]` tables; `source` is the file's text, `notifications` the names of `[notify.*]`.
pub(super) fn read_schedules(
    root: &mut TomlTable<'_, '_>,
    source: &str,
    notifications: &[&str],
    diagnostics: &mut Diagnostics,
) -> Vec<Schedule> {
    let mut schedules: Vec<Schedule> = Vec::new();
    let mut names: Vec<(&str, Span)> = Vec::new();
    for value in root.array("schedule", diagnostics) {
        let Some(table) = value.table("[[schedule]]", diagnostics) else { continue };
        let mut table = table.named_by("name");
        if let Some((name, span)) = table.required_text("name", diagnostics) {
            if let Some((_, first)) = names.iter().find(|(known, _)| *known == name) {
                let mistake = Diagnostic::error(format!("two schedules are named `{name}`")).at(span.clone(), "");
                diagnostics.push(mistake.at(first.clone(), "the first"));
            }
            names.push((name, span));
        }
        schedules.extend(read_schedule(&mut table, source, notifications, diagnostics));
        table.finish(diagnostics);
    }
    schedules
}

/// One entry, if it has what it cannot do without. Every key is asked for, so that all mistakes are found.
fn read_schedule(
    table: &mut TomlTable<'_, '_>,
    source: &str,
    notifications: &[&str],
    diagnostics: &mut Diagnostics,
) -> Option<Schedule> {
    let name = table.text("name", diagnostics).filter(|name| is_name("a schedule's name", name, diagnostics));
    let cron = read_cron(table, source, diagnostics);
    let zone = table.text("timezone", diagnostics).and_then(|zone| timezone(&zone, diagnostics));
    let selecting = read_select(table, source, diagnostics);
    let command = read_command(table, diagnostics);
    let save = table.text("save", diagnostics);
    let verify = table.bool("verify", diagnostics).unwrap_or_default();
    let if_needed = table.bool("if_needed", diagnostics).unwrap_or_default();
    for key in ["verify", "if_needed"] {
        let is_set = if key == "verify" { verify } else { if_needed };
        if let (true, Some((Command::Raw { .. }, _))) = (is_set, &command)
            && let Some(value) = table.get(key)
        {
            diagnostics.push(
                Diagnostic::error(format!("`{key}` needs `do`: only an action says how its effect is asked for"))
                    .at(value.span(), ""),
            );
        }
    }
    let until = read_until(table, cron.as_ref(), diagnostics);
    let missed = read_missed(table, diagnostics);
    let overlap = one_of(table, "overlap", &[("skip", Overlap::Skip), ("wait", Overlap::Wait)], diagnostics);
    let jitter = read_jitter(table, cron.as_ref(), diagnostics);
    let except = read_except(table, diagnostics);
    let notify = read_notify(table, notifications, diagnostics);
    let reports = table.array("reports", diagnostics).into_iter();
    let reports = reports.filter_map(|one| Some((one.text(diagnostics)?.to_owned(), one.span()))).collect();
    let (name, span) = name?;
    let (command, places) = command?;
    let places = CommandPlaces { save: save.as_ref().map(|(_, span)| span.clone()), ..places };
    Some(Schedule {
        name: name.into(),
        span,
        cron: cron?,
        timezone: zone,
        select: selecting,
        command,
        places,
        save: save.map(|(text, _)| text.to_owned()),
        verify,
        if_needed,
        until,
        missed,
        overlap: overlap.unwrap_or_default(),
        jitter,
        except,
        notify,
        reports,
    })
}

fn read_cron(table: &mut TomlTable<'_, '_>, source: &str, diagnostics: &mut Diagnostics) -> Option<Cron> {
    let (text, span) = table.required_text("cron", diagnostics)?;
    match Cron::parse(text) {
        Ok(cron) => Some(cron),
        Err(wrong) => {
            let place = inside(&span, text, wrong.at, source);
            let mut mistake = Diagnostic::error(format!("`cron`: {}", wrong.message)).at(place, "");
            mistake.help = wrong.help;
            diagnostics.push(mistake);
            None
        }
    }
}

fn read_select(table: &mut TomlTable<'_, '_>, source: &str, diagnostics: &mut Diagnostics) -> Option<Selecting> {
    let (text, span) = table.text("select", diagnostics)?;
    match select::parse(text) {
        Ok(selector) => Some(Selecting { text: text.into(), span, selector }),
        Err(wrong) => {
            let place = inside(&span, text, wrong.at, source);
            let mut mistake = Diagnostic::error(format!("`select` is no selector: {}", wrong.message)).at(place, "");
            mistake.help = wrong.help;
            diagnostics.push(mistake);
            None
        }
    }
}

/// `do` or `cmd`, each with its `args`.
fn read_command(table: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Option<(Command, CommandPlaces)> {
    let (action, raw) = (table.get("do"), table.get("cmd"));
    let action_text = action.and_then(|value| value.text(diagnostics));
    let raw_text = raw.and_then(|value| value.text(diagnostics));
    let (args, arg_places) = table.get("args").map(|args| read_args(args, diagnostics)).unwrap_or_default();
    let places = |value: &TomlValue<'_, '_>| CommandPlaces { command: value.span(), args: arg_places, save: None };
    match (action, raw) {
        (Some(action), Some(raw)) => {
            diagnostics.push(
                Diagnostic::error("a schedule has either `do` or `cmd`, not both")
                    .at(raw.span(), "")
                    .at(action.span(), ""),
            );
            None
        }
        (None, None) => {
            let mistake = Diagnostic::error("a schedule needs `do` or `cmd`: what is to be done?");
            diagnostics.push(mistake.at(table.span(), "neither is here"));
            None
        }
        (Some(value), None) => Some((Command::Action { name: action_text?.to_owned(), args }, places(&value))),
        (None, Some(value)) => {
            if raw_text.is_some_and(str::is_empty) {
                diagnostics.push(Diagnostic::error("`cmd` is empty").at(value.span(), ""));
            }
            Some((Command::Raw { text: raw_text?.to_owned(), args }, places(&value)))
        }
    }
}

/// Arguments as the command line would be given them, and where they are.
fn read_args(
    value: TomlValue<'_, '_>,
    diagnostics: &mut Diagnostics,
) -> (BTreeMap<String, String>, BTreeMap<String, (Span, Span)>) {
    let (mut args, mut places) = (BTreeMap::new(), BTreeMap::new());
    let Some(mut table) = value.table("`args`", diagnostics) else { return (args, places) };
    for (key, span, value) in table.entries() {
        places.insert(key.to_owned(), (span, value.span()));
        let text = match value.value() {
            DeValue::Boolean(value) => Some(value.to_string()),
            DeValue::Integer(_) => value.int(diagnostics).map(|value| value.to_string()),
            _ => value.text(diagnostics).map(str::to_owned),
        };
        args.extend(text.map(|text| (key.to_owned(), text)));
    }
    (args, places)
}

fn read_notify(table: &mut TomlTable<'_, '_>, notifications: &[&str], diagnostics: &mut Diagnostics) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for value in table.array("notify", diagnostics) {
        let Some(name) = value.text(diagnostics) else { continue };
        if notifications.contains(&name) {
            if !names.iter().any(|known| **known == *name) {
                names.push(name.into());
            }
            continue;
        }
        let help = nearest(name, notifications.iter().copied())
            .map_or_else(|| format!("declare it: write a table `[notify.{name}]`"), did_you_mean);
        diagnostics.push(Diagnostic::error(format!("unknown notification `{name}`")).at(value.span(), "").help(help));
    }
    names
}

/// The meaning of one of a few words.
pub(super) fn one_of<T: Copy>(
    table: &mut TomlTable<'_, '_>,
    key: &'static str,
    words: &[(&str, T)],
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    let (text, span) = table.text(key, diagnostics)?;
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
        return Some(*meaning);
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let help =
        nearest(text, known.iter().copied()).map_or_else(|| format!("known: {}", known.join(", ")), did_you_mean);
    diagnostics.push(Diagnostic::error(format!("`{key}`: `{text}` is not known")).at(span, "").help(help));
    None
}

#[cfg(test)]
mod tests;
