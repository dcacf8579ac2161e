//! The Telnet layer of serial gateways, as a pure state machine: raw bytes in, data bytes and answers out.
//!
//! protocols.md §2.2: BINARY and SUPPRESS-GO-AHEAD are accepted, everything else is refused, COM-PORT (RFC 2217) too
//! unless there is a serial line to set. What was said about an option is never said again, so that no two ends can
//! keep each other talking (RFC 854). A sequence may be cut anywhere; what is held is bounded whatever comes. CR stays
//! bare in both directions: gateways pass `0D 00` on as it is, and a display takes the NUL for a command.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;

use super::serial_line::{COM_PORT, LineRequest, LineState, SerialLine};

/// Interpret as command; as data it is doubled.
pub(super) const IAC: u8 = 0xFF;
const DONT: u8 = 0xFE;
const DO: u8 = 0xFD;
const WONT: u8 = 0xFC;
const WILL: u8 = 0xFB;
const SB: u8 = 0xFA;
const SE: u8 = 0xF0;
/// Commands begin here (RFC 1184); what is below is none, whatever stands before it.
const FIRST_COMMAND: u8 = 0xEC;

const BINARY: u8 = 0x00;
const SUPPRESS_GO_AHEAD: u8 = 0x03;

/// The most answers of one connection. An honest gateway asks about a dozen options once; one that changes its mind
/// without end is not answered any more.
const MOST_ANSWERS: usize = 600;

/// The most bytes of a subnegotiation that are kept: every answer to a line setting fits.
const SUBNEGOTIATION_MAX: usize = 8;

/// What of the Telnet layer a connection has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TelnetMode {
    /// None: the gateway passes every byte on as it is.
    Never,
    /// On if the first byte that comes on the connection is IAC: for text alone, which never holds one.
    Auto,
    /// On from the start.
    Always,
    /// On from the start, and the serial line is set before the first command (RFC 2217).
    Line(SerialLine),
}

impl TelnetMode {
    /// This layer's word over that of the layer below: a line that was asked for there is set as long as there is a
    /// Telnet layer at all.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        match (self, below) {
            (Self::Auto | Self::Always, Self::Line(line)) => Self::Line(line),
            _ => self,
        }
    }
}

impl fmt::Display for TelnetMode {
    /// As `link` says it: `auto`; `always, serial 9600 8N1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Auto => f.write_str("auto"),
            Self::Always => f.write_str("always"),
            Self::Line(line) => write!(f, "always, serial {line}"),
        }
    }
}

/// Where in a sequence the last byte stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Data,
    Command,
    /// The option that this verb is about comes next.
    Option(u8),
    Subnegotiation,
    /// IAC in a subnegotiation.
    SubnegotiationCommand,
}

/// Which options something was said about, a bit each.
#[derive(Debug, Clone, Copy, Default)]
struct Options([u128; 2]);

impl Options {
    fn place(&mut self, option: u8) -> (&mut u128, u128) {
        let [low, high] = &mut self.0;
        (if option < 128 { low } else { high }, 1 << (option % 128))
    }

    fn has(mut self, option: u8) -> bool {
        let (word, bit) = self.place(option);
        *word & bit != 0
    }

    fn put(&mut self, option: u8, is_in: bool) {
        let (word, bit) = self.place(option);
        if is_in {
            *word |= bit;
        } else {
            *word &= !bit;
        }
    }
}

/// What we have said about the options of one side, ours or the peer's.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    yes: Options,
    no: Options,
}

impl Said {
    /// Takes in what the peer said, `on` or off; `Some` is what must be answered.
    fn answer(&mut self, option: u8, on: bool, is_accepted: bool) -> Option<bool> {
        let yes = on && is_accepted;
        let known = if yes { self.yes.has(option) } else { self.no.has(option) };
        // An option that nothing was said about is off: to switch it off changes nothing.
        let is_news = if on { !known } else { self.yes.has(option) };
        if !is_news {
            return None;
        }
        self.yes.put(option, yes);
        self.no.put(option, !yes);
        Some(yes)
    }
}

/// One end of a Telnet connection: ours.
#[derive(Debug)]
pub struct TelnetCodec {
    state: State,
    /// What we do: WILL and WONT.
    ours: Said,
    /// What the peer does: DO and DONT.
    theirs: Said,
    answered: usize,
    answers: VecDeque<u8>,
    subnegotiation: Vec<u8>,
    line: Option<LineRequest>,
}

impl TelnetCodec {
    /// A connection that was just opened. With a line to set, the answers begin with the offer to set it.
    pub fn new(line: Option<SerialLine>) -> Self {
        let mut codec = Self {
            state: State::Data,
            ours: Said::default(),
            theirs: Said::default(),
            answered: 0,
            answers: VecDeque::new(),
            subnegotiation: Vec::new(),
            line: line.map(LineRequest::new),
        };
        if codec.line.is_some() {
            codec.theirs.yes.put(COM_PORT, true);
            codec.ours.yes.put(COM_PORT, true);
            codec.answers.extend([IAC, DO, COM_PORT, IAC, WILL, COM_PORT]);
        }
        codec
    }

    /// Takes bytes of the stream in and moves the data among them to the front; the number of data bytes. Answers are
    /// added to `answers`.
    pub fn decode(&mut self, bytes: &mut [u8]) -> usize {
        // A byte of data never comes before the bytes it is made of: reading runs ahead of writing.
        let cells = Cell::from_mut(bytes).as_slice_of_cells();
        let mut free = cells.iter();
        let mut kept = 0;
        for cell in cells {
            if let Some(data) = self.take(cell.get())
                && let Some(place) = free.next()
            {
                place.set(data);
                kept += 1;
            }
        }
        kept
    }

    /// Bytes that must be sent to the peer, in this order and before any command that follows.
    pub fn answers(&mut self) -> &mut VecDeque<u8> {
        &mut self.answers
    }

    /// How far the serial line is set; `None` when there is none to set.
    pub fn line(&self) -> Option<&LineState> {
        self.line.as_ref().map(LineRequest::state)
    }

    fn take(&mut self, byte: u8) -> Option<u8> {
        match (self.state, byte) {
            (State::Data, IAC) => self.state = State::Command,
            (State::Data, _) => return Some(byte),
            (State::Command, IAC) => {
                self.state = State::Data;
                return Some(IAC);
            }
            (State::Command, _) => return self.command(byte),
            (State::Option(verb), option) => {
                self.state = State::Data;
                self.negotiate(verb, option);
            }
            (State::Subnegotiation, IAC) => self.state = State::SubnegotiationCommand,
            (State::Subnegotiation, _) => self.keep(byte),
            (State::SubnegotiationCommand, IAC) => {
                self.state = State::Subnegotiation;
                self.keep(IAC);
            }
            (State::SubnegotiationCommand, SE) => {
                self.state = State::Data;
                self.subnegotiated();
            }
            // The end was lost: the command that follows it counts.
            (State::SubnegotiationCommand, _) => return self.command(byte),
        }
        None
    }

    fn command(&mut self, byte: u8) -> Option<u8> {
        self.state = match byte {
            WILL | WONT | DO | DONT => State::Option(byte),
            SB => {
                self.subnegotiation.clear();
                State::Subnegotiation
            }
            _ => State::Data,
        };
        // No command begins so: the IAC was a byte of noise, what follows it was meant.
        (byte < FIRST_COMMAND).then_some(byte)
    }

    fn negotiate(&mut self, verb: u8, option: u8) {
        if option == COM_PORT
            && let Some(line) = &mut self.line
        {
            match verb {
                DO => line.accepted(&mut self.answers),
                DONT => line.refused(),
                // What the peer itself does with the option says nothing about what it lets us set.
                _ => {}
            }
        }
        if self.answered == MOST_ANSWERS {
            return;
        }
        let is_accepted = matches!(option, BINARY | SUPPRESS_GO_AHEAD) || (option == COM_PORT && self.line.is_some());
        let answer = match verb {
            WILL | WONT => self.theirs.answer(option, verb == WILL, is_accepted).map(|yes| if yes { DO } else { DONT }),
            _ => self.ours.answer(option, verb == DO, is_accepted).map(|yes| if yes { WILL } else { WONT }),
        };
        if let Some(answer) = answer {
            self.answered += 1;
            self.answers.extend([IAC, answer, option]);
        }
    }

    fn keep(&mut self, byte: u8) {
        // One byte more than fits, so that what was cut is not taken for whole.
        if self.subnegotiation.len() <= SUBNEGOTIATION_MAX {
            self.subnegotiation.push(byte);
        }
    }

    fn subnegotiated(&mut self) {
        if let Some(line) = &mut self.line
            && let [COM_PORT, command, value @ ..] = self.subnegotiation.as_slice()
        {
            line.answered(*command, value);
        }
    }
}

/// Adds data to `wire` as the layer sends it: IAC doubled, everything else as it is.
pub fn encode(data: &[u8], wire: &mut Vec<u8>) {
    for &byte in data {
        wire.push(byte);
        if byte == IAC {
            wire.push(IAC);
        }
    }
}

#[cfg(test)]
mod tests;
