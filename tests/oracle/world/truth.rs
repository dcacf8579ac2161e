//! The ground truth of a night: what gateways and devices saw and did, in the order in which it happened.
//!
//! The program under test cannot see it. Every record has a number (`seq`), which orders what happened at the same
//! millisecond. Two nights are the same if their truths print the same.

use crate::night::{Fault, LinkFault, Millis};

/// A device of the night: gateway, and place there.
pub(crate) type Who = (usize, usize);

/// Everything that happened.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    pub(crate) seq: u64,
    pub(crate) tries: Vec<Try>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) requests: Vec<Request>,
    pub(crate) messages: Vec<Message>,
    /// Commands that were declared before they were written: by the device's place in the run.
    pub(crate) intents: Vec<(u64, usize)>,
    /// The most lanes that had a connection, or were about to, at a time: of all, at each site, of each gateway.
    pub(crate) most_lanes: usize,
    pub(crate) most_at_site: Vec<usize>,
    pub(crate) most_of_gateway: usize,
    /// When the signals came.
    pub(crate) first_signal: Option<Millis>,
    pub(crate) second_signal: Option<Millis>,
}

/// A connection was wanted.
#[derive(Debug)]
pub(crate) struct Try {
    pub(crate) gateway: usize,
    pub(crate) fault: Option<LinkFault>,
    /// The connection, where one was opened.
    pub(crate) opened: Option<usize>,
    /// Whether whoever wanted it gave up before it was known.
    pub(crate) is_given_up: bool,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) gateway: usize,
    pub(crate) fault: Option<LinkFault>,
    /// When the program closed it.
    pub(crate) closed: Option<(u64, Millis)>,
    /// When the peer's end comes, or would.
    pub(crate) ends_at: Option<Millis>,
    /// Bytes that were taken and made no whole request, and when the first of them came.
    pub(crate) tail: Vec<u8>,
    pub(crate) tail_at: Option<(u64, Millis)>,
    /// Every byte that was taken.
    pub(crate) taken: Vec<u8>,
    /// Every byte that the program has read.
    pub(crate) read: Vec<u8>,
    /// Whether the gateway's own words were read in full.
    pub(crate) is_told_occupied: bool,
    /// Whether it had so much noise that a reply may be lost in it.
    pub(crate) is_noisy: bool,
    /// Whether bytes may have been written to it that nobody saw: its gateway ended it, or had stopped listening.
    pub(crate) swallows: bool,
}

/// What a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The run's command.
    Command,
    /// A question for the state.
    Query,
    /// Part of a log-in.
    LogIn,
    /// Something that nobody should have sent.
    Alien,
}

/// A whole request that a device got.
#[derive(Debug)]
pub(crate) struct Request {
    /// When its first byte came.
    pub(crate) seq: u64,
    pub(crate) at: Millis,
    pub(crate) connection: usize,
    pub(crate) who: Option<Who>,
    pub(crate) kind: Kind,
    pub(crate) bytes: Vec<u8>,
    pub(crate) fault: Option<Fault>,
    /// Whether the device carried it out.
    pub(crate) acted: bool,
    /// What it answered.
    pub(crate) answer: Option<usize>,
}

/// What a message of a device means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Done.
    Yes,
    /// No.
    No,
    /// Not now.
    Busy,
    /// Its state.
    State(String),
    /// An answer to a part of the log-in.
    LogIn,
    /// What a printer says.
    Text(String),
    /// A file, behind a header.
    File,
}

/// A valid message of a device.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) who: Option<Who>,
    pub(crate) meaning: Meaning,
    pub(crate) bytes: Vec<u8>,
    /// Whether all of it was sent.
    pub(crate) is_whole: bool,
    pub(crate) request: usize,
    /// When its last byte came to the program's socket.
    pub(crate) last_at: Millis,
    /// When it is whole: with its last byte, or with the end of the stream that ends a text.
    pub(crate) whole_at: Millis,
    /// When its first byte comes.
    pub(crate) begins_at: Millis,
    /// When the part of it is there that says how much follows, and the longest time afterwards in which nothing comes;
    /// but for files it is `whole_at`, and none.
    pub(crate) head_at: Millis,
    pub(crate) longest_pause: Millis,
    /// How many of its bytes the program has read; when it read the first one, and the last one, on which connection.
    pub(crate) read: usize,
    pub(crate) read_from: u64,
    pub(crate) read_at: Millis,
    pub(crate) read_seq: u64,
    pub(crate) read_on: usize,
}

impl Message {
    /// A message that nobody has read yet, all of which comes at once.
    pub(crate) fn new(who: Who, meaning: Meaning, bytes: Vec<u8>, is_whole: bool, request: usize, at: Millis) -> Self {
        Self {
            who: Some(who),
            meaning,
            bytes,
            is_whole,
            request,
            last_at: at,
            whole_at: at,
            begins_at: at,
            head_at: at,
            longest_pause: 0,
            read: 0,
            read_from: 0,
            read_at: 0,
            read_seq: 0,
            read_on: 0,
        }
    }

    /// Whether the program has read all of a whole message.
    pub(crate) fn is_read(&self) -> bool {
        self.is_whole && self.read == self.bytes.len()
    }
}

impl Truth {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// The whole truth as text.
    pub(crate) fn text(&self) -> String {
        format!("{self:#?}")
    }
}
