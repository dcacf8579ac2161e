//! What a fault makes of the reply to a request: which bytes come back, and when.

use std::collections::BTreeSet;

use super::truth::{Kind, Meaning, Message, Who};
use super::{Coming, State, What};
use crate::night::{Fault, Millis, Stray};

/// What a device would answer if nothing went wrong.
pub(super) struct Answer {
    pub(super) meaning: Meaning,
    pub(super) bytes: Vec<u8>,
    /// What comes back of a line that echoes.
    pub(super) echo: Vec<u8>,
    /// Frames that are not the answer.
    pub(super) stray: fn(&State, usize, Stray) -> Vec<u8>,
    /// A reply that is none.
    pub(super) malformed: Vec<u8>,
    /// Late bytes outlive a connection: a serial line is behind it.
    pub(super) is_serial: bool,
}

/// Whether a device with this fault carries a command out.
pub(super) fn acts(fault: Option<Fault>) -> bool {
    match fault {
        Some(Fault::Silent { acts } | Fault::Closes { acts, .. } | Fault::Resets { acts, .. }) => acts,
        // A hub that is asked does nothing.
        Some(Fault::Flaw(_)) => false,
        Some(Fault::Busy | Fault::Refuses | Fault::Lies | Fault::StrayOnly(_) | Fault::Garbage) => false,
        _ => true,
    }
}

impl State {
    /// Sends what a request is answered with.
    pub(super) fn answer(&mut self, request: usize, who: Who, fault: Option<Fault>, answer: Answer) {
        let now = self.now();
        let connection = self.truth.requests[request].connection;
        self.truth.requests[request].fault = fault;
        self.forget_owed(request);
        let line = (!answer.is_serial).then_some(connection);
        let latency = self.night.gateways[who.0].devices[who.1].latency;
        let whole = answer.bytes.len();
        let mut sent = whole;
        let (late, every) = match fault {
            Some(Fault::Late { by }) => (by, 0),
            Some(Fault::Dribbles { every }) => (0, every),
            _ => (0, 0),
        };
        let due = now + latency + late;
        let length = every * (whole as u64).saturating_sub(1);
        let at = if answer.is_serial { self.when_free(who.0, due, length) } else { due };
        let push = |state: &mut Self, at: Millis, what: What, line: Option<usize>| {
            state.places[who.0].coming.push(Coming { at, connection: line, what });
        };
        match fault {
            Some(Fault::Silent { .. }) => sent = 0,
            Some(Fault::Closes { after, .. } | Fault::Resets { after, .. }) => {
                // The connection ends when it does, whatever is on the line behind it.
                sent = if at == due { after.min(whole.saturating_sub(1)) } else { 0 };
                let resets = matches!(fault, Some(Fault::Resets { .. }));
                self.end(connection, due + u64::from(sent > 0), resets);
            }
            Some(Fault::Partial { after }) => sent = after.min(whole.saturating_sub(1)),
            Some(Fault::Echoes) => push(self, at.saturating_sub(1).max(now), What::Bytes(answer.echo, None), line),
            Some(Fault::Stray(stray)) => {
                let bytes = (answer.stray)(self, request, stray);
                push(self, at, What::Bytes(bytes, None), line);
            }
            Some(Fault::StrayOnly(stray)) => {
                let bytes = (answer.stray)(self, request, stray);
                push(self, at, What::Bytes(bytes, None), line);
                sent = 0;
            }
            Some(Fault::Garbage) => {
                push(self, at, What::Bytes(b"\0~?#!\x80\r\n;;".to_vec(), None), line);
                sent = 0;
            }
            Some(Fault::Babbles) => {
                self.truth.connections[connection].is_noisy = true;
                push(self, at, What::Babble, Some(connection));
                sent = 0;
            }
            Some(Fault::Malformed) => {
                push(self, at, What::Bytes(answer.malformed, None), line);
                sent = 0;
            }
            _ => {}
        }
        if sent == 0 {
            return;
        }
        // The end of the stream ends what a printer says, too; a reset before it does not.
        let of_this =
            |coming: &&Coming| coming.connection == Some(connection) && matches!(coming.what, What::End { .. });
        let first_end = self.places[who.0].coming.iter().filter(of_this).min_by_key(|coming| coming.at);
        let cut_at = first_end.filter(|end| {
            let is_text = matches!(answer.meaning, Meaning::Text(_));
            is_text && sent < whole && matches!(end.what, What::End { resets: false })
        });
        let cut_at = cut_at.map(|end| end.at);
        let last_at = at + every * (sent as u64 - 1);
        let bytes = answer.bytes[..if cut_at.is_some() { sent } else { whole }].to_vec();
        let is_whole = sent == whole || cut_at.is_some();
        let whole_at = cut_at.map_or(last_at, |end| end.max(last_at));
        let message = Message::new(who, answer.meaning, bytes, is_whole, request, at);
        let message = Message { last_at, whole_at, head_at: whole_at, ..message };
        let number = self.truth.messages.len();
        self.truth.messages.push(message);
        self.truth.requests[request].answer = Some(number);
        if every == 0 {
            // A gateway forwards what it has: in two pieces at any place.
            let cut = usize::try_from(now % 5).unwrap().min(sent);
            for bytes in [&answer.bytes[..cut], &answer.bytes[cut..sent]] {
                push(self, at, What::Bytes(bytes.to_vec(), Some(number)), line);
            }
        } else {
            for (place, byte) in (0..).zip(&answer.bytes) {
                push(self, at + place * every, What::Bytes(vec![*byte], Some(number)), line);
            }
        }
        if let Some(Fault::Twice { gap }) = fault {
            push(self, at + gap, What::Bytes(answer.bytes, None), line);
        }
        self.places[who.0].coming.sort_by_key(|coming| coming.at);
    }

    /// From when on, at `at` or later, nothing else is on a gateway's serial line for so long: one byte follows the other on
    /// it, and a device has said one thing before it begins with the next.
    fn when_free(&self, gateway: usize, mut at: Millis, length: Millis) -> Millis {
        let said = |coming: &Coming| match coming.what {
            What::Bytes(_, Some(message)) if coming.connection.is_none() => Some(message),
            _ => None,
        };
        let waiting: BTreeSet<usize> = self.places[gateway].coming.iter().filter_map(said).collect();
        loop {
            let spans = waiting.iter().map(|message| &self.truth.messages[*message]);
            let last_in_the_way = spans
                .filter(|message| message.begins_at <= at + length && at <= message.last_at)
                .map(|message| message.last_at)
                .max();
            match last_in_the_way {
                Some(last) => at = last + 1,
                None => return at,
            }
        }
    }

    /// A device that gets another request forgets the answers that it owes, unless the request is the same: one that comes
    /// later could be told from the new one by nobody.
    fn forget_owed(&mut self, request: usize) {
        let now = self.now();
        let new = &self.truth.requests[request];
        let (who, is_query) = (new.who, new.kind == Kind::Query);
        let Some(gateway) = who.map(|who| who.0) else { return };
        let (requests, messages, bytes) = (&self.truth.requests, &self.truth.messages, new.bytes.clone());
        let stays = |coming: &Coming| {
            let What::Bytes(_, Some(message)) = coming.what else {
                // What is no message of its own: doubles and strays of this device.
                return coming.at <= now || !matches!(coming.what, What::Bytes(..));
            };
            let old = &requests[messages[message].request];
            coming.at <= now || old.who != who || (!is_query && old.bytes == bytes)
        };
        self.places[gateway].coming.retain(stays);
    }
}
