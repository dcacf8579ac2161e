//! Failures by cause: what an operator has to look at, instead of one line per device.
//!
//! A cause is status, kind of error, how far the command got, and what was said, without what differs from device to
//! device (its own name, host and set ID, how many bytes came). A site or a gateway all of whose selected devices fail for
//! one cause is one fault. How that is worded and coloured is left to `format/table.rs`.

use std::borrow::Cow;
use std::collections::HashMap;

use super::fault::{Fault, Places};
use super::mask::Mask;
use super::normal::normal_reply;
use super::{Collected, hint};
use crate::model::{Delivery, Device, ErrorKind, Failure, Host, Medium, Outcome, SkipReason, Status};

/// More causes of one kind than this are not told apart further: nobody reads them.
const MAX_PER_KIND: usize = 5;

/// More reasons than this why devices are held are not told apart.
const MAX_HELD: usize = 20;

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
    reason: Option<SkipReason>,
    medium: Medium,
}

impl<'a> Group<'a> {
    /// Every device of the group, those of whole sites and gateways first.
    pub(super) fn all_devices(&self) -> Vec<&'a Device> {
        self.faults.iter().flat_map(|fault| &fault.devices).chain(&self.devices).copied().collect()
    }

    /// What one fault says of all its devices: `gateway 10.20.9.7:23 refuses connections`.
    pub(super) fn fault_line(&self, fault: &Fault<'_>) -> String {
        fault.place.line(self.kind, &self.cause)
    }
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
        let key = key(run, device, outcome);
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
        let places = Places::of(run);
        for group in suspects {
            group.faults = places.take_faults(&mut group.devices);
        }
    }
    groups
}

fn key<'a>(run: &'a Collected, device: &Device, outcome: &'a Outcome) -> Key<'a> {
    let failure = outcome.error.as_deref();
    let skipped = || {
        let is_skipped = outcome.status == Status::Skipped;
        if is_skipped { skipped_because(run, device, outcome) } else { Cow::Borrowed("") }
    };
    Key {
        status: outcome.status,
        delivery: outcome.delivery,
        reason: outcome.reason,
        kind: failure.map(|failure| failure.kind),
        bytes_came: failure.is_some_and(|failure| failure.received > 0),
        detail: failure.map_or_else(skipped, |failure| without_own_names(device, outcome, failure)),
        medium: failure.map_or_else(Medium::default, |failure| telling_medium(failure, outcome, device.medium)),
    }
}

/// What lies between address and device, where that changes what to try; else it is no cause of its own.
fn telling_medium(failure: &Failure, outcome: &Outcome, medium: Medium) -> Medium {
    let [first, second] =
        Medium::WORDS.map(|(_, medium)| hint(failure, Some(outcome.status), outcome.delivery, medium));
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
        let cause = if key.detail.is_empty() { UNKNOWN } else { &key.detail };
        return Group {
            status: key.status,
            delivery: key.delivery,
            reason: key.reason,
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
    let hint = hint(&shown, Some(key.status), key.delivery, key.medium);
    Group {
        status: key.status,
        delivery: key.delivery,
        reason: key.reason,
        cause: with_range(&mask.text(&shown.to_string()), failure.received, least, most),
        hint: Some(with_range(&hint, failure.received, least, most).into()),
        devices: gathered.devices,
        faults: Vec::new(),
        kind: Some(failure.kind),
        medium: key.medium,
    }
}

const UNKNOWN: &str = "no cause is known";

/// Why a device was never started, in words; not escaped. Of a held one why and until when, where that is known: a saved
/// report does not say it.
pub(super) fn skipped_because<'a>(run: &'a Collected, device: &Device, outcome: &Outcome) -> Cow<'a, str> {
    let held = || run.info().held.get(&*device.name).filter(|_| outcome.is_held());
    if let Some(held) = held() {
        return format!("held until the end of {} or `release`: {}", held.until_day, held.why).into();
    }
    Cow::Borrowed(match outcome.reason {
        Some(SkipReason::Interrupted) if outcome.delivery == Delivery::Unknown => {
            "the run was killed, and whether the command was written is not known"
        }
        Some(SkipReason::Interrupted) => "not started, the run was interrupted",
        Some(SkipReason::Deadline) => "not started, the run's deadline was over",
        Some(SkipReason::MaxFailures) => "not started, too many others had failed (`--max-failures`)",
        Some(SkipReason::Held) => "held, kept out of runs until `release` or the date it was held until",
        Some(SkipReason::Internal) => "not started, a fault of fleetctl or of this machine",
        None => UNKNOWN,
    })
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
            (known.status, known.delivery, known.kind, known.reason, known.medium)
                == (group.status, group.delivery, group.kind, group.reason, group.medium)
        };
        // What people wrote themselves they read: why a device is held.
        let most = if group.reason == Some(SkipReason::Held) { MAX_HELD } else { MAX_PER_KIND };
        if merged.iter().filter(|known| same(known)).count() < most {
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
mod tests;
