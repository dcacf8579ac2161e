//! A saved JSON report played again: the events that would have led to it, so that every format has one way to be made.
//!
//! What a report does not hold stays out: when an attempt failed that was followed by another, when a stop was asked for,
//! and the parameters of devices. A secret is `‹secret›` in the report, and is that again in whatever is made from it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::document::{DELIVERIES, ENDS, REASONS, REPORT_SCHEMA};
use super::hint;
use super::read::{ReadError, load, parse};
use crate::model::escape::{self, printable};
use crate::model::{
    Address, AttemptError, Command, Delivery, Device, DeviceIndex, ErrorKind, Failure, FileRecord, Medium, Outcome,
    ParamValue, Params, Payload, PayloadBuilder, ReplyTime, RunEvent, RunId, RunInfo, SECRET_SHOWN, Secret, Status,
    UnixMillis, Value,
};

#[derive(Deserialize)]
struct Document {
    run_id: String,
    fleet: String,
    command: CommandEntry,
    started_at: Timestamp,
    finished_at: Timestamp,
    elapsed_ms: u64,
    ended: String,
    #[serde(default)]
    simulated: bool,
    devices: Vec<DeviceEntry>,
}

#[derive(Deserialize)]
struct CommandEntry {
    cmd: Option<String>,
    action: Option<String>,
    #[serde(default)]
    args: BTreeMap<String, String>,
    #[serde(default)]
    verify: bool,
    #[serde(default)]
    if_needed: bool,
}

#[derive(Deserialize)]
struct DeviceEntry {
    name: Arc<str>,
    address: String,
    r#type: Arc<str>,
    site: Option<Arc<str>>,
    #[serde(default)]
    tags: Vec<Arc<str>>,
    status: String,
    delivery: String,
    reason: Option<String>,
    #[serde(default)]
    verified: Option<bool>,
    #[serde(default)]
    changed: Option<bool>,
    attempts: u32,
    elapsed_ms: f64,
    /// Reports of earlier versions have none.
    #[serde(default)]
    reply_ms: Option<f64>,
    finished_at: Option<Timestamp>,
    sent: Option<String>,
    reply: Option<String>,
    value: Option<ValueEntry>,
    file: Option<FileEntry>,
    error: Option<ErrorEntry>,
    #[serde(default)]
    earlier_errors: Vec<EarlierEntry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ValueEntry {
    Text(String),
    Number(serde_json::Number),
    List(Vec<i64>),
}

#[derive(Deserialize)]
struct FileEntry {
    path: String,
    bytes: u64,
    sha256: String,
}

#[derive(Deserialize)]
struct ErrorEntry {
    kind: String,
    message: String,
    #[serde(default)]
    hint: String,
}

#[derive(Deserialize)]
struct EarlierEntry {
    attempt: u32,
    #[serde(flatten)]
    error: ErrorEntry,
}

/// Plays a report again that was kept elsewhere than in a file: a JSON document with the report's fields.
///
/// # Errors
/// In words, when it is no report.
pub fn replay(report: serde_json::Value) -> Result<Vec<RunEvent>, String> {
    events(serde_json::from_value(report).map_err(|error| printable(&error.to_string()))?)
}

/// Reads a report as the events of its run: its start, every device in the order in which they were done, its end.
///
/// # Errors
/// When the file cannot be read, or is no report of a version that this fleetctl knows.
pub fn read_report(path: &Path) -> Result<Vec<RunEvent>, ReadError> {
    let document: Document = load(path)?;
    events(document).map_err(|problem| ReadError::NotAReport { path: path.to_owned(), problem })
}

/// The same of a report's text.
///
/// # Errors
/// In words, when it is no report of a version that this fleetctl knows.
pub fn report_events(text: &[u8]) -> Result<Vec<RunEvent>, String> {
    events(parse(text)?)
}

fn events(document: Document) -> Result<Vec<RunEvent>, String> {
    let command = match (document.command.cmd, document.command.action) {
        (Some(text), _) => Command::Raw { text, args: document.command.args },
        (None, Some(name)) => Command::Action { name, args: document.command.args },
        (None, None) => return Err("its `command` has neither `cmd` nor `action`".to_owned()),
    };
    let at = moment(document.finished_at);
    let ended = word(&document.ended, "`ended`", ENDS.map(|ended| (ended.as_str(), ended)))?;
    let run = RunInfo {
        schedule: None,
        id: RunId(document.run_id.into()),
        fleet: document.fleet,
        command,
        verify: document.command.verify,
        if_needed: document.command.if_needed,
        started_at: moment(document.started_at),
        simulated: document.simulated,
        held: BTreeMap::new(),
    };
    let mut devices = Vec::with_capacity(document.devices.len());
    let mut finished = Vec::with_capacity(document.devices.len());
    for (index, entry) in (0..).zip(document.devices) {
        let name = entry.name.clone();
        let (device, outcome) = entry.read().map_err(|problem| printable(&format!("device `{name}`: {problem}")))?;
        devices.push(device);
        let at = outcome.finished_at.unwrap_or(at);
        finished.push(RunEvent::DeviceFinished { device: DeviceIndex(index), outcome: Box::new(outcome), at });
    }
    finished.sort_by_key(|event| match event {
        RunEvent::DeviceFinished { at, .. } => *at,
        _ => at,
    });
    let mut events = vec![RunEvent::RunStarted { run: Arc::new(run), devices: devices.into() }];
    events.append(&mut finished);
    events.push(RunEvent::RunFinished { ended, elapsed: Duration::from_millis(document.elapsed_ms), at });
    Ok(events)
}

impl DeviceEntry {
    fn read(self) -> Result<(Device, Outcome), String> {
        let status = word(&self.status, "`status`", Status::ALL.map(|status| (status.as_str(), status)))?;
        let delivery = word(&self.delivery, "`delivery`", DELIVERIES.map(|one| (one.as_str(), one)))?;
        let reason = match &self.reason {
            Some(reason) => Some(word(reason, "`reason`", REASONS.map(|one| (one.as_str(), one)))?),
            None => None,
        };
        let (error, medium) = match self.error {
            Some(error) => {
                error.read(Some(status), delivery).map(|(failure, medium)| (Some(Box::new(failure)), medium))?
            }
            None => (None, None),
        };
        let mut medium = medium;
        let mut earlier_errors = Vec::with_capacity(self.earlier_errors.len());
        for earlier in self.earlier_errors {
            let (failure, told) = earlier.error.read(None, delivery)?;
            medium = medium.or(told);
            earlier_errors.push(AttemptError { attempt: earlier.attempt, failure });
        }
        let texts = [self.sent.as_deref(), self.reply.as_deref()];
        let has_secret = texts.into_iter().flatten().any(|text| text.contains(SECRET_SHOWN));
        let device = Device {
            name: self.name.into(),
            address: Address::parse(&self.address, None).map_err(|error| format!("`address`: {error}"))?,
            device_type: self.r#type,
            site: self.site,
            tags: self.tags.into(),
            params: if has_secret { masked() } else { Params::default() },
            medium: medium.unwrap_or_default(),
        };
        let outcome = Outcome {
            status,
            delivery,
            reason,
            verified: self.verified,
            changed: self.changed,
            attempts: self.attempts,
            elapsed: Duration::try_from_secs_f64(self.elapsed_ms / 1000.0)
                .map_err(|_| "`elapsed_ms` is no time".to_owned())?,
            reply_time: self.reply_ms.map(reply_time).transpose()?,
            finished_at: self.finished_at.map(moment),
            sent: self.sent.map(|text| payload(&text).map(Arc::new)).transpose()?,
            reply: self.reply.map(|text| payload(&text).map(|reply| reply.bytes().into())).transpose()?,
            value: self.value.map(ValueEntry::read).transpose()?,
            file: self.file.map(|file| {
                Box::new(FileRecord { path: file.path.into(), bytes: file.bytes, sha256: file.sha256.into() })
            }),
            error,
            earlier_errors: earlier_errors.into(),
        };
        Ok((device, outcome))
    }
}

impl ErrorEntry {
    /// The failure, and what lies between address and device where only one of the two gives this hint.
    fn read(self, status: Option<Status>, delivery: Delivery) -> Result<(Failure, Option<Medium>), String> {
        let kind = word(&self.kind, "`kind`", ErrorKind::ALL.map(|kind| (kind.as_str(), kind)))?;
        let mut failure = Failure::of_message(kind, &self.message);
        // What the message leaves out the hint may say: "12 bytes came that make no reply".
        if let Some(count) = self.hint.split_once(" byte").and_then(|(count, _)| count.parse().ok()) {
            failure.received = count;
        }
        let gives = |medium: &Medium| hint(&failure, status, delivery, *medium) == self.hint;
        let mut media = Medium::WORDS.map(|(_, medium)| medium).into_iter().filter(gives);
        let medium = media.next().filter(|_| media.next().is_none());
        Ok((failure, medium))
    }
}

impl ValueEntry {
    fn read(self) -> Result<Value, String> {
        Ok(match self {
            Self::Text(text) => Value::Text(text.into()),
            Self::List(numbers) => Value::List(numbers.into()),
            Self::Number(number) => match number.as_i64() {
                Some(number) => Value::Int(number),
                None => decimal(&number.to_string()).ok_or_else(|| format!("`value` {number} is out of range"))?,
            },
        })
    }
}

/// `12.5` as 125 with one place.
fn decimal(text: &str) -> Option<Value> {
    let (whole, part) = text.split_once('.')?;
    let digits = format!("{whole}{part}").parse().ok()?;
    Some(Value::Decimal { digits, places: u32::try_from(part.len()).ok()? })
}

/// A text with escapes as bytes; a hidden secret stays one.
fn payload(text: &str) -> Result<Payload, String> {
    let mut payload = PayloadBuilder::default();
    for (place, piece) in text.split(SECRET_SHOWN).enumerate() {
        if place > 0 {
            payload.push_secret(SECRET_SHOWN.as_bytes());
        }
        payload.push(&escape::parse(piece).map_err(|error| error.to_string())?);
    }
    Ok(payload.finish())
}

/// A parameter that hides again what the report hid: a reply keeps no mark of its secrets.
fn masked() -> Params {
    let secret = ParamValue::Secret(Secret::new(SECRET_SHOWN.to_owned()));
    [(Arc::from("secret"), secret)].into_iter().collect()
}

fn moment(at: Timestamp) -> UnixMillis {
    UnixMillis(at.as_millisecond())
}

fn reply_time(ms: f64) -> Result<ReplyTime, String> {
    Duration::try_from_secs_f64(ms / 1000.0).map(ReplyTime::of).map_err(|_| "`reply_ms` is no time".to_owned())
}

fn word<T, const N: usize>(found: &str, what: &str, known: [(&'static str, T); N]) -> Result<T, String> {
    let same = known.into_iter().find(|(word, _)| *word == found);
    let unknown = || format!("{what} is `{}`, which this fleetctl ({REPORT_SCHEMA}) does not know", printable(found));
    same.map(|(_, value)| value).ok_or_else(unknown)
}

#[cfg(test)]
mod tests;
