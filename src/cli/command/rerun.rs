//! `fleetctl rerun`: takes what failed or never started in a recorded run, under the rule of retry safety.

use jiff::Timestamp;

use crate::cli::args::RerunArgs;
use crate::cli::command::run::{Start, night, not_locked, start};
use crate::cli::exit_status::ExitStatus;
use crate::cli::outputs::{Nothing, Outputs};
use crate::cli::past;
use crate::cli::terminal::{Terminal, say, shown_path};
use crate::history::{Again, HistoryError, again, find as find_run, holds};
use crate::model::escape::printable;
use crate::model::{UnixMillis, fold_names};
use crate::report::Format;
use crate::run::{
    Lock, LockError, Preparation, Prepared, RunRequest, canonical, hidden_args, load, lock, prepare, request_of,
};
use crate::session::Stop;

pub(in crate::cli) async fn run(args: RerunArgs, verbose: u8, terminal: &Terminal) -> ExitStatus {
    let outputs = match Outputs::understand(&args.output) {
        Ok(outputs) => outputs,
        Err(message) => return terminal.mistake(message, None),
    };
    if args.dry_run && !matches!(outputs.format, Format::Table | Format::Json) {
        return terminal.mistake("`--dry-run` prints `table` or `json`", None);
    }
    // From here on no other run may take up what this one is about to.
    let (locked, id) = match lock_for(&args).await {
        Ok(Ok(locked)) => locked,
        Ok(Err(error)) => return not_locked(&error, terminal),
        Err(error) => return terminal.mistake(error.chain(), None),
    };
    let found = match find(&args, &id) {
        Ok(found) => found,
        Err(error) => return terminal.mistake(error.chain(), None),
    };
    if found.candidates.is_empty() {
        let mut request = match request_of(&found.run, Vec::new()) {
            Ok(request) => request,
            Err(message) => return terminal.mistake(message, None),
        };
        request.history = past::asked(&args.history).ok();
        let nothing = Nothing {
            request: &request,
            fleet: found.run.fleet.clone(),
            command: request.command.clone(),
            is_simulated: found.run.simulated,
            is_dry: args.dry_run,
        };
        return outputs.nothing_to_do(&format!("nothing of run {id} is left to be done"), nothing, terminal);
    }
    let mut request = match understand(&args, &found, &outputs) {
        Ok(request) => request,
        Err(message) => return terminal.mistake(message, Some("nothing was sent")),
    };
    let mut refused = Vec::new();
    let prepared = loop {
        let mut loaded = load(&request.inventory, &request.types);
        let preparation = prepare(&request, &mut loaded);
        terminal.show(&loaded.diagnostics, &loaded.sources);
        let Preparation::Ready(prepared) = preparation else { return ExitStatus::Usage };
        // The second time there is none.
        let unsafe_now = if args.force { Vec::new() } else { must_not_repeat(&found, &prepared) };
        if unsafe_now.is_empty() {
            break prepared;
        }
        let names = request.selecting.names.get_or_insert_default();
        names.retain(|name| !unsafe_now.contains(name));
        let is_empty = names.is_empty();
        refused = unsafe_now;
        let names = printable(&fold_names(refused.iter().map(String::as_str)));
        let why = format!("not sent again, as it may have been carried out and must not be sent twice: {names}");
        let help = format!("look at the devices, then `{}` sends it again", forced(&args, &id));
        if is_empty {
            return terminal.mistake(why, Some(&format!("nothing was sent; {help}")));
        }
        say(&format!("warning: {why}\n  = help: {help}\n\n"));
    };
    let how = Start { yes: args.yes, dry_run: args.dry_run, verbose: verbose > 0 };
    match start(&request, *prepared, &outputs, how, locked, None, terminal).await {
        // Those that were refused did not do what they were told either.
        ExitStatus::Success if !refused.is_empty() && !args.dry_run => ExitStatus::Failures,
        status => status,
    }
}

/// Which run is taken up: while another one is waited for, `last` must not become that one. Locks its inventory, unless
/// nothing is sent.
async fn lock_for(args: &RerunArgs) -> Result<Result<(Option<Lock>, String), LockError>, HistoryError> {
    let run = find_run(&past::open(&args.history)?, &args.run, None)?;
    if args.dry_run || run.simulated {
        return Ok(Ok((None, run.run_id)));
    }
    let inventory = args.inventory.as_deref().unwrap_or(&run.inventory);
    Ok(lock(inventory, args.wait_lock, &Stop::default()).await.map(|locked| (locked, run.run_id)))
}

/// What sends it all the same. It names the run: `last` is this rerun as soon as it has sent anything.
fn forced(args: &RerunArgs, id: &str) -> String {
    let mut words = format!("fleetctl rerun {id} --force");
    for (flag, path) in [("--inventory", &args.inventory), ("--history", &args.history.history)] {
        if let Some(path) = path.as_deref().map(shown_path) {
            let is_plain = path.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
            let path = if is_plain { path } else { format!("'{path}'") };
            words.extend([" ", flag, " ", &path]);
        }
    }
    if args.simulate {
        words += " --simulate";
    }
    words
}

/// What there is to be done, without those that are still held.
fn find(args: &RerunArgs, id: &str) -> Result<Again, HistoryError> {
    let store = past::open(&args.history)?;
    let mut found = again(&store, id, None)?;
    let inventory = args.inventory.as_deref().map_or_else(|| found.run.inventory.clone(), canonical);
    let held = holds(&store, &inventory, UnixMillis(Timestamp::now().as_millisecond()))?;
    found.candidates.retain(|one| !one.was_held || held.iter().all(|hold| hold.device != one.name));
    Ok(found)
}

fn understand(args: &RerunArgs, found: &Again, outputs: &Outputs) -> Result<RunRequest, String> {
    let names = found.candidates.iter().map(|one| one.name.to_string()).collect();
    let mut request = request_of(&found.run, names)?;
    if args.simulate != found.run.simulated {
        let id = &found.run.run_id;
        let (were, do_this) = if args.simulate { ("real", "leave") } else { ("simulated", "add") };
        let out = if args.simulate { " out" } else { "" };
        return Err(format!("the devices of run {id} were {were}: {do_this} `--simulate`{out}"));
    }
    if args.simulate {
        request.simulate = Some(night(&args.simulation)?);
    } else if args.simulation.faults.is_some() || args.simulation.seed.is_some() {
        return Err("`--faults` and `--seed` need `--simulate`: real devices have faults of their own".to_owned());
    }
    if let Some(inventory) = &args.inventory {
        request.inventory.clone_from(inventory);
    }
    request.command.args_mut().extend(args.args.iter().cloned());
    if let Some(key) = hidden_args(&request.command).first() {
        return Err(format!("`{key}` was a secret, which is not recorded: give it with `--arg {key}=…`"));
    }
    request.history = past::asked(&args.history).ok();
    request.wait_lock = args.wait_lock;
    request.ok_if = outputs.ok_if();
    Ok(request)
}

/// The devices that may have carried their command out, and whose command must not be sent twice.
fn must_not_repeat(found: &Again, prepared: &Prepared) -> Vec<String> {
    let plan = &prepared.plan;
    let acted = found.candidates.iter().filter(|one| one.may_have_acted);
    let acted: std::collections::HashSet<&str> = acted.map(|one| &*one.name).collect();
    let planned = plan.devices.iter().zip(&plan.jobs);
    let refused = planned.filter(|(device, job)| acted.contains(&*device.name) && !job.request.is_idempotent());
    refused.map(|(device, _)| device.name.to_string()).collect()
}
