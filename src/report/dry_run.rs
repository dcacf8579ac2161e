//! A plan shown instead of run: per device its address and the exact bytes, in total lanes and time.
//!
//! What is in the plan is decided by `plan`; here it arrives as borrowed rows. Log-in bytes are not part of it.

use std::io::{self, Write};
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::{Serialize, Serializer};

use super::document::Shown;
use super::format::{TableOptions, grid, trimmed};
use super::json_layout::write_document;
use super::record::whole_ms;
use crate::model::escape::printable;
use crate::model::{Address, Payload, Timing};

/// What would be sent to one device.
#[derive(Debug, Clone, Copy)]
pub struct PlanRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it would go.
    pub address: &'a Address,
    /// The name of its type.
    pub device_type: &'a str,
    /// The command with its affixes.
    pub sent: &'a Payload,
    /// The effective settings.
    pub timing: &'a Timing,
}

/// The plan as a whole.
#[derive(Debug, Clone, Copy)]
pub struct PlanSummary {
    /// Gateways.
    pub lanes: usize,
    /// How many devices the fullest lane has.
    pub longest_lane: usize,
    /// How long it would take if every device answered.
    pub estimated: Duration,
}

/// A plan: rows that are made while they are written.
#[derive(Debug, Clone)]
pub struct PlanView<I> {
    /// The devices in inventory order.
    pub devices: I,
    /// The plan as a whole.
    pub summary: PlanSummary,
}

/// `fleetctl run --dry-run --format json`.
#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "plan", inline)]
pub(super) struct PlanDocument<D> {
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
        estimated_ms: whole_ms(plan.summary.estimated),
    };
    let devices = PlanRecords(plan.devices.clone());
    write_document(out, &PlanDocument { schema: "fleetctl.plan/1", summary, devices })
}

/// Writes a plan for people; `verbose` adds each device's effective timeouts.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_plan_text<'a, I>(
    out: &mut impl Write,
    plan: &PlanView<I>,
    verbose: bool,
    options: TableOptions,
) -> io::Result<()>
where
    I: Iterator<Item = PlanRow<'a>> + Clone,
{
    let heads = ["DEVICE", "ADDRESS", "SENT", "SENT (HEX)"];
    let mut table = if verbose {
        grid([heads[0], heads[1], heads[2], heads[3], "CONNECT", "REPLY", "DEADLINE", "RETRIES"], options)
    } else {
        grid(heads, options)
    };
    let mut count = 0;
    for row in plan.devices.clone() {
        count += 1;
        let mut cells = vec![printable(row.name), row.address.to_string(), row.sent.shown(), row.sent.shown_hex()];
        if verbose {
            let timeouts = [row.timing.connect_timeout, row.timing.reply_timeout, row.timing.device_deadline];
            cells.extend(timeouts.map(|span| humantime::format_duration(span).to_string()));
            cells.push(row.timing.retries.to_string());
        }
        table.add_row(cells);
    }
    writeln!(out, "{}\n", trimmed(&table))?;
    let PlanSummary { lanes, longest_lane, estimated } = plan.summary;
    let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    writeln!(
        out,
        "{} in {}, at most {longest_lane} in one; about {:.1} s if every device answers. Nothing was sent.",
        plural(count, "device"),
        plural(lanes, "lane"),
        estimated.as_secs_f64(),
    )
}

fn plan_schema_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "fleetctl.plan/1" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Backoff, PayloadBuilder};

    fn with_plan(check: impl FnOnce(&PlanView<std::slice::Iter<'_, ()>>, PlanRow<'_>)) {
        let mut sent = PayloadBuilder::default();
        sent.push(b"ka ");
        sent.push_secret(b"apple");
        sent.push(b"\r");
        let sent = sent.finish();
        let timing = Timing {
            connect_timeout: Duration::from_secs(3),
            reply_timeout: Duration::from_secs(8),
            device_deadline: Duration::from_secs(30),
            retries: 2,
            backoff: Backoff { initial: Duration::ZERO, max: Duration::ZERO, jitter: true },
        };
        let address = Address::parse("10.0.0.1", Some(23)).unwrap();
        let row = PlanRow { name: "tv-1", address: &address, device_type: "lg-rs232", sent: &sent, timing: &timing };
        let summary = PlanSummary { lanes: 1, longest_lane: 1, estimated: Duration::from_millis(310) };
        check(&PlanView { devices: [()].iter(), summary }, row);
    }

    fn rows<'a>(
        plan: &PlanView<std::slice::Iter<'a, ()>>,
        row: PlanRow<'a>,
    ) -> PlanView<impl Iterator<Item = PlanRow<'a>> + Clone> {
        PlanView { devices: plan.devices.clone().map(move |()| row), summary: plan.summary }
    }

    #[test]
    fn a_plan_is_shown_in_text_and_hex_without_secrets() {
        with_plan(|plan, row| {
            let mut out = Vec::new();
            write_plan_text(&mut out, &rows(plan, row), true, TableOptions::default()).unwrap();
            let text = String::from_utf8(out).unwrap();
            let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
            assert_eq!(
                lines[1],
                ["tv-1", "10.0.0.1:23", "ka", "‹secret›\\r", "6b", "61", "20", "0d", "3s", "8s", "30s", "2"]
            );
            assert!(
                text.ends_with(
                    "1 device in 1 lane, at most 1 in one; about 0.3 s if every device answers. Nothing was sent.\n"
                ),
                "{text}"
            );
        });
    }

    #[test]
    fn a_plan_is_a_document_for_machines() {
        with_plan(|plan, row| {
            let mut out = Vec::new();
            write_plan_json(&mut out, &rows(plan, row)).unwrap();
            let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(
                json,
                serde_json::json!({
                    "schema": "fleetctl.plan/1",
                    "summary": { "devices": 1, "lanes": 1, "longest_lane": 1, "estimated_ms": 310 },
                    "devices": [{ "name": "tv-1", "address": "10.0.0.1:23", "type": "lg-rs232", "sent": "ka ‹secret›\\r", "sent_hex": "6b 61 20 0d" }],
                })
            );
        });
    }
}
