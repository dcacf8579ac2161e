//! A device that did not answer as a run would ask it: what it did instead, and what to change.

use super::connection::{babbling, service, usual_port};
use super::{Finding, clients, peer, problem, quoted};
use crate::device_type::Verdict;
use crate::doctor::query::Query;
use crate::doctor::seen::{Heard, LineEnd, Question, Seen, Terminator};
use crate::doctor::steps::Patient;
use crate::model::Medium;
use crate::model::escape::shown;

/// The device did not answer the question as a run would ask it.
pub(super) fn unanswered(patient: &Patient, seen: &Seen) -> Finding {
    let unit = patient.query.as_ref().and_then(Query::unit);
    let param = patient.device_type.unit_param.clone();
    let others = seen.other_units();
    if let (Some(param), Some(first)) = (&param, others.first()) {
        let own = unit.map_or_else(|| "the device's own".to_owned(), |unit| unit.to_string());
        let listed: Vec<String> = others.iter().map(ToString::to_string).collect();
        return problem(
            format!("{param} {own} does not answer, but {param} {} does", listed.join(", ")),
            format!("write `params = {{ {param} = {first} }}`, or set the device's menu to {own}"),
        );
    }
    if let Some(finding) = other_way(patient, seen) {
        return finding;
    }
    let ending = seen.asked.iter().find_map(|asked| match asked.question {
        Question::Ending(terminator) if asked.is_answered() => Some(terminator),
        _ => None,
    });
    if let Some(terminator) = ending {
        return other_ending(patient, terminator);
    }
    if unit.is_some_and(|unit| seen.asked.iter().any(|asked| asked.heard.units.contains(&unit))) {
        return problem(
            format!("the device answers, but only after {:.1} s", patient.reply_timeout.as_secs_f32()),
            "write a larger `reply_timeout` for it",
        );
    }
    if let Some(heard) = seen.heard().find(|heard| heard.end == LineEnd::Babbling) {
        return babbling(patient, heard);
    }
    if let Some(finding) = seen.asked.iter().find_map(|asked| service(patient, &asked.heard.data)) {
        return finding;
    }
    if let Some(asked) = seen.asked.iter().find(|asked| asked.garbled) {
        return garbled(patient, &asked.heard.data);
    }
    if let Some(asked) = seen.asked.iter().find(|asked| !asked.heard.units.is_empty()) {
        let units: Vec<String> = asked.heard.units.iter().map(ToString::to_string).collect();
        return problem(
            format!(
                "replies came that name another unit ({}), but it did not answer when it was asked",
                units.join(", ")
            ),
            "check that no other program uses the serial line",
        );
    }
    if seen.asked.iter().any(|asked| asked.echoed) {
        return problem(
            "what is written comes back and nothing else: something echoes, but no device answers",
            match patient.link.medium {
                Medium::Serial => {
                    "check that the cable reaches the device and is no loopback plug, that the gateway's own echo is off, and the unit's number"
                }
                Medium::Network => "check the address and the port: an echo service, or another device, may be there",
            },
        );
    }
    if seen.asked.iter().any(|asked| matches!(asked.heard.end, LineEnd::Closed | LineEnd::Broken)) {
        return problem(
            format!("the {} hangs up when it is asked", peer(patient)),
            format!(
                "another client may have taken the port over{}; else check the port, and that what is there speaks the device's language",
                clients(patient)
            ),
        );
    }
    silent(patient)
}

fn other_ending(patient: &Patient, terminator: Terminator) -> Finding {
    let name = patient.query.as_ref().map_or("", |query| &query.request.device_type().name);
    let end = match terminator {
        Terminator::Nothing => "without any line end".to_owned(),
        other => format!("when the command ends in `{}`", shown(other.bytes())),
    };
    problem(
        format!("the device answers only {end}, which is not how `{name}` ends its commands"),
        format!("use a device type of your own with `[send] frame = \"{{body}}{}\"`", shown(terminator.bytes())),
    )
}

fn garbled(patient: &Patient, bytes: &[u8]) -> Finding {
    let strange = bytes.iter().filter(|byte| !matches!(byte, 0x20..=0x7e | b'\r' | b'\n' | b'\t')).count();
    let change = match patient.link.medium {
        Medium::Serial if strange * 4 >= bytes.len() => {
            "check baud rate and parity of the gateway's serial port: such bytes come from a line at another speed; then the device type"
        }
        Medium::Serial => {
            "something else answers on this port, or the device speaks another language: check device type, address and port, then baud rate and parity"
        }
        Medium::Network => {
            "something else answers on this port, or the device speaks another language or mode: check device type, address and port"
        }
    };
    problem(format!("bytes come that make no reply: `{}`", quoted(patient, bytes)), change)
}

/// No whole reply came to the log-in.
pub(super) fn log_in(patient: &Patient, heard: &Heard) -> Finding {
    if heard.end == LineEnd::Babbling {
        return babbling(patient, heard);
    }
    if let Some(finding) = service(patient, &heard.data) {
        return finding;
    }
    if !heard.data.trim_ascii().is_empty() {
        return garbled(patient, &heard.data);
    }
    if matches!(heard.end, LineEnd::Closed | LineEnd::Broken) {
        return problem(
            format!("the {} hangs up at the log-in", peer(patient)),
            format!("another client may hold it{}; else check device type, address and port", clients(patient)),
        );
    }
    silent(patient)
}

/// The device answered another way of asking, which its `params` or its `link` can choose.
fn other_way(patient: &Patient, seen: &Seen) -> Option<Finding> {
    if let Some(closes) = seen.half_close() {
        let (so, not) = if closes { ("closed", "open") } else { ("open", "closed") };
        return Some(problem(
            format!(
                "the device answers only when our side of the connection is {so} behind the command, not when it is {not}"
            ),
            format!("write `link = {{ half_close = {closes} }}` for it"),
        ));
    }
    let place = seen.dialect()?;
    let dialect = patient.query.as_ref()?.dialects.get(place)?;
    let asked = seen.asked.iter().find(|asked| asked.question == Question::Dialect(place))?;
    let but = match asked.answer.as_ref().map(|answer| &answer.verdict) {
        Some(Verdict::Refused { message } | Verdict::Busy { message }) => format!(" (it says: {message})"),
        _ => String::new(),
    };
    let setting = dialect.setting();
    Some(problem(
        format!("the device does not answer with `{}`, but does with `{setting}`{but}", dialect.own_setting()),
        format!("write `params = {{ {setting} }}` for it"),
    ))
}

/// Nothing came at all.
fn silent(patient: &Patient) -> Finding {
    if patient.link.medium == Medium::Network {
        return problem(
            "the port is open, but the device is silent: nothing answered",
            format!(
                "check that {} is the device's port for commands{} and that it is a `{}`; close other programs that are connected to it{}; if there are none, turn it off and on: that ends connections left over from a program that died",
                patient.address,
                usual_port(patient),
                patient.device_type.name,
                clients(patient)
            ),
        );
    }
    let unit = patient.device_type.unit_param.as_ref().filter(|_| patient.query.is_some());
    let unit =
        unit.map_or_else(String::new, |param| format!(", that the device's {param} is among those that were asked"));
    problem(
        "the port is open, but the line is silent: nothing answered",
        format!(
            "check the serial cable (crossed, null-modem), that the device is on and its RS-232 control enabled, that this is the gateway's data port for this line, the gateway's baud rate{unit}, and the device type"
        ),
    )
}
