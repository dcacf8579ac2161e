//! What the history says, for people and as JSON: `fleetctl.runs/1`, `fleetctl.health/1`, `fleetctl.changes/1`.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::document::{CommandRecord, ENDS, SummaryRecord};
use super::format::{TableOptions, grid, trimmed};
use super::json_layout::write_document;
use super::moment::Moment;
use super::record::summary_record;
use crate::model::escape::printable;
use crate::model::{Ended, Status, Summary, UnixMillis, fold_names};

/// A recorded run.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// Its id.
    pub run_id: String,
    /// The schedule that started it.
    pub schedule: Option<String>,
    /// When it began.
    pub started_at: UnixMillis,
    /// When it ended; `None`: it is under way.
    pub finished_at: Option<UnixMillis>,
    /// The contract's `ended`; `None`: it is under way.
    pub ended: Option<String>,
    /// What it was asked to do, as in the report.
    pub command: Value,
    /// Its counts; of a run under way those of the devices that are done.
    pub summary: Summary,
    /// How many devices it was to take.
    pub devices: u64,
}

/// How a device behaved over runs.
#[derive(Debug, Clone, PartialEq, serde::Serialize, JsonSchema)]
#[schemars(rename = "device")]
pub struct HealthRow {
    /// Its name.
    pub name: String,
    /// So many successes in a row up to now; negative: so many failures.
    pub streak: i64,
    /// Successes among its outcomes, 0 to 1; `null`: it has none.
    pub success_share: Option<f64>,
    /// Those of its outcomes that were a success after more than one attempt, 0 to 1.
    pub flaky_share: Option<f64>,
    /// The median time from the write of its command to the valid reply, a refusal included, in milliseconds: without
    /// connecting, earlier attempts and the wait until `--verify` is satisfied. `null`: no reply came, or those that came
    /// were recorded by a version that did not keep it.
    pub reply_ms_p50: Option<f64>,
    /// The time that 95% of these replies took at most, in milliseconds.
    pub reply_ms_p95: Option<f64>,
    /// When it was last a success: RFC 3339.
    #[schemars(with = "Option<Moment>")]
    pub last_ok_at: Option<String>,
}

/// A device of two runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, JsonSchema)]
#[schemars(rename = "device")]
pub struct ChangeRow {
    /// Its name.
    pub name: String,
    /// What changed.
    #[schemars(schema_with = "change_schema")]
    pub change: &'static str,
    /// What became of it in the earlier run; `null`: it was not part of it.
    pub before: Option<String>,
    /// What became of it in the later run; `null`: it was not part of it.
    pub after: Option<String>,
}

/// Every word of `change`, with its meaning.
pub const CHANGES: [(&str, &str); 6] = [
    ("failed", "newly failed"),
    ("still", "still failing"),
    ("recovered", "recovered"),
    ("held", "held"),
    ("added", "only in the later run"),
    ("removed", "only in the earlier run"),
];

#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "runs")]
pub(super) struct RunsDocument<'a> {
    #[schemars(schema_with = "runs_schema_name")]
    schema: &'static str,
    /// The newest first.
    runs: Vec<ListedRun<'a>>,
}

#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "run")]
struct ListedRun<'a> {
    /// A ULID: ids sort by time.
    run_id: &'a str,
    /// `null`: a person started it.
    schedule: Option<&'a str>,
    started_at: Moment,
    /// `null`: it is under way.
    finished_at: Option<Moment>,
    /// `null`: it is under way. A run that was killed is `interrupted`.
    #[schemars(schema_with = "ended_schema")]
    ended: Option<&'a str>,
    #[schemars(with = "CommandRecord<'static>")]
    command: &'a Value,
    /// Of a run that is under way the counts so far: `total` is how many devices are done.
    summary: SummaryRecord,
}

#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "health")]
pub(super) struct HealthDocument<'a> {
    #[schemars(schema_with = "health_schema_name")]
    schema: &'static str,
    /// The worst first.
    devices: &'a [HealthRow],
}

#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "changes")]
pub(super) struct ChangesDocument<'a> {
    #[schemars(schema_with = "changes_schema_name")]
    schema: &'static str,
    /// The earlier run.
    before: &'a str,
    /// The later run.
    after: &'a str,
    /// The devices that changed, failed or are held; those that were a success in both runs are left out.
    devices: &'a [ChangeRow],
}

/// Writes runs as JSON.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_runs_json(out: &mut impl Write, runs: &[RunRow]) -> io::Result<()> {
    let listed = runs.iter().map(|run| ListedRun {
        run_id: &run.run_id,
        schedule: run.schedule.as_deref(),
        started_at: Moment(run.started_at),
        finished_at: run.finished_at.map(Moment),
        ended: run.ended.as_deref(),
        command: &run.command,
        summary: summary_record(&run.summary),
    });
    write_document(out, &RunsDocument { schema: "fleetctl.runs/1", runs: listed.collect() })
}

/// Writes runs as a table.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_runs_text(out: &mut impl Write, runs: &[RunRow], options: TableOptions) -> io::Result<()> {
    let mut table = grid(&["RUN", "STARTED", "SCHEDULE", "COMMAND", "OK", "FAILED", "HELD", "ENDED"], options);
    for run in runs {
        let summary = &run.summary;
        let under_way = || format!("under way: {} of {} done", summary.total, run.devices);
        table.add_row([
            printable(&run.run_id),
            people_time(run.started_at),
            printable(run.schedule.as_deref().unwrap_or("")),
            printable(command_text(&run.command)),
            format!("{} of {}", summary.successes(), run.devices),
            none_is_empty(summary.failures()),
            none_is_empty(summary.held),
            run.ended.as_deref().map_or_else(under_way, printable),
        ]);
    }
    writeln!(out, "{}", trimmed(&table))
}

/// What a run was asked to do, in a word or as its raw text.
pub fn command_text(command: &Value) -> &str {
    let word = |key| command.get(key).and_then(Value::as_str);
    word("action").or_else(|| word("cmd")).unwrap_or("")
}

/// Writes how devices behave as JSON.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_health_json(out: &mut impl Write, devices: &[HealthRow]) -> io::Result<()> {
    write_document(out, &HealthDocument { schema: "fleetctl.health/1", devices })
}

/// Writes how devices behave as a table.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_health_text(out: &mut impl Write, devices: &[HealthRow], options: TableOptions) -> io::Result<()> {
    let mut table = grid(&["DEVICE", "STREAK", "SUCCESS", "FLAKY", "MEDIAN", "95%", "LAST OK"], options);
    let share = |share: Option<f64>| share.map(|share| format!("{:.1}%", share * 100.0)).unwrap_or_default();
    let ms = |ms: Option<f64>| ms.map(|ms| format!("{ms:.0} ms")).unwrap_or_default();
    for one in devices {
        let streak = match one.streak {
            0 => String::new(),
            streak if streak < 0 => format!("failed {}×", streak.unsigned_abs()),
            streak => format!("ok {streak}×"),
        };
        let last = one.last_ok_at.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
        table.add_row([
            printable(&one.name),
            streak,
            share(one.success_share),
            share(one.flaky_share),
            ms(one.reply_ms_p50),
            ms(one.reply_ms_p95),
            last.map_or("in none of these runs".to_owned(), |at| people_time(UnixMillis(at.as_millisecond()))),
        ]);
    }
    writeln!(out, "{}", trimmed(&table))
}

/// Writes what differs between two runs as JSON.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_changes_json(out: &mut impl Write, before: &str, after: &str, devices: &[ChangeRow]) -> io::Result<()> {
    write_document(out, &ChangesDocument { schema: "fleetctl.changes/1", before, after, devices })
}

/// Writes what differs between two runs for people: what changed, then whose it is.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_changes_text(out: &mut impl Write, devices: &[ChangeRow]) -> io::Result<()> {
    if devices.is_empty() {
        return writeln!(out, "nothing changed, and nothing failed");
    }
    for (change, words) in CHANGES {
        let names: Vec<&str> = devices.iter().filter(|one| one.change == change).map(|one| &*one.name).collect();
        if !names.is_empty() {
            writeln!(out, "{words} ({}): {}", names.len(), printable(&fold_names(names.iter().copied())))?;
        }
    }
    Ok(())
}

/// A moment as people of this machine's time zone write it.
pub fn people_time(at: UnixMillis) -> String {
    let at = Timestamp::from_millisecond(at.0).unwrap_or_default();
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn none_is_empty(count: u64) -> String {
    if count == 0 { String::new() } else { count.to_string() }
}

fn runs_schema_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "fleetctl.runs/1" })
}

fn health_schema_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "fleetctl.health/1" })
}

fn changes_schema_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "fleetctl.changes/1" })
}

fn ended_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [{ "type": "string", "enum": ENDS.map(Ended::as_str) }, { "type": "null" }] })
}

fn change_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": CHANGES.map(|(word, _)| word) })
}

/// Whether a word of `status` is a success.
pub fn is_success(status: &str) -> bool {
    Status::ALL.into_iter().any(|one| one.as_str() == status && one.is_success())
}
