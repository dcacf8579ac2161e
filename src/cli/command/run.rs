//! `fleetctl run`: the main job.

use std::collections::BTreeMap;
use std::io::Write as _;

use crate::cli::args::{RunArgs, SimulationArgs};
use crate::cli::confirm::{Answer, confirm};
use crate::cli::exit_status::ExitStatus;
use crate::cli::outputs::{Nothing, Outputs, say_untold};
use crate::cli::past;
use crate::cli::signal::Signals;
use crate::cli::terminal::{Terminal, say, write};
use crate::model::{Command, DeviceIndex, StopReason, UnixMillis};
use crate::plan::{Pace, estimate};
use crate::report::{
    Format, Log, PlanEnd, PlanPacing, PlanRow, PlanSummary, PlanView, Progress, ProgressStyle, Reporters,
    write_plan_json, write_plan_text,
};
use crate::run::{
    AsIf, End, ExecuteError, Lock, LockError, Paced, Preparation, Prepared, RunRequest, Selecting, execute, fitting,
    load, prepare, recall, taken,
};
use crate::schedule::Teller;
use crate::session::Stop;
use crate::simulate::Night;

pub(in crate::cli) async fn run(args: RunArgs, verbose: u8, terminal: &Terminal) -> ExitStatus {
    let (request, outputs) = match understand(&args) {
        Ok(understood) => understood,
        Err(message) => return terminal.mistake(message, None),
    };
    let mut loaded = load(&request.inventory, &request.types);
    let preparation = prepare(&request, &mut loaded);
    terminal.show(&loaded.diagnostics, &loaded.sources);
    let prepared = match preparation {
        Preparation::Ready(prepared) => prepared,
        Preparation::Wrong => return ExitStatus::Usage,
        Preparation::NothingFailed { fleet, command } => {
            let (is_simulated, is_dry) = (args.simulate, args.dry_run);
            let nothing = Nothing { request: &request, fleet, command, is_simulated, is_dry };
            return outputs.nothing_to_do("the earlier report holds no failure: nothing to do", nothing, terminal);
        }
    };
    // What the inventory was read into is no longer needed: a run keeps the plan alone.
    drop(loaded);
    let how = Start { yes: args.yes, dry_run: args.dry_run, verbose: verbose > 0 };
    start(&request, *prepared, &outputs, how, None, None, terminal).await
}

/// How a prepared run is started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// `--yes`.
    pub(super) yes: bool,
    /// `--dry-run`.
    pub(super) dry_run: bool,
    /// `-v`.
    pub(super) verbose: bool,
}

/// Starts a prepared run, and says how it went.
pub(super) async fn start(
    request: &RunRequest,
    mut prepared: Prepared,
    outputs: &Outputs,
    how: Start,
    locked: Option<Lock>,
    teller: Option<&Teller>,
    terminal: &Terminal,
) -> ExitStatus {
    if let Some(message) = taken(request, &prepared.plan.jobs, outputs.targets()) {
        not_started(teller, &message).await;
        return terminal.mistake(message, Some("nothing was sent; name another file"));
    }
    if how.dry_run {
        drop(recall(request, &mut prepared, AsIf::Answering));
        return dry_run(&prepared, outputs.format, how.verbose, terminal);
    }
    // A simulated fleet moves nothing.
    if request.simulate.is_none() {
        match confirm(&prepared, how.yes) {
            Answer::Yes => {}
            Answer::No => {
                say("nothing was sent\n");
                return ExitStatus::Usage;
            }
            Answer::Nobody(why) => {
                return terminal.mistake(why, Some("nothing was sent; `--yes` answers the question"));
            }
        }
    }
    let mut reporters = match open(outputs, terminal) {
        Ok(reporters) => reporters,
        Err(message) => {
            not_started(teller, &message).await;
            return terminal.mistake(message, Some("nothing was sent; name a file in a folder that exists"));
        }
    };
    if let Some(end) = prepared.until.as_ref().filter(|_| !terminal.is_quiet) {
        say(&format!("until {end}\n"));
    }
    let signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            let message = format!("cannot listen for signals: {error}");
            not_started(teller, &message).await;
            return terminal.mistake(message, None);
        }
    };
    let fit = fitting(&prepared, request.simulate.is_some());
    let plan = prepared.plan.clone();
    let stop = Stop::default();
    let begins = async {
        match teller {
            Some(teller) => teller.begins().await,
            None => Vec::new(),
        }
    };
    if teller.is_some() {
        reporters.keep_outcomes();
    }
    let run = async { tokio::join!(execute(request, prepared, fit, reporters, stop.clone(), locked), begins) };
    let (finished, mut untold) = tokio::select! {
        finished = run => finished,
        () = signals.pass_on(stop.clone()) => return ExitStatus::Failures,
    };
    if let Some(teller) = teller {
        let run = finished.as_ref().ok().and_then(|finished| finished.run.as_ref());
        let telling = async {
            match (&finished, run) {
                (Ok(_), Some(run)) => teller.finished(run, request.ok_if).await,
                (Ok(_), None) => Vec::new(),
                (Err(error), _) => teller.not_started(&error.to_string()).await,
            }
        };
        untold.extend(tokio::select! {
            told = telling => told,
            // The run is over, and nobody has to wait for a mail server that is away.
            reason = another_signal() => teller.stopped(run, reason.words()),
        });
    }
    match finished {
        Ok(finished) => {
            let status =
                outputs.conclude(finished.ended, stop.reason(), &finished.summary, &finished.undelivered, &untold);
            // The process ends now: the system takes back at once what would be given back device by device.
            std::mem::forget((plan, finished));
            status
        }
        Err(error) => {
            say_untold(&untold);
            match error {
                ExecuteError::Lock(error) => not_locked(&error, terminal),
                error @ ExecuteError::Io(_) => terminal.mistake(error.to_string(), None),
            }
        }
    }
}

/// Whoever would have been told of the run is told that it could not start.
async fn not_started(teller: Option<&Teller>, why: &str) {
    if let Some(teller) = teller {
        say_untold(&teller.not_started(why).await);
    }
}

/// Waits for a signal that comes after the run.
async fn another_signal() -> StopReason {
    match Signals::listen() {
        Ok(mut signals) => signals.next().await,
        Err(_) => std::future::pending().await,
    }
}

/// The inventory could not be locked.
pub(super) fn not_locked(error: &LockError, terminal: &Terminal) -> ExitStatus {
    if let LockError::Stopped(reason) = error {
        say(&format!("{}: nothing was sent\n", reason.words()));
        return ExitStatus::Signal(*reason);
    }
    terminal.mistake(error.to_string(), Some("nothing was sent; `--wait-lock 5m` waits for it"))
}

/// Turns arguments into a request; what only a look at several of them shows is checked here.
fn understand(args: &RunArgs) -> Result<(RunRequest, Outputs), String> {
    let outputs = Outputs::understand(&args.output)?;
    if args.dry_run && !matches!(outputs.format, Format::Table | Format::Json) {
        return Err("`--dry-run` prints `table` or `json`".to_owned());
    }
    let mut arguments = BTreeMap::new();
    for (key, value) in &args.args {
        if arguments.insert(key.clone(), value.clone()).is_some() {
            return Err(format!("`--arg {key}` is given twice"));
        }
    }
    let command = match (&args.what.cmd, &args.what.action) {
        (Some(text), _) if text.is_empty() => {
            return Err("`--cmd` is empty: a script's variable without a value? nothing was sent".to_owned());
        }
        (Some(_), _) if args.verify || args.if_needed => {
            let flag = if args.verify { "--verify" } else { "--if-needed" };
            return Err(format!("`{flag}` needs `--do`: only an action says how its effect is asked for"));
        }
        (Some(text), _) => Command::Raw { text: text.clone(), args: arguments },
        (None, Some(name)) => Command::Action { name: name.clone(), args: arguments },
        (None, None) => return Err("give either `--cmd` or `--do`".to_owned()),
    };
    let simulate = if args.simulate {
        Some(night(&args.simulation)?)
    } else if args.simulation.faults.is_some() || args.simulation.seed.is_some() {
        return Err("`--faults` and `--seed` need `--simulate`: real devices have faults of their own".to_owned());
    } else {
        None
    };
    let request = RunRequest {
        inventory: args.inventory.inventory.clone(),
        types: args.inventory.types.clone(),
        selecting: Selecting {
            select: args.select.clone(),
            failed_from: args.failed_from.clone(),
            sample: args.sample,
            names: None,
        },
        command,
        schedule: None,
        save: args.save.clone(),
        idempotent: args.idempotent,
        verify: args.verify,
        if_needed: args.if_needed,
        flags: args.timing.overrides(),
        concurrency: args.concurrency.and_then(|lanes| usize::try_from(lanes).ok()),
        deadline: args.deadline,
        grace: args.grace,
        pacing: args.pacing.pacing(),
        ok_if: outputs.ok_if(),
        history: past::for_run(&args.record, simulate.is_some()),
        simulate,
        rerun_of: None,
        wait_lock: args.wait_lock,
    };
    Ok((request, outputs))
}

/// The faults that a simulated fleet plays; without a seed every night is another.
pub(super) fn night(args: &SimulationArgs) -> Result<Night, String> {
    let faults = args.faults.as_deref().unwrap_or_default();
    let faults = faults.parse().map_err(|error| format!("`--faults`: {error}"))?;
    Ok(Night { faults, seed: args.seed.unwrap_or_else(rand::random) })
}

/// Opens every report before anything is sent.
fn open(outputs: &Outputs, terminal: &Terminal) -> Result<Reporters, String> {
    let mut reporters = outputs.open(terminal)?;
    let log = Log::wanted();
    if !terminal.is_quiet {
        // Log lines would tear a bar apart.
        let bar = terminal.is_interactive && log.is_none();
        let style = if bar { ProgressStyle::Bar } else { ProgressStyle::Lines };
        reporters.add("progress", Box::new(Progress::new(style)));
    }
    if let Some(log) = log {
        reporters.add("log", Box::new(log));
    }
    Ok(reporters)
}

fn dry_run(prepared: &Prepared, format: Format, verbose: bool, terminal: &Terminal) -> ExitStatus {
    let plan = &prepared.plan;
    let Paced { rate, batch, pause, max_failures, .. } = prepared.pacing;
    let pace = Pace { concurrency: prepared.concurrency, rate, batch, pause };
    // Held ones get nothing, and are named on stderr.
    let held = |place: u32| plan.held.binary_search(&DeviceIndex(place)).is_ok();
    let planned = (0..).zip(plan.devices.iter().zip(&plan.jobs)).filter(|(place, _)| !held(*place));
    let devices = planned.map(|(_, (device, job))| PlanRow {
        name: &device.name,
        address: &device.address,
        device_type: &device.device_type,
        sent: job.request.payload(),
        question: job.check.as_ref().map(|check| &**check.question.payload()),
        timing: &job.timing,
    });
    let summary = PlanSummary {
        lanes: plan.lanes.len(),
        longest_lane: plan.lanes.longest(),
        estimate: estimate(plan, pace),
        pacing: PlanPacing { rate, batch, pause, max_failures, until: prepared.until.as_ref().map(shown_end) },
    };
    let view = PlanView { devices, summary };
    write(|out| {
        if format == Format::Json {
            write_plan_json(out, &view)?;
        } else {
            write_plan_text(out, &view, verbose, terminal.table(true, true))?;
        }
        out.flush()
    })
}

fn shown_end(end: &End) -> PlanEnd {
    PlanEnd { at: UnixMillis(end.at.as_millisecond()), words: end.to_string() }
}
