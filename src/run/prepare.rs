//! Everything before the first byte: select, plan, check. Whatever is wrong, nothing was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Clocks, End, Loaded, Paced, RunRequest, Selecting, UntilError, built_in, earlier, end};
use crate::device_type::{DeviceType, ParamKind};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span};
use crate::inventory::select::{parse, resolve, sample};
use crate::inventory::{Fleet, Member, SiteIndex};
use crate::model::{Command, Held, SECRET_SHOWN, fold_names};
use crate::plan::{Asked, Plan, PlanRequest, build};

/// A run that may start.
pub struct Prepared {
    /// What will be sent to whom.
    pub plan: Arc<Plan>,
    /// `[fleet] name`.
    pub fleet: String,
    /// The command as it may be shown: an argument that is a secret is masked.
    pub command: Command,
    /// Lanes at once, before the limit on open files is looked at.
    pub concurrency: usize,
    /// How fast it goes through the fleet, and until when.
    pub pacing: Paced,
    /// The instant of `pacing.until`, by the clock that `--until` was read from.
    pub until: Option<End>,
    /// A run over more devices asks first.
    pub confirm_above: Option<usize>,
    /// `[run] probe_after`: a device that failed so many runs in a row is believed to be dead; 0: never.
    pub probe_after: Option<u32>,
    /// `[history] keep`: runs that began longer ago are forgotten when this one is over.
    pub keep_history: Option<Duration>,
    /// The devices that are kept out of it, by name; nobody until earlier runs are recalled.
    pub held: BTreeMap<Arc<str>, Arc<Held>>,
    /// What the devices are, where the fleet is simulated: beside the plan's devices.
    pub members: Vec<Arc<Member>>,
}

/// What preparing came to.
pub enum Preparation {
    /// The run may start.
    Ready(Box<Prepared>),
    /// The earlier report holds no failure: there is nothing to do.
    NothingFailed {
        /// `[fleet] name`.
        fleet: String,
        /// The command as it may be shown.
        command: Command,
    },
    /// Something is wrong; it is among the diagnostics.
    Wrong,
}

/// Selects and plans what the command line asks for.
pub fn prepare(request: &RunRequest, loaded: &mut Loaded) -> Preparation {
    prepare_as(request, Asked::CommandLine, loaded)
}

/// Selects and plans; `asked` says where the command was written, for what is wrong with it.
pub fn prepare_as(request: &RunRequest, asked: Asked<'_>, loaded: &mut Loaded) -> Preparation {
    let Some(fleet) = &loaded.fleet else { return Preparation::Wrong };
    let sources = &mut loaded.sources;
    let diagnostics = &mut loaded.diagnostics;
    let selection = match select(&request.selecting, fleet, sources, diagnostics) {
        Some(selection) if selection.is_empty() => {
            let types = || fleet.members.iter().map(|member| &*member.device_type);
            return Preparation::NothingFailed {
                fleet: fleet.name.clone(),
                command: shown(&request.command, types, !IS_CHECKED),
            };
        }
        Some(selection) => selection,
        None => return Preparation::Wrong,
    };
    let defaults = built_in();
    let wanted = PlanRequest {
        verify: request.verify,
        if_needed: request.if_needed,
        save: request.save.as_deref(),
        fleet,
        selection: &selection,
        command: &request.command,
        flags: request.flags,
        idempotent: request.idempotent,
        built_in: defaults.timing,
        asked,
    };
    let Some(plan) = build(&wanted, sources, diagnostics) else { return Preparation::Wrong };
    let until = until(request, fleet, &selection, diagnostics);
    if diagnostics.has_errors() {
        return Preparation::Wrong;
    }
    let member = |&place: &u32| fleet.members.get(place as usize).cloned();
    let members = if request.simulate.is_some() { selection.iter().filter_map(member).collect() } else { Vec::new() };
    Preparation::Ready(Box::new(Prepared {
        fleet: fleet.name.clone(),
        command: shown(&request.command, || plan.jobs.iter().map(|job| &**job.request.device_type()), IS_CHECKED),
        concurrency: request.concurrency.or(fleet.run.concurrency).unwrap_or(defaults.concurrency),
        pacing: Paced::of(&request.pacing, selection.len(), until.as_ref().map(|end| end.at)),
        until,
        confirm_above: fleet.run.confirm_above,
        probe_after: fleet.run.probe_after,
        keep_history: fleet.keep_history,
        held: BTreeMap::new(),
        members,
        plan: Arc::new(plan),
    }))
}

/// The instant after which no pass starts; what is wrong with it is among the diagnostics.
fn until(request: &RunRequest, fleet: &Fleet, selection: &[u32], diagnostics: &mut Diagnostics) -> Option<End> {
    let until = request.pacing.until?;
    let selected = selection.iter().filter_map(|&place| fleet.members.get(place as usize)?.site);
    let selected: BTreeSet<SiteIndex> = selected.collect();
    let sites = selected.iter().filter_map(|site| fleet.sites.get(site.get()));
    let clocks = Clocks {
        schedule: None,
        sites: sites.filter_map(|site| Some((&*site.name, site.timezone.as_ref()?))).collect(),
        machine: TimeZone::system(),
    };
    match end(until, Timestamp::now(), &clocks) {
        Ok(end) => Some(end),
        Err(error) => {
            let help = match &error {
                UntilError::TwoZones { .. } => "select the sites of one zone, or give a duration: `--until 30m`",
                UntilError::Past { .. } => {
                    "a time of day is at most 12 hours ahead; for longer give a duration: `--until 14h`"
                }
                UntilError::TooFar => "give a shorter duration, or a time of day",
            };
            diagnostics.push(Diagnostic::error(error.to_string()).help(help));
            None
        }
    }
}

/// A type knows every argument of a command that was planned.
const IS_CHECKED: bool = true;

/// The command without the secrets among its arguments. Where it was not checked, what no type knows may be one whose
/// name is misspelt.
fn shown<'d, I: Iterator<Item = &'d DeviceType>>(
    command: &Command,
    types: impl Fn() -> I,
    is_checked: bool,
) -> Command {
    let action = match command {
        Command::Action { name, .. } => Some(name),
        Command::Raw { .. } => None,
    };
    let hides = |key: &str| {
        let mut specs = types().filter_map(|one| {
            let own = action.and_then(|name| one.action(name)).and_then(|action| action.arg(key));
            own.or_else(|| one.param(key)).map(|spec| matches!(spec.kind, ParamKind::Secret { .. }))
        });
        let first = specs.next().unwrap_or(!is_checked);
        first || specs.any(|is_secret| is_secret)
    };
    let mut shown = command.clone();
    for (key, value) in shown.args_mut() {
        if hides(key) {
            SECRET_SHOWN.clone_into(value);
        }
    }
    shown
}

/// The selected devices as places in the inventory; empty only where an earlier report holds no failure. `None`: wrong.
pub fn select(
    selecting: &Selecting,
    fleet: &Fleet,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<u32>> {
    let all = || (0..).take(fleet.devices.len()).collect::<Vec<u32>>();
    let mut selection = match &selecting.select {
        None => all(),
        Some(text) => by_expression(text, fleet, sources, diagnostics)?,
    };
    if let Some(path) = &selecting.failed_from {
        let failed = earlier::failed_from(path, fleet, diagnostics)?;
        if failed.is_empty() {
            return Some(failed);
        }
        selection.retain(|place| failed.binary_search(place).is_ok());
    }
    if let Some(names) = &selecting.names {
        let mut named: Vec<u32> = names.iter().filter_map(|name| fleet.position(name)).collect();
        named.sort_unstable();
        selection.retain(|place| named.binary_search(place).is_ok());
        let gone: Vec<&str> = names.iter().map(String::as_str).filter(|name| fleet.position(name).is_none()).collect();
        if !gone.is_empty() {
            let gone = fold_names(gone);
            diagnostics.push(Diagnostic::warning(format!("no longer in the inventory: {gone}")));
        }
    }
    if selection.is_empty() {
        diagnostics.push(match (&selecting.select, &selecting.failed_from) {
            (_, Some(path)) => Diagnostic::error(format!(
                "nothing is selected: no device that failed in {} is among them",
                path.display()
            )),
            (_, None) if selecting.names.is_some() => {
                Diagnostic::error("nothing is selected: none of those devices is in the inventory")
            }
            (Some(text), None) => Diagnostic::error(format!("nothing is selected: no device matches `{text}`"))
                .help("`fleetctl inventory list` shows every device"),
            (None, None) => Diagnostic::error("the inventory has no devices"),
        });
        return None;
    }
    if let Some(size) = selecting.sample {
        selection = sample(&selection, size, &mut rand::rng());
    }
    Some(selection)
}

fn by_expression(text: &str, fleet: &Fleet, sources: &mut Sources, diagnostics: &mut Diagnostics) -> Option<Vec<u32>> {
    let resolved = parse(text).map_err(|error| vec![error]).and_then(|selector| resolve(&selector, fleet));
    match resolved {
        Ok(selected) => {
            for warning in selected.warnings {
                diagnostics.push(Diagnostic::warning(warning));
            }
            Some(selected.positions)
        }
        Err(errors) => {
            let source = sources.add("--select", text);
            for error in errors {
                let mistake = Diagnostic::error(error.message).at(Span { source, range: error.at }, "");
                diagnostics.push(match error.help {
                    Some(help) => mistake.help(help),
                    None => mistake,
                });
            }
            None
        }
    }
}
