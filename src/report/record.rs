//! From the run's own values to the documents of the JSON contract.
//!
//! Here is decided what a field holds and when it is `null`, and here secrets that a device echoed are masked.

use std::borrow::Cow;
use std::time::Duration;

use serde::ser::{Serialize, SerializeSeq, Serializer};

use super::document::{
    CommandRecord, DeviceRecord, EarlierErrorRecord, ErrorRecord, FileDocument, REPORT_SCHEMA, Report, SummaryRecord,
    VERSION, ValueRecord,
};
use super::mask::Mask;
use super::moment::Moment;
use super::texts::Texts;
use super::{Collected, hint};
use crate::model::{Command, Device, Failure, Outcome, ReplyTime, Status, Summary, Value};

/// All devices of a run, made into records one at a time while they are written.
pub(super) struct Devices<'a>(&'a Collected);

impl Serialize for Devices<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut texts = Texts::default();
        let mut devices = serializer.serialize_seq(None)?;
        for (device, outcome) in self.0.outcomes() {
            devices.serialize_element(&device_record(device, outcome, &mut texts))?;
        }
        devices.end()
    }
}

/// The whole report.
pub(super) fn report(run: &Collected) -> Report<'_, Devices<'_>> {
    let info = run.info();
    Report {
        schema: REPORT_SCHEMA,
        run_id: &info.id.0,
        fleet: &info.fleet,
        fleetctl_version: VERSION,
        command: command_record(&info.command, info.verify, info.if_needed),
        started_at: Moment(info.started_at),
        finished_at: Moment(run.finished_at()),
        elapsed_ms: whole_ms(run.elapsed()),
        ended: run.ended().as_str(),
        simulated: info.simulated,
        summary: summary_record(run.summary()),
        devices: Devices(run),
    }
}

/// What the run was asked to do.
pub(super) fn command_record(command: &Command, verify: bool, if_needed: bool) -> CommandRecord<'_> {
    let (cmd, action) = match command {
        Command::Raw { text, .. } => (Some(text.as_str()), None),
        Command::Action { name, .. } => (None, Some(name.as_str())),
    };
    CommandRecord { cmd, action, args: command.args(), verify, if_needed }
}

/// The counts.
pub(super) fn summary_record(summary: &Summary) -> SummaryRecord {
    SummaryRecord {
        total: summary.total,
        ok: summary.count(Status::Ok),
        sent: summary.count(Status::Sent),
        rejected: summary.count(Status::Rejected),
        unreachable: summary.count(Status::Unreachable),
        no_reply: summary.count(Status::NoReply),
        bad_reply: summary.count(Status::BadReply),
        mismatch: summary.count(Status::Mismatch),
        skipped: summary.count(Status::Skipped),
        flaky: summary.flaky,
        attempts: summary.attempts,
    }
}

/// One device; `texts` are those of the device before it.
pub(super) fn device_record<'a>(device: &'a Device, outcome: &'a Outcome, texts: &'a mut Texts) -> DeviceRecord<'a> {
    let mask = Mask::new(device, outcome);
    let (sent, sent_hex) = outcome.sent.as_ref().map(|sent| texts.sent.of(sent)).unzip();
    let (reply, reply_hex) = outcome.reply.as_ref().map(|reply| texts.reply.of(reply, &mask)).unzip();
    DeviceRecord {
        name: &device.name,
        address: texts.address.of(&device.address),
        r#type: &device.device_type,
        site: device.site.as_deref(),
        tags: &device.tags,
        status: outcome.status.as_str(),
        delivery: outcome.delivery.as_str(),
        reason: outcome.reason.map(crate::model::SkipReason::as_str),
        verified: outcome.verified,
        changed: outcome.changed,
        attempts: outcome.attempts,
        elapsed_ms: tenths_of_ms(outcome.elapsed),
        reply_ms: outcome.reply_time.map(ReplyTime::ms),
        finished_at: outcome.finished_at.map(|at| texts.finished_at.of(at)),
        sent,
        sent_hex,
        reply,
        reply_hex: reply_hex.flatten(),
        value: outcome.value.as_ref().map(|value| match value {
            Value::Text(text) => ValueRecord::Text(mask.text(text)),
            Value::Int(number) => ValueRecord::Int(*number),
            Value::Decimal { digits, places } => {
                ValueRecord::Decimal(Value::decimal(*digits, *places).parse().unwrap_or_default())
            }
            Value::List(numbers) => ValueRecord::List(numbers),
        }),
        file: outcome.file.as_ref().map(|file| FileDocument {
            path: file.path.to_string_lossy(),
            bytes: file.bytes,
            sha256: &file.sha256,
        }),
        error: outcome.error.as_ref().map(|failure| {
            let hint = hint(failure, Some(outcome.status), outcome.delivery, device.medium);
            error_record(failure, hint, &mask)
        }),
        earlier_errors: outcome
            .earlier_errors
            .iter()
            .map(|earlier| EarlierErrorRecord {
                error: error_record(
                    &earlier.failure,
                    hint(&earlier.failure, None, outcome.delivery, device.medium),
                    &mask,
                ),
                attempt: earlier.attempt,
            })
            .collect(),
    }
}

/// Why an attempt failed, and what to try.
pub(super) fn error_record(failure: &Failure, hint: Cow<'static, str>, mask: &Mask<'_>) -> ErrorRecord {
    ErrorRecord { kind: failure.kind.as_str(), message: mask.text(&failure.to_string()).into_owned(), hint }
}

/// Milliseconds, rounded down.
pub(super) fn whole_ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A run's time in seconds, as exact as the report keeps it: what is made of a saved report says the same.
pub(super) fn run_seconds(span: Duration) -> String {
    let ms = whole_ms(span);
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// A device's time in seconds, as exact as the report keeps it.
pub(super) fn device_seconds(span: Duration) -> f64 {
    tenths_of_ms(span) / 1000.0
}

/// Milliseconds to a tenth.
pub(super) fn tenths_of_ms(span: Duration) -> f64 {
    (span.as_secs_f64() * 10_000.0).round() / 10.0
}
