//! A recorded run as the JSON report that it would have written, from which every format is made again.
//!
//! A run that was killed has no end, and some of its devices have no outcome. Of those the intents tell: where a command
//! that must not be sent twice was about to be written, the device may have acted; where there is no such intent, nothing
//! was sent. A command that may be sent twice has no intents: then nobody knows.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::kept;
use super::roster::{Entry, Rosters};
use super::writer::broken_off;
use super::{HistoryError, RecordedRun, Store};
use crate::model::{Delivery, ErrorKind, Failure, ReplyTime, RunEvent, RunInfo, SkipReason, Status, UnixMillis};
use crate::report::{Collected, Reporters, replay};

/// The report of a run, `fleetctl.report/1`; of one under way what is known so far.
///
/// # Errors
/// When the history cannot be read or is damaged.
pub fn recorded(store: &Store, run: &RecordedRun) -> Result<Value, HistoryError> {
    let failed = |source| store.failed(source);
    let damaged = |problem: &str| HistoryError::Damaged { run: run.run_id.clone(), problem: problem.to_owned() };
    let roster = Rosters::default().get(&store.connection, run.roster).map_err(failed)?;
    let details = details(store, run).map_err(failed)?;
    let mut outcomes = outcomes(store, run, &details).map_err(failed)?;
    let has_ended = run.ended.is_some() && !run.was_killed;
    let intents = if has_ended { Ok(BTreeSet::new()) } else { kept::intents(&store.connection, run.number) };
    let intents = intents.map_err(failed)?;
    let is_lost = broken_off(store.path(), &run.run_id).exists();
    let asked = |key: &str| run.command.get(key).and_then(Value::as_bool).unwrap_or(false);
    let checks = [("verified", asked("verify")), ("changed", asked("if_needed"))];
    let mut devices = Vec::with_capacity(roster.len());
    for (place, entry) in roster.iter().enumerate() {
        let mut device = match outcomes.remove(&place) {
            Some(outcome) => outcome,
            // Its outcome never came, though the run came to its end.
            None if !run.was_killed && run.ended.is_some() => skipped(SkipReason::Internal, Delivery::None),
            None if intents.contains(&place) => unanswered(),
            None => {
                let may_have_acted = is_lost || run.is_idempotent(place);
                let delivery = if may_have_acted { Delivery::Unknown } else { Delivery::None };
                skipped(SkipReason::Interrupted, delivery)
            }
        };
        for (key, is_asked) in checks {
            if !device.contains_key(key) {
                device.insert(key.to_owned(), if is_asked { json!(false) } else { Value::Null });
            }
        }
        name(&mut device, entry);
        devices.push(Value::Object(device));
    }
    if outcomes.keys().any(|&place| place >= roster.len()) {
        return Err(damaged("it has outcomes of devices that it does not know"));
    }
    let finished_at = run.finished_at.unwrap_or(run.started_at);
    let mut report = json!({
        "schema": "fleetctl.report/1",
        "run_id": run.run_id,
        "fleet": run.fleet,
        "command": run.command,
        "started_at": moment(run.started_at),
        "finished_at": moment(finished_at),
        "elapsed_ms": run.elapsed_ms.unwrap_or_default(),
        "ended": run.ended.as_deref().unwrap_or("interrupted"),
        "devices": devices,
    });
    if let Some(report) = report.as_object_mut().filter(|_| run.simulated) {
        report.insert("simulated".to_owned(), json!(true));
    }
    Ok(report)
}

/// The run's events again, as whoever followed it has heard them; whose run it was, too, which no report says.
///
/// # Errors
/// When the history cannot be read or is damaged.
pub fn replayed(store: &Store, run: &RecordedRun) -> Result<Vec<RunEvent>, HistoryError> {
    let report = recorded(store, run)?;
    let mut events = replay(report).map_err(|problem| HistoryError::Damaged { run: run.run_id.clone(), problem })?;
    if let Some(RunEvent::RunStarted { run: info, .. }) = events.first_mut() {
        *info = Arc::new(RunInfo { schedule: run.schedule.as_deref().map(Into::into), ..RunInfo::clone(info) });
    }
    Ok(events)
}

/// The run again, as whoever followed it has seen it, outcomes included.
///
/// # Errors
/// When the history cannot be read or is damaged.
pub fn collected(store: &Store, run: &RecordedRun) -> Result<Option<Collected>, HistoryError> {
    let mut reporters = Reporters::default();
    reporters.keep_outcomes();
    reporters.events(replayed(store, run)?);
    Ok(reporters.finish().run)
}

/// What happened to devices, by their place: status, delivery, reason.
pub(super) struct Told {
    pub(super) name: std::sync::Arc<str>,
    pub(super) status: String,
    pub(super) delivery: String,
    pub(super) reason: Option<String>,
}

/// The same in short, without what devices said.
pub(super) fn told(store: &Store, run: &RecordedRun) -> Result<Vec<Told>, HistoryError> {
    let report = recorded(store, run)?;
    let text = |device: &Value, key: &str| device.get(key).and_then(Value::as_str).map(str::to_owned);
    let devices = report.get("devices").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let told = devices.iter().map(|device| Told {
        name: text(device, "name").unwrap_or_default().into(),
        status: text(device, "status").unwrap_or_default(),
        delivery: text(device, "delivery").unwrap_or_default(),
        reason: text(device, "reason"),
    });
    Ok(told.collect())
}

fn details(store: &Store, run: &RecordedRun) -> rusqlite::Result<HashMap<i64, Map<String, Value>>> {
    let mut asked = store.connection.prepare_cached("SELECT number, fields FROM detail WHERE run = ?1")?;
    let rows = asked.query([run.number])?;
    rows.mapped(|row| {
        let fields: String = row.get(1)?;
        Ok((row.get(0)?, serde_json::from_str(&fields).unwrap_or_default()))
    })
    .collect()
}

/// By place.
fn outcomes(
    store: &Store,
    run: &RecordedRun,
    details: &HashMap<i64, Map<String, Value>>,
) -> rusqlite::Result<HashMap<usize, Map<String, Value>>> {
    let mut devices = HashMap::new();
    kept::each(&store.connection, run.number, |kept| {
        let mut device = details.get(&kept.detail.into()).cloned().unwrap_or_default();
        for (key, value) in [
            ("status", kept.status.as_str().into()),
            ("delivery", kept.delivery.as_str().into()),
            ("reason", kept.reason.map(SkipReason::as_str).into()),
            ("verified", kept.verified.into()),
            ("changed", kept.changed.into()),
            ("attempts", kept.attempts.into()),
            ("elapsed_ms", in_ms(kept.elapsed).into()),
            ("reply_ms", kept.reply_time.map(ReplyTime::ms).into()),
            ("finished_at", kept.finished_at.map(|at| moment(UnixMillis(at))).into()),
        ] {
            device.insert(key.to_owned(), value);
        }
        devices.insert(kept.place as usize, device);
    })?;
    Ok(devices)
}

/// Its command was about to be written when the run was killed.
fn unanswered() -> Map<String, Value> {
    let failure = Failure::new(ErrorKind::Interrupted).detail("the run was killed");
    let error = json!({ "kind": failure.kind.as_str(), "message": failure.to_string(), "hint": "" });
    fields(Status::NoReply, Delivery::Unknown, None, 1, &error)
}

fn skipped(reason: SkipReason, delivery: Delivery) -> Map<String, Value> {
    fields(Status::Skipped, delivery, Some(reason), 0, &Value::Null)
}

fn fields(
    status: Status,
    delivery: Delivery,
    reason: Option<SkipReason>,
    attempts: u32,
    error: &Value,
) -> Map<String, Value> {
    let all = json!({
        "status": status.as_str(), "delivery": delivery.as_str(), "reason": reason.map(SkipReason::as_str),
        "attempts": attempts, "elapsed_ms": 0.0, "reply_ms": null, "finished_at": null, "sent": null, "reply": null,
        "value": null, "file": null, "error": error, "earlier_errors": [],
    });
    if let Value::Object(fields) = all { fields } else { Map::new() }
}

fn name(device: &mut Map<String, Value>, Entry(name, address, kind, site, tags): &Entry) {
    for (key, value) in [
        ("name", json!(name)),
        ("address", json!(address)),
        ("type", json!(kind)),
        ("site", json!(site)),
        ("tags", json!(tags)),
    ] {
        device.insert(key.to_owned(), value);
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 tenths of a millisecond are 28,000 years")]
fn in_ms(tenths: i64) -> f64 {
    tenths as f64 / 10.0
}

fn moment(at: UnixMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_string()
}
