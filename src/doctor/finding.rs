//! What was seen → what is wrong, and what to change. Pure; the knowledge is that of manuals and of people who run such fleets.

use super::seen::{Answer, Asked, Heard, LineEnd, Opened, Question, Seen, Terminator};
use super::steps::Patient;
use crate::codec::{LineState, TelnetMode};
use crate::device_type::Verdict;
use crate::model::escape::shown;

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
    found.extend(unasked(&seen.greeting));
    let Some(query) = &patient.query else {
        found.push(note("the port is open; this device type has no harmless question, so the device was not asked"));
        return found;
    };
    match seen.own_answer() {
        Some(asked) => answered(asked, seen, &mut found),
        None => found.push(unanswered(patient, query.unit(), seen)),
    }
    if seen.out_of_time {
        found.push(note("the time of the examination was over before everything was asked"));
    }
    found
}

/// No connection: nothing else can be known.
fn not_opened(patient: &Patient, opened: &Opened) -> Option<Finding> {
    let address = &patient.address;
    Some(match opened {
        Opened::Yes => return None,
        Opened::Untried => problem(format!("{address} was not tried"), "run the command again"),
        Opened::NoName(why) => problem(
            format!("the name `{}` does not resolve: {why}", address.host),
            "check its spelling, and that this machine's DNS server knows it; or use the IP address",
        ),
        Opened::Refused => problem(
            format!("{address} refuses connections: the host is up, but nothing listens on port {}", address.port),
            "check the port number (it is the gateway's data port, not that of its web page), and that the gateway is in TCP server mode",
        ),
        Opened::TimedOut(after) => problem(
            format!("{address} does not answer: no connection after {:.1} s", after.as_secs_f32()),
            "check power and network of the gateway, its address, and that no firewall drops the connection",
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
            "check the gateway, and that nothing between here and there cuts connections",
        ),
    })
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

/// The gateway itself is in the way.
fn gateway(patient: &Patient, seen: &Seen) -> Option<Finding> {
    let occupied = "close the other program, or restart the gateway if the connection is left over from one that died";
    if let Some((_, text)) = seen.heard().find_map(|heard| patient.link.busy_text(&heard.data)) {
        return Some(problem(format!("the gateway is occupied by another client; it says `{text}`"), occupied));
    }
    let greeting = &seen.greeting;
    match greeting.end {
        LineEnd::Closed | LineEnd::Broken if greeting.data.is_empty() => Some(problem(
            "the gateway takes the connection and hangs up at once: it serves another client, or this machine may not connect",
            format!("{occupied}; else check which addresses the gateway allows"),
        )),
        LineEnd::Closed | LineEnd::Broken => Some(problem(
            format!("the gateway hangs up before it is asked; it says `{}`", quoted(&greeting.data)),
            "read what it says: it may be another client, a list of allowed addresses, or another service on this port",
        )),
        LineEnd::Babbling => Some(babbling(greeting)),
        LineEnd::Open => None,
    }
}

fn babbling(heard: &Heard) -> Finding {
    problem(
        format!("the line never stops talking: {} bytes came, beginning with `{}`", heard.total, quoted(&heard.bytes)),
        "check baud rate and parity, that nothing else uses the serial line, and the device type",
    )
}

/// What came before anything was asked, and is not the gateway's business.
fn unasked(greeting: &Heard) -> Option<Finding> {
    let bytes = greeting.data.as_slice();
    if bytes.trim_ascii().is_empty() {
        return None;
    }
    Some(match service(bytes) {
        Some(finding) => finding,
        None => note(format!("before it was asked anything, `{}` came", quoted(bytes))),
    })
}

/// Another service that gives itself away.
fn service(bytes: &[u8]) -> Option<Finding> {
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
        format!("{name} answers on this port, not the device: `{}`", quoted(bytes)),
        "use the gateway's data port, not that of its configuration",
    ))
}

/// The device answered the question as a run would ask it.
fn answered(asked: &Asked, seen: &Seen, found: &mut Vec<Finding>) {
    let Some(Answer { shown, verdict }) = &asked.answer else { return };
    match verdict {
        Verdict::Ok { .. } | Verdict::Stray => {}
        Verdict::Refused { message } => found.push(problem(
            format!("the device answers, but refuses the question: {message}"),
            "connection, line and unit are right; check that this model knows the command, and that its present state allows it",
        )),
        Verdict::Busy { message } => found.push(problem(
            format!("the device answers, but asks to wait: {message}"),
            "connection, line and unit are right; displays say so while they start: try again in a minute",
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
            "check the device type; if it is right, check baud rate, parity and cable",
        )),
    }
    if asked.echoed {
        found.push(note("the device repeats what it is sent before it answers (echo): that does no harm"));
    }
    if seen.asked.first().is_some_and(|first| !first.is_answered()) {
        found.push(note(
            "only the second question was answered: half a command of another program may have stood in the device, or the line is not reliable",
        ));
    }
}

/// The device did not answer the question as a run would ask it.
fn unanswered(patient: &Patient, unit: Option<i64>, seen: &Seen) -> Finding {
    let param = patient.query.as_ref().and_then(|query| query.request.device_type().unit_param.clone());
    let others = seen.other_units();
    if let (Some(param), Some(first)) = (&param, others.first()) {
        let own = unit.map_or_else(|| "the device's own".to_owned(), |unit| unit.to_string());
        let listed: Vec<String> = others.iter().map(ToString::to_string).collect();
        return problem(
            format!("{param} {own} does not answer, but {param} {} does", listed.join(", ")),
            format!("write `params = {{ {param} = {first} }}`, or set the device's menu to {own}"),
        );
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
        return babbling(heard);
    }
    if let Some(finding) = seen.asked.iter().find_map(|asked| service(&asked.heard.data)) {
        return finding;
    }
    if let Some(asked) = seen.asked.iter().find(|asked| asked.garbled) {
        return garbled(&asked.heard.data);
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
            "check that the cable reaches the device and is no loopback plug, that the gateway's own echo is off, and the unit's number",
        );
    }
    if seen.asked.iter().any(|asked| matches!(asked.heard.end, LineEnd::Closed | LineEnd::Broken)) {
        return problem(
            "the gateway hangs up when it is asked",
            "another client may have taken the port over; else check the port, and that it speaks the device's language",
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

fn garbled(bytes: &[u8]) -> Finding {
    let strange = bytes.iter().filter(|byte| !matches!(byte, 0x20..=0x7e | b'\r' | b'\n' | b'\t')).count();
    let what = format!("bytes come that make no reply: `{}`", quoted(bytes));
    if strange * 4 >= bytes.len() {
        problem(
            what,
            "check baud rate and parity of the gateway's serial port: such bytes come from a line at another speed; then the device type",
        )
    } else {
        problem(
            what,
            "something else answers on this port, or the device speaks another language: check device type, address and port, then baud rate and parity",
        )
    }
}

fn silent(patient: &Patient) -> Finding {
    let unit = patient.query.as_ref().and_then(|query| {
        let param = query.request.device_type().unit_param.clone()?;
        Some(format!(", that the device's {param} is among those that were asked"))
    });
    problem(
        "the port is open, but the line is silent: nothing answered",
        format!(
            "check the serial cable (crossed, null-modem), that the device is on and its RS-232 control enabled, that this is the gateway's data port for this line, the gateway's baud rate{}, and the device type",
            unit.unwrap_or_default()
        ),
    )
}

fn quoted(bytes: &[u8]) -> String {
    match bytes.get(..QUOTED) {
        Some(beginning) => format!("{}…", shown(beginning)),
        None => shown(bytes),
    }
}

#[cfg(test)]
mod tests;
