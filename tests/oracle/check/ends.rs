//! I11: a run ends by its deadlines, and who is well is `ok`. I12: with `--until`, everybody is once nothing goes wrong.

use super::Findings;
use super::case::{Case, Told};
use crate::night::Millis;

/// How long a log-out may take once the run is cut.
const LOGOUT: Millis = 1000;

/// Checks I11 and I12.
pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    if let Some(cut) = case.cut() {
        let elapsed = case.report.elapsed_ms;
        findings.expect(elapsed <= cut + LOGOUT, "I11", "", || format!("it ended at {elapsed} ms, cut at {cut} ms"));
    }
    for device in &case.devices {
        healthy(case, device, findings);
        if case.night.faults_end.is_some() && !device.planned.held {
            findings.expect(device.told.status == "ok", "I12", &device.told.name, || {
                format!("`{}` ({}) in the end", device.told.status, device.told.kind())
            });
        }
    }
}

/// I11.
fn healthy(case: &Case<'_>, device: &Told<'_>, findings: &mut Findings) {
    let limits = &case.night.limits;
    let is_well = !case.night.is_faulty(device.who) && !device.planned.held;
    // Its own time runs while it waits for its turn.
    let is_rushed = limits.device_deadline.is_some_and(|span| span < 5000);
    let is_limited = case.stop().is_some() || limits.max_failures.is_some();
    let told = &device.told;
    let is_excused =
        is_limited && (told.status == "skipped" || told.kind() == "interrupted" || told.kind() == "mismatch");
    if is_well && !is_rushed && !is_excused {
        findings.expect(told.is_success(), "I11", &told.name, || {
            format!("nothing went wrong with it, and it is `{}` ({})", told.status, told.kind())
        });
    }
}
