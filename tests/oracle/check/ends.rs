//! I11: a run ends by its deadlines, and who is well is `ok`. I12: with `--until`, everybody is once nothing goes wrong.

use super::Findings;
use super::case::{Case, Told};
use crate::night::Millis;

/// After how long a display that is busy may be told again (protocols.md §1.4), with what it takes to be told.
const BUSY: Millis = 1000;

/// How long a log-out may take once the run is cut.
const LOGOUT: Millis = 1000;

/// Checks I11 and I12.
pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    if let Some(cut) = case.cut() {
        let elapsed = case.start() + case.report.elapsed_ms;
        findings.expect(elapsed <= cut + LOGOUT + case.night.slack, "I11", "", || {
            format!("it ended at {elapsed} ms, cut at {cut} ms")
        });
    }
    for device in &case.devices {
        healthy(case, device, findings);
        patient(case, device, findings);
        if case.night.faults_end.is_some() && !device.planned.held {
            findings.expect(device.report.status == "ok", "I12", &device.report.name, || {
                format!("`{}` ({}) in the end", device.report.status, device.report.kind())
            });
        }
    }
}

/// I11.
fn healthy(case: &Case<'_>, device: &Told<'_>, findings: &mut Findings) {
    let limits = &case.night.limits;
    let is_well = case.night.is_well(device.who) && !device.planned.held;
    // Its own time runs while it waits for its turn.
    let is_rushed = limits.device_deadline.is_some_and(|span| span < 5000);
    let is_limited = case.stop().is_some() || limits.max_failures.is_some();
    let told = &device.report;
    let is_excused =
        is_limited && (told.status == "skipped" || told.kind() == "interrupted" || told.kind() == "mismatch");
    let is_disturbed = device.writes.iter().any(|write| case.disturbances(write).next().is_some());
    if is_well && !is_rushed && !is_excused && !is_disturbed {
        findings.expect(told.is_success(), "I11", &told.name, || {
            format!("nothing went wrong with it, and it is `{}` ({})", told.status, told.kind())
        });
    }
}

/// I11: a device has the whole of its own time while it is busy, and no more of it for anything.
fn patient(case: &Case<'_>, device: &Told<'_>, findings: &mut Findings) {
    let told = &device.report;
    if !case.is_single_pass() || told.status == "skipped" {
        return;
    }
    let own = case.night.limits.device_deadline.unwrap_or(30_000);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a span of whole milliseconds")]
    let elapsed = told.elapsed_ms as Millis;
    // Who waits for another attempt is told of when its lane has a slot, and has ended what it was about.
    let limits = &case.night.limits;
    let has_slot = limits.concurrency >= 256 && device.gateway.site.is_none();
    let is_paced = limits.rate.is_some() || limits.circuit.is_some();
    let mates = case.devices.iter().filter(|one| one.who.0 == device.who.0).count();
    let is_alone = mates == 1 && has_slot && !is_paced;
    findings.expect(elapsed <= own + 1 + case.night.slack || !is_alone, "I11", &told.name, || {
        format!("it took {elapsed} ms, and may take {own} ms")
    });
    let late =
        case.device_end(device).and_then(|end| device.writes.iter().find(|write| write.at >= end + case.night.slack));
    findings.expect(late.is_none() || device.is_blurred, "I11", &told.name, || {
        format!("it was told at {:?} ms, after its time of {own} ms", late.map(|write| write.at))
    });
    let is_cut = case.stop().is_some();
    findings.expect(
        told.kind() != "busy" || is_cut || elapsed + BUSY + case.night.slack >= own,
        "I11",
        &told.name,
        || format!("`busy` after {elapsed} ms, and had {own} ms"),
    );
}
