//! Failures by cause: what an operator has to look at, instead of one line per device.
//!
//! A cause is status, kind of error, how far the command got, and what was said, without what differs from device to
//! device (its own name, host and set ID, how many bytes came). A site or a gateway all of whose selected devices fail for
//! one cause is one fault. How that is worded and coloured is left to `format/table.rs`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use super::mask::Mask;
use super::normal::normal_reply;
use super::{Collected, hint};
use crate::model::{Address, Delivery, Device, ErrorKind, Failure, Host, Medium, Outcome, SkipReason, Status};

/// More causes of one kind than this are not told apart further: nobody reads them.
const MAX_PER_KIND: usize = 5;

/// Devices that failed for one cause.
pub(super) struct Group<'a> {
    pub(super) status: Status,
    pub(super) delivery: Delivery,
    /// What happened, one line.
    pub(super) cause: String,
    /// What to try; skipped devices need nothing.
    pub(super) hint: Option<Cow<'static, str>>,
    /// The devices in inventory order, those of `faults` left out.
    pub(super) devices: Vec<&'a Device>,
    /// Sites and gateways with several selected devices, all of which are in this group.
    pub(super) faults: Vec<Fault<'a>>,
    kind: Option<ErrorKind>,
    medium: Medium,
}

impl<'a> Group<'a> {
    /// Every device of the group, those of whole sites and gateways first.
    pub(super) fn all_devices(&self) -> Vec<&'a Device> {
        self.faults.iter().flat_map(|fault| &fault.devices).chain(&self.devices).copied().collect()
    }

    /// What one fault says of all its devices: `gateway 10.20.9.7:23 refuses connections`.
    pub(super) fn fault_line(&self, fault: &Fault<'_>) -> String {
        let place = fault.place.to_string();
        let base = self.kind.map(|kind| Failure::new(kind).to_string());
        let rest = base.as_deref().and_then(|base| self.cause.strip_prefix(base));
        match (&fault.place, self.kind.and_then(what_a_gateway_does), rest) {
            (Place::Gateway(_), Some(does), Some(rest)) => format!("{place} {does}{rest}"),
            (Place::Gateway(_), _, _) => format!("{place}: {}", self.cause),
            (Place::Site(_), _, _) => format!("all of {place}: {}", self.cause),
        }
    }
}

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

#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    status: Status,
    delivery: Delivery,
    reason: Option<SkipReason>,
    kind: Option<ErrorKind>,
    bytes_came: bool,
    detail: Cow<'a, str>,
    medium: Medium,
}

/// What the members of a group have in common, and how far they differ.
struct Gathered<'a> {
    first: &'a Outcome,
    same_detail: bool,
    received: (u64, u64),
    same_wait: bool,
    devices: Vec<&'a Device>,
}

/// All failures of a run, the largest groups first, skipped devices last.
pub(super) fn groups(run: &Collected) -> Vec<Group<'_>> {
    let mut order: Vec<(Key<'_>, Gathered<'_>)> = Vec::new();
    let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
    let hasher = std::hash::RandomState::new();
    for (device, outcome) in run.outcomes().filter(|(_, outcome)| !outcome.status.is_success()) {
        let key = key(device, outcome);
        let same = places.entry(std::hash::BuildHasher::hash_one(&hasher, &key)).or_default();
        let place = same.iter().copied().find(|&place| order.get(place).is_some_and(|(known, _)| *known == key));
        match place.and_then(|place| order.get_mut(place)) {
            Some((_, gathered)) => gathered.add(device, outcome),
            None => {
                same.push(order.len());
                order.push((key, Gathered::new(device, outcome)));
            }
        }
    }
    let mut groups: Vec<Group<'_>> = order.into_iter().map(|(key, gathered)| group(&key, gathered)).collect();
    groups.sort_by_key(|group| (group.status == Status::Skipped, std::cmp::Reverse(group.devices.len())));
    let mut groups = merge_rare(groups);
    let suspects: Vec<_> = groups.iter_mut().filter(|group| group.status == Status::Unreachable).collect();
    // Counting the devices of every gateway takes its time in a large fleet, and a good night needs it not.
    if !suspects.is_empty() {
        let (sites, gateways) = (sites(run), gateways(run));
        for group in suspects {
            split(group, |device| Place::Site(device.site.as_deref().unwrap_or_default()), &sites);
            split(group, |device| Place::Gateway(&device.address), &gateways);
        }
    }
    groups
}

fn key<'a>(device: &Device, outcome: &'a Outcome) -> Key<'a> {
    let failure = outcome.error.as_deref();
    Key {
        status: outcome.status,
        delivery: outcome.delivery,
        reason: outcome.reason,
        kind: failure.map(|failure| failure.kind),
        bytes_came: failure.is_some_and(|failure| failure.received > 0),
        detail: failure.map_or(Cow::Borrowed(""), |failure| without_own_names(device, outcome, failure)),
        medium: failure.map_or_else(Medium::default, |failure| telling_medium(failure, outcome.status, device.medium)),
    }
}

/// What lies between address and device, where that changes what to try; else it is no cause of its own.
fn telling_medium(failure: &Failure, status: Status, medium: Medium) -> Medium {
    let [first, second] = Medium::WORDS.map(|(_, medium)| hint(failure, Some(status), medium));
    if first == second { Medium::default() } else { medium }
}

/// The detail of a failure without the device's own name and host, which would make each failure a cause of its own.
fn without_own_names<'a>(device: &Device, outcome: &Outcome, failure: &'a Failure) -> Cow<'a, str> {
    if failure.detail.is_empty() {
        return Cow::Borrowed("");
    }
    let mask = Mask::new(device, outcome);
    let mut detail = mask.text(&failure.detail);
    if let (Some(reply), Some(normal)) = (&outcome.reply, normal_reply(outcome, &mask)) {
        let mut shown = String::new();
        mask.push_bytes(&mut shown, reply);
        if shown != normal && detail.contains(&shown) {
            detail = Cow::Owned(detail.replace(&shown, &normal));
        }
    }
    for own in [device.address.to_string(), device.address.host.to_string(), device.name.to_string()] {
        // A name of a letter or two would be found inside words.
        if own.len() > 3 && detail.contains(&own) {
            detail = Cow::Owned(detail.replace(&own, "…"));
        }
    }
    detail
}

impl<'a> Gathered<'a> {
    fn new(device: &'a Device, outcome: &'a Outcome) -> Self {
        let received = outcome.error.as_ref().map_or(0, |failure| failure.received);
        Self {
            first: outcome,
            same_detail: true,
            received: (received, received),
            same_wait: true,
            devices: vec![device],
        }
    }

    fn add(&mut self, device: &'a Device, outcome: &'a Outcome) {
        if let (Some(first), Some(failure)) = (&self.first.error, &outcome.error) {
            self.same_detail &= first.detail == failure.detail;
            self.same_wait &= first.waited == failure.waited;
            self.received = (self.received.0.min(failure.received), self.received.1.max(failure.received));
        }
        self.devices.push(device);
    }
}

fn group<'a>(key: &Key<'_>, gathered: Gathered<'a>) -> Group<'a> {
    let Some(failure) = gathered.first.error.as_deref() else {
        let cause = skipped_because(key.reason);
        return Group {
            status: key.status,
            delivery: key.delivery,
            cause: cause.to_owned(),
            hint: None,
            devices: gathered.devices,
            faults: Vec::new(),
            kind: None,
            medium: key.medium,
        };
    };
    let mask = gathered.devices.first().map(|device| Mask::new(device, gathered.first)).unwrap_or_default();
    let shown = Failure {
        waited: failure.waited.filter(|_| gathered.same_wait),
        detail: if gathered.same_detail { failure.detail.clone() } else { key.detail.as_ref().into() },
        ..failure.clone()
    };
    let (least, most) = gathered.received;
    let hint = hint(&shown, Some(key.status), key.medium);
    Group {
        status: key.status,
        delivery: key.delivery,
        cause: with_range(&mask.text(&shown.to_string()), failure.received, least, most),
        hint: Some(with_range(&hint, failure.received, least, most).into()),
        devices: gathered.devices,
        faults: Vec::new(),
        kind: Some(failure.kind),
        medium: key.medium,
    }
}

/// Why a device was never started, in words.
pub(super) fn skipped_because(reason: Option<SkipReason>) -> &'static str {
    match reason {
        Some(SkipReason::Interrupted) => "not started, the run was interrupted",
        Some(SkipReason::Deadline) => "not started, the run's deadline was over",
        Some(SkipReason::Internal) => "not started, a fault of fleetctl or of this machine",
        None => "no cause is known",
    }
}

/// The text of one device's failure, with the bytes that came at all devices of the group.
fn with_range(text: &str, first: u64, least: u64, most: u64) -> String {
    if least == most {
        return text.to_owned();
    }
    let one = if first == 1 { "1 byte".to_owned() } else { format!("{first} bytes") };
    text.replacen(&one, &format!("{least} to {most} bytes"), 1)
}

/// Joins the smaller causes of a kind where it has too many.
fn merge_rare(groups: Vec<Group<'_>>) -> Vec<Group<'_>> {
    let mut merged: Vec<Group<'_>> = Vec::new();
    for group in groups {
        let same = |known: &Group<'_>| {
            (known.status, known.delivery, known.kind, known.medium)
                == (group.status, group.delivery, group.kind, group.medium)
        };
        if merged.iter().filter(|known| same(known)).count() < MAX_PER_KIND {
            merged.push(group);
        } else if let Some(last) = merged.iter_mut().rfind(|known| same(known)) {
            if !last.cause.ends_with(VARIOUS) {
                last.cause.push_str(VARIOUS);
            }
            last.devices.extend(group.devices);
        }
    }
    merged
}

const VARIOUS: &str = " (and similar)";

/// Sites with more than one gateway, and how many selected devices each has.
fn sites(run: &Collected) -> HashMap<Place<'_>, usize> {
    let mut seen: HashMap<&str, (usize, &Address, bool)> = HashMap::new();
    for device in run.devices() {
        let Some(site) = device.site.as_deref() else { continue };
        let (count, first, several) = seen.entry(site).or_insert((0, &device.address, false));
        *count += 1;
        *several |= **first != device.address;
    }
    let several = seen.into_iter().filter(|(_, (_, _, several))| *several);
    several.map(|(site, (count, _, _))| (Place::Site(site), count)).collect()
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

/// Takes the devices of places that fail as a whole out of the list of a group whose fault can be the place's.
fn split<'a>(group: &mut Group<'a>, place: impl Fn(&'a Device) -> Place<'a>, sizes: &HashMap<Place<'_>, usize>) {
    let mut failed: HashMap<Place<'a>, Vec<&'a Device>> = HashMap::new();
    for &device in group.devices.iter().filter(|device| sizes.contains_key(&place(device))) {
        failed.entry(place(device)).or_default().push(device);
    }
    failed.retain(|place, devices| sizes.get(place) == Some(&devices.len()));
    for &device in &group.devices {
        if let Some(devices) = failed.get_mut(&place(device)).filter(|devices| !devices.is_empty()) {
            group.faults.push(Fault { place: place(device), devices: std::mem::take(devices) });
        }
    }
    group.devices.retain(|device| !failed.contains_key(&place(device)));
}

/// How many host names failed to resolve, of how many; `None` unless that is more than half of them.
pub(super) fn most_names_fail(run: &Collected) -> Option<(usize, usize)> {
    let mut names: HashMap<&str, bool> = HashMap::new();
    for (device, outcome) in run.outcomes() {
        if let Host::Name(name) = &device.address.host {
            let failed = outcome.error.as_ref().is_some_and(|failure| failure.kind == ErrorKind::Dns);
            *names.entry(name).or_insert(false) |= failed;
        }
    }
    let failed = names.values().filter(|failed| **failed).count();
    (failed * 2 > names.len()).then_some((failed, names.len()))
}

#[cfg(test)]
mod tests {
    use super::super::test_run::{self, device, outcome};
    use super::*;
    use crate::model::{Ended, fold_names};

    fn grouped(all: Vec<(Device, Outcome)>) -> Vec<(usize, String, String)> {
        let run = test_run::collect(test_run::run_of(test_run::raw(), all, Ended::Completed));
        let groups = groups(&run);
        groups
            .iter()
            .map(|group| (group.devices.len(), group.cause.clone(), fold_names(group.devices.iter().map(|d| &*d.name))))
            .collect()
    }

    fn silent(name: &str, received: u64, detail: &str) -> (Device, Outcome) {
        let failure = Failure::new(ErrorKind::ReplyTimeout).received(received).detail(detail);
        (device(name, name), outcome(Status::NoReply, Delivery::Unknown, 1, Some(failure)))
    }

    #[test]
    fn what_differs_from_device_to_device_is_no_cause_of_its_own() {
        let all = vec![
            silent("tv-1", 3, "at tv-1"),
            silent("tv-2", 17, "at tv-2"),
            silent("tv-3", 0, ""),
            silent("tv-4", 3, "else"),
        ];
        assert_eq!(
            grouped(all),
            [
                (2, "no complete reply, 3 to 17 bytes came: at …".to_owned(), "tv-[1-2]".to_owned()),
                (1, "no reply".to_owned(), "tv-3".to_owned()),
                (1, "no complete reply, 3 bytes came: else".to_owned(), "tv-4".to_owned()),
            ]
        );
    }

    #[test]
    fn a_thousand_different_details_are_few_causes() {
        let all = (0..1000).map(|n| silent(&format!("tv-{n:03}"), 1, &format!("said {n}x"))).collect();
        let groups = grouped(all);
        assert_eq!(groups.len(), MAX_PER_KIND);
        assert_eq!(groups.iter().map(|group| group.0).sum::<usize>(), 1000);
        assert!(groups[4].1.ends_with("(and similar)"));
    }

    #[test]
    fn a_gateway_is_at_fault_only_when_all_its_devices_fail_for_one_cause() {
        let fails = |name: &str, address: &str, kind| {
            (device(name, address), outcome(Status::Unreachable, Delivery::None, 1, Some(Failure::new(kind))))
        };
        let all = vec![
            fails("a1", "10.0.0.1", ErrorKind::ConnectionRefused),
            fails("a2", "10.0.0.1", ErrorKind::ConnectionRefused),
            fails("b1", "10.0.0.2", ErrorKind::ConnectionRefused),
            (device("b2", "10.0.0.2"), outcome(Status::Ok, Delivery::Confirmed, 1, None)),
            fails("c1", "10.0.0.3", ErrorKind::ConnectionRefused),
        ];
        let run = test_run::collect(test_run::run_of(test_run::raw(), all, Ended::Completed));
        let groups = groups(&run);
        assert_eq!(groups.len(), 1);
        assert_eq!(fold_names(groups[0].devices.iter().map(|d| &*d.name)), "b1, c1");
        let [fault] = groups[0].faults.as_slice() else { panic!("one fault") };
        assert_eq!(groups[0].fault_line(fault), "gateway 10.0.0.1:23 refuses connections");
        assert_eq!(fold_names(fault.devices.iter().map(|d| &*d.name)), "a[1-2]");
    }

    #[test]
    fn a_site_is_at_fault_when_all_its_gateways_fail_for_one_cause() {
        let fails = |name: &str, address: &str, site: Option<&str>| {
            let failure = Failure::new(ErrorKind::ConnectTimeout).waited(std::time::Duration::from_secs(3));
            let device = Device { site: site.map(Into::into), ..device(name, address) };
            (device, outcome(Status::Unreachable, Delivery::None, 1, Some(failure)))
        };
        let all = vec![
            fails("a1", "10.0.0.1", Some("quay")),
            fails("a2", "10.0.0.1", Some("quay")),
            fails("a3", "10.0.0.2", Some("quay")),
            // One gateway is no site, and devices without one share nothing.
            fails("b1", "10.0.1.1", Some("hall")),
            fails("c1", "10.0.2.1", None),
            fails("c2", "10.0.2.2", None),
        ];
        let run = test_run::collect(test_run::run_of(test_run::raw(), all, Ended::Completed));
        let groups = groups(&run);
        let [fault] = groups[0].faults.as_slice() else { panic!("one fault") };
        assert_eq!(groups[0].fault_line(fault), "all of site quay: no connection within 3s");
        assert_eq!(fold_names(fault.devices.iter().map(|d| &*d.name)), "a[1-3]");
        assert_eq!(fold_names(groups[0].devices.iter().map(|d| &*d.name)), "b1, c[1-2]");
    }

    #[test]
    fn the_number_of_a_set_is_no_cause_of_its_own() {
        let refuses = |id: u32| {
            let reply = format!("a {id:02x} NG00x");
            let failure = Failure::new(ErrorKind::Refused).detail(format!("said {reply}"));
            let refused = Outcome {
                sent: Some(std::sync::Arc::new(crate::model::Payload::plain(format!("ka {id:02x} 01\r").as_bytes()))),
                reply: Some(reply.as_bytes().into()),
                ..outcome(Status::Rejected, Delivery::Confirmed, 1, Some(failure))
            };
            (device(&format!("wall-{id}"), "h"), refused)
        };
        let cause = "refused: said a ‹id› NG00x".to_owned();
        assert_eq!(grouped((1..=9).map(refuses).collect()), [(9, cause, "wall-[1-9]".to_owned())]);
    }
}
