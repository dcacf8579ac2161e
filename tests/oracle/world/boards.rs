//! Relay boards: Devantech ETH008, ETH484 and ETH8020 (protocols.md §4) and NCD `ProXR` in API mode (§5).

use super::State;
use super::replies::{Answer, acts};
use super::truth::{Kind, Meaning, Who};
use crate::night::{Board, Family, Fault, Gateway, Millis, Stray, Task};

/// How long a board takes commands after its password, and after each thing that it is told meanwhile.
const UNLOCKED: Millis = 30_000;

/// What the run's command is for a relay of a Devantech board.
pub(crate) fn devantech(task: Task, unit: u8, is_inverted: bool) -> Vec<u8> {
    let inverted = u8::from(is_inverted);
    match task {
        Task::PowerOn => vec![0x20 + inverted, unit, 0],
        Task::PowerOff => vec![0x21 - inverted, unit, 0],
        Task::Pulse(tenths) => vec![0x20, unit, tenths],
        _ => vec![0x24],
    }
}

/// The same for an NCD board: a frame with length and sum.
pub(crate) fn ncd(task: Task, unit: u8, is_inverted: bool) -> Vec<u8> {
    let place = (unit - 1) % 8;
    let shift = if is_inverted { 8 } else { 0 };
    let first = match task {
        Task::PowerOn => 108 - shift,
        Task::PowerOff => 100 + shift,
        _ => 116,
    };
    frame(&[0xFE, first + place, unit.div_ceil(8)])
}

/// `AA`, length, payload, sum.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xAA, u8::try_from(payload.len()).unwrap()];
    bytes.extend_from_slice(payload);
    bytes.push(bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)));
    bytes
}

impl State {
    /// A Devantech board has got a segment: whatever begins a request is one.
    pub(super) fn devantech_hears(&mut self, gateway: usize, connection: usize) {
        let bytes = self.truth.connections[connection].tail.clone();
        let whole = match bytes.first() {
            Some(0x20 | 0x21) => 3,
            Some(0x7A | 0x7B | 0x24 | 0x79) => 1,
            _ => bytes.len(),
        };
        if bytes.len() < whole {
            return;
        }
        match bytes[0] {
            0x79..=0x7B => self.log_in(gateway, connection, &bytes),
            0x24 => self.ask_relays(gateway, connection, &bytes),
            0x20 | 0x21 => self.switch(gateway, connection, &bytes),
            _ => _ = self.note(connection, None, Kind::Alien, &bytes),
        }
    }

    fn log_in(&mut self, gateway: usize, connection: usize, bytes: &[u8]) {
        let now = self.now();
        let request = self.note(connection, None, Kind::LogIn, bytes);
        let (password, is_right) = self.night.gateways[gateway].password.clone().unwrap_or_default();
        let expected = if is_right { password } else { "something else".to_owned() };
        let place = &mut self.places[gateway];
        let reply = match bytes[0] {
            0x7A if now < place.unlocked_until => {
                place.unlocked_until = now + UNLOCKED;
                0x1E
            }
            0x7A => 0,
            0x7B => {
                place.unlocked_until = 0;
                0
            }
            _ if bytes[1..] == *expected.as_bytes() => {
                place.unlocked_until = now + UNLOCKED;
                1
            }
            _ => 2,
        };
        let any = (gateway, 0);
        self.answer(request, any, None, one_byte(Meaning::LogIn, reply));
    }

    fn is_locked(&self, gateway: usize) -> bool {
        let has_password = self.night.gateways[gateway].password.is_some();
        has_password && self.now() >= self.places[gateway].unlocked_until
    }

    /// Which relay is asked for is not in the request: a board that is asked has one device in these nights.
    fn ask_relays(&mut self, gateway: usize, connection: usize, bytes: &[u8]) {
        let unit = self.night.gateways[gateway].devices[0].unit;
        let who = self.who(gateway, unit);
        let kind = if self.night.task == Task::Status { Kind::Command } else { Kind::Query };
        let request = self.note(connection, who, kind, bytes);
        let Some(who) = who else { return };
        let fault = self.fault(who, connection).filter(|fault| !matches!(fault, Fault::Refuses | Fault::Malformed));
        let is_on = self.is_on(who);
        let word = if is_on { "on" } else { "off" };
        let relays = u32::from(is_on != self.night.device(who).1.inverted) << (unit - 1);
        let [one, two, three, _] = relays.to_le_bytes();
        let bytes = match self.night.gateways[gateway].board {
            Board::Eth008 => vec![one],
            // Its inputs and outputs are no relays, whatever they show.
            Board::Eth484 => vec![one, 0xA5],
            Board::Eth8020 => vec![one, two, three],
        };
        let answer = one_byte(Meaning::State(word.to_owned()), 0);
        self.answer(request, who, fault, Answer { bytes, ..answer });
    }

    fn switch(&mut self, gateway: usize, connection: usize, bytes: &[u8]) {
        let who = self.who(gateway, bytes[1]);
        let kind = self.kind(who, |task, gateway, unit, inverted| {
            gateway.family == Family::Devantech && devantech(task, unit, inverted) == bytes
        });
        let request = self.note(connection, who, kind, bytes);
        let Some(who) = who else { return };
        let fault = self.fault(who, connection);
        if self.is_locked(gateway) {
            return self.answer(request, who, None, one_byte(Meaning::No, 1));
        }
        self.places[gateway].unlocked_until = self.now() + UNLOCKED;
        if acts(fault) {
            self.truth.requests[request].acted = true;
        }
        if (acts(fault) || fault == Some(Fault::Lies)) && bytes[2] == 0 {
            let is_active = bytes[0] == 0x20;
            let is_on = is_active != self.night.device(who).1.inverted;
            self.set(who, is_on, fault);
        }
        let (meaning, reply) = if fault == Some(Fault::Refuses) { (Meaning::No, 1) } else { (Meaning::Yes, 0) };
        self.answer(request, who, fault, one_byte(meaning, reply));
    }

    fn kind(&self, who: Option<Who>, is_command: impl Fn(Task, &Gateway, u8, bool) -> bool) -> Kind {
        let Some(who) = who else { return Kind::Alien };
        let (gateway, device) = self.night.device(who);
        if is_command(self.night.task, gateway, device.unit, device.inverted) { Kind::Command } else { Kind::Alien }
    }

    /// An NCD board has got bytes.
    pub(super) fn ncd_hears(&mut self, gateway: usize, connection: usize) {
        let tail = &mut self.truth.connections[connection].tail;
        if tail.len() < 2 || tail.len() < usize::from(tail[1]) + 3 {
            return;
        }
        let bytes: Vec<u8> = tail.drain(..usize::from(tail[1]) + 3).collect();
        let (code, bank) = (bytes.get(3).copied().unwrap_or(0), bytes.get(4).copied().unwrap_or(0));
        let is_known = bytes[2] == 0xFE && bytes.len() == 6 && bank > 0 && (100..124).contains(&code);
        let unit = if is_known { (code - 100) % 8 + 8 * (bank - 1) + 1 } else { 0 };
        let who = self.who(gateway, unit);
        let is_query = (116..124).contains(&code);
        let kind = match self.kind(who, |task, _, unit, inverted| ncd(task, unit, inverted) == bytes) {
            Kind::Alien if is_query && who.is_some() => Kind::Query,
            kind => kind,
        };
        let request = self.note(connection, who, kind, &bytes);
        // A board discards what makes no sense.
        let Some(who) = who.filter(|_| frame(&bytes[2..bytes.len() - 1]) == bytes) else { return };
        let fault = self.fault(who, connection);
        let is_inverted = self.night.device(who).1.inverted;
        if is_query {
            let is_active = self.is_on(who) != is_inverted;
            let fault = fault.filter(|fault| *fault != Fault::Refuses);
            let word = if self.is_on(who) { "on" } else { "off" };
            let payload = [u8::from(is_active)];
            return self.answer(request, who, fault, framed(Meaning::State(word.to_owned()), &payload, &bytes));
        }
        if acts(fault) {
            self.truth.requests[request].acted = true;
        }
        if acts(fault) || fault == Some(Fault::Lies) {
            self.set(who, (code >= 108) != is_inverted, fault);
        }
        let (meaning, reply) = if fault == Some(Fault::Refuses) { (Meaning::No, 0x56) } else { (Meaning::Yes, 0x55) };
        self.answer(request, who, fault, framed(meaning, &[reply], &bytes));
    }
}

/// An answer of a Devantech board: nothing in it says what it answers.
fn one_byte(meaning: Meaning, byte: u8) -> Answer {
    let no_stray = |_: &State, _: usize, _: Stray| Vec::new();
    let (bytes, malformed) = (vec![byte], vec![5]);
    Answer { meaning, bytes, echo: Vec::new(), stray: no_stray, malformed, is_serial: false }
}

/// An answer of an NCD board; its own commands come back on some, and events at any time.
fn framed(meaning: Meaning, payload: &[u8], request: &[u8]) -> Answer {
    let bytes = frame(payload);
    let mut malformed = bytes.clone();
    if let Some(sum) = malformed.last_mut() {
        *sum = sum.wrapping_add(1);
    }
    let event = |_: &State, _: usize, _: Stray| frame(&[0xAB, 0, 1, 8, 0x18, 0]);
    Answer { meaning, bytes, echo: request.to_vec(), stray: event, malformed, is_serial: false }
}
