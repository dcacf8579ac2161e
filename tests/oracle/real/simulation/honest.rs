//! Whether the simulation is honest: S1, S2 over what was seen on the wire, S3 over what `run --simulate` tells.
//!
//! | invariant | |
//! |---|---|
//! | S1 | whatever a simulated device says answers what it was asked, and shows the state that it was told to have; it is busy while it boots, and only then |
//! | S2 | each device has the fault that `--faults` and `--seed` drew for it, at every request, and no other |
//! | S3 | `run --simulate` of the same inventory, faults and seed plays the same, and says that it is simulated |

use std::collections::BTreeMap;

use fleetctl::simulate;

use super::draws::Draws;
use super::wire::Wire;
use crate::check::Finding;
use crate::night::{Family, Fault, Millis, Night, Task};
use crate::told::{Device, Report};
use crate::world::{Kind, Meaning, Message, Request, Truth, Who};

/// What was seen of a night, and what should have been.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) night: &'a Night,
    pub(super) truth: &'a Truth,
    pub(super) wire: &'a Wire,
    pub(super) draws: &'a Draws,
}

/// What is known of a device's state while its requests are looked through.
#[derive(Default)]
struct State {
    /// `None`: nobody knows.
    shows: Option<String>,
    boots_until: Option<Millis>,
}

/// Checks S1 and S2.
pub(super) fn on_the_wire(seen: &Seen<'_>, refusing: &[bool]) -> Vec<Finding> {
    let Seen { night, truth, wire, draws } = *seen;
    let mut findings = Vec::new();
    let mut find = |invariant, device: &str, what| {
        findings.push(Finding { invariant, device: device.to_owned(), what });
    };
    for (place, refuses) in refusing.iter().enumerate() {
        if *refuses != draws.refuses(place) {
            find("S2", &night.gateways[place].host, format!("it refuses: {refuses}, and was drawn otherwise"));
        }
    }
    for (place, at, bytes) in &wire.unasked {
        let said = String::from_utf8_lossy(bytes).into_owned();
        find("S1", &night.gateways[*place].host, format!("at {at} ms it says what answers nothing: {said:?}"));
    }
    let mut states: BTreeMap<Who, State> = BTreeMap::new();
    for (number, request) in truth.requests.iter().enumerate() {
        let gateway = truth.connections[request.connection].gateway;
        let name = request.who.map_or(&*night.gateways[gateway].host, |who| &night.device(who).1.name);
        let answer = request.answer.map(|answer| &truth.messages[answer]);
        let reached = wire.arrived[number] && !truth.connections[request.connection].is_told_occupied;
        if !reached || request.kind == Kind::Alien {
            continue;
        }
        if let Some(what) = played(seen, request, answer) {
            let asked = String::from_utf8_lossy(&request.bytes).into_owned();
            find("S2", name, format!("asked {asked:?} at {} ms, {what}", request.at));
        }
        if let Some(who) = request.who
            && let Some(what) = stands(night, draws, states.entry(who).or_default(), request, answer)
        {
            find("S1", name, format!("asked at {} ms, {what}", request.at));
        }
    }
    findings
}

/// What of a request and its answer is not as it was drawn.
fn played(seen: &Seen<'_>, request: &Request, answer: Option<&Message>) -> Option<String> {
    let Seen { night, truth, wire, draws } = *seen;
    let gateway = truth.connections[request.connection].gateway;
    let family = night.gateways[gateway].family;
    let draw = draws.of_request(gateway, request);
    let after = answer.map(|answer| answer.last_at.saturating_sub(request.at));
    let slack = night.slack;
    // Whoever leaves before the answer gets none.
    let waited = wire.left[request.connection].map_or(Millis::MAX, |left| left.saturating_sub(request.at));
    let is_broadcast = request.kind == Kind::Command && night.task == Task::Broadcast;
    if is_broadcast || draw.fault == Some(simulate::Fault::Silent) {
        let is_silent = answer.is_none() && request.fault.is_none();
        return (!is_silent).then(|| format!("it should be silent, and it answers after {after:?} ms"));
    }
    let due = if draw.fault == Some(simulate::Fault::Slow) { draw.delay } else { 0 };
    if draw.fault == Some(simulate::Fault::Cut) {
        let is_cut = matches!(request.fault, Some(Fault::Closes { .. } | Fault::Resets { .. }));
        let is_whole = answer.is_some() && family != Family::Printer;
        return (!is_cut && (is_whole || waited > slack))
            .then(|| "its connection should end in mid-reply, and does not".to_owned());
    }
    if request.fault.is_some() {
        return Some(format!("nothing should cut it, and its answer ends: {:?}", request.fault));
    }
    let Some(answer) = answer else {
        // Who is asked something else forgets what it owes.
        let is_other = |other: &&Request| other.who == request.who && other.bytes != request.bytes;
        let next =
            truth.requests.iter().filter(|other| other.connection == request.connection && other.seq > request.seq);
        let next = next.filter(is_other).map(|other| other.at.saturating_sub(request.at)).min();
        let waited = waited.min(next.unwrap_or(Millis::MAX));
        return (waited > due + slack).then(|| format!("it never answers, in {waited} ms"));
    };
    let after = after.unwrap_or_default();
    if after + 1 < due || (after > due + slack && !are_all_late(seen, gateway, request, after - due)) {
        return Some(format!("it answers after {after} ms, {due} ms were drawn"));
    }
    let says_no = answer.meaning == Meaning::No;
    let should = draw.fault == Some(simulate::Fault::Reject) && has_word_for_no(family, request.bytes.first());
    (says_no != should).then(|| format!("it answers {:?}; to say no was drawn: {should}", answer.meaning))
}

/// Whether others answered about as late at that time: then their process was, and no device. What it has to compute first is
/// no part of a night's slack.
fn are_all_late(seen: &Seen<'_>, gateway: usize, late: &Request, by: Millis) -> bool {
    let Seen { night, truth, draws, .. } = *seen;
    let others = truth.requests.iter().filter(|other| {
        let place = truth.connections[other.connection].gateway;
        let after = other.answer.map(|answer| truth.messages[answer].last_at.saturating_sub(other.at));
        let draw = draws.of_request(place, other);
        let due = if draw.fault == Some(simulate::Fault::Slow) { draw.delay } else { 0 };
        place != gateway
            && other.at.abs_diff(late.at) <= night.slack
            && after.is_some_and(|after| after.saturating_sub(due) * 2 >= by)
    });
    others.count() >= 2
}

/// Whether a no to such a request could be told from its answer (protocols.md §3, §4): printers have no word for it, and boards
/// answer a question or a log-in with one byte.
fn has_word_for_no(family: Family, first: Option<&u8>) -> bool {
    match family {
        Family::Display | Family::Ncd => true,
        Family::Printer | Family::Hub => false,
        Family::Devantech => matches!(first, Some(0x20 | 0x21)),
    }
}

/// What an answer shows that is not so.
fn stands(
    night: &Night,
    draws: &Draws,
    state: &mut State,
    request: &Request,
    answer: Option<&Message>,
) -> Option<String> {
    let who = request.who?;
    let (gateway, device) = night.device(who);
    let fault = draws.device(who).fault;
    let is_display = gateway.family == Family::Display;
    let keeps_still = matches!(fault, Some(simulate::Fault::Silent | simulate::Fault::Reject));
    if keeps_still || night.task == Task::Broadcast {
        return None;
    }
    let slack = night.slack;
    let has_booted = state.boots_until.is_none_or(|until| request.at >= until + slack);
    let is_booting = state.boots_until.is_some_and(|until| request.at + slack < until);
    let is_busy = answer.is_some_and(|answer| answer.meaning == Meaning::Busy);
    if is_busy {
        return has_booted.then(|| "it is busy, and does not boot".to_owned());
    }
    if is_booting && answer.is_some() {
        return Some("it should be busy while it boots".to_owned());
    }
    if let Some(Message { meaning: Meaning::State(shown), .. }) = answer {
        let begins = || match night.task {
            Task::Volume(_) => "0".to_owned(),
            _ => if device.inverted { "on" } else { "off" }.to_owned(),
        };
        let known = state.shows.get_or_insert_with(begins);
        return (known != shown).then(|| format!("it shows {shown:?}, and was told to be {known:?}"));
    }
    if request.kind == Kind::Command && night.task != Task::Status {
        let told = match night.task {
            Task::PowerOff => "off".to_owned(),
            Task::Volume(level) => level.to_string(),
            _ => "on".to_owned(),
        };
        if has_booted || answer.is_some() {
            state.shows = Some(told);
        }
        if is_display && matches!(night.task, Task::PowerOn | Task::RawPowerOn) {
            state.boots_until = Some(request.at + draws.boot);
        }
    }
    None
}

/// Checks S3: what the run in one process tells of each device is what was drawn for it.
pub(super) fn in_process(night: &Night, draws: &Draws, json: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |device: &str, what| findings.push(Finding { invariant: "S3", device: device.to_owned(), what });
    let Ok(report) = serde_json::from_str::<Report>(json) else { return findings };
    if !report.simulated {
        find("", "its report does not say that it is simulated".to_owned());
    }
    for (who, told) in night.selected().zip(&report.devices) {
        if !is_as_drawn(night, draws, who, told) {
            let drawn = if draws.refuses(who.0) { Some(simulate::Fault::Refuse) } else { draws.device(who).fault };
            find(&told.name, format!("`{}` ({}), drawn was {drawn:?}", told.status, told.kind()));
        }
    }
    findings
}

fn is_as_drawn(night: &Night, draws: &Draws, who: Who, told: &Device) -> bool {
    // Cut short, it says nothing of a fault.
    let is_short = told.status == "skipped" || matches!(told.kind(), "interrupted" | "device_deadline" | "busy");
    if is_short || (told.kind() == "mismatch" && night.verify) {
        return true;
    }
    if draws.refuses(who.0) {
        return told.kind() == "connection_refused";
    }
    let family = night.gateways[who.0].family;
    let is_told_nothing = night.task == Task::Broadcast;
    let draw = draws.device(who);
    match draw.fault {
        _ if is_told_nothing => told.status == "sent",
        None | Some(simulate::Fault::Refuse) => told.status == "ok",
        Some(simulate::Fault::Silent) => told.kind() == "reply_timeout",
        Some(simulate::Fault::Reject) if family == Family::Printer => told.status == "ok",
        // Of a board that is only asked nobody sees it.
        Some(simulate::Fault::Reject) if family == Family::Devantech && told.sent_hex.as_deref() == Some("24") => {
            told.status == "ok"
        }
        Some(simulate::Fault::Reject) if told.status == "ok" && told.changed == Some(false) => {
            family == Family::Devantech
        }
        Some(simulate::Fault::Reject) => told.kind() == "refused",
        // What a printer says ends with the connection.
        Some(simulate::Fault::Cut) if family == Family::Printer => told.status == "ok",
        Some(simulate::Fault::Cut) => matches!(told.kind(), "connection_closed" | "connection_reset"),
        Some(simulate::Fault::Slow) => matches!(told.kind(), "" | "reply_timeout"),
    }
}
