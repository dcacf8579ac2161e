//! A plan shown instead of run: per device its address and the exact bytes, in total lanes, circuits, pace and time.
//!
//! What is in the plan is decided by `plan`; here it arrives as borrowed rows. Log-in bytes are not part of it.

use std::io::{self, Write};
use std::time::Duration;

use super::format::{TableOptions, grid, trimmed};
use crate::model::escape::printable;
use crate::model::{Address, Payload, Rate, Timing, UnixMillis, amperes};
use crate::plan::{CircuitEstimate, Estimate};

mod document;
#[cfg(test)]
mod tests;

pub(super) use document::PlanDocument;
pub use document::write_plan_json;

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

impl PlanView<std::iter::Empty<PlanRow<'_>>> {
    /// The plan of a run with nothing to do.
    pub fn of_nobody() -> Self {
        let estimate = Estimate { duration: Duration::ZERO, batches: None, circuits: Vec::new() };
        let summary = PlanSummary { lanes: 0, longest_lane: 0, estimate, pacing: PlanPacing::default() };
        Self { devices: std::iter::empty(), summary }
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
        (false, _) if one.together == 1 => format!("1 starts first, the last after {last}"),
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
