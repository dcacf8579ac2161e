//! What was seen → what is wrong, and what to change. Pure; the knowledge is that of manuals and of people who run such fleets.

use super::readable::readable;
use super::seen::{Answer, Asked, Heard, LineEnd, LoggedIn, LoginEnd, Opened, Seen};
use super::steps::Patient;
use crate::codec::{LineState, TelnetMode};
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
    if let Some(closed) = not_opened(patient, &seen.opened) {
        found.push(closed);
        return found;
    }
    found.extend(telnet(patient, seen));
    if let Some(gateway) = gateway(patient, seen) {
        found.push(gateway);
        return found;
    }
    found.extend(serial(seen));
    found.extend(unasked(patient, &seen.greeting));
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

/// No connection: nothing else can be known.
fn not_opened(patient: &Patient, opened: &Opened) -> Option<Finding> {
    let address = &patient.address;
    let peer = peer(patient);
    Some(match opened {
        Opened::Yes => return None,
        Opened::Untried => problem(format!("{address} was not tried"), "run the command again"),
        Opened::NoName(why) => problem(
            format!("the name `{}` does not resolve: {why}", address.host),
            "check its spelling, and that this machine's DNS server knows it; or use the IP address",
        ),
        Opened::Refused => problem(
            format!("{address} refuses connections: the host is up, but nothing listens on port {}", address.port),
            match patient.link.medium {
                Medium::Serial => "check the port number (it is the gateway's data port, not that of its web page), and that the gateway is in TCP server mode".to_owned(),
                Medium::Network => format!(
                    "check the address, the port number (it is the port for commands, not that of its web page{}), and that the device's TCP access is enabled",
                    usual_port(patient)
                ),
            },
        ),
        Opened::TimedOut(after) => problem(
            format!("{address} does not answer: no connection after {:.1} s", after.as_secs_f32()),
            format!("check power and network of the {peer}, its address, and that no firewall drops the connection"),
        ),
        Opened::NoRoute(words) => problem(
            format!("there is no way to {address}: {words}"),
            "check this machine's network, routes and VPN, and the address",
        ),
        Opened::OwnFault(words) => problem(
            format!("this machine could not open the connection: {words}"),
            "check its firewall and its limits; the device is not at fault",
        ),
        Opened::Failed(words) => problem(
            format!("the connection to {address} failed: {words}"),
            format!("check the {peer}, and that nothing between here and there cuts connections"),
        ),
    })
}

/// The port that the type's devices come with, where the address has another.
fn usual_port(patient: &Patient) -> String {
    match patient.device_type.port {
        Some(port) if port != patient.address.port => format!("; these come with {port}"),
        _ => String::new(),
    }
}

fn telnet(patient: &Patient, seen: &Seen) -> Option<Finding> {
    if !seen.speaks_telnet() {
        return None;
    }
    let what = "the gateway speaks Telnet on this port: it began to negotiate (bytes FF FB to FF FE)";
    Some(match patient.link.telnet {
        TelnetMode::Never => problem(
            format!("{what}, and the device's `link` says that it does not"),
            "write `link = { telnet = \"always\" }` for the device, or set the gateway's port to raw TCP",
        ),
        TelnetMode::Auto => note(format!("{what}; `link = {{ telnet = \"auto\" }}` takes care of that")),
        TelnetMode::Always | TelnetMode::Line(_) => note(format!("{what}, as the device's `link` says")),
    })
}

fn serial(seen: &Seen) -> Option<Finding> {
    let why = match seen.serial.as_ref()? {
        LineState::Set => return None,
        LineState::Refused(why) => why.as_str(),
        LineState::Waiting => "it does not answer to that",
    };
    Some(problem(
        format!("the gateway does not let its serial line be set: {why}"),
        "set its port to RFC 2217 mode; or take `serial` out of the device's `link`, and set the line in the gateway itself",
    ))
}

/// The gateway itself, or what stands in its place, is in the way.
fn gateway(patient: &Patient, seen: &Seen) -> Option<Finding> {
    let peer = peer(patient);
    let occupied = format!(
        "close the other program, or restart the {peer} if the connection is left over from one that died{}",
        clients(patient)
    );
    if let Some((_, text)) = seen.heard().find_map(|heard| patient.link.busy_text(&heard.data)) {
        return Some(problem(format!("the {peer} is occupied by another client; it says `{text}`"), occupied));
    }
    let greeting = &seen.greeting;
    match greeting.end {
        LineEnd::Closed | LineEnd::Broken if greeting.data.is_empty() => Some(problem(
            format!(
                "the {peer} takes the connection and hangs up at once: it serves another client, or this machine may not connect"
            ),
            format!("{occupied}; else check which addresses the {peer} allows"),
        )),
        LineEnd::Closed | LineEnd::Broken => Some(problem(
            format!("the {peer} hangs up before it is asked; it says `{}`", quoted(patient, &greeting.data)),
            "read what it says: it may be another client, a list of allowed addresses, or another service on this port",
        )),
        LineEnd::Babbling => Some(babbling(patient, greeting)),
        LineEnd::Open => None,
    }
}

fn babbling(patient: &Patient, heard: &Heard) -> Finding {
    problem(
        format!(
            "the line never stops talking: {} bytes came, beginning with `{}`",
            heard.total,
            quoted(patient, &heard.bytes)
        ),
        match patient.link.medium {
            Medium::Serial => "check baud rate and parity, that nothing else uses the serial line, and the device type",
            Medium::Network => {
                "check the address, the port and the device type: another device or service may be there"
            }
        },
    )
}

/// What came before anything was asked, and is not the gateway's business.
fn unasked(patient: &Patient, greeting: &Heard) -> Option<Finding> {
    let bytes = greeting.data.as_slice();
    if bytes.trim_ascii().is_empty() {
        return None;
    }
    Some(match service(patient, bytes) {
        Some(finding) => finding,
        None => note(format!("before it was asked anything, `{}` came", quoted(patient, bytes))),
    })
}

/// Another service that gives itself away.
fn service(patient: &Patient, bytes: &[u8]) -> Option<Finding> {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let known = [
        ("ssh-", "SSH"),
        ("http/", "a web page"),
        ("login:", "a log-in"),
        ("password:", "a log-in"),
        ("220 ", "FTP or mail"),
    ];
    let (_, name) = known.into_iter().find(|(sign, _)| text.contains(sign))?;
    Some(problem(
        format!("{name} answers on this port, not the device: `{}`", quoted(patient, bytes)),
        match patient.link.medium {
            Medium::Serial => "use the gateway's data port, not that of its configuration".to_owned(),
            Medium::Network => format!("use the device's port for commands{}", usual_port(patient)),
        },
    ))
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

mod unanswered;

#[cfg(test)]
mod tests;
