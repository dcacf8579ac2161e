//! Requests and replies on the wire, from the protocols' sheets: where they end, whom they concern and what they mean. Hubs,
//! and boards whose state has more than a byte, are not drawn here (`suit.rs`).

use crate::night::{Family, Night, Task};
use crate::world::{Kind, Meaning, Request, Who, command};

/// What a reply says to the request that it answers.
pub(super) struct Reply {
    pub(super) meaning: Meaning,
    /// Whether it says that the device has done what it was told.
    pub(super) acted: bool,
}

/// How many bytes the first request in these takes, if it is whole.
pub(super) fn request_len(family: Family, bytes: &[u8]) -> Option<usize> {
    match family {
        Family::Display | Family::Printer => bytes.iter().position(|byte| *byte == b'\r').map(|end| end + 1),
        Family::Ncd => frame_len(bytes),
        Family::Devantech => match *bytes.first()? {
            0x20 | 0x21 => (bytes.len() >= 3).then_some(3),
            0x24 | 0x7A | 0x7B => Some(1),
            // A password has no end but that of what came at once.
            _ => Some(bytes.len()),
        },
        Family::Hub => None,
    }
}

/// The same of a reply.
pub(super) fn reply_len(family: Family, bytes: &[u8]) -> Option<usize> {
    match family {
        Family::Display => bytes.iter().position(|byte| *byte == b'x').map(|end| end + 1),
        Family::Printer => bytes.iter().position(|byte| *byte == 0).map(|end| end + 1),
        Family::Ncd => frame_len(bytes),
        Family::Devantech => (!bytes.is_empty()).then_some(1),
        Family::Hub => None,
    }
}

/// `AA`, length, payload, sum.
fn frame_len(bytes: &[u8]) -> Option<usize> {
    let len = usize::from(*bytes.get(1)?) + 3;
    (bytes.len() >= len).then_some(len)
}

/// Whom a request to a gateway is for, and what it is.
pub(super) fn request(night: &Night, gateway: usize, bytes: &[u8]) -> (Option<Who>, Kind) {
    let task = night.task;
    let planned = &night.gateways[gateway];
    let of = |unit: u8| {
        let place = planned.devices.iter().position(|device| device.unit == unit)?;
        night.order.contains(&(gateway, place)).then_some((gateway, place))
    };
    let is_command = |who: Who| command(task, planned.family, night.device(who).1) == bytes;
    let (who, is_query) = match planned.family {
        Family::Display => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let mut words = text.trim_end().split(' ').skip(1);
            let unit = words.next().and_then(|id| u8::from_str_radix(id, 16).ok());
            // A broadcast is for every display; the nights that have one have one display a line.
            (unit.and_then(|unit| of(unit.max(1))), words.next() == Some("ff"))
        }
        Family::Printer => (of(1), false),
        Family::Ncd => {
            let (code, bank) = (bytes.get(3).copied().unwrap_or(0), bytes.get(4).copied().unwrap_or(0));
            let is_known = (100..124).contains(&code) && bank > 0;
            (is_known.then(|| (code - 100) % 8 + 8 * (bank - 1) + 1).and_then(of), code >= 116)
        }
        Family::Devantech => match bytes.first() {
            Some(0x20 | 0x21) => (bytes.get(1).and_then(|unit| of(*unit)), false),
            // Which relay is meant is not in it: a board that is asked has one device in these nights.
            Some(0x24) => (planned.devices.first().and_then(|device| of(device.unit)), true),
            Some(0x79..=0x7B) => return (None, Kind::LogIn),
            _ => (None, false),
        },
        Family::Hub => (None, false),
    };
    let kind = match who {
        Some(who) if is_command(who) => Kind::Command,
        Some(_) if is_query => Kind::Query,
        _ => Kind::Alien,
    };
    (who, kind)
}

/// What a reply says to a request; `None`: it is not the answer to it.
pub(super) fn reply(night: &Night, request: &Request, bytes: &[u8]) -> Option<Reply> {
    let is_on = |is_active: bool| {
        let is_inverted = request.who.is_some_and(|who| night.device(who).1.inverted);
        let word = if is_active == is_inverted { "off" } else { "on" };
        Reply { meaning: Meaning::State(word.to_owned()), acted: false }
    };
    let told = |meaning: Meaning| {
        let acted = meaning == Meaning::Yes;
        Some(Reply { meaning, acted })
    };
    let family = match (request.who, request.kind) {
        (Some(who), _) => night.gateways[who.0].family,
        (None, Kind::LogIn) => Family::Devantech,
        (None, _) => return None,
    };
    match family {
        Family::Display => display(request, bytes, night.task),
        Family::Printer => {
            // White space around what a printer says is no part of it.
            let text = String::from_utf8_lossy(bytes.strip_suffix(b"\0").unwrap_or(bytes)).trim().to_owned();
            Some(Reply { meaning: Meaning::Text(text), acted: true })
        }
        Family::Devantech => match (request.bytes.first()?, bytes) {
            (0x79..=0x7B, _) => told(Meaning::LogIn),
            (0x24, [relays]) => {
                let unit = night.device(request.who?).1.unit;
                Some(is_on(relays & (1 << (unit - 1)) != 0))
            }
            (_, [0]) => told(Meaning::Yes),
            (_, [1]) => told(Meaning::No),
            _ => None,
        },
        Family::Ncd => {
            let (sum, rest) = bytes.split_last()?;
            let is_right = rest.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)) == *sum;
            let is_query = request.bytes.get(3).is_some_and(|code| *code >= 116);
            match rest.get(2..).filter(|_| is_right)? {
                [0x56] => told(Meaning::No),
                [state @ (0 | 1)] if is_query => Some(is_on(*state == 1)),
                [0x55] if !is_query => told(Meaning::Yes),
                _ => None,
            }
        }
        Family::Hub => None,
    }
}

/// Whether this may be the beginning of the reply to a request.
pub(super) fn begins(family: Family, request: &Request, said: &[u8]) -> bool {
    let asked = String::from_utf8_lossy(&request.bytes).trim_end().to_owned();
    let is_own = |name: &str, id: &str| {
        let reply = format!("{} {id} ", name.get(1..).unwrap_or_default());
        said.iter().zip(reply.as_bytes()).all(|(one, other)| one == other)
    };
    match (family, &asked.split(' ').collect::<Vec<_>>()[..]) {
        (Family::Display, [name, id, _]) => is_own(name, id),
        _ => true,
    }
}

/// `a 01 OK01x`: the letter and the unit are those of the request, and of what it sets the value, too.
fn display(request: &Request, bytes: &[u8], task: Task) -> Option<Reply> {
    let asked = String::from_utf8_lossy(&request.bytes).trim_end().to_owned();
    let [name, id, data] = asked.split(' ').collect::<Vec<_>>()[..] else { return None };
    let said = String::from_utf8_lossy(bytes).into_owned();
    let rest = said.strip_prefix(&format!("{} {id} ", name.get(1..)?))?.strip_suffix('x')?;
    let meaning = match (rest.get(..2)?, rest.get(2..)?) {
        ("NG", "03") => Meaning::Busy,
        ("NG", _) => Meaning::No,
        ("OK", level) if data == "ff" && name == "kf" => {
            Meaning::State(u8::from_str_radix(level, 16).ok()?.to_string())
        }
        ("OK", "01") if data == "ff" => Meaning::State("on".to_owned()),
        ("OK", "00") if data == "ff" => Meaning::State("off".to_owned()),
        ("OK", same) if same == data => Meaning::Yes,
        _ => return None,
    };
    let acted = meaning == Meaning::Yes && task != Task::Status;
    Some(Reply { meaning, acted })
}
