//! What was seen → what is wrong, and what to change. Pure; the knowledge is that of manuals and of people who run such fleets.

use super::readable::readable;
use super::seen::{Answer, Asked, LoggedIn, LoginEnd, Seen};
use super::steps::Patient;
use crate::device_type::{ParamKind, Verdict};
use crate::model::Medium;

/// How much of what came is quoted, in bytes.
const QUOTED: usize = 60;

/// One thing that the examination brought to light. Texts are safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it keeps a run from succeeding; if not, it is only worth knowing.
    pub is_problem: bool,
    /// What is so.
    pub what: String,
    /// What to change or to check.
    pub change: Option<String>,
}

fn problem(what: impl Into<String>, change: impl Into<String>) -> Finding {
    Finding { is_problem: true, what: what.into(), change: Some(change.into()) }
}

fn note(what: impl Into<String>) -> Finding {
    Finding { is_problem: false, what: what.into(), change: None }
}

/// Everything that can be said; the device is healthy when no problem is among it.
pub fn findings(patient: &Patient, seen: &Seen) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(closed) = connection::not_opened(patient, &seen.opened) {
        found.push(closed);
        return found;
    }
    found.extend(connection::telnet(patient, seen));
    if let Some(gateway) = connection::gateway(patient, seen) {
        found.push(gateway);
        return found;
    }
    found.extend(connection::serial(seen));
    found.extend(connection::unasked(patient, &seen.greeting));
    // What only comes back says nothing of a log-in.
    if let Some(logged_in) = seen.login.as_ref().filter(|logged_in| !logged_in.is_mirror) {
        found.extend(login(patient, logged_in));
        // A device that is not logged in to was asked nothing.
        if found.iter().any(|one| one.is_problem) && seen.asked.is_empty() {
            return found;
        }
    }
    if patient.query.is_none() {
        found.push(not_asked(patient));
        return found;
    }
    match seen.own_answer() {
        Some(asked) => answered(patient, asked, seen, &mut found),
        None => found.push(unanswered::unanswered(patient, seen)),
    }
    if seen.out_of_time {
        found.push(note("the time of the examination was over before everything was asked"));
    }
    found
}

/// What the address belongs to.
fn peer(patient: &Patient) -> &'static str {
    match patient.link.medium {
        Medium::Serial => "gateway",
        Medium::Network => "device",
    }
}

/// How many clients it serves, where that is known.
fn clients(patient: &Patient) -> String {
    match patient.link.clients {
        Some(1) => " (it serves one client at a time)".to_owned(),
        Some(clients) => format!(" (it serves {clients} clients at once)"),
        None => String::new(),
    }
}

/// Only listened to: more is not known.
fn not_asked(patient: &Patient) -> Finding {
    let name = &patient.device_type.name;
    Finding {
        change: Some(format!(
            "to have it asked, name a question that does no harm: a device type of your own with `base = \"{name}\"`, and in it an action with `query = true` as its `probe`"
        )),
        ..note(format!(
            "the port is open; device type `{name}` knows no harmless question, so the device was listened to and not asked"
        ))
    }
}

/// What became of the log-in.
fn login(patient: &Patient, logged_in: &LoggedIn) -> Option<Finding> {
    let secret = patient.device_type.params.iter().find(|param| matches!(param.kind, ParamKind::Secret { .. }));
    let param = secret.map_or("password", |param| &param.name);
    let because = |message: &Option<String>| message.as_ref().map_or_else(String::new, |said| format!(": {said}"));
    Some(match &logged_in.end {
        LoginEnd::Accepted => note("the device accepts the password"),
        LoginEnd::Unneeded(message) if logged_in.is_whole => {
            note(format!("the device did not want the password{}", because(message)))
        }
        LoginEnd::Unneeded(message) => note(format!("the device wants no password{}", because(message))),
        LoginEnd::Locked(message) => problem(
            format!(
                "the device wants a password, and there is no `{param}` in its `params`{}",
                message.as_ref().map_or_else(String::new, |said| format!(" ({said})"))
            ),
            format!(
                "write `params = {{ {param} = {{ env = \"VARIABLE\" }} }}` for it into the inventory and the password into that variable, then examine it by its name"
            ),
        ),
        LoginEnd::Refused(message) => problem(
            format!("the password is wrong: {message}"),
            format!(
                "correct what `{param}` in the device's `params` stands for; it was said once and is not tried again, so that nothing gets locked"
            ),
        ),
        // Without a password a run does not log in, and the question says more.
        LoginEnd::Malformed(_) | LoginEnd::Unanswered(_) if !logged_in.is_whole => return None,
        LoginEnd::Malformed(shown) => problem(
            format!("the log-in is answered with `{shown}`, which makes no sense"),
            "check the device type, the address and the port: another device or service may be there",
        ),
        LoginEnd::Unanswered(heard) => unanswered::log_in(patient, heard),
    })
}

/// The device answered the question as a run would ask it.
fn answered(patient: &Patient, asked: &Asked, seen: &Seen, found: &mut Vec<Finding>) {
    let Some(Answer { shown, verdict, .. }) = &asked.answer else { return };
    let is_right = match patient.link.medium {
        Medium::Serial => "connection, line and unit are right",
        Medium::Network => "connection and language are right",
    };
    match verdict {
        Verdict::Ok { .. } | Verdict::Stray => {}
        Verdict::Refused { message } => found.push(problem(
            format!("the device answers, but refuses the question: {message}"),
            format!(
                "{is_right}; check that its present state allows it (a device in configuration mode takes no commands until it is brought out of it), and that this model knows the command"
            ),
        )),
        Verdict::Busy { message } => found.push(problem(
            format!("the device answers, but asks to wait: {message}"),
            format!("{is_right}; displays say so while they start: try again in a minute"),
        )),
        Verdict::Auth { message } => found.push(problem(
            format!("the device answers, but wants a password: {message}"),
            "give the password in the device's `params`",
        )),
        Verdict::TooLong { announced } => found.push(problem(
            format!("the device answers, but announces {announced} bytes, more than there may be"),
            "check the device type",
        )),
        Verdict::Malformed { .. } => found.push(problem(
            format!("the device answers, but the reply `{shown}` makes no sense"),
            match patient.link.medium {
                Medium::Serial => "check the device type; if it is right, check baud rate, parity and cable",
                Medium::Network => "check the device type, the address and the port: another device may be there",
            },
        )),
    }
    if asked.echoed {
        found.push(note("the device repeats what it is sent before it answers (echo): that does no harm"));
    }
    if seen.asked.first().is_some_and(|first| !first.is_answered()) {
        found.push(note(match patient.link.medium {
            Medium::Serial => {
                "only the second question was answered: half a command of another program may have stood in the device, or the line is not reliable"
            }
            Medium::Network => "only the second question was answered: the device or the network is slow, or not reliable",
        }));
    }
}

fn quoted(patient: &Patient, bytes: &[u8]) -> String {
    let is_text = patient.device_type.is_text;
    match bytes.get(..QUOTED) {
        Some(beginning) if bytes.len() > QUOTED => format!("{}…", readable(beginning, is_text)),
        _ => readable(bytes, is_text),
    }
}

mod connection;
mod unanswered;

#[cfg(test)]
mod tests;
