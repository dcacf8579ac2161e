//! The same for a fetch: whatever call fails, a file under its final name is the whole file, and nothing else is left.

use super::failing_calls::{ended_well, left_over, let_fail};
use crate::support::{Finished, Hubs, Workspace, looks_like_a_database, served};

const HUBS: usize = 2;
const LENGTH: usize = 70_000;
const FETCH: [&str; 13] = [
    "run",
    "--do",
    "fetch-database",
    "--save",
    "db/{name}.db",
    "--history",
    "runs.db",
    "--format",
    "json",
    "--retries",
    "0",
    "--device-deadline",
    "3s",
];

fn hubs() -> (Hubs, Workspace) {
    let hubs = Hubs::start();
    for number in 1..=HUBS {
        hubs.script(&format!("127.51.0.{number}"), vec![served(&looks_like_a_database(LENGTH))]);
    }
    let workspace = workspace(&hubs);
    (hubs, workspace)
}

fn workspace(hubs: &Hubs) -> Workspace {
    let port = hubs.port();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"hub-[1-{HUBS}]\"\ntype = \"smart-home-hub\"\naddress = \"127.51.0.[1-{HUBS}]:{port}\"\n"
    ));
    std::fs::create_dir(workspace.path("db")).unwrap();
    workspace
}

#[test]
fn whatever_call_fails_a_fetched_file_is_whole_or_not_there() {
    let (counting, _) = hubs();
    let_fail(
        &FETCH,
        12,
        || workspace(&counting),
        hubs,
        |_, workspace, finished, told| judge(workspace, finished, told),
    );
}

fn judge(workspace: &Workspace, finished: &Finished, told: &str) {
    ended_well(finished, told);
    let whole = looks_like_a_database(LENGTH);
    for folder in [workspace.folder().to_owned(), workspace.path("db")] {
        assert_eq!(left_over(&folder), [""; 0], "{told}: {finished}");
    }
    let report = serde_json::from_str::<serde_json::Value>(&finished.stdout).ok();
    for place in 0..HUBS {
        let file = std::fs::read(workspace.path(&format!("db/hub-{}.db", place + 1))).ok();
        assert!(file.is_none() || file.as_ref() == Some(&whole), "{told}: a part of a file: {finished}");
        let Some(report) = &report else { continue };
        let device = &report["devices"][place];
        let is_told = device["status"] == "ok";
        assert!(!is_told || file.is_some(), "{told}: told to be there: {device:#}");
        let is_new = file.is_some() && !is_told;
        assert!(!is_new || told.contains("fsync"), "{told}: it is there, and told to be missing: {device:#}");
    }
    let is_refused = matches!(finished.status, Some(2 | 127));
    assert!(report.is_some() || is_refused || finished.stderr.contains("stdout"), "{told}: {finished}");
}
