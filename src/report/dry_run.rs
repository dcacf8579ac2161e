//! A plan shown instead of run: per device its address and the exact bytes, in total lanes, circuits, pace and time.
//!
//! What is in the plan is decided by `plan`; here it arrives as borrowed rows. Log-in bytes are not part of it.

use std::io::{self, Write};
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::{Serialize, Serializer};

use super::document::Shown;
use super::format::{TableOptions, grid, trimmed};
use super::json_layout::write_document;
use super::moment::Moment;
use super::record::whole_ms;
use crate::model::escape::printable;
use crate::model::{Address, Payload, Rate, Timing, UnixMillis, amperes};
use crate::plan::{CircuitEstimate, Estimate};

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
    /// What it would be asked for its state, with `--verify` or `--if-needed`.
    pub question: Option<&'a Payload>,
    /// The effective settings.
    pub timing: &'a Timing,
}

/// The plan as a whole.
#[derive(Debug, Clone)]
pub struct PlanSummary {
    /// Gateways.
    pub lanes: usize,
    /// How many devices the fullest lane has.
    pub longest_lane: usize,
    /// How long it would take if every device answered, and how it would go at each circuit.
    pub estimate: Estimate,
    /// How fast it would be carried out.
    pub pacing: PlanPacing,
}

/// What bounds the run, besides lanes and circuits.
#[derive(Debug, Clone, Default)]
pub struct PlanPacing {
    /// How far starts are apart.
    pub rate: Option<Rate>,
    /// So many devices at a time.
    pub batch: Option<u32>,
    /// Between two batches.
    pub pause: Duration,
    /// Nothing new is started once more devices than that have failed.
    pub max_failures: Option<u64>,
    /// When the last pass may begin.
    pub until: Option<PlanEnd>,
}

/// When the last pass may begin.
#[derive(Debug, Clone)]
pub struct PlanEnd {
    /// The instant.
    pub at: UnixMillis,
    /// The same for people.
    pub words: String,
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
    let mut heads = vec!["DEVICE", "ADDRESS", "SENT", "SENT (HEX)"];
    let is_asking = plan.devices.clone().any(|row| row.question.is_some());
    if is_asking {
        heads.extend(["QUESTION", "QUESTION (HEX)"]);
    }
    if verbose {
        heads.extend(["CONNECT", "REPLY", "DEADLINE", "RETRIES"]);
    }
    let mut table = grid(&heads, options);
    let mut count = 0;
    for row in plan.devices.clone() {
        count += 1;
        let mut cells = vec![printable(row.name), row.address.to_string(), row.sent.shown(), row.sent.shown_hex()];
        if is_asking {
            cells.push(row.question.map(Payload::shown).unwrap_or_default());
            cells.push(row.question.map(Payload::shown_hex).unwrap_or_default());
        }
        if verbose {
            let timeouts = [row.timing.connect_timeout, row.timing.reply_timeout, row.timing.device_deadline];
            cells.extend(timeouts.map(|span| humantime::format_duration(span).to_string()));
            cells.push(row.timing.retries.to_string());
        }
        table.add_row(cells);
    }
    writeln!(out, "{}\n", trimmed(&table))?;
    for circuit in &plan.summary.estimate.circuits {
        writeln!(out, "{}", circuit_line(circuit))?;
    }
    for line in pacing_lines(&plan.summary) {
        writeln!(out, "{line}")?;
    }
    let PlanSummary { lanes, longest_lane, estimate, .. } = &plan.summary;
    writeln!(
        out,
        "{} in {}, at most {longest_lane} in one; about {:.1} s if every device answers. Nothing was sent.",
        plural(count, "device"),
        plural(*lanes, "lane"),
        estimate.duration.as_secs_f64(),
    )
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A time for people: `27 s`, `0.5 s`, `1h 2m 3s`.
fn span(span: Duration) -> String {
    if span < Duration::from_mins(2) {
        let seconds = format!("{:.1}", span.as_secs_f64());
        return format!("{} s", seconds.trim_end_matches(".0"));
    }
    humantime::format_duration(Duration::from_secs(span.as_secs())).to_string()
}

fn circuit_line(one: &CircuitEstimate) -> String {
    let last = span(one.last_start);
    let how = match (one.devices == one.together, one.last_start.is_zero()) {
        (true, true) if one.devices == 1 => "it starts at once".to_owned(),
        (true, true) => "all start together".to_owned(),
        (true, false) => format!("all start after {last}"),
        (false, _) => format!("{} start together, the last after {last}", one.together),
    };
    format!(
        "circuit {}: {} A, {} of {} A, {how}; all are on after {}",
        printable(&one.circuit.name),
        amperes(one.circuit.max_milliamps),
        plural(one.devices, "device"),
        amperes(one.milliamps),
        span(one.on),
    )
}

fn pacing_lines(summary: &PlanSummary) -> Vec<String> {
    let pacing = &summary.pacing;
    let mut lines = Vec::new();
    if let Some(rate) = pacing.rate {
        lines.push(format!("rate: a start every {}", humantime::format_duration(rate.interval())));
    }
    if let (Some(batch), Some(batches)) = (pacing.batch, summary.estimate.batches) {
        let pause = if pacing.pause.is_zero() { String::new() } else { format!(", {} apart", span(pacing.pause)) };
        let noun = if batches == 1 { "batch" } else { "batches" };
        lines.push(format!("batches: {batches} {noun} of at most {}{pause}", plural(batch as usize, "device")));
    }
    if let Some(most) = pacing.max_failures {
        let noun = if most == 1 { "device has" } else { "devices have" };
        lines.push(format!("max failures: nothing new starts once more than {most} {noun} failed"));
    }
    if let Some(end) = &pacing.until {
        lines.push(format!("until {}: further passes over what is not a success", end.words));
    }
    lines
}

fn plan_schema_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "fleetctl.plan/1" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Backoff, PayloadBuilder};
    use crate::plan::PlannedCircuit;

    const TIMING: Timing = Timing {
        connect_timeout: Duration::from_secs(3),
        reply_timeout: Duration::from_secs(8),
        device_deadline: Duration::from_secs(30),
        retries: 2,
        backoff: Backoff { initial: Duration::ZERO, max: Duration::ZERO, jitter: true },
    };

    fn estimate() -> Estimate {
        Estimate { duration: Duration::from_millis(310), batches: None, circuits: Vec::new() }
    }

    fn summary(estimate: Estimate, pacing: PlanPacing) -> PlanSummary {
        PlanSummary { lanes: 1, longest_lane: 1, estimate, pacing }
    }

    /// Sixty-six displays of 4.5 A on a breaker of 32 A, slowly.
    fn paced() -> PlanSummary {
        let circuit = |name: &str, devices: usize, together: usize, seconds: u64| CircuitEstimate {
            circuit: PlannedCircuit { name: name.into(), max_milliamps: 32_000 },
            devices,
            milliamps: 4_500 * devices as u64,
            together,
            last_start: Duration::from_secs(seconds),
            on: Duration::from_secs(seconds + 3),
        };
        let circuits = vec![circuit("hall-b", 66, 7, 27), circuit("hall-c", 1, 1, 0)];
        let pacing = PlanPacing {
            rate: Some(Rate::every(Duration::from_millis(200))),
            batch: Some(30),
            pause: Duration::from_mins(5),
            max_failures: Some(1),
            until: Some(PlanEnd { at: UnixMillis(1_795_325_400_000), words: "06:30 Europe/Berlin".to_owned() }),
        };
        summary(Estimate { batches: Some(3), circuits, ..estimate() }, pacing)
    }

    fn text(summary: PlanSummary, question: Option<&Payload>, verbose: bool) -> String {
        let mut out = Vec::new();
        with_row(question, |row| {
            let view = PlanView { devices: [row].into_iter(), summary };
            write_plan_text(&mut out, &view, verbose, TableOptions::default()).unwrap();
        });
        String::from_utf8(out).unwrap()
    }

    fn json(summary: PlanSummary, question: Option<&Payload>) -> serde_json::Value {
        let mut out = Vec::new();
        with_row(question, |row| {
            write_plan_json(&mut out, &PlanView { devices: [row].into_iter(), summary }).unwrap();
        });
        serde_json::from_slice(&out).unwrap()
    }

    fn with_row(question: Option<&Payload>, write: impl FnOnce(PlanRow<'_>)) {
        let mut sent = PayloadBuilder::default();
        sent.push(b"ka ");
        sent.push_secret(b"apple");
        sent.push(b"\r");
        let sent = sent.finish();
        let address = Address::parse("10.0.0.1", Some(23)).unwrap();
        let timing = &TIMING;
        write(PlanRow { name: "tv-1", address: &address, device_type: "lg-rs232", sent: &sent, question, timing });
    }

    #[test]
    fn a_plan_is_shown_in_text_and_hex_without_secrets() {
        let text = text(summary(estimate(), PlanPacing::default()), None, true);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines[1],
            ["tv-1", "10.0.0.1:23", "ka", "‹secret›\\r", "6b", "61", "20", "0d", "3s", "8s", "30s", "2"]
        );
        assert_eq!(
            text.lines().skip(2).collect::<Vec<_>>(),
            ["", "1 device in 1 lane, at most 1 in one; about 0.3 s if every device answers. Nothing was sent."]
        );
    }

    #[test]
    fn a_plan_says_what_is_asked_how_it_goes_at_circuits_and_what_bounds_it() {
        let question = Payload::plain(b"ka 01 ff\r");
        let text = text(paced(), Some(&question), false);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "DEVICE  ADDRESS      SENT           SENT (HEX)   QUESTION    QUESTION (HEX)",
                "tv-1    10.0.0.1:23  ka ‹secret›\\r  6b 61 20 0d  ka 01 ff\\r  6b 61 20 30 31 20 66 66 0d",
                "",
                "circuit hall-b: 32 A, 66 devices of 297 A, 7 start together, the last after 27 s; all are on after 30 s",
                "circuit hall-c: 32 A, 1 device of 4.5 A, it starts at once; all are on after 3 s",
                "rate: a start every 200ms",
                "batches: 3 batches of at most 30 devices, 5m apart",
                "max failures: nothing new starts once more than 1 device has failed",
                "until 06:30 Europe/Berlin: further passes over what is not a success",
                "1 device in 1 lane, at most 1 in one; about 0.3 s if every device answers. Nothing was sent.",
            ]
        );
    }

    #[test]
    fn a_plan_is_a_document_for_machines() {
        assert_eq!(
            json(summary(estimate(), PlanPacing::default()), None),
            serde_json::json!({
                "schema": "fleetctl.plan/1",
                "summary": {
                    "devices": 1, "lanes": 1, "longest_lane": 1, "estimated_ms": 310, "circuits": [],
                    "pacing": {
                        "start_interval_ms": null, "batch": null, "batches": null, "pause_ms": null,
                        "max_failures": null, "until": null,
                    },
                },
                "devices": [{
                    "name": "tv-1", "address": "10.0.0.1:23", "type": "lg-rs232",
                    "sent": "ka ‹secret›\\r", "sent_hex": "6b 61 20 0d", "question": null, "question_hex": null,
                }],
            })
        );
    }

    #[test]
    fn machines_read_circuits_pacing_and_questions_too() {
        let question = Payload::plain(b"ka 01 ff\r");
        let found = json(paced(), Some(&question));
        let circuits = &found["summary"]["circuits"];
        assert_eq!(
            circuits[0],
            serde_json::json!({
                "name": "hall-b", "max_inrush_a": 32.0, "devices": 66, "inrush_a": 297.0,
                "start_together": 7, "last_start_ms": 27_000, "on_ms": 30_000,
            })
        );
        assert_eq!(circuits[1]["inrush_a"], 4.5);
        assert_eq!(
            found["summary"]["pacing"],
            serde_json::json!({
                "start_interval_ms": 200.0, "batch": 30, "batches": 3, "pause_ms": 300_000, "max_failures": 1,
                "until": "2026-11-22T05:30:00.000Z",
            })
        );
        assert_eq!(found["devices"][0]["question"], "ka 01 ff\\r");
        assert_eq!(found["devices"][0]["question_hex"], "6b 61 20 30 31 20 66 66 0d");
    }
}
