//! Makes a plan: fills a command in for every selected device and checks all that can be known before anything is sent.
//!
//! What is wrong is collected, and devices that share a reason share a message. Work that depends only on the bytes (how
//! the reply is framed, whether the command may be repeated) is done once per distinct body.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::asked::Asked;
use super::circuits::Circuits;
use super::save::save_targets;
use super::ways::{Way, action, raw};
use super::{Check, Job, Lanes, Plan, PlannedSite};
use crate::device_type::{CommandSource, DeviceType, Link, LinkOverrides, Login, Request, RequestError};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources};
use crate::inventory::{Fleet, Member};
use crate::model::escape::printable;
use crate::model::{Command, Device, DeviceIndex, Params, Payload, Timing, TimingOverrides, fold_names};

/// What is to be planned.
pub struct PlanRequest<'a> {
    /// The inventory.
    pub fleet: &'a Fleet,
    /// The selected devices: places in the inventory, ascending.
    pub selection: &'a [u32],
    /// What they are to do.
    pub command: &'a Command,
    /// The command line's own settings, which win over everything.
    pub flags: TimingOverrides,
    /// `--idempotent`: the user vouches that the raw command may be sent twice.
    pub idempotent: bool,
    /// `--verify`: whether each device is asked for its state afterwards.
    pub verify: bool,
    /// `--if-needed`: whether it is asked first, and left alone if it is right.
    pub if_needed: bool,
    /// `--save`: where the files go that replies announce.
    pub save: Option<&'a str>,
    /// The lowest layer of settings.
    pub built_in: Timing,
    /// Where all this was written.
    pub asked: Asked<'a>,
}

/// Makes the plan; `None` when something is wrong, which is then among `diagnostics`.
pub fn build(request: &PlanRequest<'_>, sources: &mut Sources, diagnostics: &mut Diagnostics) -> Option<Plan> {
    let before = diagnostics.error_count();
    let selected: Vec<(&Device, &Member)> = request
        .selection
        .iter()
        .filter_map(|&place| {
            Some((request.fleet.devices.get(place as usize)?, request.fleet.members.get(place as usize)?.as_ref()))
        })
        .collect();
    let ways = match request.command {
        Command::Raw { text, args } => raw(text, args, &selected, request.asked, sources, diagnostics)?,
        Command::Action { name, args } => action(name, args, &selected, request.asked, diagnostics)?,
    };
    let mut planner = Planner { ways, ..Planner::new(request) };
    let mut jobs = Vec::with_capacity(selected.len());
    jobs.extend(selected.iter().filter_map(|(device, member)| planner.job(device, member)));
    planner.report(diagnostics);
    if diagnostics.error_count() > before || jobs.len() != selected.len() {
        return None;
    }
    // The whole inventory is there already, in this order.
    let devices = if selected.len() == request.fleet.devices.len() {
        request.fleet.devices.clone()
    } else {
        Arc::new(selected.iter().map(|(device, _)| (*device).clone()).collect())
    };
    let lanes = Lanes::of(&devices);
    plan_saving(request, &devices, &mut jobs, sources, diagnostics);
    refuse_repeats((request.command, request.asked), &devices, &jobs, &lanes, diagnostics);
    let sites = request
        .fleet
        .sites
        .iter()
        .filter_map(|site| Some(PlannedSite { name: site.name.clone(), max_concurrency: site.max_concurrency? }))
        .collect();
    (diagnostics.error_count() == before).then_some(Plan {
        devices,
        jobs,
        lanes,
        sites,
        held: Vec::new(),
        expected: Vec::new(),
        circuits: planner.circuits.list,
        inrushes: planner.circuits.inrushes,
    })
}

/// A transfer needs a place for its file, and only a transfer has one.
fn plan_saving(
    request: &PlanRequest<'_>,
    devices: &[Device],
    jobs: &mut [Arc<Job>],
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) {
    let fetches: Vec<bool> = jobs.iter().map(|job| job.request.transfer().is_some()).collect();
    let named = |wanted: bool| {
        let named = devices.iter().zip(&fetches).filter(|(_, fetches)| **fetches == wanted);
        fold_names(named.map(|(device, _)| &*device.name))
    };
    let Some(pattern) = request.save else {
        if fetches.contains(&true) {
            let mistake = Diagnostic::error(format!("a file is fetched, but not said where to: {}", named(true)));
            diagnostics.push(mistake.help(format!("give {}", request.asked.saved())));
        }
        return;
    };
    if fetches.contains(&false) {
        let save = request.asked.save();
        let mistake = Diagnostic::error(format!("{save}: no file comes of this command: {}", named(false)));
        diagnostics.push(request.asked.at_save(mistake));
        return;
    }
    let Some(targets) = save_targets(pattern, devices, request.asked, sources, diagnostics) else { return };
    for (job, target) in jobs.iter_mut().zip(targets) {
        Arc::make_mut(job).save = Some(target.into());
    }
}

/// A job, what it was made of, and what is to be said of it.
struct Made<'a> {
    member: &'a Member,
    params: Params,
    job: Arc<Job>,
    warnings: Vec<String>,
}

/// Fills in device by device, and keeps what is equal once.
struct Planner<'a> {
    request: &'a PlanRequest<'a>,
    ways: Vec<Way>,
    /// By the type as it is for the device, and the body.
    requests: HashMap<(usize, Payload), Arc<Request>>,
    /// Those of questions, which may have the bytes of a command and another meaning.
    questions: HashMap<(usize, Payload), Arc<Request>>,
    checks: HashMap<(usize, usize, Box<str>), Arc<Check>>,
    logins: HashSet<Arc<Login>>,
    timings: HashMap<(usize, TimingOverrides), Arc<Timing>>,
    links: HashMap<(usize, LinkOverrides), Arc<Link>>,
    circuits: Circuits,
    /// The last one.
    made: Option<Made<'a>>,
    errors: BTreeMap<String, Vec<&'a str>>,
    warnings: BTreeMap<String, Vec<&'a str>>,
}

impl<'a> Planner<'a> {
    fn new(request: &'a PlanRequest<'a>) -> Self {
        Self {
            request,
            ways: Vec::new(),
            requests: HashMap::new(),
            questions: HashMap::new(),
            checks: HashMap::new(),
            logins: HashSet::new(),
            timings: HashMap::new(),
            links: HashMap::new(),
            circuits: Circuits::default(),
            made: None,
            errors: BTreeMap::new(),
            warnings: BTreeMap::new(),
        }
    }

    /// The job of a device. All of it follows from its entry and its parameters, which neighbours mostly share.
    fn job(&mut self, device: &'a Device, member: &'a Member) -> Option<Arc<Job>> {
        let is_same = |made: &Made<'a>| std::ptr::eq(made.member, member) && made.params.is(&device.params);
        if !self.made.as_ref().is_some_and(is_same) {
            self.made = None;
            self.made = Some(self.make(device, member)?);
        }
        let made = self.made.as_ref()?;
        for warning in &made.warnings {
            self.warnings.entry(warning.clone()).or_default().push(&device.name);
        }
        Some(made.job.clone())
    }

    fn make(&mut self, device: &'a Device, member: &'a Member) -> Option<Made<'a>> {
        let variant = member.device_type.effective(&device.params);
        let ways = |one: &Arc<DeviceType>| self.ways.iter().find(|way| Arc::ptr_eq(&way.device_type, one));
        let way = ways(&variant).or_else(|| ways(&member.device_type))?.clone();
        let params = if way.args.is_empty() {
            device.params.clone()
        } else {
            device.params.overridden_by(way.args.iter().cloned())
        };
        let device_type = member.device_type.effective(&params);
        let made = device_type.body(&way.source, &params).and_then(|body| {
            device_type.check(&way.source, &body, &params)?;
            let login = device_type.login(&params)?;
            let key = (Arc::as_ptr(&device_type).addr(), body);
            if let Some(known) = self.requests.get(&key) {
                return Ok((known.clone(), login));
            }
            let made = device_type.request(&way.source, key.1.clone(), self.request.idempotent)?;
            Ok((self.requests.entry(key).or_insert(Arc::new(made)).clone(), login))
        });
        let (request, login) = match made {
            Ok(made) => made,
            Err(error) => {
                let text = match &error {
                    RequestError::MissingParam { name } => missing(&device_type, &way.source, name, self.request.asked),
                    _ => error.to_string(),
                };
                self.errors.entry(text).or_default().push(&device.name);
                return None;
            }
        };
        let login = login.map(|login| match self.logins.get(&login) {
            Some(known) => known.clone(),
            None => {
                self.logins.insert(login.clone());
                login
            }
        });
        let mut warnings = Vec::new();
        if let CommandSource::Raw(_) = way.source {
            if request.is_broadcast() && way.device_type.unit_param.is_some() {
                warnings.push("the command speaks to every device behind the gateway, not to one".to_owned());
            }
            if let Some(unit) = request.unit_named(&params) {
                warnings.push(format!("the command names unit {unit}, which is not the device's own"));
            }
            if !request.is_understood() {
                warnings.push(format!(
                    "`{}` is not of the form that `{}` replies can be matched to: no reply will be taken as its answer",
                    request.payload().shown(),
                    way.device_type.name
                ));
            }
        }
        let timing = self.timing(&request, member);
        let link = self.link(&device_type, member.link);
        let check = match self.check(&device_type, &way.source, &params, member) {
            Ok(check) => check,
            Err(text) => {
                self.errors.entry(text).or_default().push(&device.name);
                return None;
            }
        };
        let inrush = self.circuits.inrush(self.request.fleet, member, &request);
        let job = Job { request, timing, link, params, login, check, save: None, inrush, is_probe: false };
        Some(Made { member, params: device.params.clone(), job: Arc::new(job), warnings })
    }

    /// How the effect of an action is asked for; why not is an `Err`.
    fn check(
        &mut self,
        device_type: &Arc<DeviceType>,
        source: &CommandSource,
        params: &Params,
        member: &Member,
    ) -> Result<Option<Arc<Check>>, String> {
        let (before, afterwards) = (self.request.if_needed, self.request.verify);
        let CommandSource::Action(name) = source else { return Ok(None) };
        let Some(action) = device_type.action(name).filter(|_| before || afterwards) else { return Ok(None) };
        let Some(verify) = &action.verify else {
            return Err(format!("`{}` does not say how the effect of `{name}` can be asked for", device_type.name));
        };
        let asking = CommandSource::Action(verify.ask.clone());
        let body = device_type.body(&asking, params).map_err(|error| error.to_string())?;
        let key = (Arc::as_ptr(device_type).addr(), body);
        let question = match self.questions.get(&key) {
            Some(known) => known.clone(),
            None => {
                let made = device_type.request(&asking, key.1.clone(), false).map_err(|error| error.to_string())?;
                self.questions.entry(key).or_insert(Arc::new(made)).clone()
            }
        };
        let wanted = verify.wanted(device_type, action, params);
        let (after, every, within) = (verify.after, verify.every, verify.within);
        let timing = self.timing(&question, member);
        let key = (Arc::as_ptr(&question).addr(), Arc::as_ptr(&timing).addr(), wanted.clone());
        let check = self
            .checks
            .entry(key)
            .or_insert_with(|| Arc::new(Check { question, timing, wanted, after, every, within, before, afterwards }));
        Ok(Some(check.clone()))
    }

    fn timing(&mut self, request: &Arc<Request>, member: &Member) -> Arc<Timing> {
        let key = (Arc::as_ptr(request).addr(), member.timing);
        let plan = self.request;
        self.timings
            .entry(key)
            .or_insert_with(|| {
                let layers = plan.flags.over(member.timing).over(request.timing()).over(plan.fleet.run.timing);
                Arc::new(layers.resolve(plan.built_in))
            })
            .clone()
    }

    fn link(&mut self, device_type: &Arc<DeviceType>, overrides: LinkOverrides) -> Arc<Link> {
        let key = (Arc::as_ptr(device_type).addr(), overrides);
        let link = self.links.entry(key).or_insert_with(|| Arc::new(device_type.link.under(overrides)));
        link.clone()
    }

    fn report(&self, diagnostics: &mut Diagnostics) {
        for (text, devices) in &self.errors {
            diagnostics.push(Diagnostic::error(format!("{text}: {}", fold_names(devices.iter().copied()))));
        }
        for (text, devices) in &self.warnings {
            diagnostics.push(Diagnostic::warning(format!("{text}: {}", fold_names(devices.iter().copied()))));
        }
    }
}

/// What is missing for a command, and how it is given.
fn missing(device_type: &DeviceType, source: &CommandSource, name: &str, asked: Asked<'_>) -> String {
    let action = match source {
        CommandSource::Action(action) => device_type.action(action),
        CommandSource::Raw(_) => None,
    };
    match action.and_then(|action| Some((action, action.arg(name)?))) {
        Some((action, spec)) => format!("`{}` needs {} ({})", action.name, asked.given(name), spec.kind),
        None => format!("`{name}` is not given in the inventory (`params = {{ {name} = … }}`)"),
    }
}

/// The same command for two devices of one gateway would tell several truths about one device. An action may be the
/// gateway's own matter, and the same for all of its devices; not so where an argument takes the place of their units.
fn refuse_repeats(
    (command, asked): (&Command, Asked<'_>),
    devices: &[Device],
    jobs: &[Arc<Job>],
    lanes: &Lanes,
    diagnostics: &mut Diagnostics,
) {
    let (text, is_action) = match command {
        Command::Raw { text, .. } => (text, false),
        Command::Action { name, .. } => (name, true),
    };
    for lane in lanes.iter().filter(|lane| lane.len() > 1) {
        let mut seen: HashMap<usize, Vec<DeviceIndex>> = HashMap::new();
        for &device in lane {
            if let Some(job) = jobs.get(device.get()) {
                seen.entry(Arc::as_ptr(&job.request).addr()).or_default().push(device);
            }
        }
        let mut repeats: Vec<&Vec<DeviceIndex>> = seen.values().filter(|same| same.len() > 1).collect();
        repeats.sort();
        for same in repeats {
            let named = same.iter().filter_map(|device| devices.get(device.get()));
            let names = fold_names(named.clone().map(|device| &*device.name));
            let Some((first, job)) = named.clone().next().zip(same.first().and_then(|device| jobs.get(device.get())))
            else {
                continue;
            };
            let unit = job.request.device_type().unit_param.as_deref();
            let overridden = unit.is_some_and(|unit| command.args().contains_key(unit));
            if is_action && !overridden {
                continue;
            }
            let mistake = Diagnostic::error(format!(
                "`{}` comes out the same for {names} behind one gateway ({}): one of them would answer for all",
                printable(text),
                first.address
            ));
            diagnostics.push(match unit {
                Some(unit) if overridden => {
                    let arg = asked.given(unit);
                    mistake.help(format!("leave {arg} out, so that each is named by its own, or select one"))
                }
                Some(unit) => mistake.help(format!("write `{{{unit}}}` where the command names the device")),
                None => mistake.help("select one of them"),
            });
        }
    }
}
