//! Recording a run: what the history costs beside the reports.

#![expect(clippy::expect_used, reason = "what cannot be set up has nothing to measure")]

use std::hint::black_box;
use std::path::Path;

use fleetctl::history::{Beginning, Recorder};
use fleetctl::model::RunEvent;
use fleetctl::report::Reporters;

use super::pieces::{BATCH, Work, events};

/// The events of a run into a history, from the first to the end of the run on the disk.
pub(crate) fn record_run() -> Work {
    let mut events = events().into_iter();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(RunEvent::RunStarted { run, devices }) = events.as_slice().first().cloned() else {
        unreachable!("a run begins with its start")
    };
    let beginning = Beginning {
        info: &run,
        devices: &devices,
        idempotent: &vec![true; devices.len()],
        inventory: Path::new("/fleet.toml"),
        schedule: None,
        request: "{}",
        rerun_of: None,
    };
    let recorder = Recorder::begin(&folder.path().join("history.db"), None, &beginning).expect("a history");
    Box::new(move || {
        let mut reporters = Reporters::default();
        reporters.add("history", Box::new(recorder));
        while events.len() > 0 {
            reporters.events(events.by_ref().take(BATCH));
        }
        assert!(black_box(reporters.finish()).errors.is_empty(), "nothing is recorded in {folder:?}");
    })
}
