//! The keys that an inventory and a type file write alike, as a schema: times and retries, and the connection.

#![expect(
    dead_code,
    reason = "these types are only described, never filled: the readers collect mistakes with their places"
)]

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A number with a unit: `250ms`, `3s`, `5m`, `1h 30m`, `400d`.
pub(super) struct Span;

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Numbers with units: 250ms, 3s, 5m, 1h 30m, 400d.",
            "pattern": r"^\s*(\d+\s*[A-Za-zµ]+\s*)+$",
        })
    }
}

/// The settings of one device that every layer may say.
#[derive(JsonSchema)]
pub(super) struct Timing {
    /// From the start of connecting to an open connection.
    connect_timeout: Option<Span>,
    /// From the write of the command to the last byte of its reply.
    reply_timeout: Option<Span>,
    /// Everything for one device, attempts and waits included.
    device_deadline: Option<Span>,
    /// Further attempts after the first.
    #[schemars(range(min = 0, max = 1000))]
    retries: Option<u32>,
    /// Waits between attempts: exponential, with full jitter.
    retry_backoff: Option<Backoff>,
}

/// Waits between attempts.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Backoff {
    /// The longest wait before the second attempt; it doubles with each further one.
    initial: Option<Span>,
    /// The longest wait before any attempt.
    max: Option<Span>,
    /// A random part of the longest wait instead of the whole.
    jitter: Option<bool>,
}

/// How devices are connected to.
#[derive(JsonSchema)]
pub(super) struct Link {
    /// From the end of one exchange with a gateway to the next write to it.
    gap: Option<Span>,
    /// How long the line is listened to before a write that a late answer could confuse.
    quiet: Option<Span>,
    /// The wait after a device asked to wait.
    busy_delay: Option<Span>,
    /// Whether one connection serves all devices of a gateway.
    reuse: Option<bool>,
    /// The Telnet layer: `auto` (text types only) switches it on when the first byte that comes is FF.
    telnet: Option<Telnet>,
    /// The gateway's serial line, set over Telnet (RFC 2217) before the first command.
    serial: Option<Serial>,
    /// Whether our side of the connection is closed as soon as the command is written.
    half_close: Option<bool>,
}

/// When the Telnet layer is on.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Telnet {
    Auto,
    Always,
    Never,
}

/// How a serial line is set.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Serial {
    /// Bits per second.
    #[schemars(range(min = 50, max = 4_000_000))]
    baud: u32,
    /// Bits of a character (8).
    #[schemars(range(min = 5, max = 8))]
    data_bits: Option<u8>,
    /// The check bit (`none`).
    parity: Option<Parity>,
    /// Stop bits (1).
    #[schemars(range(min = 1, max = 2))]
    stop_bits: Option<u8>,
}

/// The check bit of a character.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Parity {
    None,
    Odd,
    Even,
    Mark,
    Space,
}

/// Parameters or arguments by name.
pub(super) struct Values;

impl JsonSchema for Values {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "values".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": { "type": ["string", "integer", "boolean"] } })
    }
}
