//! No file that is written takes the place of one that it comes of: a report or a fetched file is neither the inventory
//! nor the history, and a report is none of the fetched files, nor the report that it is made again from. Such a run would
//! do all that it was told, and then the list of the devices would be gone.

use std::path::Path;
use std::sync::Arc;

use super::RunRequest;
use crate::plan::Job;
use crate::report::{ReportTarget, is_same_file};

const IS_HISTORY: &str = "is the history of runs";

/// Says which of the files that the run is to write must not be written, and why; `None`: all may be.
pub fn taken<'t>(
    request: &RunRequest,
    jobs: &[Arc<Job>],
    reports: impl Iterator<Item = &'t ReportTarget>,
) -> Option<String> {
    let own = |path: &Path| {
        let history = request.history.as_deref().is_some_and(|history| is_same_file(history, path));
        let inventory = is_same_file(&request.inventory, path);
        (inventory.then_some("is the inventory")).or(history.then_some(IS_HISTORY))
    };
    let saved = || jobs.iter().filter_map(|job| job.save.as_deref());
    let fetched =
        saved().find_map(|path| Some(format!("a fetched file cannot be `{}`: that {}", path.display(), own(path)?)));
    let is_fetched =
        |path: &Path| saved().any(|saved| is_same_file(saved, path)).then_some("is a file that is fetched");
    fetched.or_else(|| taken_by(reports, |path| own(path).or_else(|| is_fetched(path))))
}

/// The same of reports that are made again: neither the history nor the report that is read, `from`, is written over.
pub fn taken_again<'t>(
    from: &Path,
    history: Option<&Path>,
    reports: impl Iterator<Item = &'t ReportTarget>,
) -> Option<String> {
    taken_by(reports, |path| {
        let is_history = history.is_some_and(|history| is_same_file(history, path));
        let is_read = is_same_file(from, path);
        (is_history.then_some(IS_HISTORY)).or(is_read.then_some("is the report that is read"))
    })
}

fn taken_by<'t>(
    mut reports: impl Iterator<Item = &'t ReportTarget>,
    own: impl Fn(&Path) -> Option<&'static str>,
) -> Option<String> {
    reports.find_map(|report| Some(format!("cannot write the report {}: that {}", report.label(), own(&report.path)?)))
}
