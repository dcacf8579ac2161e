//! Sites and gateways that fail as a whole: one fault instead of one per device.
//!
//! A place is at fault when all its selected devices fail for one cause. Which causes can be a place's is decided by
//! `group.rs`; a site with few gateways is its gateways.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::Collected;
use crate::model::{Address, Device, ErrorKind, Failure};

/// Fewer gateways that fail may have faults of their own: they say nothing of their site.
const MIN_GATEWAYS: usize = 3;

/// Devices that fail together because of what they share.
pub(super) struct Fault<'a> {
    pub(super) place: Place<'a>,
    /// In inventory order.
    pub(super) devices: Vec<&'a Device>,
}

/// What devices share.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place<'a> {
    Site(&'a str),
    Gateway(&'a Address),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site(name) => write!(f, "site {name}"),
            Self::Gateway(address) => write!(f, "gateway {address}"),
        }
    }
}

/// A failure to connect as the gateway's doing.
fn what_a_gateway_does(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::ConnectionRefused => "refuses connections",
        ErrorKind::ConnectTimeout => "gives no connection",
        ErrorKind::Unreachable => "cannot be reached",
        ErrorKind::GatewayBusy => "serves another client",
        ErrorKind::ConnectionClosed => "closes connections",
        ErrorKind::ConnectionReset => "resets connections",
        ErrorKind::Dns => "has a name that does not resolve",
        _ => return None,
    })
}

impl Place<'_> {
    /// What happened at the place, one line; `cause` is how a failure of this kind was worded.
    pub(super) fn line(&self, kind: Option<ErrorKind>, cause: &str) -> String {
        let base = kind.map(|kind| Failure::new(kind).to_string());
        let rest = base.as_deref().and_then(|base| cause.strip_prefix(base));
        match (self, kind.and_then(what_a_gateway_does), rest) {
            (Self::Gateway(_), Some(does), Some(rest)) => format!("{self} {does}{rest}"),
            (Self::Gateway(_), _, _) => format!("{self}: {cause}"),
            (Self::Site(_), _, _) => format!("every selected device of {self}: {cause}"),
        }
    }
}

/// The places of a run that several selected devices share, with how many each has.
pub(super) struct Places<'a> {
    sites: HashMap<Place<'a>, usize>,
    gateways: HashMap<Place<'a>, usize>,
}

impl<'a> Places<'a> {
    /// Those of this run. Counting takes its time in a large fleet.
    pub(super) fn of(run: &'a Collected) -> Self {
        Self { sites: sites(run), gateways: gateways(run) }
    }

    /// Takes the devices of places that fail as a whole out of `devices`, which failed for one cause.
    pub(super) fn take_faults<'d>(&self, devices: &mut Vec<&'d Device>) -> Vec<Fault<'d>> {
        let mut faults = take(devices, |device| Place::Site(device.site.as_deref().unwrap_or_default()), &self.sites);
        faults.append(&mut take(devices, |device| Place::Gateway(&device.address), &self.gateways));
        faults
    }
}

/// Sites with several gateways, and how many selected devices each has.
fn sites(run: &Collected) -> HashMap<Place<'_>, usize> {
    let mut seen: HashMap<&str, (usize, HashSet<&Address>)> = HashMap::new();
    for device in run.devices() {
        let Some(site) = device.site.as_deref() else { continue };
        let (count, gateways) = seen.entry(site).or_default();
        *count += 1;
        gateways.insert(&device.address);
    }
    let several = seen.into_iter().filter(|(_, (_, gateways))| gateways.len() >= MIN_GATEWAYS);
    several.map(|(site, (count, _))| (Place::Site(site), count)).collect()
}

/// Gateways with more than one selected device, and how many each has.
fn gateways(run: &Collected) -> HashMap<Place<'_>, usize> {
    let mut sizes = HashMap::new();
    for device in run.devices() {
        *sizes.entry(Place::Gateway(&device.address)).or_insert(0) += 1;
    }
    sizes.retain(|_, count| *count > 1);
    sizes
}

fn take<'d>(
    devices: &mut Vec<&'d Device>,
    place: impl Fn(&'d Device) -> Place<'d>,
    sizes: &HashMap<Place<'_>, usize>,
) -> Vec<Fault<'d>> {
    let mut failed: HashMap<Place<'d>, Vec<&'d Device>> = HashMap::new();
    for &device in devices.iter().filter(|device| sizes.contains_key(&place(device))) {
        failed.entry(place(device)).or_default().push(device);
    }
    failed.retain(|place, devices| sizes.get(place) == Some(&devices.len()));
    let mut faults = Vec::new();
    for &device in devices.iter() {
        if let Some(devices) = failed.get_mut(&place(device)).filter(|devices| !devices.is_empty()) {
            faults.push(Fault { place: place(device), devices: std::mem::take(devices) });
        }
    }
    devices.retain(|device| !failed.contains_key(&place(device)));
    faults
}
