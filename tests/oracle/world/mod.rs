//! The devices of a night, and the network to them: what the program under test talks to.
//!
//! Everything is decided at the moment at which bytes are written: which request they are, whether the device acts, and
//! which bytes come back when. So there are no tasks, and a read only looks at the clock. `wire.rs` is the network and
//! `stream.rs` its far end, `far_end.rs` the same for real sockets; the devices stand in `display.rs`, `boards.rs`, `printer.rs` and `hub.rs` and are written from
//! the protocols' sheets; `replies.rs` says what a fault makes of a reply, `truth.rs` is what really happened.

mod boards;
mod display;
mod far_end;
mod hub;
mod printer;
mod replies;
mod stream;
mod truth;
mod wire;

use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use crate::night::{Device, Family, Fault, LinkFault, Millis, Night, Task};
pub(crate) use far_end::{Heard, Next};
pub(crate) use hub::HEADER;
pub(crate) use truth::{Connection, Kind, Meaning, Message, Request, Truth, Try, Who};
pub(crate) use wire::Network;

/// The world of a night.
#[derive(Debug, Clone)]
pub(crate) struct World(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    night: Night,
    started: Instant,
    truth: Truth,
    places: Vec<Place>,
    lanes: usize,
    at_site: Vec<usize>,
}

/// A gateway as it stands.
#[derive(Debug)]
struct Place {
    lanes: usize,
    tries: usize,
    devices: Vec<Unit>,
    /// What is on its way, by when it comes.
    coming: Vec<Coming>,
    /// A board that has a password takes commands until then.
    unlocked_until: Millis,
}

/// A device as it stands.
#[derive(Debug)]
struct Unit {
    is_on: bool,
    level: u8,
    /// What it will be, and when.
    later: Option<(Millis, bool)>,
    /// How many requests it has had.
    asked: usize,
}

/// Something on its way to the program.
#[derive(Debug)]
struct Coming {
    at: Millis,
    /// On this connection alone; else on whichever is open then.
    connection: Option<usize>,
    what: What,
}

#[derive(Debug)]
enum What {
    /// Bytes, of a message or of none.
    Bytes(Vec<u8>, Option<usize>),
    /// The gateway's own words.
    Occupied(Vec<u8>),
    /// Bytes without end.
    Babble,
    /// The peer closes, or resets.
    End { resets: bool },
}

impl World {
    /// The world before anything has happened.
    pub(crate) fn new(night: &Night) -> Self {
        let places = night
            .gateways
            .iter()
            .map(|gateway| Place {
                lanes: 0,
                tries: 0,
                devices: gateway
                    .devices
                    .iter()
                    .map(|device| Unit { is_on: device.is_on, level: 0, later: None, asked: 0 })
                    .collect(),
                coming: Vec::new(),
                unlocked_until: 0,
            })
            .collect();
        let sites = night.limits.sites.len();
        let truth = Truth { most_at_site: vec![0; sites], ..Truth::default() };
        let state =
            State { night: night.clone(), started: Instant::now(), truth, places, lanes: 0, at_site: vec![0; sites] };
        Self(Arc::new(Mutex::new(state)))
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        // A planted panic may have happened while the world was looked at.
        look(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// A command was declared: the device's place in the run.
    pub(crate) fn declare(&self, device: usize) {
        self.with(|state| {
            let seq = state.truth.next();
            state.truth.intents.push((seq, device));
        });
    }

    /// A signal comes now.
    pub(crate) fn signal(&self, is_second: bool) {
        self.with(|state| {
            let now = state.now();
            if is_second { state.truth.second_signal = Some(now) } else { state.truth.first_signal = Some(now) }
        });
    }

    /// What has happened.
    pub(crate) fn truth(&self) -> Truth {
        self.with(|state| std::mem::take(&mut state.truth))
    }
}

impl State {
    fn now(&self) -> Millis {
        Millis::try_from(self.started.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }

    /// A lane wants a connection to a gateway: the number of the try.
    fn wants(&mut self, gateway: usize) -> usize {
        let is_over = self.is_over();
        let place = &mut self.places[gateway];
        let planned = &self.night.gateways[gateway];
        let fault = planned.faults.get(place.tries).copied().unwrap_or(planned.always).filter(|_| !is_over);
        place.tries += 1;
        place.lanes += 1;
        let truth = &mut self.truth;
        truth.most_of_gateway = truth.most_of_gateway.max(place.lanes);
        self.lanes += 1;
        truth.most_lanes = truth.most_lanes.max(self.lanes);
        if let Some(site) = planned.site {
            self.at_site[site] += 1;
            truth.most_at_site[site] = truth.most_at_site[site].max(self.at_site[site]);
        }
        truth.tries.push(Try { gateway, fault, opened: None, is_given_up: false });
        truth.tries.len() - 1
    }

    /// The lane has none any more.
    fn leaves(&mut self, gateway: usize) {
        self.lanes -= 1;
        self.places[gateway].lanes -= 1;
        if let Some(site) = self.night.gateways[gateway].site {
            self.at_site[site] -= 1;
        }
    }

    /// The peer ends a connection at this time.
    fn end(&mut self, connection: usize, at: Millis, resets: bool) {
        let open = &mut self.truth.connections[connection];
        open.ends_at = Some(open.ends_at.map_or(at, |known| known.min(at)));
        let coming = Coming { at, connection: Some(connection), what: What::End { resets } };
        self.places[open.gateway].coming.push(coming);
    }

    /// Nothing goes wrong any more.
    fn is_over(&self) -> bool {
        self.night.faults_end.is_some_and(|end| self.now() >= end)
    }

    /// What goes wrong with the next request to a device.
    fn fault(&mut self, who: Who, connection: usize) -> Option<Fault> {
        let is_over = self.is_over();
        if matches!(self.truth.connections[connection].fault, Some(LinkFault::Occupied { .. })) {
            // The gateway passes nothing on.
            return Some(Fault::Silent { acts: false });
        }
        let unit = &mut self.places[who.0].devices[who.1];
        let place = unit.asked;
        unit.asked += 1;
        let device = &self.night.gateways[who.0].devices[who.1];
        if is_over { None } else { device.faults.get(place).copied().unwrap_or(device.always) }
    }

    /// A device that begins to be on or off, now or later.
    fn set(&mut self, who: Who, is_on: bool, fault: Option<Fault>) {
        let now = self.now();
        self.settle(who);
        let unit = &mut self.places[who.0].devices[who.1];
        match fault {
            Some(Fault::Lies) => {}
            Some(Fault::Slow { by }) => unit.later = Some((now + by, is_on)),
            // Who says yes twice is not there yet: the second yes must not be taken for the state.
            Some(Fault::Twice { .. }) => unit.later = Some((now + 5000, is_on)),
            _ => (unit.is_on, unit.later) = (is_on, None),
        }
    }

    /// What was to come later has come.
    fn settle(&mut self, who: Who) {
        let now = self.now();
        let unit = &mut self.places[who.0].devices[who.1];
        if let Some((_, is_on)) = unit.later.take_if(|(at, _)| *at <= now) {
            unit.is_on = is_on;
        }
    }

    /// Whether a device is on now.
    fn is_on(&mut self, who: Who) -> bool {
        self.settle(who);
        self.places[who.0].devices[who.1].is_on
    }

    /// The device of a gateway that has this unit, if it is in the inventory of the night.
    fn who(&self, gateway: usize, unit: u8) -> Option<Who> {
        let devices = &self.night.gateways[gateway].devices;
        let place = devices.iter().position(|device| device.unit == unit)?;
        self.night.order.contains(&(gateway, place)).then_some((gateway, place))
    }

    /// Notes a whole request.
    fn note(&mut self, connection: usize, who: Option<Who>, kind: Kind, bytes: &[u8]) -> usize {
        let now = self.now();
        let open = &mut self.truth.connections[connection];
        let (seq, at) = open.tail_at.take().unwrap_or((0, now));
        open.tail.clear();
        let request =
            Request { seq, at, connection, who, kind, bytes: bytes.to_vec(), fault: None, acted: false, answer: None };
        self.truth.requests.push(request);
        self.truth.requests.len() - 1
    }
}

/// What the run's command is for a device, with all that goes over the wire.
pub(crate) fn command(task: Task, family: Family, device: &Device) -> Vec<u8> {
    match family {
        Family::Display => [display::command(task, device.unit).as_bytes(), b"\r"].concat(),
        Family::Devantech => boards::devantech(task, device.unit, device.inverted),
        Family::Ncd => boards::ncd(task, device.unit, device.inverted),
        Family::Printer => [b"\x1b", printer_word().as_bytes(), b"\r"].concat(),
        Family::Hub => hub::COMMAND.to_vec(),
    }
}

/// The word that printers are sent.
pub(crate) fn printer_word() -> &'static str {
    printer::WORD
}
