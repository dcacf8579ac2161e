//! LG displays on the serial line of a gateway, as in protocols.md §1: `ka 01 01` CR, `a 01 OK01x`.

use super::replies::{Answer, acts};
use super::truth::{Kind, Meaning};
use super::{State, Unit};
use crate::night::{Fault, Stray, Task};

/// What the run's command is for a display, without its CR.
pub(crate) fn command(task: Task, unit: u8) -> String {
    match task {
        Task::PowerOn | Task::RawPowerOn => format!("ka {unit:02x} 01"),
        Task::PowerOff => format!("ka {unit:02x} 00"),
        Task::Status => format!("ka {unit:02x} ff"),
        Task::Volume(level) => format!("kf {unit:02x} {level:02x}"),
        Task::Key => format!("mc {unit:02x} 02"),
        Task::Broadcast => "ka 00 01".to_owned(),
        Task::Pulse(_) | Task::Text { .. } | Task::Fetch => String::new(),
    }
}

impl State {
    /// A display line has got these bytes.
    pub(super) fn displays_hear(&mut self, gateway: usize, connection: usize) {
        let tail = &mut self.truth.connections[connection].tail;
        let Some(end) = tail.iter().position(|byte| *byte == b'\r') else { return };
        let line: Vec<u8> = tail.drain(..=end).collect();
        let text = String::from_utf8_lossy(&line[..end]).into_owned();
        let words: Vec<&str> = text.split(' ').collect();
        let ([name, id, data], true) = (&words[..], words.len() == 3) else {
            self.note(connection, None, Kind::Alien, &line);
            return;
        };
        let unit = u8::from_str_radix(id, 16).unwrap_or(u8::MAX);
        let is_broadcast = unit == 0;
        let who = if is_broadcast { self.who(gateway, 1) } else { self.who(gateway, unit) };
        let task = self.night.task;
        let kind = match who {
            Some(who) if text == command(task, if is_broadcast { 0 } else { self.night.device(who).1.unit }) => {
                Kind::Command
            }
            Some(_) if *data == "ff" => Kind::Query,
            _ => Kind::Alien,
        };
        let request = self.note(connection, who, kind, &line);
        let Some(who) = who else { return };
        let fault = self.fault(who, connection);
        if acts(fault) || matches!(fault, Some(Fault::Lies)) {
            self.carry_out(request, who, name, data, fault);
        }
        if is_broadcast {
            return;
        }
        let c2 = name.get(1..).unwrap_or("?");
        let (meaning, reply) = match (fault, *data) {
            (Some(Fault::Busy), _) => (Meaning::Busy, format!("{c2} {id} NG03x")),
            (Some(Fault::Refuses), _) => (Meaning::No, format!("{c2} {id} NG00x")),
            (_, "ff") if *name == "kf" => {
                let level = self.places[who.0].devices[who.1].level;
                (Meaning::State(level.to_string()), format!("{c2} {id} OK{level:02x}x"))
            }
            (_, "ff") => {
                let is_on = self.is_on(who);
                let word = if is_on { "on" } else { "off" };
                (Meaning::State(word.to_owned()), format!("{c2} {id} OK0{}x", u8::from(is_on)))
            }
            (_, data) => (Meaning::Yes, format!("{c2} {id} OK{data}x")),
        };
        let answer = Answer {
            meaning,
            bytes: reply.into_bytes(),
            echo: [&line[..], b"\n"].concat(),
            stray,
            malformed: Vec::new(),
            is_serial: true,
        };
        self.answer(request, who, fault, answer);
    }

    fn carry_out(&mut self, request: usize, who: (usize, usize), name: &str, data: &str, fault: Option<Fault>) {
        if data == "ff" {
            return;
        }
        self.truth.requests[request].acted = !matches!(fault, Some(Fault::Lies));
        let level = u8::from_str_radix(data, 16).unwrap_or(0);
        match name {
            "ka" => self.set(who, data == "01", fault),
            "kf" if !matches!(fault, Some(Fault::Lies)) => self.places[who.0].devices[who.1].level = level,
            "mc" => {
                let Unit { level, .. } = &mut self.places[who.0].devices[who.1];
                *level = level.wrapping_add(1);
            }
            _ => {}
        }
    }
}

/// A frame that is not the answer: of the next set, of another command, or with a value that was not sent.
fn stray(state: &State, request: usize, stray: Stray) -> Vec<u8> {
    let bytes = &state.truth.requests[request].bytes;
    let text = String::from_utf8_lossy(bytes).trim_end().to_owned();
    let (c2, id, data) = (text.get(1..2).unwrap_or("?"), text.get(3..5).unwrap_or("??"), text.get(6..).unwrap_or(""));
    let is_query = data == "ff";
    let has_echo = text.starts_with('k') && !is_query;
    let other = if data == "01" { "00" } else { "01" };
    let data = if is_query { "01" } else { data };
    match stray {
        Stray::Value if has_echo => format!("{c2} {id} OK{other}x"),
        Stray::Unit | Stray::Value => {
            let unit = u8::from_str_radix(id, 16).unwrap_or(0) + 9;
            format!("{c2} {unit:02x} OK{data}x")
        }
        Stray::Command => format!("{} {id} OK{data}x", if c2 == "a" { "b" } else { "a" }),
    }
    .into_bytes()
}
