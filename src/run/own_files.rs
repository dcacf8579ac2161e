//! No file that a run writes takes the place of one that it lives on: a report or a fetched file is neither the inventory
//! nor the history, and a report is none of the fetched files. Such a run would do all that it was told, and then the list
//! of the devices would be gone.

use std::path::Path;
use std::sync::Arc;

use super::RunRequest;
use crate::plan::Job;
use crate::report::{ReportTarget, is_same_file};

/// Says which of the files that the run is to write must not be written, and why; `None`: all may be.
pub fn taken<'t>(
    request: &RunRequest,
    jobs: &[Arc<Job>],
    mut reports: impl Iterator<Item = &'t ReportTarget>,
) -> Option<String> {
    let own = |path: &Path| {
        let history = request.history.as_deref().is_some_and(|history| is_same_file(history, path));
        let inventory = is_same_file(&request.inventory, path);
        (inventory.then_some("is the inventory")).or(history.then_some("is the history of runs"))
    };
    let saved = || jobs.iter().filter_map(|job| job.save.as_deref());
    let fetched =
        saved().find_map(|path| Some(format!("a fetched file cannot be `{}`: that {}", path.display(), own(path)?)));
    fetched.or_else(|| {
        reports.find_map(|report| {
            let fetched =
                || saved().any(|path| is_same_file(path, &report.path)).then_some("is a file that is fetched");
            let why = own(&report.path).or_else(fetched)?;
            Some(format!("cannot write the report {}: that {why}", report.label()))
        })
    })
}
