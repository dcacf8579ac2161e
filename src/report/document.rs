//! The JSON contract `fleetctl.report/1` and the NDJSON lines, as types of their own.
//!
//! They borrow from the run and exist only while they are written. Every field is always present, `null` where it says
//! nothing; fields are only ever added. What goes into them is decided in `record.rs`, how they are laid out in
//! `json_layout.rs`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::moment::Moment;
use crate::model::{Delivery, Ended, ErrorKind, SkipReason, Status};

/// The version of fleetctl that writes.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The name of the report's schema.
pub(super) const REPORT_SCHEMA: &str = "fleetctl.report/1";

/// The record of one run.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "report", inline)]
pub(super) struct Report<'a, D> {
    #[schemars(schema_with = "report_schema_name")]
    pub(super) schema: &'static str,
    /// A ULID: ids sort by time.
    pub(super) run_id: &'a str,
    /// `[fleet] name`.
    pub(super) fleet: &'a str,
    pub(super) fleetctl_version: &'static str,
    pub(super) command: CommandRecord<'a>,
    /// When planning was over.
    pub(super) started_at: Moment,
    pub(super) finished_at: Moment,
    pub(super) elapsed_ms: u64,
    /// How the run ended.
    #[schemars(schema_with = "ended_schema")]
    pub(super) ended: &'static str,
    /// Only there, and true, when the devices were simulated.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) simulated: bool,
    pub(super) summary: SummaryRecord,
    /// Every selected device exactly once, in inventory order.
    #[schemars(with = "Vec<DeviceRecord<'static>>")]
    pub(super) devices: D,
}

/// What the run was asked to do: either `cmd` or `action` says it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "command")]
pub(super) struct CommandRecord<'a> {
    /// The raw command as it was written.
    pub(super) cmd: Option<&'a str>,
    /// The action's name.
    pub(super) action: Option<&'a str>,
    /// The arguments as they were written.
    pub(super) args: &'a BTreeMap<String, String>,
    pub(super) verify: bool,
    pub(super) if_needed: bool,
}

/// The counts; those of the statuses add up to `total`.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "summary")]
pub(super) struct SummaryRecord {
    pub(super) total: u64,
    pub(super) ok: u64,
    pub(super) sent: u64,
    pub(super) rejected: u64,
    pub(super) unreachable: u64,
    pub(super) no_reply: u64,
    pub(super) bad_reply: u64,
    pub(super) mismatch: u64,
    pub(super) skipped: u64,
    /// Successes that took more than one attempt.
    pub(super) flaky: u64,
    /// Tries at devices.
    pub(super) attempts: u64,
}

/// What became of one device.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "device")]
pub(super) struct DeviceRecord<'a> {
    pub(super) name: &'a str,
    /// `host:port`.
    pub(super) address: &'a str,
    pub(super) r#type: &'a str,
    pub(super) site: Option<&'a str>,
    #[schemars(with = "Vec<String>")]
    pub(super) tags: &'a [Arc<str>],
    #[schemars(schema_with = "status_schema")]
    pub(super) status: &'static str,
    /// How far the command got, over all attempts.
    #[schemars(schema_with = "delivery_schema")]
    pub(super) delivery: &'static str,
    /// Why it was skipped, when it was.
    #[schemars(schema_with = "reason_schema")]
    pub(super) reason: Option<&'static str>,
    /// `null`: not asked for.
    pub(super) verified: Option<bool>,
    /// `null`: not asked for.
    pub(super) changed: Option<bool>,
    /// 0 when skipped.
    pub(super) attempts: u32,
    /// From the start of the first attempt to the outcome, to a tenth.
    pub(super) elapsed_ms: f64,
    /// From the write of the command to its valid reply, to a tenth; `null` when none came.
    pub(super) reply_ms: Option<f64>,
    #[schemars(with = "Option<Moment>")]
    pub(super) finished_at: Option<&'a str>,
    /// The command with its affixes, as text with escapes, secrets as `‹secret›`; `null` if it was never written.
    pub(super) sent: Option<&'a str>,
    /// The same in hex; the bytes of secrets are left out.
    pub(super) sent_hex: Option<&'a str>,
    /// The frame that was judged; when no frame came, whatever bytes did.
    pub(super) reply: Option<&'a str>,
    /// The same in hex; `null` when it holds a secret.
    pub(super) reply_hex: Option<&'a str>,
    /// What the reply carried.
    pub(super) value: Option<ValueRecord<'a>>,
    /// The file that was fetched.
    pub(super) file: Option<FileDocument<'a>>,
    /// Why the last attempt failed; `null` for successes and for skipped devices.
    pub(super) error: Option<ErrorRecord>,
    /// Why the attempts before the last one failed.
    pub(super) earlier_errors: Vec<EarlierErrorRecord>,
}

/// A file that was fetched from a device.
#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "file")]
pub(super) struct FileDocument<'a> {
    /// As it was expanded.
    pub(super) path: std::borrow::Cow<'a, str>,
    pub(super) bytes: u64,
    /// In lower-case hex.
    pub(super) sha256: &'a str,
}

/// A decoded value.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "value")]
pub(super) enum ValueRecord<'a> {
    Text(std::borrow::Cow<'a, str>),
    Int(i64),
    Decimal(f64),
    List(&'a [i64]),
}

/// Why an attempt failed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "error")]
pub(super) struct ErrorRecord {
    #[schemars(schema_with = "kind_schema")]
    pub(super) kind: &'static str,
    /// One line for people.
    pub(super) message: String,
    /// What to try.
    pub(super) hint: std::borrow::Cow<'static, str>,
}

/// Why an attempt before the last one failed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "earlier_error")]
pub(super) struct EarlierErrorRecord {
    #[serde(flatten)]
    pub(super) error: ErrorRecord,
    /// Which attempt, from 1.
    pub(super) attempt: u32,
}

/// One line of NDJSON: something that happened.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[schemars(rename = "event")]
pub(super) enum Line<'a> {
    /// The plan is fixed; nothing was sent yet.
    RunStarted {
        at: Moment,
        run_id: &'a str,
        fleet: &'a str,
        fleetctl_version: &'static str,
        command: CommandRecord<'a>,
        /// Only there, and true, when the devices are simulated.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        simulated: bool,
        /// How many devices were selected.
        devices: usize,
    },
    /// A pass of `--until` begins.
    PassStarted {
        at: Moment,
        run_id: &'a str,
        /// Which one, from 1.
        pass: u32,
        /// How many devices it takes.
        devices: usize,
    },
    /// An attempt failed; the next one follows.
    AttemptFailed {
        at: Moment,
        run_id: &'a str,
        /// The device's name.
        name: &'a str,
        /// Which attempt, from 1.
        attempt: u32,
        error: ErrorRecord,
        retry_in_ms: u64,
    },
    /// Nothing more will be tried for this device.
    DeviceFinished {
        #[schemars(with = "Moment")]
        at: &'a str,
        run_id: &'a str,
        device: &'a DeviceRecord<'a>,
    },
    /// Nothing new starts from here on.
    Stopping {
        at: Moment,
        run_id: &'a str,
        #[schemars(schema_with = "ended_schema")]
        reason: &'static str,
    },
    /// Always the last line.
    RunFinished {
        at: Moment,
        run_id: &'a str,
        #[schemars(schema_with = "ended_schema")]
        ended: &'static str,
        elapsed_ms: u64,
        summary: SummaryRecord,
    },
}

/// A value that is written as it prints.
pub(super) struct Shown<T>(pub(super) T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn report_schema_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": REPORT_SCHEMA })
}

/// Every way in which a run ends.
pub(super) const ENDS: [Ended; 4] = [Ended::Completed, Ended::Interrupted, Ended::Deadline, Ended::MaxFailures];
/// Every answer to how far a command got.
pub(super) const DELIVERIES: [Delivery; 3] = [Delivery::None, Delivery::Unknown, Delivery::Confirmed];
/// Every reason why a device was never started.
pub(super) const REASONS: [SkipReason; 5] =
    [SkipReason::Interrupted, SkipReason::Deadline, SkipReason::MaxFailures, SkipReason::Held, SkipReason::Internal];

fn ended_schema(_: &mut SchemaGenerator) -> Schema {
    words(ENDS.map(Ended::as_str))
}

fn status_schema(_: &mut SchemaGenerator) -> Schema {
    words(Status::ALL.map(Status::as_str))
}

fn delivery_schema(_: &mut SchemaGenerator) -> Schema {
    words(DELIVERIES.map(Delivery::as_str))
}

fn reason_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [words(REASONS.map(SkipReason::as_str)), { "type": "null" }] })
}

fn kind_schema(_: &mut SchemaGenerator) -> Schema {
    words(ErrorKind::ALL.map(ErrorKind::as_str))
}

fn words<const N: usize>(words: [&'static str; N]) -> Schema {
    json_schema!({ "type": "string", "enum": words.as_slice() })
}
