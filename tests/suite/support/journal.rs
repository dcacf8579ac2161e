//! What one gateway saw: exact bytes per connection, commands with their times, how many connections were open at once.
//!
//! Pure records; `fleet.rs` writes them, tests read them.

use std::time::{Duration, Instant};

/// One connection that a gateway accepted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    /// Everything that was received on it.
    pub(crate) bytes: Vec<u8>,
}

/// One command that a gateway received.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    /// Its text without the CR.
    pub(crate) text: String,
    /// When its CR was read.
    pub(crate) received: Instant,
    /// Just before the first byte of an answer was written.
    pub(crate) answered: Option<Instant>,
}

/// The record of one gateway.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    /// In the order in which they were accepted.
    pub(crate) connections: Vec<Connection>,
    /// In the order in which they arrived, over all connections.
    pub(crate) commands: Vec<Command>,
    /// The most connections that were open at one time.
    pub(crate) most_open: usize,
}

impl Journal {
    /// The texts of all commands, in order.
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.commands.iter().map(|command| command.text.as_str()).collect()
    }

    /// Every byte that was received, connection after connection.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.connections.iter().flat_map(|connection| connection.bytes.iter().copied()).collect()
    }

    /// The times between an answer and the next command.
    pub(crate) fn gaps(&self) -> Vec<Duration> {
        let next = self.commands.iter().skip(1);
        let pairs = self.commands.iter().zip(next);
        pairs.filter_map(|(one, next)| Some(next.received.saturating_duration_since(one.answered?))).collect()
    }
}
