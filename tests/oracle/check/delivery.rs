//! I3: `none` means that no byte reached the device. I4: `confirmed` means that it answered. I13: attempts and bytes in
//! the report are those that were made and sent.

use super::Findings;
use super::case::{Case, Told, Write, expected};
use crate::night::{Family, Fault, Flaw, Gateway, LinkFault, Task};
use crate::told::hex;
use crate::world::{Kind, Meaning, Message};

/// Checks I3, I4 and I13.
pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for device in &case.devices {
        let answers: Vec<Option<&Message>> = device.writes.iter().map(|write| case.answer(device, write)).collect();
        match &*device.report.delivery {
            "none" => none(case, device, &answers, findings),
            "confirmed" => confirmed(case, device, findings),
            _ => unknown(device, findings),
        }
        if device.is_exact() {
            last(case, device, answers.last().copied().flatten(), findings);
        }
        bytes(case, device, findings);
    }
    attempts(case, findings);
}

/// I3: nothing was written but what was refused with "not now", or what the gateway said that it had not passed on.
fn none(case: &Case<'_>, device: &Told<'_>, answers: &[Option<&Message>], findings: &mut Findings) {
    let name = &device.report.name;
    let harmless = |(write, answer): &(&Write<'_>, Option<&Message>)| {
        let is_busy = answer.is_some_and(|answer| answer.meaning == Meaning::Busy);
        write.connection.is_told_occupied || is_busy || case.is_close(device, write)
    };
    let written = device.writes.iter().zip(answers.iter().copied()).filter(|one| !harmless(one)).count();
    findings.expect(written == 0 || device.is_blurred, "I3", name, || {
        format!("delivery `none`, and {written} writes of its command")
    });
    let acted = case.truth.requests.iter().filter(|request| request.who == Some(device.who) && request.acted);
    let count = acted.filter(|request| request.kind == Kind::Command).count();
    findings.expect(count == 0, "I3", name, || format!("delivery `none`, and it has acted {count} times"));
}

/// I4.
fn confirmed(case: &Case<'_>, device: &Told<'_>, findings: &mut Findings) {
    let is_answer = |message: &Message| {
        let request = &case.truth.requests[message.request];
        message.who == Some(device.who) && request.kind == Kind::Command && message.is_read()
    };
    let holds = case.truth.messages.iter().any(is_answer);
    findings.expect(holds, "I4", &device.report.name, || "`confirmed`, but it has answered nothing".to_owned());
}

/// I4: unknown is only what was written.
fn unknown(device: &Told<'_>, findings: &mut Findings) {
    let is_internal = device.report.kind() == "internal";
    let is_written = !device.writes.is_empty() || device.is_lossy;
    findings.expect(is_written || is_internal, "I4", &device.report.name, || {
        "delivery `unknown`, but no byte of its command was written".to_owned()
    });
}

/// I4, where every attempt was a write: what became of the last one is what is told.
fn last(case: &Case<'_>, device: &Told<'_>, answer: Option<&Message>, findings: &mut Findings) {
    let told = &device.report;
    let Some(write) = device.writes.last() else { return };
    if told.kind() == "internal" || case.is_close(device, write) {
        return;
    }
    if case.is_single_pass() || answer.is_some() {
        let delivery = match answer {
            Some(_) => "confirmed",
            None if write.connection.is_told_occupied => &told.delivery,
            None => "unknown",
        };
        findings.expect(told.delivery == delivery, "I4", &told.name, || {
            format!(
                "delivery `{}`, but the last write was answered {:?}",
                told.delivery,
                answer.map(|one| &one.meaning)
            )
        });
    }
    if answer.is_some() || case.asks() || case.night.task == Task::Broadcast {
        return;
    }
    let kinds = kinds(case, device, write);
    let cut: &[&str] = &["interrupted", "device_deadline"];
    let kind = told.kind();
    findings.expect(kinds.contains(&kind) || cut.contains(&kind), "I4", &told.name, || {
        let fault = write.request.map(|request| request.fault);
        format!("`{}` ({kind}), after {fault:?} on {:?}", told.status, write.connection.fault)
    });
    let statuses: &[&str] = match kind {
        "reply_timeout" | "device_deadline" | "interrupted" => &["no_reply"],
        "gateway_busy" => &["unreachable"],
        "connection_closed" | "connection_reset" => &["no_reply", "bad_reply"],
        _ => &["bad_reply"],
    };
    findings.expect(statuses.contains(&&*told.status), "I4", &told.name, || {
        format!("`{}` with kind {kind}, not {statuses:?}", told.status)
    });
}

/// What the kind of a write's failure may be, when nothing valid came in time (contract, "Judging").
fn kinds(case: &Case<'_>, device: &Told<'_>, write: &Write<'_>) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    let fault = write.request.and_then(|request| request.fault);
    match fault {
        Some(Fault::Closes { .. }) => kinds.push("connection_closed"),
        Some(Fault::Resets { .. }) => kinds.push("connection_reset"),
        Some(Fault::Babbles) => kinds.extend(["reply_too_long", "reply_timeout"]),
        Some(Fault::Malformed) if device.gateway.family == Family::Devantech => kinds.push("malformed_reply"),
        Some(Fault::Malformed) if device.gateway.family == Family::Hub => kinds.push("malformed_reply"),
        Some(Fault::Malformed) => kinds.push("wrong_checksum"),
        Some(Fault::Flaw(flaw)) => kinds.push(kind(flaw)),
        _ => kinds.push("reply_timeout"),
    }
    kinds.extend(case.disturbances(write));
    match write.connection.fault {
        Some(LinkFault::Closes { .. } | LinkFault::IdleClose { .. }) => kinds.push("connection_closed"),
        Some(LinkFault::Resets { .. }) => kinds.push("connection_reset"),
        Some(LinkFault::Occupied { .. }) => kinds.extend(["gateway_busy", "connection_closed"]),
        Some(LinkFault::TakesPart { resets: true, .. }) => kinds.push("connection_reset"),
        _ => {}
    }
    kinds
}

/// What the kind of a failure must be after this, if nothing else goes wrong.
fn kind(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::Cut { resets: true, .. } | Flaw::Ends { resets: true } => "connection_reset",
        Flaw::Cut { .. } | Flaw::AnnouncesMore { closes: true, .. } | Flaw::Ends { .. } => "connection_closed",
        Flaw::AnnouncesTooMuch => "reply_too_long",
        Flaw::AnnouncesNothing | Flaw::TooSmall { .. } => "malformed_reply",
        _ => "reply_timeout",
    }
}

/// I13: the bytes that are told are those that went over the wire.
fn bytes(case: &Case<'_>, device: &Told<'_>, findings: &mut Findings) {
    let told = &device.report;
    let own = hex(&expected(case.night, device.who));
    let is_written = !device.writes.is_empty();
    if !device.is_blurred && told.kind() != "internal" {
        let sent = is_written.then_some(&own);
        let is_unseen = device.is_lossy && told.sent_hex.as_ref() == Some(&own);
        findings.expect(told.sent_hex.as_ref() == sent || is_unseen, "I13", &told.name, || {
            format!("`sent_hex` is {:?}, on the wire was {sent:?}", told.sent_hex)
        });
    }
    if told.status == "skipped" {
        findings.expect(told.attempts == 0 && (!is_written || device.is_blurred), "I13", &told.name, || {
            format!("`skipped` with {} attempts and {} writes", told.attempts, device.writes.len())
        });
    }
    if let Some(reply) = told.reply_hex.as_deref().filter(|reply| !reply.is_empty()) {
        let mine = |connection: &&crate::world::Connection| connection.gateway == device.who.0;
        let reply_bytes: Vec<u8> = reply.split(' ').filter_map(|digits| u8::from_str_radix(digits, 16).ok()).collect();
        let has = |read: &[u8]| read.windows(reply_bytes.len().max(1)).any(|part| part == reply_bytes);
        let read = case.truth.connections.iter().filter(mine).any(|connection| has(&connection.read));
        findings.expect(read, "I13", &told.name, || format!("`reply_hex` {reply} was never on the wire"));
    }
    let numbers: Vec<u64> = told.earlier_errors.iter().filter_map(|error| error.attempt).collect();
    let ascend = numbers.windows(2).all(|two| two[0] < two[1]) && numbers.iter().all(|number| *number < told.attempts);
    findings.expect(ascend, "I13", &told.name, || {
        format!("`earlier_errors` are of attempts {numbers:?} of {}", told.attempts)
    });
}

/// I13: what is told of attempts, at each gateway together, is what the gateway saw.
fn attempts(case: &Case<'_>, findings: &mut Findings) {
    for (place, gateway) in case.night.gateways.iter().enumerate() {
        let devices: Vec<&Told<'_>> = case.devices.iter().filter(|device| device.who.0 == place).collect();
        let Some(first) = devices.first().filter(|_| case.sees_tries(gateway)) else { continue };
        let told: u64 = devices.iter().map(|device| device.report.attempts).sum();
        let whole = |request: &&crate::world::Request| {
            case.truth.connections[request.connection].gateway == place && request.kind == Kind::Command
        };
        let commands = case.truth.requests.iter().filter(whole).count() as u64;
        let tails = case.truth.connections.iter().filter(|one| one.gateway == place && one.tail_at.is_some()).count();
        let tries = case.truth.tries.iter().filter(|one| one.gateway == place);
        let in_vain = tries
            .filter(|one| {
                let asked = |number: usize| {
                    let requests = || case.truth.requests.iter().filter(move |request| request.connection == number);
                    requests().any(|request| request.kind == Kind::Command)
                        || case.truth.connections[number].tail_at.is_some()
                };
                one.fault != Some(LinkFault::NoFiles) && one.opened.is_none_or(|number| !asked(number))
            })
            .count() as u64;
        let most = commands + tails as u64 + in_vain;
        // Who was skipped has no attempts in the report, whatever came before.
        let is_stopped = case.stop().is_some() || devices.iter().any(|device| device.report.status == "skipped");
        // Whoever was asked and is right has made one attempt without its command, and a wrong password one for all.
        let has_questions = case.asks() || gateway.password.is_some() || case.night.limits.rate.is_some();
        let least = if is_stopped || has_questions { 0 } else { most };
        // Over a connection that is kept an attempt leaves no trace if it is stopped, or the stream takes nothing.
        let is_traceless = case.stop().is_some()
            || first.is_lossy
            || has_fault(gateway, |one| matches!(one, LinkFault::TakesPart { .. }));
        let spare = if has_questions { 40 } else { u64::from(is_traceless) * 5 };
        let most = most + devices.len() as u64 * spare;
        findings.expect((least..=most).contains(&told), "I13", &first.report.name, || {
            format!("{told} attempts are told at its gateway, which saw {least} to {most}")
        });
    }
}

fn has_fault(gateway: &Gateway, is_one: impl Fn(&LinkFault) -> bool) -> bool {
    gateway.faults.iter().flatten().chain(&gateway.always).any(is_one)
}
