//! The settings that a type file and an inventory write alike: times and retries, and the connection (`link`).
//!
//! Both are layers: what one does not say is left to the layer below. Which layer lies where is decided by the
//! inventory and the plan.

use std::sync::Arc;
use std::time::Duration;

use super::telnet::read_telnet;
use crate::codec::{BytePattern, TelnetMode};
use crate::diagnostic::{Diagnostics, TomlTable};
use crate::model::escape::shown;
use crate::model::{Medium, TimingOverrides};

/// How much of a gateway's text is shown, in bytes.
const BUSY_TEXT_MAX: usize = 120;

/// Reads the `[run]` keys that concern one device from any table that may hold them.
pub fn read_timing(table: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> TimingOverrides {
    let mut timing = TimingOverrides {
        connect_timeout: table.positive_duration("connect_timeout", diagnostics),
        reply_timeout: table.positive_duration("reply_timeout", diagnostics),
        device_deadline: table.positive_duration("device_deadline", diagnostics),
        retries: table.int_in("retries", 0..=1000, diagnostics).and_then(|n| u32::try_from(n).ok()),
        ..TimingOverrides::default()
    };
    if let Some(mut backoff) = table.table("retry_backoff", "`retry_backoff`", diagnostics) {
        timing.backoff_initial = backoff.duration("initial", diagnostics);
        timing.backoff_max = backoff.duration("max", diagnostics);
        timing.backoff_jitter = backoff.bool("jitter", diagnostics);
        backoff.finish(diagnostics);
    }
    timing
}

/// How a type's devices are connected to.
#[derive(Debug, Clone)]
pub struct Link {
    /// From the end of one exchange with a gateway to the next write to it.
    pub gap: Duration,
    /// How long the line is listened to, and what comes is dropped, before a write that a late answer could confuse.
    pub quiet: Duration,
    /// The wait after a device asked to wait.
    pub busy_delay: Duration,
    /// Whether one connection serves the whole lane.
    pub reuse: bool,
    /// The Telnet layer.
    pub telnet: TelnetMode,
    /// Whether the language is text, so that the layer can tell by itself whether it is wanted.
    pub may_detect_telnet: bool,
    /// Whether our side of the connection is closed as soon as the command is written.
    pub half_close: bool,
    /// What a gateway says instead of the device when it serves another client.
    pub busy_texts: Arc<[BytePattern]>,
    /// What lies between the address and the device.
    pub medium: Medium,
    /// How many clients a device serves at once, where the type knows.
    pub clients: Option<u32>,
}

/// A layer over a type's `link`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LinkOverrides {
    /// See [`Link::gap`].
    pub gap: Option<Duration>,
    /// See [`Link::quiet`].
    pub quiet: Option<Duration>,
    /// See [`Link::busy_delay`].
    pub busy_delay: Option<Duration>,
    /// See [`Link::reuse`].
    pub reuse: Option<bool>,
    /// See [`Link::telnet`].
    pub telnet: Option<TelnetMode>,
    /// See [`Link::half_close`].
    pub half_close: Option<bool>,
}

impl Link {
    /// What a gateway says in `bytes` about serving another client, safe for a terminal; `None` when it says nothing
    /// of the kind. With the place where it begins.
    pub fn busy_text(&self, bytes: &[u8]) -> Option<(usize, String)> {
        if bytes.is_empty() {
            return None;
        }
        let found = self.busy_texts.iter().find_map(|pattern| pattern.find(bytes))?;
        // The whole line: a pattern may match only its beginning.
        let line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let rest = bytes.get(found.start..).unwrap_or_default();
        let line = rest.get(..rest.iter().position(line_end).unwrap_or(rest.len())).unwrap_or(rest);
        Some((found.start, shown(line.get(..BUSY_TEXT_MAX).unwrap_or(line))))
    }
}

impl Link {
    /// The Telnet layer when a layer above says `wanted`: detection is for the types that allow it, others keep their own.
    pub fn telnet_under(&self, wanted: Option<TelnetMode>) -> TelnetMode {
        match wanted {
            Some(TelnetMode::Auto) if !self.may_detect_telnet => self.telnet,
            Some(wanted) => wanted.over(self.telnet),
            None => self.telnet,
        }
    }

    /// The connection of a device that says this of its own.
    #[must_use]
    pub fn under(&self, overrides: LinkOverrides) -> Self {
        Self {
            gap: overrides.gap.unwrap_or(self.gap),
            quiet: overrides.quiet.unwrap_or(self.quiet),
            busy_delay: overrides.busy_delay.unwrap_or(self.busy_delay),
            reuse: overrides.reuse.unwrap_or(self.reuse),
            telnet: self.telnet_under(overrides.telnet),
            may_detect_telnet: self.may_detect_telnet,
            half_close: overrides.half_close.unwrap_or(self.half_close),
            busy_texts: self.busy_texts.clone(),
            medium: self.medium_under(overrides.telnet),
            clients: self.clients,
        }
    }

    /// What lies between the address and the device when a layer above says `wanted` of Telnet: whoever sets a serial
    /// line has one.
    pub fn medium_under(&self, wanted: Option<TelnetMode>) -> Medium {
        match self.telnet_under(wanted) {
            TelnetMode::Line(_) => Medium::Serial,
            TelnetMode::Never | TelnetMode::Auto | TelnetMode::Always => self.medium,
        }
    }
}

impl LinkOverrides {
    /// Reads the keys of a `link` table that a device may set; the caller finishes the table.
    pub fn read(table: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Self {
        Self {
            gap: table.duration("gap", diagnostics),
            quiet: table.duration("quiet", diagnostics),
            busy_delay: table.duration("busy_delay", diagnostics),
            reuse: table.bool("reuse", diagnostics),
            telnet: read_telnet(table, diagnostics),
            half_close: table.bool("half_close", diagnostics),
        }
    }

    /// This layer over `below`: what it says wins.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            gap: self.gap.or(below.gap),
            quiet: self.quiet.or(below.quiet),
            busy_delay: self.busy_delay.or(below.busy_delay),
            reuse: self.reuse.or(below.reuse),
            telnet: match (self.telnet, below.telnet) {
                (Some(own), Some(below)) => Some(own.over(below)),
                (own, below) => own.or(below),
            },
            half_close: self.half_close.or(below.half_close),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::device_type::Catalog;

    #[test]
    fn a_gateways_text_is_told_from_a_devices_reply() {
        let catalog = Catalog::built_in();
        let link = &catalog.get("lg-rs232").unwrap().link;
        let long = format!("Port {}in use", "x".repeat(200));
        let shown = &long.get(..120).unwrap();
        for (bytes, text) in [
            (&b"Port already in use\r\n"[..], Some("Port already in use")),
            (b"\r\nPort's device already in use\r\n", Some("Port's device already in use")),
            (b"Port \x1b[2Jdisabled now\r\n", Some("Port \\x1b[2Jdisabled now")),
            (b"Accessed denied due to your net address\r\n", Some("Accessed denied due to your net address")),
            (long.as_bytes(), Some(*shown)),
            (b"Port already in", None),
            (b"a 01 OK01x", None),
            (b"", None),
        ] {
            assert_eq!(link.busy_text(bytes).map(|(_, said)| said).as_deref(), text, "{}", bytes.escape_ascii());
        }
    }
}
