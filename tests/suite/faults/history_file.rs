//! Whatever is wrong with the history's file: the run goes on, says so, and exits 4.

use crate::support::{FakeFleet, Gate, Step, Workspace};

fn fleet() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[1-3]\"\ntype = \"lg-rs232\"\naddress = \"127.47.0.[1-3]:{port}\"\n"
    ));
    (fleet, workspace)
}

const RUN: [&str; 7] = ["run", "--cmd", "mc {set_id} 08", "--format", "json", "--history", "runs.db"];

#[track_caller]
fn goes_on_unrecorded(workspace: &Workspace, fleet: &FakeFleet, said: &str) {
    let finished = workspace.fleetctl(&RUN);
    let report = finished.expect_status(4).report();
    assert_eq!(report.count("ok"), 3);
    assert!(finished.stderr.contains(said) && finished.stderr.contains("runs.db"), "{finished}");
    assert_eq!(fleet.commands(), 3);
}

#[test]
fn a_damaged_file_is_left_as_it_is() {
    let (fleet, workspace) = fleet();
    let noise = "no database at all, but somebody's letter\n".repeat(200);
    workspace.write("runs.db", &noise);
    goes_on_unrecorded(&workspace, &fleet, "not a database");
    assert_eq!(workspace.read("runs.db"), noise);
    workspace.fleetctl(&["history", "list", "--history", "runs.db"]).expect_status(2);
}

#[test]
fn a_file_that_was_damaged_in_its_middle_does_not_stop_a_run() {
    let (fleet, workspace) = fleet();
    workspace.fleetctl(&RUN).expect_status(0);
    let mut bytes = std::fs::read(workspace.path("runs.db")).unwrap();
    for byte in bytes.iter_mut().skip(4096) {
        *byte ^= 0x5a;
    }
    std::fs::write(workspace.path("runs.db"), bytes).unwrap();
    let finished = workspace.fleetctl(&RUN);
    assert_eq!(finished.expect_status(4).report().count("ok"), 3);
    assert_eq!(fleet.commands(), 6);
}

#[test]
fn a_place_that_cannot_be_written_does_not_stop_a_run() {
    let (fleet, workspace) = fleet();
    // A folder where the file should be: that stops root, too.
    std::fs::create_dir(workspace.path("runs.db")).unwrap();
    goes_on_unrecorded(&workspace, &fleet, "cannot open");
}

#[test]
fn a_newer_version_is_refused_and_left_as_it_is() {
    let (fleet, workspace) = fleet();
    let newer = rusqlite::Connection::open(workspace.path("runs.db")).unwrap();
    newer
        .execute_batch("PRAGMA application_id = 0x666c6374; PRAGMA user_version = 99; CREATE TABLE later (x)")
        .unwrap();
    drop(newer);
    goes_on_unrecorded(&workspace, &fleet, "newer fleetctl");
    let listed = workspace.fleetctl(&["history", "list", "--history", "runs.db"]);
    assert!(listed.expect_status(2).stderr.contains("newer fleetctl"), "{listed}");
    let same = rusqlite::Connection::open(workspace.path("runs.db")).unwrap();
    let tables: i64 = same.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn a_disk_that_is_full_in_mid_run_is_said_once_and_the_record_claims_nothing() {
    let gate = Gate::closed();
    let (fleet, workspace) = fleet();
    fleet.on_command("127.47.0.1", 1, vec![vec![Step::Wait(gate.clone()), Step::Reply]]);
    let arguments = [&RUN[..], &["--concurrency", "1", "--reply-timeout", "60s", "--device-deadline", "90s"]].concat();
    let program = workspace.start(&arguments);
    fleet.wait_until("the first command", |fleet| fleet.commands() == 1);
    program.limit_file_size(1);
    gate.open();
    let finished = program.finish();
    assert_eq!(finished.expect_status(4).report().count("ok"), 3, "{finished}");
    assert_eq!(finished.stderr.matches("goes on without it").count(), 1, "{finished}");
    assert_eq!(fleet.commands(), 3);
    // The second and third pulse have no intent: that they were never sent is not claimed.
    let again = workspace.fleetctl(&["rerun", "--history", "runs.db"]);
    assert!(again.expect_status(2).stderr.contains("tv-[1-3]"), "{again}");
    assert_eq!(fleet.commands(), 3);
}
