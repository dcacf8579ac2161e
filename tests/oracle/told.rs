//! What a run has told, read again: the JSON report and the lines of NDJSON, as a machine would.

use serde::Deserialize;
use serde_json::Value;

/// The JSON report.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) ended: String,
    pub(crate) started_at: String,
    pub(crate) elapsed_ms: u64,
    pub(crate) summary: Summary,
    pub(crate) devices: Vec<Device>,
    #[serde(default)]
    pub(crate) simulated: bool,
}

/// The counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Summary {
    pub(crate) total: u64,
    pub(crate) ok: u64,
    pub(crate) sent: u64,
    pub(crate) rejected: u64,
    pub(crate) unreachable: u64,
    pub(crate) no_reply: u64,
    pub(crate) bad_reply: u64,
    pub(crate) mismatch: u64,
    pub(crate) skipped: u64,
    pub(crate) flaky: u64,
    pub(crate) attempts: u64,
}

/// A device in a report.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Device {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) status: String,
    pub(crate) delivery: String,
    pub(crate) reason: Option<String>,
    pub(crate) verified: Option<bool>,
    pub(crate) changed: Option<bool>,
    pub(crate) attempts: u64,
    pub(crate) elapsed_ms: f64,
    pub(crate) finished_at: Option<String>,
    pub(crate) sent: Option<String>,
    pub(crate) sent_hex: Option<String>,
    pub(crate) reply: Option<String>,
    pub(crate) reply_hex: Option<String>,
    pub(crate) value: Option<Value>,
    pub(crate) file: Option<File>,
    pub(crate) error: Option<Failure>,
    pub(crate) earlier_errors: Vec<Failure>,
}

/// A file that was fetched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) bytes: usize,
    pub(crate) sha256: String,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Failure {
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) attempt: Option<u64>,
}

/// A line of NDJSON.
#[derive(Debug, Deserialize)]
pub(crate) struct Line {
    pub(crate) event: String,
    pub(crate) at: String,
    #[serde(default)]
    pub(crate) device: Option<Device>,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) ended: Option<String>,
    #[serde(default)]
    pub(crate) summary: Option<Summary>,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) attempt: Option<u64>,
}

impl Device {
    /// The kind of its error; empty where there is none.
    pub(crate) fn kind(&self) -> &str {
        self.error.as_ref().map_or("", |error| &error.kind)
    }

    /// Whether it is a success.
    pub(crate) fn is_success(&self) -> bool {
        self.status == "ok" || self.status == "sent"
    }
}

/// The milliseconds from `began` (of the Unix epoch) to a moment like `2026-11-21T05:30:00.140Z`.
pub(crate) fn millis(moment: &str, began: u64) -> Option<u64> {
    let moment: jiff::Timestamp = moment.parse().ok()?;
    Some(u64::try_from(moment.as_millisecond()).ok()?.saturating_sub(began))
}

/// Bytes in hex, as reports write them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
