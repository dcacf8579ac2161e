//! What is wrong before the device is asked: no connection, a gateway in the way, another service on the port.

use super::{Finding, clients, note, peer, problem, quoted};
use crate::codec::{LineState, TelnetMode};
use crate::doctor::seen::{Heard, LineEnd, Opened, Seen};
use crate::doctor::steps::Patient;
use crate::model::Medium;

/// No connection: nothing else can be known.
pub(super) fn not_opened(patient: &Patient, opened: &Opened) -> Option<Finding> {
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
                    "check the address, the port number (it is the port for commands, not that of its web page){}, and that the device's TCP access is enabled",
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
pub(super) fn usual_port(patient: &Patient) -> String {
    match patient.device_type.port {
        Some(port) if port != patient.address.port => format!(" (these devices come with port {port})"),
        _ => String::new(),
    }
}

pub(super) fn telnet(patient: &Patient, seen: &Seen) -> Option<Finding> {
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

pub(super) fn serial(seen: &Seen) -> Option<Finding> {
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
pub(super) fn gateway(patient: &Patient, seen: &Seen) -> Option<Finding> {
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

pub(super) fn babbling(patient: &Patient, heard: &Heard) -> Finding {
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
pub(super) fn unasked(patient: &Patient, greeting: &Heard) -> Option<Finding> {
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
pub(super) fn service(patient: &Patient, bytes: &[u8]) -> Option<Finding> {
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
