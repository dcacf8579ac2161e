//! What people and machines see of a run: consumers of `RunEvent`.
//!
//! `reporter.rs` passes each event to every reporter; `collect.rs` keeps the outcomes once for all formats that need the
//! whole run; `document.rs` is the JSON contract as its own types, filled by `record.rs`; `format/` has a file per format.
//! Reporters never call the engine, and one that fails stops no other. Which reporters a run has, and what an error of
//! one means for the exit status, is decided by `run` and `cli`.

mod collect;
#[cfg(test)]
mod contract_tests;
mod detail;
mod digest;
mod document;
mod dry_run;
mod fault;
mod format;
mod group;
#[cfg(test)]
mod held_tests;
mod hint;
mod json_layout;
mod listing;
mod log;
mod mask;
mod moment;
mod normal;
mod past;
mod progress;
mod read;
mod record;
mod replay;
mod reporter;
mod schema;
mod sink;
#[cfg(test)]
pub(crate) mod test_run;
mod texts;
mod timetable;

pub use collect::Collected;
pub use detail::{Details, command_json};
pub use digest::{
    Cause, KeepOutcomes, causes, duration_text, folded_names, foremost_fact, json_line, markup, report_json,
    status_words, summary_text,
};
pub use dry_run::{PlanEnd, PlanPacing, PlanRow, PlanSummary, PlanView, write_plan_json, write_plan_text};
pub use format::{
    By, Csv, Format, Html, Json, Junit, Nagios, NagiosState, Ndjson, PerDevice, Prometheus, ReportOptions, RunMetrics,
    Style, Table, TableOptions, Thresholds, UnknownFormat, metric_label, reporter,
};
pub use hint::hint;
pub use listing::{TypeRow, write_devices_json, write_devices_text, write_types_json, write_types_text};
pub use log::Log;
pub use mask::hide_secrets;
pub use past::{
    CHANGES, ChangeRow, HealthRow, RunRow, command_text, is_success, people_time, write_changes_json,
    write_changes_text, write_health_json, write_health_text, write_runs_json, write_runs_text,
};
pub use progress::{Progress, ProgressStyle};
pub use read::{FailedFrom, ReadError, failed_in, read_failed};
pub use replay::{read_report, replay, report_events};
pub use reporter::{Finished, Past, ReportError, Reporter, Reporters};
pub use schema::{SCHEMA_NAMES, schema};
pub use sink::{FileSink, ReportTarget, Sink, TargetError, is_same_file};
pub use timetable::{ScheduleRow, ScheduledRun, write_schedules_text, write_timetable_json, write_timetable_text};
