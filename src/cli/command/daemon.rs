//! `fleetctl daemon`: all schedules in one process.

use std::sync::Arc;

use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::cli::args::DaemonArgs;
use crate::cli::exit_status::ExitStatus;
use crate::cli::past;
use crate::cli::signal::Signals;
use crate::cli::terminal::{Terminal, say};
use crate::daemon::{Daemon, Known, Machine, Signal, State, World as _, decided_until, note_seen, pages, read, recall};
use crate::model::StopReason;
use crate::run::lock_schedules;
use crate::schedule::{Entry, steady_part};
use crate::web::Listener;

/// Signals that wait to be obeyed; full: the system keeps further ones.
const SIGNALS: usize = 8;

pub(in crate::cli) async fn run(args: DaemonArgs, terminal: &Terminal) -> ExitStatus {
    let machine = Machine {
        inventory: args.inventory.inventory,
        types: args.inventory.types,
        history: past::for_run(&args.record, false),
        per_device: args.metrics_per_device.unwrap_or_default(),
    };
    // From here on, so that whoever starts this process can send it signals as soon as it exists.
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return terminal.mistake(format!("cannot listen for signals: {error}"), None),
    };
    let read = read(&machine.inventory, &machine.types, terminal.colour_err);
    if read.inventory.is_none() || !terminal.is_quiet {
        say(&read.said);
    }
    let Some(inventory) = read.inventory else { return ExitStatus::Usage };
    let _lock = match lock_schedules(&machine.inventory).await {
        Ok(lock) => lock,
        Err(error) => {
            return terminal.mistake(error.to_string(), Some("end that one first: each would run all of them"));
        }
    };
    let listener = match Listener::bind(args.listen).await {
        Ok(listener) => listener,
        Err(error) => {
            let help = "another program, or another daemon, may use it: give another with `--listen`";
            return terminal.mistake(format!("cannot listen on {}: {error}", args.listen), Some(help));
        }
    };
    let names = || inventory.entries().iter().map(Entry::name);
    if names().next().is_none() {
        warn!("the inventory has no `[[schedule]]`: nothing will run until it has one and SIGHUP came");
    }
    let state = Arc::new(State::new(names(), machine.now()).per_device(machine.per_device));
    let recalled =
        recall(machine.history.as_deref(), &machine.inventory, names(), &Known::default(), machine.per_device);
    let known = note_seen(machine.history.as_deref(), &machine.inventory, inventory.entries(), machine.now());
    let last_runs = recalled.since.clone();
    state.recall(recalled);
    info!("listening on http://{}", listener.address());
    if !listener.address().ip().is_loopback() {
        warn!("whoever reaches this address can read the names of the devices and whether they obeyed");
    }
    let (tell, told) = mpsc::channel(SIGNALS);
    let host = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let part = Box::new(move |name: &str, at| steady_part(host.trim(), name, at));
    let since = |name: &str| decided_until(last_runs.get(name).copied(), known.get(name).copied());
    let daemon = Daemon::new(Arc::new(machine), state.clone(), inventory, since, part);
    let forward = async move {
        loop {
            let signal = match signals.next().await {
                StopReason::HangUp => Signal::Reload,
                reason => Signal::Stop(reason),
            };
            // The daemon takes them for as long as there is one.
            _ = tell.send(signal).await;
        }
    };
    tokio::select! {
        stopped = daemon.run(told) => match stopped {
            Ok(()) => ExitStatus::Success,
            Err(reason) => ExitStatus::Signal(reason),
        },
        never = listener.serve(pages(state)) => match never {},
        never = forward => never,
    }
}
