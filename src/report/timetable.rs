//! When schedules run, for people and as JSON: `fleetctl.schedule/1`.

use std::io::{self, Write};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::format::{TableOptions, grid, trimmed};
use super::json_layout::write_document;
use crate::model::escape::printable;

/// One run that is to come.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, JsonSchema)]
#[schemars(rename = "run")]
pub struct ScheduledRun {
    /// The schedule's name.
    pub schedule: String,
    /// When, in the schedule's zone: RFC 3339 with its offset.
    #[schemars(schema_with = "moment")]
    pub at: String,
    /// What is special about this time.
    pub note: Option<String>,
}

/// One schedule as people see it.
#[derive(Debug, Clone)]
pub struct ScheduleRow {
    /// Its name.
    pub name: String,
    /// When it runs next.
    pub next: String,
    /// Its expression.
    pub cron: String,
    /// The name of its time zone.
    pub timezone: String,
    /// What it does.
    pub what: String,
    /// Whom it concerns.
    pub select: String,
}

/// `fleetctl schedule list|preview --format json`.
#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "schedule")]
pub(super) struct ScheduleDocument<'a> {
    #[schemars(schema_with = "schema_name")]
    schema: &'static str,
    /// In their order; of one minute in the order of the inventory.
    runs: &'a [ScheduledRun],
}

/// Writes runs that are to come as JSON.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_timetable_json(out: &mut impl Write, runs: &[ScheduledRun]) -> io::Result<()> {
    write_document(out, &ScheduleDocument { schema: "fleetctl.schedule/1", runs })
}

/// Writes runs that are to come as a table.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_timetable_text(out: &mut impl Write, runs: &[ScheduledRun], options: TableOptions) -> io::Result<()> {
    let mut table = grid(&["AT", "SCHEDULE", "NOTE"], options);
    for run in runs {
        table.add_row([run.at.clone(), printable(&run.schedule), run.note.clone().unwrap_or_default()]);
    }
    writeln!(out, "{}", trimmed(&table))
}

/// Writes schedules as a table.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_schedules_text(out: &mut impl Write, rows: &[ScheduleRow], options: TableOptions) -> io::Result<()> {
    let mut table = grid(&["NAME", "NEXT", "CRON", "TIMEZONE", "WHAT", "SELECT"], options);
    for row in rows {
        let cells = [&row.name, &row.next, &row.cron, &row.timezone, &row.what, &row.select];
        table.add_row(cells.map(|cell| printable(cell)));
    }
    writeln!(out, "{}", trimmed(&table))
}

fn schema_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "fleetctl.schedule/1" })
}

fn moment(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "format": "date-time",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:00[+-]\d\d:\d\d$",
    })
}
