//! The other end of a connection: which bytes come when, which are taken, and who hears them.

use std::io;

use super::truth::Connection;
use super::{Coming, State, What};
use crate::night::{Family, LinkFault, Millis};

/// What ser2net says on opening where it speaks Telnet (protocols.md, GW-01).
const NEGOTIATION: [u8; 18] =
    [0xFF, 0xFB, 0x03, 0xFF, 0xFD, 0x03, 0xFF, 0xFB, 0x01, 0xFF, 0xFE, 0x01, 0xFF, 0xFD, 0x00, 0xFF, 0xFB, 0x00];

/// What is left of bytes when the options are taken out that are negotiated: three bytes each (GW-03).
fn data(bytes: &[u8]) -> Vec<u8> {
    let mut rest = bytes.iter();
    let mut data = Vec::new();
    while let Some(&byte) = rest.next() {
        if byte == 0xFF {
            _ = (rest.next(), rest.next());
        } else {
            data.push(byte);
        }
    }
    data
}

impl State {
    /// Opens the connection that a try has come to.
    pub(super) fn open(&mut self, number: usize) -> usize {
        let now = self.now();
        let (gateway, fault) = (self.truth.tries[number].gateway, self.truth.tries[number].fault);
        let connection = self.truth.connections.len();
        self.truth.tries[number].opened = Some(connection);
        self.truth.connections.push(Connection {
            gateway,
            fault,
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
        let place = &mut self.places[gateway];
        // What came while nobody listened is lost.
        place.coming.retain(|coming| coming.at >= now && coming.connection.is_none());
        let mut comes = |at: Millis, what: What| {
            place.coming.push(Coming { at, connection: Some(connection), what });
        };
        match fault {
            Some(LinkFault::Occupied { after }) => {
                comes(now + after, What::Occupied(b"Port already in use\r\n".to_vec()));
                self.end(connection, now + after + 1, false);
            }
            Some(LinkFault::Noise { after }) => comes(now + after, What::Bytes(b"\r\nboot v2.1\r\n".to_vec(), None)),
            Some(LinkFault::Telnet { after }) => comes(now + after, What::Bytes(NEGOTIATION.to_vec(), None)),
            Some(LinkFault::Closes { after }) => self.end(connection, now + after, false),
            Some(LinkFault::Resets { after }) => self.end(connection, now + after, true),
            _ => {}
        }
        self.places[gateway].coming.sort_by_key(|coming| coming.at);
        connection
    }

    /// Reads what has come by now: how many bytes, or how the connection ended; `None`: nothing yet, and when more comes.
    pub(super) fn read(&mut self, connection: usize, space: &mut [u8]) -> Result<io::Result<usize>, Option<Millis>> {
        let now = self.now();
        let gateway = self.truth.connections[connection].gateway;
        let mine = |coming: &Coming| coming.connection.is_none_or(|only| only == connection);
        let (mut filled, mut next) = (0, None);
        while filled < space.len() {
            let place = &mut self.places[gateway];
            let Some(first) = place.coming.iter().position(mine) else { break };
            if place.coming[first].at > now {
                next = Some(place.coming[first].at);
                break;
            }
            let rest = &mut space[filled..];
            match &mut place.coming[first].what {
                What::End { .. } if filled > 0 => break,
                What::End { resets } => {
                    let ended = if *resets { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(0) };
                    return Ok(ended);
                }
                What::Babble => {
                    rest.fill(b'z');
                    filled = space.len();
                    place.coming[first].at = now + 1;
                }
                What::Bytes(bytes, _) | What::Occupied(bytes) => {
                    let count = bytes.len().min(rest.len());
                    rest[..count].copy_from_slice(&bytes[..count]);
                    bytes.drain(..count);
                    filled += count;
                    let is_done = bytes.is_empty();
                    match &place.coming[first].what {
                        What::Bytes(_, Some(message)) => {
                            let seq = self.truth.next();
                            let message = &mut self.truth.messages[*message];
                            if message.read == 0 {
                                message.read_from = seq;
                            }
                            message.read += count;
                            (message.read_at, message.read_seq, message.read_on) = (now, seq, connection);
                        }
                        What::Occupied(_) if is_done => self.truth.connections[connection].is_told_occupied = true,
                        _ => {}
                    }
                    if is_done {
                        place.coming.remove(first);
                    }
                }
            }
        }
        if filled == 0 && !space.is_empty() {
            return Err(next);
        }
        self.truth.connections[connection].read.extend_from_slice(&space[..filled]);
        Ok(Ok(filled))
    }

    /// Takes bytes that the program writes; `None`: the stream takes nothing now.
    pub(super) fn write(&mut self, connection: usize, bytes: &[u8]) -> Option<io::Result<usize>> {
        let (now, seq) = (self.now(), self.truth.next());
        let gateway = self.truth.connections[connection].gateway;
        let has_ended = |coming: &Coming| {
            coming.at <= now && coming.connection == Some(connection) && matches!(coming.what, What::End { .. })
        };
        if self.places[gateway].coming.iter().any(has_ended) {
            return Some(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let open = &mut self.truth.connections[connection];
        let mut taken = bytes.len();
        if let Some(LinkFault::TakesPart { bytes: most, resets }) = open.fault {
            taken = taken.min(most.saturating_sub(open.taken.len()));
            if taken == 0 {
                return resets.then(|| Err(io::ErrorKind::ConnectionReset.into()));
            }
        }
        open.taken.extend_from_slice(&bytes[..taken]);
        let heard = if matches!(open.fault, Some(LinkFault::Telnet { .. })) {
            data(&bytes[..taken])
        } else {
            bytes[..taken].to_vec()
        };
        if heard.is_empty() {
            return Some(Ok(taken));
        }
        open.tail_at.get_or_insert((seq, now));
        open.tail.extend_from_slice(&heard);
        let known = self.truth.requests.len();
        match self.night.gateways[gateway].family {
            Family::Display => self.displays_hear(gateway, connection),
            Family::Devantech => self.devantech_hears(gateway, connection),
            Family::Ncd => self.ncd_hears(gateway, connection),
            Family::Printer => self.printer_hears(gateway, connection),
            Family::Hub => self.hub_hears(gateway, connection),
        }
        if let Some(LinkFault::IdleClose { after }) = self.truth.connections[connection].fault
            && let Some(answer) = self.truth.requests.get(known).and_then(|request| request.answer)
        {
            let at = self.truth.messages[answer].last_at + 1 + after;
            self.end(connection, at, false);
        }
        self.places[gateway].coming.sort_by_key(|coming| coming.at);
        Some(Ok(taken))
    }

    pub(super) fn close(&mut self, connection: usize) {
        let closed = (self.truth.next(), self.now());
        let open = &mut self.truth.connections[connection];
        open.closed = Some(closed);
        let place = &mut self.places[open.gateway];
        place.coming.retain(|coming| coming.connection != Some(connection));
    }
}
