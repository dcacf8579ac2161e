//! What a run is asked to do, and the bytes that come of it.
//!
//! A `Payload` is bytes for the wire that remember which of them come from a secret, so that no reader of a report, a
//! log or a plan can be shown them by accident: only `bytes()` gives them out.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use super::escape;

/// What `--cmd` or `--do` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The device's own language.
    Raw {
        /// As it was written: escapes and `{parameters}` not yet filled in.
        text: String,
        /// Parameters that take the place of the devices' own for this run, as they were written.
        args: BTreeMap<String, String>,
    },
    /// A named intent with its `--arg KEY=VALUE` texts.
    Action {
        /// The action's name, `power-on`.
        name: String,
        /// Arguments as they were written.
        args: BTreeMap<String, String>,
    },
}

impl Command {
    /// A command in the device's own language, with the devices' own parameters.
    pub fn raw(text: impl Into<String>) -> Self {
        Self::Raw { text: text.into(), args: BTreeMap::new() }
    }

    /// Its `--arg KEY=VALUE` texts.
    pub fn args(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Raw { args, .. } | Self::Action { args, .. } => args,
        }
    }

    /// The same, to be changed.
    pub fn args_mut(&mut self) -> &mut BTreeMap<String, String> {
        match self {
            Self::Raw { args, .. } | Self::Action { args, .. } => args,
        }
    }

    /// What the run is called where one word must do: the action's name, or `cmd`.
    pub fn label(&self) -> &str {
        match self {
            Self::Raw { .. } => "cmd",
            Self::Action { name, .. } => name,
        }
    }
}

impl fmt::Display for Command {
    /// In one line, as people write it: `volume level=30`, `ka {set_id} 01 with set_id=5`. Not escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (words, before_args) = match self {
            Self::Raw { text, .. } => (text, " with"),
            Self::Action { name, .. } => (name, ""),
        };
        f.write_str(words)?;
        if !self.args().is_empty() {
            f.write_str(before_args)?;
        }
        self.args().iter().try_for_each(|(key, value)| write!(f, " {key}={value}"))
    }
}

/// How a secret is shown where its bytes stood.
pub const SECRET_SHOWN: &str = "‹secret›";

/// Bytes for the wire, some of which may be secret.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Payload {
    bytes: Box<[u8]>,
    secret: Box<[(u32, u32)]>,
}

impl Payload {
    /// Bytes without a secret among them.
    pub fn plain(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into(), secret: Box::default() }
    }

    /// The bytes themselves, secrets included: for the socket only.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether some bytes come from a secret.
    pub fn has_secret(&self) -> bool {
        !self.secret.is_empty()
    }

    /// The secret parts, for masking a device's echo of them.
    pub fn secrets(&self) -> impl Iterator<Item = &[u8]> {
        self.secret.iter().filter_map(|&(from, to)| self.bytes.get(from as usize..to as usize))
    }

    /// The bytes as text with escapes, each secret as `‹secret›`.
    pub fn shown(&self) -> String {
        let mut text = String::with_capacity(self.bytes.len());
        self.push_shown(&mut text);
        text
    }

    /// Appends what [`Payload::shown`] gives.
    pub fn push_shown(&self, text: &mut String) {
        self.pieces(|piece, secret| {
            if secret {
                text.push_str(SECRET_SHOWN);
            } else {
                escape::push_shown(text, piece);
            }
        });
    }

    /// The bytes in hex, two digits each with spaces between; those of secrets are left out.
    pub fn shown_hex(&self) -> String {
        let mut text = String::with_capacity(self.bytes.len() * 3);
        self.push_shown_hex(&mut text);
        text
    }

    /// Appends what [`Payload::shown_hex`] gives, with a space before it where something stands already.
    pub fn push_shown_hex(&self, text: &mut String) {
        self.pieces(|piece, secret| {
            if !secret {
                escape::push_hex(text, piece);
            }
        });
    }

    fn pieces(&self, mut each: impl FnMut(&[u8], bool)) {
        let mut at = 0;
        for &(from, to) in &self.secret {
            let (from, to) = (from as usize, to as usize);
            if let Some(open) = self.bytes.get(at..from).filter(|open| !open.is_empty()) {
                each(open, false);
            }
            if let Some(hidden) = self.bytes.get(from..to) {
                each(hidden, true);
            }
            at = to;
        }
        if let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            each(rest, false);
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({})", self.shown())
    }
}

/// Puts a payload together, piece by piece.
#[derive(Default)]
pub struct PayloadBuilder {
    bytes: Vec<u8>,
    secret: Vec<(u32, u32)>,
}

impl PayloadBuilder {
    /// Appends bytes that everyone may see.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends bytes that come from a secret.
    pub fn push_secret(&mut self, bytes: &[u8]) {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.mark(from..self.bytes.len());
    }

    /// Appends another payload; its secrets stay secret.
    pub fn push_payload(&mut self, other: &Payload) {
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        for &(from, to) in &other.secret {
            self.mark(offset + from as usize..offset + to as usize);
        }
    }

    fn mark(&mut self, range: Range<usize>) {
        if let (Ok(from), Ok(to)) = (u32::try_from(range.start), u32::try_from(range.end))
            && from < to
        {
            self.secret.push((from, to));
        }
    }

    /// The bytes so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The finished payload.
    pub fn finish(self) -> Payload {
        Payload { bytes: self.bytes.into(), secret: self.secret.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_in_no_form() {
        let mut builder = PayloadBuilder::default();
        builder.push(b"login ");
        builder.push_secret(b"apple");
        builder.push(b"\r");
        let payload = builder.finish();
        assert_eq!(payload.shown(), "login ‹secret›\\r");
        assert_eq!(payload.shown_hex(), "6c 6f 67 69 6e 20 0d");
        assert_eq!(format!("{payload:?}"), "Payload(login ‹secret›\\r)");
        assert_eq!(payload.bytes(), b"login apple\r");
        assert_eq!(payload.secrets().collect::<Vec<_>>(), [b"apple"]);
    }
}
