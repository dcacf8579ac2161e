//! `fleetctl history`: which runs there were, what differs between them, and forgetting them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::args::{HistoryArg, HistoryCommand};
use crate::cli::exit_status::ExitStatus;
use crate::cli::past;
use crate::cli::terminal::{Terminal, print, say, write};
use crate::history::{
    Filter, HistoryError, RecordedRun, Store, Untold, changes, find, find_before, list, prune, replayed, untold,
};
use crate::model::escape::printable;
use crate::model::{Share, UnixMillis};
use crate::report::{
    FileSink, Format, ReportOptions, Reporters, RunRow, Sink, TableOptions, command_text, people_time, reporter,
    write_changes_json, write_changes_text, write_runs_json, write_runs_text,
};
use crate::run::{ask_again, canonical};

/// Runs of a table where no other number is asked for.
const ROWS: usize = 20;

pub(in crate::cli) fn run(command: &HistoryCommand, terminal: &Terminal) -> ExitStatus {
    let done = match command {
        HistoryCommand::List { history, inventory, since, limit, format } => {
            show_list(history, inventory.as_deref(), *since, *limit, format, terminal)
        }
        HistoryCommand::Show { history, run, all } => show(history, run, *all, terminal),
        HistoryCommand::Diff { history, runs, format } => diff(history, runs, format, terminal),
        HistoryCommand::Export { history, folder, since, format } => export(history, folder, *since, format, terminal),
        HistoryCommand::Prune { history, keep } => forget(history, *keep),
    };
    done.unwrap_or_else(|error| terminal.mistake(error.chain(), None))
}

/// The moment so long ago.
pub(super) fn ago(span: Duration) -> UnixMillis {
    let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    UnixMillis(Timestamp::now().as_millisecond().saturating_sub(span))
}

/// Whether a list is wanted as JSON; else as a table.
pub(super) fn is_json(format: &str, terminal: &Terminal) -> Result<bool, ExitStatus> {
    match format {
        "json" => Ok(true),
        "table" => Ok(false),
        other => Err(terminal.mistake(format!("`--format {}`: write `table` or `json`", printable(other)), None)),
    }
}

fn show_list(
    history: &HistoryArg,
    inventory: Option<&Path>,
    since: Option<Duration>,
    limit: Option<usize>,
    format: &str,
    terminal: &Terminal,
) -> Result<ExitStatus, HistoryError> {
    let as_json = match is_json(format, terminal) {
        Ok(as_json) => as_json,
        Err(status) => return Ok(status),
    };
    let limit = limit.or((!as_json).then_some(ROWS));
    let filter = Filter { inventory: inventory.map(canonical), since: since.map(ago), limit };
    let store = Store::open(&past::asked(history)?)?;
    inventory.map_or(Ok(()), |inventory| past::must_be_known(inventory, store.as_ref()))?;
    let runs = match store {
        Some(store) => list(&store, &filter)?,
        None => Vec::new(),
    };
    let rows: Vec<RunRow> = runs.into_iter().map(row).collect();
    Ok(write(|out| {
        if as_json { write_runs_json(out, &rows) } else { write_runs_text(out, &rows, terminal.table(true, true)) }
    }))
}

fn row(run: RecordedRun) -> RunRow {
    let RecordedRun { run_id, schedule, started_at, finished_at, ended, command, summary, devices, .. } = run;
    RunRow { run_id, schedule, started_at, finished_at, ended, command, summary, devices }
}

fn show(history: &HistoryArg, which: &str, all: bool, terminal: &Terminal) -> Result<ExitStatus, HistoryError> {
    let store = past::open(history)?;
    let run = find(&store, which, None)?;
    let events = replayed(&store, &run)?;
    let untold: Vec<String> = untold(&store, &run.run_id)?.iter().map(who_was_not_told).collect();
    let status = print(&(head(&run).trim_end().to_owned() + "\n" + &untold.concat() + "\n"));
    if status != ExitStatus::Success {
        return Ok(status);
    }
    let mut reporters = Reporters::default();
    let options = ReportOptions { table: terminal.table(all, true), ..ReportOptions::default() };
    reporters.add("table to stdout", reporter(Format::Table, Sink::stdout(), options));
    reporters.events(events);
    Ok(conclude(reporters))
}

fn who_was_not_told(untold: &Untold) -> String {
    let Untold { error, told_at, is_kept } = untold;
    let line = match (told_at, is_kept) {
        (Some(at), _) => format!("told late, at {}; at first: {error}", people_time(*at)),
        (None, true) => format!("not told: {error}; it is kept, to be sent later"),
        (None, false) => format!("not told: {error}"),
    };
    printable(&line) + "\n"
}

/// What the report does not say: whose run it was, and whether it came to its end.
fn head(run: &RecordedRun) -> String {
    let schedule = run.schedule.as_ref().map(|name| format!(", schedule {name}")).unwrap_or_default();
    let simulated = if run.simulated { ", simulated" } else { "" };
    let how = match (run.was_killed, &run.ended) {
        (true, _) => "killed: what was not committed is lost".to_owned(),
        (false, Some(ended)) => ended.clone(),
        (false, None) => format!("under way: {} of {} devices are done", run.summary.total, run.devices),
    };
    let first = format!("run {} over {}{schedule}", run.run_id, run.inventory.display());
    let second = format!("{}, began {}{simulated}, {how}", command_text(&run.command), people_time(run.started_at));
    format!("{}\n{}\n\n", printable(&first), printable(&second))
}

fn conclude(reporters: Reporters) -> ExitStatus {
    let errors = reporters.finish().errors;
    for error in &errors {
        say(&format!("error: {error}: {}\n", error.source));
    }
    if errors.is_empty() { ExitStatus::Success } else { ExitStatus::Undelivered }
}

fn diff(history: &HistoryArg, runs: &[String], format: &str, terminal: &Terminal) -> Result<ExitStatus, HistoryError> {
    let as_json = match is_json(format, terminal) {
        Ok(as_json) => as_json,
        Err(status) => return Ok(status),
    };
    let store = past::open(history)?;
    let (before, after) = match runs {
        [before, after, ..] => (find(&store, before, None)?, find(&store, after, None)?),
        _ => {
            let after = find(&store, runs.first().map_or("last", String::as_str), None)?;
            let before = find_before(&store, &after)?.ok_or_else(|| {
                let run = &after.run_id;
                HistoryError::NotFound(format!("no run before {run} was asked to do the same: name two runs"))
            })?;
            (before, after)
        }
    };
    let rows = changes(&store, &before, &after)?;
    Ok(write(|out| {
        if as_json {
            write_changes_json(out, &before.run_id, &after.run_id, &rows)
        } else {
            write_changes_text(out, &rows)
        }
    }))
}

fn export(
    history: &HistoryArg,
    folder: &Path,
    since: Option<Duration>,
    format: &str,
    terminal: &Terminal,
) -> Result<ExitStatus, HistoryError> {
    let format: Format = match format.parse() {
        Ok(format) => format,
        Err(error) => return Ok(terminal.mistake(format!("`--format`: {error}"), None)),
    };
    let store = past::open(history)?;
    let mut count = 0;
    for run in list(&store, &Filter { since: since.map(ago), ..Filter::default() })? {
        // One that is under way has no report yet.
        if run.ended.is_none() {
            continue;
        }
        let events = replayed(&store, &run)?;
        let path: PathBuf = folder.join(format!("{}.{}", run.run_id, ending(format)));
        let sink = FileSink::create(&path).map_err(|source| HistoryError::Open { path: path.clone(), source })?;
        let mut reporters = Reporters::default();
        let options = ReportOptions { table: TableOptions::default(), ..ReportOptions::default() };
        reporters.add(path.display().to_string(), reporter(format, Sink::File(sink), options));
        reporters.ask_past(ask_again(store.path().to_owned(), &run, Share::ALL));
        reporters.events(events);
        match conclude(reporters) {
            ExitStatus::Success => count += 1,
            status => return Ok(status),
        }
    }
    let reports = if count == 1 { "report" } else { "reports" };
    Ok(print(&format!("{count} {reports} written into {}\n", printable(&folder.display().to_string()))))
}

/// How the name of a file of this format ends.
fn ending(format: Format) -> &'static str {
    match format {
        Format::Table | Format::Nagios => "txt",
        Format::Junit => "xml",
        Format::Prometheus => "prom",
        other => other.as_str(),
    }
}

fn forget(history: &HistoryArg, keep: Duration) -> Result<ExitStatus, HistoryError> {
    let mut store = past::open(history)?;
    let now = UnixMillis(Timestamp::now().as_millisecond());
    let count = prune(&mut store, None, keep, now)?;
    let runs = if count == 1 { "run" } else { "runs" };
    Ok(print(&format!("{count} {runs} forgotten\n")))
}
