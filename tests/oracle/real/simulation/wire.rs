//! Reads what the taps have written down: the ground truth of a night, as far as the wire shows it.
//!
//! Requests and replies are told apart by the protocols' sheets, in code of the oracle's own (`dialect.rs`): neither the
//! program's codecs nor its type files have a word in it. Whether a device has acted is what it says itself.

use std::collections::BTreeMap;

use super::dialect::{self, Reply};
use super::tap::{Entry, What};
use crate::night::{Family, Fault, Millis, Night};
use crate::world::{Connection, Kind, Message, Request, Truth, Try};

/// A truth from the wire, and what on the wire was nobody's.
pub(super) struct Wire {
    pub(super) truth: Truth,
    /// Bytes that a gateway said and that answer nothing: where, when, what.
    pub(super) unasked: Vec<(usize, Millis, Vec<u8>)>,
    /// Requests that reached a gateway before it ended the connection, by number.
    pub(super) arrived: Vec<bool>,
    /// When the program left each connection, or had read its end.
    pub(super) left: Vec<Option<Millis>>,
}

/// A connection while it is read.
#[derive(Default)]
struct Line {
    /// What the gateway said that makes no whole reply yet, and when and where in the book that began.
    said: Vec<u8>,
    begun: Option<(u64, Millis)>,
    has_left: bool,
    has_ended: bool,
}

/// Reads the book of a night.
pub(super) fn read(night: &Night, entries: &[Entry], signals: (Option<Millis>, Option<Millis>)) -> Wire {
    let truth = Truth { first_signal: signals.0, second_signal: signals.1, ..Truth::default() };
    let mut wire = Wire { truth, unasked: Vec::new(), arrived: Vec::new(), left: Vec::new() };
    let mut lines: BTreeMap<usize, Line> = BTreeMap::new();
    for (seq, entry) in (1..).zip(entries) {
        wire.truth.seq = seq;
        let (at, number) = (entry.at, entry.connection);
        let line = lines.entry(number).or_default();
        match &entry.what {
            What::Opened(gateway) => wire.open(*gateway),
            What::Asked(bytes) => wire.ask(night, number, line, bytes, (seq, at)),
            What::Said(bytes) => wire.say(night, number, line, bytes, (seq, at)),
            What::Left => {
                line.has_left = true;
                wire.left[number] = Some(at);
                wire.truth.connections[number].closed = Some((seq, at));
            }
            What::Ended { resets } => wire.end(night, number, line, *resets, (seq, at)),
        }
    }
    wire.count(night, entries);
    wire
}

impl Wire {
    fn open(&mut self, gateway: usize) {
        let number = self.truth.connections.len();
        self.truth.tries.push(Try { gateway, fault: None, opened: Some(number), is_given_up: false });
        self.left.push(None);
        self.truth.connections.push(Connection {
            gateway,
            fault: None,
            closed: None,
            ends_at: None,
            tail: Vec::new(),
            tail_at: None,
            taken: Vec::new(),
            read: Vec::new(),
            is_told_occupied: false,
            is_noisy: false,
            swallows: false,
        });
    }

    /// The program has written.
    fn ask(&mut self, night: &Night, number: usize, line: &Line, bytes: &[u8], when: (u64, Millis)) {
        let open = &mut self.truth.connections[number];
        open.taken.extend_from_slice(bytes);
        open.tail_at.get_or_insert(when);
        open.tail.extend_from_slice(bytes);
        let gateway = open.gateway;
        let family = night.gateways[gateway].family;
        while let Some(len) = dialect::request_len(family, &self.truth.connections[number].tail) {
            let open = &mut self.truth.connections[number];
            let bytes: Vec<u8> = open.tail.drain(..len).collect();
            let (seq, at) = open.tail_at.unwrap_or(when);
            open.tail_at = (!open.tail.is_empty()).then_some(when);
            let (who, kind) = dialect::request(night, gateway, &bytes);
            self.arrived.push(!line.has_ended);
            let (fault, acted, answer) = (None, false, None);
            self.truth.requests.push(Request { seq, at, connection: number, who, kind, bytes, fault, acted, answer });
        }
    }

    /// The gateway has said something.
    fn say(&mut self, night: &Night, number: usize, line: &mut Line, bytes: &[u8], when: (u64, Millis)) {
        // Who has gone reads nothing; a printer's client has closed its own side alone.
        let gateway = self.truth.connections[number].gateway;
        let family = night.gateways[gateway].family;
        let is_read = !line.has_left || family == Family::Printer;
        if is_read {
            self.truth.connections[number].read.extend_from_slice(bytes);
        }
        line.begun.get_or_insert(when);
        line.said.extend_from_slice(bytes);
        if line.said == b"Port already in use\r\n" {
            self.truth.connections[number].is_told_occupied = is_read;
            (line.said, line.begun) = (Vec::new(), None);
        }
        while let Some(len) = dialect::reply_len(family, &line.said) {
            let bytes: Vec<u8> = line.said.drain(..len).collect();
            let begun = line.begun.unwrap_or(when);
            line.begun = (!line.said.is_empty()).then_some(when);
            self.reply(night, number, bytes, begun, when, is_read);
        }
    }

    /// A whole reply: the answer to the oldest request that it fits.
    fn reply(
        &mut self,
        night: &Night,
        number: usize,
        bytes: Vec<u8>,
        begun: (u64, Millis),
        when: (u64, Millis),
        is_read: bool,
    ) {
        // Who is asked something else forgets what it owes.
        let is_forgotten = |old: &Request| {
            let newer = |new: &&Request| new.connection == number && new.seq > old.seq && new.who == old.who;
            old.who.is_some() && self.truth.requests.iter().filter(newer).any(|new| new.bytes != old.bytes)
        };
        let mut waiting = self.truth.requests.iter().enumerate().filter(|(_, request)| {
            request.connection == number
                && request.answer.is_none()
                && request.kind != Kind::Alien
                && !is_forgotten(request)
        });
        let fits = |request: &Request| dialect::reply(night, request, &bytes);
        let found = waiting.find_map(|(place, request)| Some((place, fits(request)?)));
        let Some((request, Reply { meaning, acted })) = found else {
            self.unasked.push((self.truth.connections[number].gateway, when.1, bytes));
            return;
        };
        let answer = self.truth.messages.len();
        let of = &mut self.truth.requests[request];
        (of.answer, of.acted) = (Some(answer), acted);
        let who = of.who;
        let read = if is_read { bytes.len() } else { 0 };
        self.truth.messages.push(Message {
            who,
            meaning,
            is_whole: true,
            request,
            last_at: when.1,
            whole_at: when.1,
            head_at: when.1,
            longest_pause: 0,
            begins_at: begun.1,
            read,
            read_from: begun.0,
            read_at: when.1,
            read_seq: when.0,
            read_on: number,
            bytes,
        });
    }

    /// The gateway has ended a connection: perhaps in the middle of what it said.
    fn end(&mut self, night: &Night, number: usize, line: &mut Line, resets: bool, when: (u64, Millis)) {
        line.has_ended = true;
        let open = &mut self.truth.connections[number];
        let family = night.gateways[open.gateway].family;
        open.ends_at = Some(when.1);
        if line.has_left && family != Family::Printer {
            return;
        }
        self.left[number].get_or_insert(when.1);
        let (said, begun) = (std::mem::take(&mut line.said), line.begun.take());
        let mut waiting =
            self.truth.requests.iter().enumerate().rev().filter(|(_, one)| {
                one.connection == number && one.answer.is_none() && dialect::begins(family, one, &said)
            });
        let Some((request, _)) = waiting.next() else { return };
        let after = said.len();
        let fault = if resets { Fault::Resets { acts: true, after } } else { Fault::Closes { acts: true, after } };
        self.truth.requests[request].fault = Some(fault);
        if family == Family::Printer && !said.is_empty() && !resets {
            // The end of the stream ends what a printer says, too.
            self.reply(night, number, said, begun.unwrap_or(when), when, true);
        }
    }

    /// How many were connected at a time.
    fn count(&mut self, night: &Night, entries: &[Entry]) {
        let sites = night.limits.sites.len();
        let (mut all, mut at_site, mut of_gateway) = (0, vec![0_usize; sites], vec![0_usize; night.gateways.len()]);
        self.truth.most_at_site = vec![0; sites];
        let mut open = vec![false; self.truth.connections.len()];
        for entry in entries {
            let number = entry.connection;
            let gateway = self.truth.connections[number].gateway;
            let site = night.gateways[gateway].site;
            match entry.what {
                What::Opened(_) => {
                    open[number] = true;
                    all += 1;
                    of_gateway[gateway] += 1;
                    self.truth.most_lanes = self.truth.most_lanes.max(all);
                    self.truth.most_of_gateway = self.truth.most_of_gateway.max(of_gateway[gateway]);
                    if let Some(site) = site {
                        at_site[site] += 1;
                        self.truth.most_at_site[site] = self.truth.most_at_site[site].max(at_site[site]);
                    }
                }
                What::Left | What::Ended { .. } if std::mem::take(&mut open[number]) => {
                    all -= 1;
                    of_gateway[gateway] -= 1;
                    if let Some(site) = site {
                        at_site[site] -= 1;
                    }
                }
                _ => {}
            }
        }
    }
}
