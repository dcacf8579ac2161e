//! `fleetctl health`: how devices behave over runs.

use crate::cli::args::HealthArgs;
use crate::cli::command::history::{ago, is_json};
use crate::cli::exit_status::ExitStatus;
use crate::cli::past;
use crate::cli::terminal::{Terminal, write};
use crate::history::{Window, health};
use crate::report::{write_health_json, write_health_text};
use crate::run::canonical;

pub(in crate::cli) fn run(args: &HealthArgs, terminal: &Terminal) -> ExitStatus {
    let as_json = match is_json(&args.format, terminal) {
        Ok(as_json) => as_json,
        Err(status) => return status,
    };
    let window = Window {
        inventory: args.inventory.as_deref().map(canonical),
        since: Some(ago(args.since)),
        runs: args.runs,
        simulated: None,
    };
    let asked = past::open(&args.history).and_then(|store| {
        args.inventory.as_deref().map_or(Ok(()), |inventory| past::must_be_known(inventory, Some(&store)))?;
        health(&store, &window)
    });
    let rows = match asked {
        Ok(rows) => rows,
        Err(error) => return terminal.mistake(error.chain(), None),
    };
    write(|out| {
        if as_json { write_health_json(out, &rows) } else { write_health_text(out, &rows, terminal.table(true, true)) }
    })
}
