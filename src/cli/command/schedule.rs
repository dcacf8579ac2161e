//! `fleetctl schedule list|preview|run`; `install` has a file of its own.

use std::path::Path;

use jiff::{Timestamp, ToSpan};

use super::install;
use super::run::{Start, start};
use crate::calendar::Occurrence;
use crate::cli::args::{InventoryArg, ScheduleCommand, ScheduledRunArgs};
use crate::cli::exit_status::ExitStatus;
use crate::cli::outputs::{Outputs, for_reader, say_untold};
use crate::cli::past;
use crate::cli::terminal::{Terminal, say, write};
use crate::inventory::salvage;
use crate::notify::mistakes_text;
use crate::report::{ScheduleRow, ScheduledRun, write_schedules_text, write_timetable_json, write_timetable_text};
use crate::run::{Loaded, load, look_into};
use crate::schedule::{Entry, Teller, due, entries, entry, note, plan};

/// So many times are shown where nothing is said.
const SHOWN: u32 = 10;

pub(in crate::cli) async fn run(command: ScheduleCommand, verbose: u8, terminal: &Terminal) -> ExitStatus {
    match command {
        ScheduleCommand::List { inventory, format } => list(&inventory, &format, terminal),
        ScheduleCommand::Preview { name, count, days, inventory, format } => {
            preview(&inventory, name.as_deref(), count, days, &format, terminal)
        }
        ScheduleCommand::Run(args) => for_reader(run_one(&args, verbose, terminal).await, &args.output.format),
        ScheduleCommand::Install { name, output, windows, inventory } => {
            install::run(&name, output, windows, &inventory, terminal)
        }
    }
}

/// The entry of a name, or all; `None` when something is wrong, which has been said.
pub(super) fn find(args: &InventoryArg, name: Option<&str>, terminal: &Terminal) -> Option<(Loaded, Vec<Entry>)> {
    let mut loaded = look_into(&args.inventory, &args.types);
    let found = loaded.fleet.as_ref().map(|fleet| match name {
        None => entries(fleet, &loaded.sources, &mut loaded.diagnostics),
        Some(name) => entry(name, fleet, &loaded.sources, &mut loaded.diagnostics).into_iter().collect(),
    });
    terminal.show(&loaded.diagnostics, &loaded.sources);
    let found = found.filter(|_| !loaded.diagnostics.has_errors())?;
    if found.is_empty() && !terminal.is_quiet {
        say("the inventory has no `[[schedule]]`\n");
    }
    loaded.diagnostics = crate::diagnostic::Diagnostics::default();
    Some((loaded, found))
}

/// Whether it is JSON.
fn is_json(format: &str, terminal: &Terminal) -> Result<bool, ExitStatus> {
    match format {
        "json" => Ok(true),
        "table" => Ok(false),
        other => Err(terminal.mistake(format!("`--format {other}`: schedules are shown as `table` or `json`"), None)),
    }
}

fn list(args: &InventoryArg, format: &str, terminal: &Terminal) -> ExitStatus {
    let as_json = match is_json(format, terminal) {
        Ok(as_json) => as_json,
        Err(status) => return status,
    };
    let Some((_, entries)) = find(args, None, terminal) else { return ExitStatus::Usage };
    let now = Timestamp::now();
    let next: Vec<Option<ScheduledRun>> =
        entries.iter().map(|entry| entry.calendar.after(now).next().map(|run| shown(entry, &run, None))).collect();
    if as_json {
        let mut runs: Vec<ScheduledRun> = next.into_iter().flatten().collect();
        sort(&mut runs);
        return write(|out| write_timetable_json(out, &runs));
    }
    let rows: Vec<ScheduleRow> = entries.iter().zip(next).map(|(entry, next)| row(entry, next)).collect();
    write(|out| write_schedules_text(out, &rows, terminal.table(true, true)))
}

fn row(entry: &Entry, next: Option<ScheduledRun>) -> ScheduleRow {
    let schedule = &entry.schedule;
    ScheduleRow {
        name: schedule.name.to_string(),
        next: next.map_or_else(|| "never".to_owned(), |run| run.at),
        cron: schedule.cron.as_str().to_owned(),
        timezone: entry.zone_name().to_owned(),
        what: schedule.command.to_string(),
        select: schedule.select.as_ref().map_or_else(|| "every device".to_owned(), |select| select.text.to_string()),
    }
}

fn preview(
    args: &InventoryArg,
    name: Option<&str>,
    count: Option<u32>,
    days: Option<u32>,
    format: &str,
    terminal: &Terminal,
) -> ExitStatus {
    let as_json = match is_json(format, terminal) {
        Ok(as_json) => as_json,
        Err(status) => return status,
    };
    let Some((_, entries)) = find(args, name, terminal) else { return ExitStatus::Usage };
    let now = Timestamp::now();
    let end = days.and_then(|days| now.checked_add((i64::from(days) * 24).hours()).ok());
    let most = match end {
        Some(_) => usize::MAX,
        None => usize::try_from(count.unwrap_or(SHOWN)).unwrap_or(usize::MAX),
    };
    let mut runs: Vec<ScheduledRun> = entries
        .iter()
        .flat_map(|entry| {
            let runs = entry.calendar.after(now).take_while(|run| end.is_none_or(|end| run.at <= end)).take(most);
            let runs: Vec<Occurrence> = runs.collect();
            let before = std::iter::once(None).chain(runs.iter().map(Some));
            runs.iter().zip(before).map(|(run, before)| shown(entry, run, before)).collect::<Vec<_>>()
        })
        .collect();
    sort(&mut runs);
    runs.truncate(most);
    write(|out| {
        if as_json {
            write_timetable_json(out, &runs)
        } else {
            write_timetable_text(out, &runs, terminal.table(true, true))
        }
    })
}

/// A run as it is shown, in its zone; `before` is the one before it.
pub(super) fn shown(entry: &Entry, run: &Occurrence, before: Option<&Occurrence>) -> ScheduledRun {
    let at = run.at.to_zoned(entry.calendar.zone.clone());
    ScheduledRun {
        schedule: entry.name().to_owned(),
        at: at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        note: note(entry, run, before).map(|note| note.text),
    }
}

/// By time; those of one minute stay in the order of the inventory.
fn sort(runs: &mut [ScheduledRun]) {
    runs.sort_by_cached_key(|run| run.at.parse::<Timestamp>().unwrap_or(Timestamp::MAX));
}

async fn run_one(args: &ScheduledRunArgs, verbose: u8, terminal: &Terminal) -> ExitStatus {
    let mut outputs = match Outputs::understand(&args.output) {
        Ok(outputs) => outputs,
        Err(message) => return terminal.mistake(message, None),
    };
    let history = past::for_run(&args.record, false);
    let (inventory, types) = (&args.inventory.inventory, &args.inventory.types);
    let mut loaded = load(inventory, types);
    let found = loaded.fleet.as_ref().and_then(|fleet| {
        let found = entry(&args.name, fleet, &loaded.sources, &mut loaded.diagnostics)?;
        let teller = Teller::new(&found, fleet, inventory, history.as_deref());
        Some((found, teller))
    });
    let Some((entry, teller)) = found else { return not_started(args, &loaded, history.as_deref(), terminal).await };
    let teller = Some(teller).filter(|teller| !args.no_notify && !teller.is_idle());
    let occurrence = match args.due.then(|| due(&entry, Timestamp::now())).transpose() {
        Ok(occurrence) => occurrence,
        Err(error) => {
            if !terminal.is_quiet {
                say(&format!("schedule `{}`: {error}; nothing was sent\n", args.name));
            }
            if let Some(teller) = &teller {
                teller.send_kept().await;
            }
            return ExitStatus::Success;
        }
    };
    let planned = plan(&entry, inventory, types, &mut loaded);
    let Some(mut planned) = planned else { return not_started(args, &loaded, history.as_deref(), terminal).await };
    terminal.show(&loaded.diagnostics, &loaded.sources);
    drop(loaded);
    if let Err(message) = outputs.add(std::mem::take(&mut planned.reports)) {
        if let Some(teller) = &teller {
            say_untold(&teller.not_started(&message).await);
        }
        return terminal.mistake(message, None);
    }
    planned.request.ok_if = outputs.ok_if();
    planned.request.history = history;
    planned.start(&entry, occurrence.map(|occurrence| occurrence.at), Timestamp::now());
    let how = Start { yes: true, dry_run: false, verbose: verbose > 0 };
    start(&planned.request, *planned.prepared, &outputs, how, None, teller.as_ref(), terminal).await
}

/// The inventory or the schedule is broken: whoever would have been told of the run is told so.
async fn not_started(
    args: &ScheduledRunArgs,
    loaded: &Loaded,
    history: Option<&Path>,
    terminal: &Terminal,
) -> ExitStatus {
    terminal.show(&loaded.diagnostics, &loaded.sources);
    if !args.no_notify {
        let salvaged = salvage(&args.inventory.inventory);
        let to: Vec<_> = salvaged.told_by(&args.name).into_iter().cloned().collect();
        let fleet = salvaged.fleet.as_deref();
        let teller = Teller::of_broken(&args.name, fleet, to, &args.inventory.inventory, history);
        let why = mistakes_text(&loaded.diagnostics, &loaded.sources);
        say_untold(&teller.not_started(&why).await);
    }
    ExitStatus::Usage
}
