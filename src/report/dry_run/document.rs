//! A plan as a document for machines: `fleetctl.plan/1`.

use std::io::{self, Write};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::{Serialize, Serializer};

use super::super::document::Shown;
use super::super::json_layout::write_document;
use super::super::moment::Moment;
use super::super::record::whole_ms;
use super::{PlanRow, PlanSummary, PlanView};
use crate::model::{Address, Payload, amperes};
use crate::plan::CircuitEstimate;

/// `fleetctl run --dry-run --format json`.
#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "plan", inline)]
pub(in crate::report) struct PlanDocument<D> {
    #[schemars(schema_with = "plan_schema_name")]
    schema: &'static str,
    summary: PlanSummaryRecord,
    /// In inventory order.
    #[schemars(with = "Vec<PlanRecord<'static>>")]
    devices: D,
}

/// The plan as a whole.
#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "plan_summary")]
struct PlanSummaryRecord {
    devices: usize,
    lanes: usize,
    /// How many devices the fullest lane has.
    longest_lane: usize,
    estimated_ms: u64,
    /// Those that the command draws from.
    circuits: Vec<CircuitRecord>,
    pacing: PacingRecord,
}

/// How the run would go at a circuit; times are from its start, if every device answers.
#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "planned_circuit")]
struct CircuitRecord {
    name: String,
    /// The most that may be drawn from it at a time, in amperes.
    max_inrush_a: f64,
    /// How many devices draw from it.
    devices: usize,
    /// What all of them draw, in amperes.
    inrush_a: f64,
    /// How many of them start at the first instant.
    start_together: usize,
    /// When the last one starts.
    last_start_ms: u64,
    /// When none draws its inrush any more.
    on_ms: u64,
}

/// What bounds the run, besides lanes and circuits.
#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "planned_pacing")]
struct PacingRecord {
    /// How far starts are apart.
    start_interval_ms: Option<f64>,
    /// So many devices at a time.
    batch: Option<u32>,
    batches: Option<usize>,
    /// Between two batches.
    pause_ms: Option<u64>,
    /// Nothing new is started once more devices than that have failed.
    max_failures: Option<u64>,
    /// No pass begins later.
    until: Option<Moment>,
}

/// What would be sent to one device.
#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "planned_device")]
struct PlanRecord<'a> {
    name: &'a str,
    #[schemars(with = "String")]
    address: Shown<&'a Address>,
    r#type: &'a str,
    sent: String,
    sent_hex: String,
    /// What the device would be asked for its state.
    question: Option<String>,
    question_hex: Option<String>,
}

struct PlanRecords<I>(I);

impl<'a, I: Iterator<Item = PlanRow<'a>> + Clone> Serialize for PlanRecords<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone().map(|row| PlanRecord {
            name: row.name,
            address: Shown(row.address),
            r#type: row.device_type,
            sent: row.sent.shown(),
            sent_hex: row.sent.shown_hex(),
            question: row.question.map(Payload::shown),
            question_hex: row.question.map(Payload::shown_hex),
        }))
    }
}

/// Writes a plan as `fleetctl.plan/1`.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_plan_json<'a, I>(out: &mut impl Write, plan: &PlanView<I>) -> io::Result<()>
where
    I: Iterator<Item = PlanRow<'a>> + Clone,
{
    let summary = PlanSummaryRecord {
        devices: plan.devices.clone().count(),
        lanes: plan.summary.lanes,
        longest_lane: plan.summary.longest_lane,
        estimated_ms: whole_ms(plan.summary.estimate.duration),
        circuits: plan.summary.estimate.circuits.iter().map(circuit_record).collect(),
        pacing: pacing_record(&plan.summary),
    };
    let devices = PlanRecords(plan.devices.clone());
    write_document(out, &PlanDocument { schema: "fleetctl.plan/1", summary, devices })
}

fn circuit_record(one: &CircuitEstimate) -> CircuitRecord {
    // A current is written with three decimal places at most, so it is read back as it was.
    let number = |milliamps| amperes(milliamps).parse().unwrap_or_default();
    CircuitRecord {
        name: one.circuit.name.to_string(),
        max_inrush_a: number(one.circuit.max_milliamps),
        devices: one.devices,
        inrush_a: number(one.milliamps),
        start_together: one.together,
        last_start_ms: whole_ms(one.last_start),
        on_ms: whole_ms(one.on),
    }
}

fn pacing_record(summary: &PlanSummary) -> PacingRecord {
    let pacing = &summary.pacing;
    PacingRecord {
        start_interval_ms: pacing.rate.map(|rate| rate.interval().as_secs_f64() * 1000.0),
        batch: pacing.batch,
        batches: summary.estimate.batches,
        pause_ms: pacing.batch.map(|_| whole_ms(pacing.pause)),
        max_failures: pacing.max_failures,
        until: pacing.until.as_ref().map(|end| Moment(end.at)),
    }
}

fn plan_schema_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "fleetctl.plan/1" })
}
