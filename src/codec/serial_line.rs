//! Setting a gateway's serial line over Telnet: RFC 2217's COM-PORT option, the client's side.
//!
//! The settings are sent once the gateway has accepted the option, and each is answered with the value that now holds:
//! the line is set when all four came back as they were asked for.

use std::collections::VecDeque;
use std::fmt;

use super::telnet::IAC;

/// The option's number (RFC 2217 §2).
pub(super) const COM_PORT: u8 = 0x2C;

const SET_BAUDRATE: u8 = 1;
const SET_DATASIZE: u8 = 2;
const SET_PARITY: u8 = 3;
const SET_STOPSIZE: u8 = 4;

/// What a gateway adds to a command when it answers it.
const ANSWER: u8 = 100;

/// How a serial line is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SerialLine {
    /// Bits per second.
    pub baud: u32,
    /// Bits of a character, 5 to 8.
    pub data_bits: u8,
    /// The check bit.
    pub parity: Parity,
    /// Stop bits, 1 or 2.
    pub stop_bits: u8,
}

impl fmt::Display for SerialLine {
    /// As people write it: `9600 8N1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parity = match self.parity {
            Parity::None => 'N',
            Parity::Odd => 'O',
            Parity::Even => 'E',
            Parity::Mark => 'M',
            Parity::Space => 'S',
        };
        write!(f, "{} {}{parity}{}", self.baud, self.data_bits, self.stop_bits)
    }
}

/// The check bit of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parity {
    /// There is none.
    None,
    /// An odd number of ones.
    Odd,
    /// An even number of ones.
    Even,
    /// Always one.
    Mark,
    /// Always zero.
    Space,
}

impl Parity {
    /// Every parity with its word.
    pub const WORDS: [(&str, Self); 5] =
        [("none", Self::None), ("odd", Self::Odd), ("even", Self::Even), ("mark", Self::Mark), ("space", Self::Space)];

    /// RFC 2217 §3, SET-PARITY.
    fn value(self) -> u8 {
        match self {
            Self::None => 1,
            Self::Odd => 2,
            Self::Even => 3,
            Self::Mark => 4,
            Self::Space => 5,
        }
    }
}

/// How far a line is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineState {
    /// The gateway has not said everything yet.
    Waiting,
    /// All settings hold.
    Set,
    /// The gateway will not; why, for people.
    Refused(String),
}

/// A line that is being set.
#[derive(Debug)]
pub(super) struct LineRequest {
    line: SerialLine,
    is_sent: bool,
    /// Commands whose answer is still to come.
    open: Vec<u8>,
    state: LineState,
}

impl LineRequest {
    pub(super) fn new(line: SerialLine) -> Self {
        Self { line, is_sent: false, open: Vec::new(), state: LineState::Waiting }
    }

    pub(super) fn state(&self) -> &LineState {
        &self.state
    }

    /// The gateway has accepted the option: the settings are added to `answers`.
    pub(super) fn accepted(&mut self, answers: &mut VecDeque<u8>) {
        if self.is_sent || self.state != LineState::Waiting {
            return;
        }
        self.is_sent = true;
        for command in [SET_BAUDRATE, SET_DATASIZE, SET_PARITY, SET_STOPSIZE] {
            // IAC SB COM-PORT command value IAC SE
            answers.extend([IAC, 0xFA, COM_PORT, command]);
            for byte in self.value(command) {
                answers.push_back(byte);
                if byte == IAC {
                    answers.push_back(IAC);
                }
            }
            answers.extend([IAC, 0xF0]);
            self.open.push(command);
        }
    }

    /// The gateway has refused the option.
    pub(super) fn refused(&mut self) {
        if self.state == LineState::Waiting {
            self.state = LineState::Refused(
                "the gateway refuses RFC 2217, so `serial` cannot be set: set the line on the gateway and leave `serial` out"
                    .to_owned(),
            );
        }
    }

    /// The gateway has answered a command (or told something else of the option).
    pub(super) fn answered(&mut self, answer: u8, value: &[u8]) {
        let Some(command) = answer.checked_sub(ANSWER).filter(|command| self.open.contains(command)) else { return };
        self.open.retain(|open| *open != command);
        if self.state != LineState::Waiting {
            return;
        }
        if value != self.value(command) {
            self.state = LineState::Refused(format!(
                "the gateway does not set the serial line as asked for: {} is {}, not {}",
                name(command),
                number(value),
                number(&self.value(command))
            ));
        } else if self.open.is_empty() {
            self.state = LineState::Set;
        }
    }

    fn value(&self, command: u8) -> Vec<u8> {
        match command {
            SET_BAUDRATE => self.line.baud.to_be_bytes().to_vec(),
            SET_DATASIZE => vec![self.line.data_bits],
            SET_PARITY => vec![self.line.parity.value()],
            _ => vec![self.line.stop_bits],
        }
    }
}

fn name(command: u8) -> &'static str {
    match command {
        SET_BAUDRATE => "`baud`",
        SET_DATASIZE => "`data_bits`",
        SET_PARITY => "RFC 2217's number of `parity`",
        _ => "`stop_bits`",
    }
}

fn number(value: &[u8]) -> u64 {
    value.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
