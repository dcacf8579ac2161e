//! `fleetctl doctor`: examines one device, prints each step as it happens and what came to light.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use crate::cli::args::DoctorArgs;
use crate::cli::exit_status::ExitStatus;
use crate::cli::signal::Signals;
use crate::cli::terminal::{Terminal, shown_path};
use crate::device_type::{Catalog, DeviceType, LinkOverrides};
use crate::diagnostic::{Diagnostics, Sources, nearest};
use crate::doctor::{
    Entry, NoQuery, Patient, Seen, Step, describe_finding, describe_step, entry, examine, findings, harmless, log_in,
    name_of,
};
use crate::model::{Address, Device, ParamValue, Params, TimingOverrides};
use crate::report::{FileSink, hide_secrets};
use crate::run::{built_in, load, load_catalog};
use crate::transport::TcpConnect;

/// Whom to examine.
struct Subject {
    device: Device,
    device_type: Arc<DeviceType>,
    /// What the device says, and what lies below its type.
    timing: (TimingOverrides, TimingOverrides),
    link: LinkOverrides,
}

pub(in crate::cli) async fn run(args: DoctorArgs, terminal: &Terminal) -> ExitStatus {
    let subject = match &args.device_type {
        Some(name) => at_address(&args, name, terminal),
        None => of_inventory(&args, terminal),
    };
    let subject = match subject {
        Ok(subject) => subject,
        Err(status) => return status,
    };
    let patient = match patient(&subject, args.active) {
        Ok(patient) => patient,
        Err(error) => {
            return terminal.mistake(
                error.to_string(),
                Some("it belongs into the `params` of the device; with an address: `--param KEY=VALUE`"),
            );
        }
    };
    // The file is made before anything is sent, so that a folder that does not exist is known in time.
    let sink = match args.write.as_deref().map(open).transpose() {
        Ok(sink) => sink,
        Err(message) => return terminal.mistake(message, Some("nothing was sent")),
    };
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return terminal.mistake(format!("cannot listen for signals: {error}"), None),
    };
    let mut out = Out { device: &subject.device, failed: None };
    let connect = TcpConnect::new(tokio::runtime::Handle::current());
    let is_text = patient.device_type.is_text;
    let mut tell = |step: &Step<'_>| out.say(&describe_step(step, is_text));
    let seen = tokio::select! {
        seen = examine(&patient, &connect, &mut tell) => seen,
        reason = signals.next() => return ExitStatus::Signal(reason),
    };
    let is_healthy = conclude(&patient, &seen, &mut out);
    let inventory = &args.inventory.inventory;
    let written = sink.is_none_or(|(sink, path)| write(sink, path, inventory, &subject, &patient, &seen, &mut out));
    match out.failed {
        Some(error) => terminal.mistake(format!("stdout: {error}"), None),
        None if !is_healthy || !written => ExitStatus::Failures,
        None => ExitStatus::Success,
    }
}

/// A device that stands in no inventory.
fn at_address(args: &DoctorArgs, name: &str, terminal: &Terminal) -> Result<Subject, ExitStatus> {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let inventory = &args.inventory;
    let catalog = load_catalog(Some(&inventory.inventory), &inventory.types, &mut sources, &mut diagnostics);
    terminal.show(&diagnostics, &sources);
    if diagnostics.has_errors() {
        return Err(ExitStatus::Usage);
    }
    let device_type = find_type(&catalog, name)
        .map_err(|help| terminal.mistake(format!("there is no device type `{name}`"), Some(&help)))?;
    let address = Address::parse(&args.target, device_type.port)
        .map_err(|error| terminal.mistake(error.to_string(), Some("write HOST, HOST:PORT or [IPV6]:PORT")))?;
    let params = read_params(&args.params, device_type).map_err(|message| terminal.mistake(message, None))?;
    let device = Device {
        name: name_of(&address.host).into(),
        address,
        device_type: device_type.name.clone(),
        site: None,
        tags: Arc::default(),
        params,
        medium: device_type.link.medium,
    };
    let timing = (TimingOverrides::default(), TimingOverrides::default());
    Ok(Subject { device, device_type: device_type.clone(), timing, link: LinkOverrides::default() })
}

fn find_type<'c>(catalog: &'c Catalog, name: &str) -> Result<&'c Arc<DeviceType>, String> {
    catalog.get(name).ok_or_else(|| match nearest(name, catalog.names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", catalog.names().collect::<Vec<_>>().join(", ")),
    })
}

fn read_params(given: &[(String, String)], device_type: &DeviceType) -> Result<Params, String> {
    let mut params: Vec<(Arc<str>, ParamValue)> = Vec::new();
    for (key, text) in given {
        let Some(spec) = device_type.param(key) else {
            let known: Vec<&str> = device_type.params.iter().map(|param| &*param.name).collect();
            let known =
                if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
            return Err(format!("`--param {key}`: `{}` has no such parameter; {known}", device_type.name));
        };
        if params.iter().any(|(known, _)| *known == spec.name) {
            return Err(format!("`--param {key}` is given twice"));
        }
        params.push((spec.name.clone(), spec.read(text).map_err(|why| format!("`--param {key}` {why}"))?));
    }
    Ok(params.into_iter().collect())
}

/// A device of the inventory, with all that it inherits.
fn of_inventory(args: &DoctorArgs, terminal: &Terminal) -> Result<Subject, ExitStatus> {
    let loaded = load(&args.inventory.inventory, &args.inventory.types);
    terminal.show(&loaded.diagnostics, &loaded.sources);
    let Some(fleet) = loaded.fleet else { return Err(ExitStatus::Usage) };
    let place = fleet.position(&args.target).map(|place| place as usize);
    let found = place.and_then(|place| Some((fleet.devices.get(place)?, fleet.members.get(place)?)));
    let Some((device, member)) = found else {
        let names = fleet.devices.iter().map(|device| &*device.name);
        let help = match nearest(&args.target, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`fleetctl inventory list` shows every device; to examine an address, name its type with `--type`"
                .to_owned(),
        };
        let message = format!("no device `{}` in {}", args.target, args.inventory.inventory.display());
        return Err(terminal.mistake(message, Some(&help)));
    };
    Ok(Subject {
        device: device.clone(),
        device_type: member.device_type.clone(),
        timing: (member.timing, fleet.run.timing),
        link: member.link,
    })
}

fn patient(subject: &Subject, active: bool) -> Result<Patient, NoQuery> {
    let query = match harmless(&subject.device_type, &subject.device.params) {
        Ok(query) => Some(query),
        Err(NoQuery::Unknown(_)) => None,
        Err(error) => return Err(error),
    };
    let (own, below) = subject.timing;
    let of_type = query.as_ref().map_or(subject.device_type.timing, |query| query.request.timing());
    let timing = own.over(of_type).over(below).resolve(built_in().timing);
    Ok(Patient {
        address: subject.device.address.clone(),
        device_type: subject.device_type.effective(&subject.device.params),
        log_in: log_in(&subject.device_type, &subject.device.params)
            .map_err(|error| NoQuery::Unwritable { action: "log-in".into(), error })?,
        link: Arc::new(subject.device_type.link.under(subject.link)),
        connect_timeout: timing.connect_timeout,
        reply_timeout: timing.reply_timeout,
        query,
        active,
    })
}

/// Makes the file that the entry goes into; one that exists is somebody's inventory, and stays.
fn open(path: &Path) -> Result<(FileSink, &Path), String> {
    let name = path.display();
    if path.symlink_metadata().is_ok() {
        return Err(format!("`--write {name}`: the file exists, and it is not overwritten"));
    }
    let sink = FileSink::create(path).map_err(|error| format!("`--write {name}`: {error}"))?;
    Ok((sink, path))
}

/// Says what came to light; whether the device is healthy.
fn conclude(patient: &Patient, seen: &Seen, out: &mut Out<'_>) -> bool {
    let found = findings(patient, seen);
    out.say("\n");
    for finding in &found {
        out.say(&describe_finding(finding));
    }
    let is_healthy = found.iter().all(|finding| !finding.is_problem);
    if is_healthy {
        out.say(if seen.own_answer().is_some() {
            "healthy: the device answers\n"
        } else {
            "no problem was found, but the device was not asked\n"
        });
    }
    is_healthy
}

/// Writes what works; whether there was something and it could be written.
fn write(
    mut sink: FileSink,
    path: &Path,
    inventory: &Path,
    subject: &Subject,
    patient: &Patient,
    seen: &Seen,
    out: &mut Out<'_>,
) -> bool {
    let file = |kept_in: &str| path_from(kept_in, inventory, path);
    let (timing, _) = subject.timing;
    let examined = Entry { device: &subject.device, link: subject.link, timing, file: &file };
    let Some(text) = entry(&examined, patient, seen) else {
        out.say(&format!("`{}` was not written: nothing is known to work\n", shown_path(path)));
        return false;
    };
    match sink.write_all(text.as_bytes()).and_then(|()| sink.commit()) {
        Ok(()) => {
            out.say(&format!("wrote `{}`\n", shown_path(path)));
            true
        }
        Err(error) => {
            out.say(&format!("`{}` was not written: {error}\n", shown_path(path)));
            false
        }
    }
}

/// A path that `inventory` writes, as another file must write it: relative ones start at the file that they stand in.
fn path_from(kept_in: &str, inventory: &Path, other: &Path) -> String {
    let folder = |file: &Path| std::path::absolute(file).ok().and_then(|file| file.parent().map(Path::to_path_buf));
    match (folder(inventory), folder(other)) {
        (Some(from), Some(to)) if from != to => from.join(kept_in).to_string_lossy().into_owned(),
        _ => kept_in.to_owned(),
    }
}

/// Standard output, shown at once: whoever reads along sees each step as it happens.
/// What a device echoes of its secrets is hidden.
struct Out<'o> {
    device: &'o Device,
    failed: Option<io::Error>,
}

impl Out<'_> {
    fn say(&mut self, text: &str) {
        if self.failed.is_none() {
            let mut stdout = io::stdout().lock();
            self.failed =
                stdout.write_all(hide_secrets(self.device, text).as_bytes()).and_then(|()| stdout.flush()).err();
        }
    }
}
