//! I1: an `ok` has its acknowledgement. I2: a verified one showed the state, and had it. I6: a reply in time is used.

use serde_json::Value;

use super::Findings;
use super::case::{Case, Told, Write};
use crate::night::{Family, Fault, LinkFault, Task};
use crate::told::hex;
use crate::world::{HEADER, Kind, Meaning, Message};

/// Checks I1, I2 and I6.
pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for device in &case.devices {
        acknowledged(case, device, findings);
        shown(case, device, findings);
        if let Some(last) = device.writes.last()
            && device.is_exact()
        {
            used(case, device, last, findings);
            read(case, device, last, findings);
            let earlier = device.writes.iter().rev().skip(1);
            earlier.for_each(|write| kept(case, device, write, findings));
        }
    }
}

/// I1.
fn acknowledged(case: &Case<'_>, device: &Told<'_>, findings: &mut Findings) {
    let told = &device.report;
    // Shown by its state instead.
    let by_state = told.verified == Some(true) || told.changed == Some(false);
    if told.status != "ok" || by_state {
        return;
    }
    let first = device.writes.first().map_or(u64::MAX, |write| write.seq);
    let is_answer = |message: &Message| {
        message.who == Some(device.who)
            && message.meaning.is_yes()
            && case.truth.requests[message.request].kind == Kind::Command
            && message.is_read()
            && message.read_seq > first
    };
    let holds = case.truth.messages.iter().any(is_answer);
    findings.expect(holds, "I1", &told.name, || "`ok`, but it has not acknowledged".to_owned());
}

/// I2.
fn shown(case: &Case<'_>, device: &Told<'_>, findings: &mut Findings) {
    let told = &device.report;
    if told.status == "ok" {
        let changed = case.night.if_needed.then_some(!device.writes.is_empty());
        let is_known = !device.is_blurred && !device.is_lossy && case.night.limits.until.is_none();
        let agrees = !is_known || told.changed == changed;
        findings.expect(agrees, "I2", &told.name, || {
            format!("`changed` is {:?}, and its command was written {} times", told.changed, device.writes.len())
        });
        findings.expect(told.verified == case.night.verify.then_some(true), "I2", &told.name, || {
            format!("`ok` with `verified` {:?}", told.verified)
        });
    }
    let is_verified = told.verified == Some(true);
    let is_left_alone = told.changed == Some(false) && told.status == "ok";
    if told.status != "ok" || !(is_verified || is_left_alone) {
        return;
    }
    let known = device.writes.iter().rfind(|write| write.request.is_some() || !device.is_blurred);
    let last = known.map_or(0, |write| write.seq);
    let questions = case.truth.messages.iter().filter(|message| {
        let request = &case.truth.requests[message.request];
        message.who == Some(device.who) && message.is_read() && request.kind == Kind::Query && request.seq > last
    });
    // The question that was judged is the last that was answered: nothing is asked after the wanted state has shown.
    let wanted = Meaning::State(case.wanted());
    let answer = questions.max_by_key(|message| message.read_seq);
    findings.expect(answer.is_some_and(|message| message.meaning == wanted), "I2", &told.name, || {
        let showed = answer.map(|message| &message.meaning);
        format!("told to be {wanted:?}, last showed {showed:?} after its command")
    });
}

/// The answer to a write that the program must have used: whole, and in time.
fn usable<'a>(case: &Case<'a>, device: &Told<'a>, write: &Write<'a>) -> Option<&'a Message> {
    let answer = write.request.and_then(|request| request.answer).map(|answer| &case.truth.messages[answer]);
    let answer = answer.filter(|answer| answer.is_whole)?;
    if case.is_close(device, write) {
        return None;
    }
    // The late answer to the same bytes came first.
    if case.answer(device, write).is_some_and(|first| !std::ptr::eq(first, answer)) {
        return None;
    }
    let open = write.connection;
    let is_lost = open.is_noisy || open.fault == Some(LinkFault::PanicsInRead);
    let is_lost = is_lost || open.ends_at.is_some_and(|end| end <= answer.last_at + case.night.slack);
    // In memory it has come when it is due; on a socket when it was put there.
    let came = if case.night.slack > 0 { answer.whole_at.max(answer.read_at) } else { answer.whole_at };
    if is_lost || came > case.answer_end(device, write) || !case.is_patient_with(device, write, answer) {
        return None;
    }
    if !case.is_single_pass() && case.device_end(device).is_none_or(|end| answer.last_at >= end.saturating_sub(30_000))
    {
        // When its time was over is not known exactly; what is told of it is checked by the other invariants.
        return None;
    }
    Some(answer)
}

/// I6: a file that came whole and in time is not fetched once more.
fn kept(case: &Case<'_>, device: &Told<'_>, earlier: &Write<'_>, findings: &mut Findings) {
    let answer = usable(case, device, earlier).filter(|answer| answer.meaning == Meaning::File);
    findings.expect(answer.is_none(), "I6", &device.report.name, || {
        let at = answer.map(|answer| answer.last_at);
        format!("its file was there at {at:?} ms, in time, and was asked for again")
    });
}

/// I6: what a whole answer in time must come to.
fn used(case: &Case<'_>, device: &Told<'_>, last: &Write<'_>, findings: &mut Findings) {
    let told = &device.report;
    let Some(answer) = usable(case, device, last) else { return };
    let is_used = match answer.meaning {
        Meaning::Yes | Meaning::State(_) | Meaning::Text(_) | Meaning::File => told.status == "ok" || case.asks(),
        Meaning::No => told.status == "rejected" && told.kind() == "refused",
        Meaning::Busy => told.status == "rejected" && told.kind() == "busy",
        Meaning::LogIn => true,
    };
    findings.expect(is_used, "I6", &told.name, || {
        let (at, status, kind) = (answer.last_at, &told.status, told.kind());
        format!("answered {:?} at {at} ms, in time, and is `{status}` ({kind})", answer.meaning)
    });
}

/// I1 and I13: the reply and its value are those of the answer that was read.
fn read(case: &Case<'_>, device: &Told<'_>, last: &Write<'_>, findings: &mut Findings) {
    let told = &device.report;
    let is_clear = !case.asks() && !case.is_close(device, last);
    let Some(answer) = case.answer(device, last).filter(|_| is_clear) else { return };
    if device.gateway.family != Family::Printer {
        // Of a file the header is the reply.
        let reply = if answer.meaning == Meaning::File { &answer.bytes[..HEADER] } else { &answer.bytes };
        findings.expect(told.reply_hex.as_deref() == Some(&*hex(reply)), "I13", &told.name, || {
            format!("`reply_hex` is {:?}, it sent {}", told.reply_hex, hex(reply))
        });
    }
    let value = match (&answer.meaning, case.night.task) {
        (Meaning::State(state), Task::Status) => Value::from(state.as_str()),
        (Meaning::Yes, Task::Volume(level)) => Value::from(level),
        (Meaning::Text(text), _) if !is_cut(last) => Value::from(text.as_str()),
        _ => return,
    };
    findings.expect(told.value.as_ref() == Some(&value), "I1", &told.name, || {
        format!("`value` is {:?}, it said {value}", told.value)
    });
}

/// Whether what was said may have been cut short.
fn is_cut(write: &Write<'_>) -> bool {
    matches!(write.request.and_then(|one| one.fault), Some(Fault::Closes { .. } | Fault::Resets { .. }))
}
