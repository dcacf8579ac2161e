//! What lies beside the history, and who else uses it: logs of nobody, a process that keeps it locked.

use std::time::Duration;

use crate::support::{FakeFleet, Workspace};

const RUN: [&str; 9] =
    ["run", "--cmd", "mc {set_id} 08", "--format", "json", "--history", "runs.db", "--device-deadline", "30s"];

fn fleet() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[1-3]\"\ntype = \"lg-rs232\"\naddress = \"127.70.0.[1-3]:{}\"\n",
        fleet.port()
    ));
    (fleet, workspace)
}

/// How many runs the history lists.
fn runs(workspace: &Workspace) -> usize {
    let listed = workspace.fleetctl(&["history", "list", "--history", "runs.db", "--format", "json"]);
    listed.expect_status(0).json()["runs"].as_array().unwrap().len()
}

#[test]
fn row_64_a_log_without_its_database_is_taken_for_nobodys() {
    let (fleet, workspace) = fleet();
    workspace.fleetctl(&RUN).expect_status(0);
    let log: Vec<u8> = (0..40_000_u32).map(|place| u8::try_from(place % 251).unwrap()).collect();
    for name in ["runs.db-wal", "runs.db-shm"] {
        std::fs::write(workspace.path(name), &log).unwrap();
    }
    std::fs::remove_file(workspace.path("runs.db")).unwrap();
    let finished = workspace.fleetctl(&RUN);
    assert_eq!(finished.expect_status(0).report().count("ok"), 3);
    assert_eq!((runs(&workspace), fleet.commands()), (1, 6));
}

#[test]
fn row_64_noise_in_the_log_of_a_history_loses_no_run_that_was_in_it() {
    let (fleet, workspace) = fleet();
    workspace.fleetctl(&RUN).expect_status(0);
    std::fs::write(workspace.path("runs.db-wal"), vec![0x5a; 40_000]).unwrap();
    assert_eq!(workspace.fleetctl(&RUN).expect_status(0).report().count("ok"), 3);
    assert_eq!((runs(&workspace), fleet.commands()), (2, 6));
}

#[test]
fn row_65_a_history_that_another_process_keeps_locked_costs_the_record_and_no_device() {
    let (fleet, workspace) = fleet();
    workspace.fleetctl(&RUN).expect_status(0);
    let other = rusqlite::Connection::open(workspace.path("runs.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let finished = workspace.start(&RUN).finish_within(Duration::from_secs(30 + 5 + 1 + 20));
    assert_eq!(finished.expect_status(4).report().count("ok"), 3);
    assert!(finished.stderr.contains("runs.db"), "{finished}");
    assert_eq!(fleet.commands(), 6);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(workspace.fleetctl(&RUN).expect_status(0).report().count("ok"), 3);
    assert_eq!(fleet.commands(), 9);
}
