//! The far end of real connections: what `real/sockets.rs` asks the world for, while it owns the sockets.
//!
//! Bytes count as read by the program once they are handed to the kernel, and as written by it once they have come out of
//! it here; so both clocks differ by the time that a socket takes, which is the night's `slack`.

use std::io;

use tokio::time::Instant;

use super::World;
use crate::night::{Family, LinkFault, Millis};

/// What a gateway does next on a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// So many bytes are in the space that was given.
    Bytes(usize),
    /// It closes.
    Close,
    /// It resets.
    Reset,
    /// Nothing, until then at least.
    Wait(Option<Millis>),
}

/// What a gateway makes of bytes that came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It took them.
    All,
    /// It stopped listening within them.
    Part,
    /// It resets the connection for them.
    Reset,
}

impl World {
    /// When the night began.
    pub(crate) fn started(&self) -> Instant {
        self.with(|state| state.started)
    }

    /// The night begins now, when everything that it needs stands.
    pub(crate) fn start_now(&self) {
        self.with(|state| state.started = Instant::now());
    }

    /// A gateway has accepted a connection: its number.
    pub(crate) fn accept(&self, gateway: usize) -> usize {
        self.with(|state| {
            let number = state.wants(gateway);
            state.open(number)
        })
    }

    /// Bytes have come.
    pub(crate) fn hear(&self, connection: usize, mut bytes: &[u8]) -> Heard {
        let mut is_begun = false;
        while !bytes.is_empty() {
            match self.with(|state| state.write(connection, bytes)) {
                Some(Ok(taken)) => (bytes, is_begun) = (bytes.get(taken..).unwrap_or_default(), true),
                Some(Err(_)) if self.is_selective(connection) => return Heard::Reset,
                Some(Err(_)) => {
                    // Its end is due and not there yet: the program could still write.
                    self.overhear(connection, bytes);
                    return Heard::All;
                }
                None => {
                    // Nothing of these is noted anywhere, and they may be all of a command.
                    if !is_begun {
                        self.goes_deaf(connection);
                    }
                    return Heard::Part;
                }
            }
        }
        Heard::All
    }

    /// Bytes came to a gateway that passes nothing on any more.
    pub(crate) fn overhear(&self, connection: usize, bytes: &[u8]) {
        self.with(|state| {
            let (now, seq) = (state.now(), state.truth.next());
            let open = &mut state.truth.connections[connection];
            open.taken.extend_from_slice(bytes);
            open.tail.extend_from_slice(bytes);
            open.tail_at.get_or_insert((seq, now));
        });
    }

    /// What a gateway says or does by now.
    pub(crate) fn next(&self, connection: usize, space: &mut [u8]) -> Next {
        match self.with(|state| state.read(connection, space)) {
            Ok(Ok(0)) => Next::Close,
            Ok(Ok(count)) => Next::Bytes(count),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => Next::Reset,
            Ok(Err(_)) => Next::Close,
            Err(at) => Next::Wait(at),
        }
    }

    /// From here on bytes may be written to a connection that nobody sees.
    pub(crate) fn goes_deaf(&self, connection: usize) {
        self.with(|state| state.truth.connections[connection].swallows = true);
    }

    /// The program has closed its side, or the gateway has ended it all: the lane may go elsewhere.
    pub(crate) fn leave(&self, connection: usize) {
        self.with(|state| state.leaves(state.truth.connections[connection].gateway));
    }

    /// Nothing more comes over a connection.
    pub(crate) fn close(&self, connection: usize) {
        self.with(|state| state.close(connection));
    }

    /// Whether somebody who has closed only his side may still get an answer: that is how printers are spoken to. Nothing
    /// tells when he closes the other.
    pub(crate) fn may_owe(&self, connection: usize) -> bool {
        self.with(|state| {
            let gateway = state.truth.connections[connection].gateway;
            state.night.gateways[gateway].family == Family::Printer
        })
    }

    fn is_selective(&self, connection: usize) -> bool {
        self.with(|state| matches!(state.truth.connections[connection].fault, Some(LinkFault::TakesPart { .. })))
    }
}
