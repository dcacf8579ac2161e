//! Devices on TCP 9100 (protocols.md §3): ESC, a command, CR; the answer is text up to a NUL or to the end.

use super::State;
use super::replies::{Answer, acts};
use super::truth::{Kind, Meaning};
use crate::night::{Stray, Task};

/// The command of the night.
pub(crate) const WORD: &str = "cycle";

impl State {
    /// A printer has got bytes.
    pub(super) fn printer_hears(&mut self, gateway: usize, connection: usize) {
        let tail = &mut self.truth.connections[connection].tail;
        let Some(end) = tail.iter().position(|byte| *byte == b'\r') else { return };
        let bytes: Vec<u8> = tail.drain(..=end).collect();
        let is_ours = matches!(self.night.task, Task::Text { .. }) && bytes == format!("\x1b{WORD}\r").as_bytes();
        let who = self.who(gateway, 1);
        let request = self.note(connection, who, if is_ours { Kind::Command } else { Kind::Alien }, &bytes);
        let Some(who) = who else { return };
        let fault = self.fault(who, connection);
        self.truth.requests[request].acted = acts(fault);
        let text = format!("done {request}");
        let answer = Answer {
            meaning: Meaning::Text(text.clone()),
            bytes: [b" ", text.as_bytes(), b"\r\n\0"].concat(),
            echo: Vec::new(),
            stray: |_: &Self, _: usize, _: Stray| Vec::new(),
            malformed: Vec::new(),
            is_serial: false,
        };
        self.answer(request, who, fault, answer);
    }
}
