//! Why an attempt failed: the kind that machines read, and the facts that a person needs.
//!
//! A failure is a fact about an attempt, never a wish about what to do next: whether to try again is decided in
//! `dispatch/policy`, what to suggest to the operator in `report/hint.rs`.

use std::fmt;
use std::time::Duration;

/// The contract's `error.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorKind {
    /// The name did not resolve.
    Dns,
    /// The port is closed.
    ConnectionRefused,
    /// No answer to the connection request in time.
    ConnectTimeout,
    /// No route to the host.
    Unreachable,
    /// The gateway serves another client.
    GatewayBusy,
    /// No complete reply in time.
    ReplyTimeout,
    /// The peer closed.
    ConnectionClosed,
    /// The peer reset the connection.
    ConnectionReset,
    /// A whole reply that makes no sense.
    MalformedReply,
    /// More bytes than a reply or its noise may have.
    ReplyTooLong,
    /// A frame whose checksum is wrong.
    WrongChecksum,
    /// The device said no.
    Refused,
    /// The device asked to wait, to the end.
    Busy,
    /// The password was refused.
    AuthFailed,
    /// Acknowledged, but another state was seen.
    Mismatch,
    /// The device's own deadline ended an attempt.
    DeviceDeadline,
    /// Cut when the run stopped.
    Interrupted,
    /// Our own fault.
    Internal,
    /// Any other fault of input or output.
    Io,
}

impl ErrorKind {
    /// Every kind, in the contract's order.
    pub const ALL: [Self; 19] = [
        Self::Dns,
        Self::ConnectionRefused,
        Self::ConnectTimeout,
        Self::Unreachable,
        Self::GatewayBusy,
        Self::ReplyTimeout,
        Self::ConnectionClosed,
        Self::ConnectionReset,
        Self::MalformedReply,
        Self::ReplyTooLong,
        Self::WrongChecksum,
        Self::Refused,
        Self::Busy,
        Self::AuthFailed,
        Self::Mismatch,
        Self::DeviceDeadline,
        Self::Interrupted,
        Self::Internal,
        Self::Io,
    ];

    /// The kind as reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::Unreachable => "unreachable",
            Self::GatewayBusy => "gateway_busy",
            Self::ReplyTimeout => "reply_timeout",
            Self::ConnectionClosed => "connection_closed",
            Self::ConnectionReset => "connection_reset",
            Self::MalformedReply => "malformed_reply",
            Self::ReplyTooLong => "reply_too_long",
            Self::WrongChecksum => "wrong_checksum",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::AuthFailed => "auth_failed",
            Self::Mismatch => "mismatch",
            Self::DeviceDeadline => "device_deadline",
            Self::Interrupted => "interrupted",
            Self::Internal => "internal",
            Self::Io => "io",
        }
    }
}

/// A failed attempt, with its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What machines read.
    pub kind: ErrorKind,
    /// The time that ran out, where a time ran out.
    pub waited: Option<Duration>,
    /// Bytes that came since the command was written (before it: since the connection opened).
    pub received: u64,
    /// What the device, the gateway or the system said, already safe for a terminal; empty when there is nothing.
    pub detail: Box<str>,
}

impl Failure {
    /// A failure of which only the kind is known.
    pub fn new(kind: ErrorKind) -> Self {
        Self { kind, waited: None, received: 0, detail: Box::default() }
    }

    /// The same failure with what was said about it.
    #[must_use]
    pub fn detail(self, detail: impl Into<Box<str>>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// The same failure with the time that ran out.
    #[must_use]
    pub fn waited(self, waited: Duration) -> Self {
        Self { waited: Some(waited), ..self }
    }

    /// The same failure with the number of bytes that came.
    #[must_use]
    pub fn received(self, received: u64) -> Self {
        Self { received, ..self }
    }
}

impl Failure {
    /// The failure that prints as this message, for a report that is read back; a message that this version would not
    /// write is kept whole as the detail.
    pub fn of_message(kind: ErrorKind, message: &str) -> Self {
        let failure = Self::new(kind);
        let base = failure.to_string();
        let read = match kind {
            ErrorKind::ReplyTimeout => failure.read_timeout(message),
            ErrorKind::ReplyTooLong => match message.strip_prefix("no reply within ").and_then(read_bytes) {
                Some((received, rest)) => failure.clone().received(received).read_detail(rest),
                None => message.strip_prefix(&base).and_then(|rest| failure.clone().read_detail(rest)),
            },
            ErrorKind::ConnectionClosed | ErrorKind::ConnectionReset => {
                message.strip_prefix(&base).and_then(|rest| match rest.strip_prefix(" after ").and_then(read_bytes) {
                    Some((received, rest)) => failure.clone().received(received).read_detail(rest),
                    None => failure.clone().read_detail(rest),
                })
            }
            ErrorKind::ConnectTimeout => message.strip_prefix(&base).and_then(|rest| failure.read_within(rest)),
            ErrorKind::DeviceDeadline => message.strip_prefix("the device's deadline").and_then(|rest| {
                let (time, rest) = rest.split_once(" ended the attempt")?;
                match time.strip_prefix(" of ") {
                    Some(time) => failure.clone().waited(humantime::parse_duration(time).ok()?).read_detail(rest),
                    None => failure.clone().read_detail(rest),
                }
            }),
            _ => message.strip_prefix(&base).and_then(|rest| failure.clone().read_detail(rest)),
        };
        read.filter(|read| read.to_string() == message).unwrap_or_else(|| failure.detail(message))
    }

    fn read_timeout(&self, message: &str) -> Option<Self> {
        let Some(rest) = message.strip_prefix("no complete reply") else {
            return self.read_within(message.strip_prefix("no reply")?);
        };
        let (time, rest) = rest.split_once(", ")?;
        let (received, rest) = read_bytes(rest)?;
        self.read_within(time)?.received(received).read_detail(rest.strip_prefix(" came")?)
    }

    /// ` within 8s`, perhaps, and the detail.
    fn read_within(&self, rest: &str) -> Option<Self> {
        match rest.strip_prefix(" within ") {
            Some(rest) => {
                let time = rest.split(": ").next().unwrap_or(rest);
                let waited = humantime::parse_duration(time).ok()?;
                self.clone().waited(waited).read_detail(rest.strip_prefix(time)?)
            }
            None => self.clone().read_detail(rest),
        }
    }

    fn read_detail(self, rest: &str) -> Option<Self> {
        if rest.is_empty() { Some(self) } else { Some(self.detail(rest.strip_prefix(": ")?)) }
    }
}

/// `1 byte` or `12 bytes` and what stands after it.
fn read_bytes(text: &str) -> Option<(u64, &str)> {
    let (count, rest) = text.split_once(" byte")?;
    Some((count.parse().ok()?, rest.strip_prefix('s').unwrap_or(rest)))
}

impl fmt::Display for Failure {
    /// One line for people, a lower-case fragment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let within = |f: &mut fmt::Formatter<'_>| match self.waited {
            Some(waited) => write!(f, " within {}", humantime::format_duration(waited)),
            None => Ok(()),
        };
        match self.kind {
            ErrorKind::Dns => f.write_str("the name does not resolve")?,
            ErrorKind::ConnectionRefused => f.write_str("connection refused")?,
            ErrorKind::ConnectTimeout => {
                f.write_str("no connection")?;
                within(f)?;
            }
            ErrorKind::Unreachable => f.write_str("host unreachable")?,
            ErrorKind::GatewayBusy => f.write_str("the gateway serves another client")?,
            ErrorKind::ReplyTimeout if self.received > 0 => {
                f.write_str("no complete reply")?;
                within(f)?;
                write!(f, ", {} came", bytes(self.received))?;
            }
            ErrorKind::ReplyTimeout => {
                f.write_str("no reply")?;
                within(f)?;
            }
            ErrorKind::ConnectionClosed | ErrorKind::ConnectionReset => {
                let what = if self.kind == ErrorKind::ConnectionClosed { "closed" } else { "reset" };
                write!(f, "connection {what} by the peer")?;
                if self.received > 0 {
                    write!(f, " after {}", bytes(self.received))?;
                }
            }
            ErrorKind::MalformedReply => f.write_str("the reply makes no sense")?,
            ErrorKind::ReplyTooLong if self.received > 0 => write!(f, "no reply within {}", bytes(self.received))?,
            // It was announced, and nothing of it was read.
            ErrorKind::ReplyTooLong => f.write_str("the reply is too long")?,
            ErrorKind::WrongChecksum => f.write_str("wrong checksum")?,
            ErrorKind::Refused => f.write_str("refused")?,
            ErrorKind::Busy => f.write_str("busy")?,
            ErrorKind::AuthFailed => f.write_str("the password was refused")?,
            ErrorKind::Mismatch => f.write_str("the device shows another state")?,
            ErrorKind::DeviceDeadline => {
                f.write_str("the device's deadline")?;
                if let Some(waited) = self.waited {
                    write!(f, " of {}", humantime::format_duration(waited))?;
                }
                f.write_str(" ended the attempt")?;
            }
            ErrorKind::Interrupted => f.write_str("cut when the run stopped")?,
            ErrorKind::Internal => f.write_str("a fault of fleetctl or of this machine")?,
            ErrorKind::Io => f.write_str("input or output failed")?,
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

fn bytes(count: u64) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_read_back_from_its_message() {
        for kind in ErrorKind::ALL {
            for (waited, received, detail) in
                [(None, 0, ""), (Some(90_500), 0, ""), (None, 1, "NG 00"), (Some(8000), 12, "said: a, b within 3s")]
            {
                let failure = Failure::new(kind).received(received).detail(detail);
                let failure = match waited {
                    Some(waited) => failure.waited(Duration::from_millis(waited)),
                    None => failure,
                };
                let message = failure.to_string();
                let read = Failure::of_message(kind, &message);
                assert_eq!(read.to_string(), message);
                assert_eq!(read.detail, failure.detail, "{message}");
            }
        }
        let other = Failure::of_message(ErrorKind::Dns, "NXDOMAIN");
        assert_eq!(other.to_string(), "the name does not resolve: NXDOMAIN");
    }
}
