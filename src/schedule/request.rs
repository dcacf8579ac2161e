//! From an entry to the run that it stands for.
//!
//! What depends on when it starts is added by whoever starts it ([`super::Planned::start`]): the end of further passes,
//! and how long another run's lock is waited for. Who is told stands in `schedule.notify`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::inventory::Schedule;
use crate::model::{Share, TimingOverrides};
use crate::report::{ReportTarget, is_same_file};
use crate::run::{Pacing, RunRequest, Selecting};

/// What is in flight when a scheduled run stops gets as long as the command line's default.
const GRACE: Duration = Duration::from_secs(5);

/// The run that a schedule stands for.
pub fn request(schedule: &Schedule, inventory: &Path, types: &[PathBuf]) -> RunRequest {
    let folder = inventory.parent().unwrap_or(Path::new(""));
    RunRequest {
        inventory: inventory.to_owned(),
        types: types.to_vec(),
        selecting: Selecting {
            select: schedule.select.as_ref().map(|select| select.text.to_string()),
            ..Selecting::default()
        },
        command: schedule.command.clone(),
        schedule: Some(schedule.name.clone()),
        verify: schedule.verify,
        if_needed: schedule.if_needed,
        save: schedule.save.as_ref().map(|pattern| folder.join(pattern).to_string_lossy().into_owned()),
        idempotent: false,
        flags: TimingOverrides::default(),
        concurrency: None,
        deadline: None,
        grace: GRACE,
        // When the passes end depends on when the run starts: whoever starts it puts that into what is prepared.
        pacing: Pacing::default(),
        ok_if: Share::ALL,
        simulate: None,
        history: None,
        rerun_of: None,
        wait_lock: None,
    }
}

/// Where its reports go, relative paths from the inventory's folder on; mistakes go to `diagnostics`.
pub fn report_targets(schedule: &Schedule, inventory: &Path, diagnostics: &mut Diagnostics) -> Vec<ReportTarget> {
    let folder = inventory.parent().unwrap_or(Path::new(""));
    let mut targets: Vec<ReportTarget> = Vec::new();
    for (text, span) in &schedule.reports {
        let wrong = match text.parse::<ReportTarget>() {
            Ok(target) => {
                let target = ReportTarget { path: folder.join(target.path), ..target };
                if is_same_file(&target.path, inventory) {
                    "that is the inventory".to_owned()
                } else if targets.iter().any(|other| is_same_file(&other.path, &target.path)) {
                    "two reports cannot be the same file".to_owned()
                } else {
                    targets.push(target);
                    continue;
                }
            }
            Err(error) => error.to_string(),
        };
        let mistake = Diagnostic::error(format!("schedule `{}`: the report `{text}`: {wrong}", schedule.name));
        diagnostics.push(mistake.at(span.clone(), ""));
    }
    targets
}
