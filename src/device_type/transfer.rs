//! What follows a reply when a device sends a file: how much, at most how much, and how it begins.

use std::sync::Arc;
use std::time::Duration;

use super::format::{Fields, named};

/// The bytes that follow a reply that was judged ok.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The most bytes that may be announced.
    pub max: u64,
    /// What they begin with; empty where the type does not say.
    pub magic: Box<[u8]>,
    /// How long no byte may come.
    pub idle_timeout: Duration,
    /// The field of the reply that says how many they are.
    pub(super) length: Arc<str>,
}

impl Transfer {
    /// How many bytes a reply with these fields announces.
    pub(super) fn announced(&self, fields: &Fields<'_>) -> Option<u64> {
        named(fields, &self.length)?.operand().number().and_then(|number| u64::try_from(number).ok())
    }

    /// Whether bytes that came may be the beginning of the file, as far as they go.
    pub fn may_begin_with(&self, bytes: &[u8]) -> bool {
        let len = bytes.len().min(self.magic.len());
        bytes.get(..len) == self.magic.get(..len)
    }
}
