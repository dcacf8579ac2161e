//! `fleetctl report`: the report of an earlier run in any format, out of the history or from a saved JSON report.

use std::path::Path;

use tracing::warn;

use crate::cli::args::{HistoryArg, ReportArgs};
use crate::cli::exit_status::ExitStatus;
use crate::cli::outputs::Outputs;
use crate::cli::past;
use crate::cli::terminal::Terminal;
use crate::history::{HistoryError, Store, find, replayed};
use crate::model::{RunEvent, Share};
use crate::report::{Past, read_report};
use crate::run::{ask_again, taken_again};

pub(in crate::cli) fn run(args: &ReportArgs, terminal: &Terminal) -> ExitStatus {
    let outputs = match Outputs::understand(&args.output) {
        Ok(outputs) => outputs,
        Err(message) => return terminal.mistake(message, None),
    };
    let (events, past) = match events(&args.what, &args.history, outputs.ok_if()) {
        Ok(found) => found,
        Err((message, help)) => return terminal.mistake(message, help),
    };
    let history = past::asked(&args.history).ok();
    if let Some(message) = taken_again(&args.what, history.as_deref(), outputs.targets()) {
        return terminal.mistake(message, Some("name another file"));
    }
    let mut reporters = match outputs.open(terminal) {
        Ok(reporters) => reporters,
        Err(message) => return terminal.mistake(message, Some("name a file in a folder that exists")),
    };
    if let Some(past) = past {
        reporters.ask_past(past);
    }
    reporters.events(events);
    let finished = reporters.finish();
    match &finished.run {
        Some(run) => outputs.conclude_again(run.ended(), run.summary(), &finished.errors),
        None => terminal.mistake("the report holds no run", None),
    }
}

/// A run's events, and who knows what was before it: only a history does.
type Found = (Vec<RunEvent>, Option<Past>);

/// The events of the run that is meant; else what is wrong, and what to do.
fn events(what: &Path, history: &HistoryArg, ok_if: Share) -> Result<Found, (String, Option<&'static str>)> {
    let is_last = what.as_os_str() == "last";
    if !is_last && what.exists() {
        return from_file(what);
    }
    match what.to_str().map(|which| from_history(which, history, ok_if)) {
        Some(Ok(found)) => Ok(found),
        // What looks like no run's id was meant to be a file.
        Some(Err(HistoryError::NotFound(_))) | None if !is_last => from_file(what),
        Some(Err(error)) => Err((error.chain(), None)),
        None => from_file(what),
    }
}

fn from_history(which: &str, history: &HistoryArg, ok_if: Share) -> Result<Found, HistoryError> {
    let path = past::asked(history)?;
    let none = || HistoryError::NotFound(format!("no run is recorded in `{}`", path.display()));
    let store = Store::open(&path)?.ok_or_else(none)?;
    let run = find(&store, which, None)?;
    if run.ended.is_none() {
        warn!("run {} is under way: what is not known yet reads as if it had been interrupted", run.run_id);
    }
    let events = replayed(&store, &run)?;
    Ok((events, Some(ask_again(path, &run, ok_if))))
}

fn from_file(path: &Path) -> Result<Found, (String, Option<&'static str>)> {
    read_report(path).map(|events| (events, None)).map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(String::new, |source| format!(": {source}"));
        let help = "give a run of `fleetctl history list`, or a report that `--report json=PATH` has written";
        (format!("{error}{cause}"), Some(help))
    })
}
