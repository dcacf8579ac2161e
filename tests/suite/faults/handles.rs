//! Standard input and outputs that are closed, or that nobody reads, and targets that are no files.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{FakeFleet, Report, Running, Workspace};

const SLACK: Duration = Duration::from_secs(25);

fn fleet(displays: usize) -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[001-{displays}]\"\ntype = \"lg-rs232\"\naddress = \"127.69.[0-2].[1-200]:{}\"\n",
        fleet.port()
    ));
    (fleet, workspace)
}

#[test]
fn row_52_without_any_standard_handle_a_run_does_all_the_same() {
    let (fleet, workspace) = fleet(600);
    let arguments = ["run", "--cmd", "ka {set_id} 01", "-s", "tv-[001-003]", "--report", "json=report.json"];
    // The first files that are opened would get the numbers 0 to 2.
    let status = Command::new("sh")
        .args(["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-", env!("CARGO_BIN_EXE_fleetctl")])
        .args(arguments)
        .current_dir(workspace.folder())
        .env("XDG_STATE_HOME", workspace.path(".state"))
        .status()
        .unwrap();
    // There is nobody to whom a document could have been delivered, and nothing that says so.
    assert!(matches!(status.code(), Some(0 | 4)), "{status}");
    let report = Report::new(serde_json::from_str(&workspace.read("report.json")).unwrap());
    assert_eq!((report.count("ok"), fleet.commands()), (3, 3));
    for number in 1..=3 {
        let heard = fleet.journal(&format!("127.69.0.{number}")).bytes();
        assert_eq!(heard, b"ka 01 01\r", "no byte that was meant for somebody else");
    }
    let listed = workspace.fleetctl(&["history", "list", "--format", "json"]).expect_status(0).json();
    assert_eq!(listed["runs"][0]["summary"]["ok"], 3);
}

#[test]
fn row_53_outputs_that_nobody_reads_keep_no_device_waiting() {
    let (fleet, workspace) = fleet(600);
    let (mut document, stdout) = std::io::pipe().unwrap();
    let (mut log, stderr) = std::io::pipe().unwrap();
    let arguments = ["run", "--cmd", "ka {set_id} 01", "-vv", "--format", "ndjson", "--device-deadline", "10s"];
    let program = Running::start_with(workspace.folder(), &arguments, |command| {
        command.stdout(Stdio::from(stdout)).stderr(Stdio::from(stderr));
    });
    // A pipe holds 64 KiB: far less than 600 lines.
    fleet.wait_until("every command, though nobody reads", |fleet| fleet.commands() == 600);
    let drained = std::thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
    });
    let mut lines = String::new();
    document.read_to_string(&mut lines).unwrap();
    program.finish_within(Duration::from_secs(10 + 5 + 1) + SLACK).expect_status(0);
    drained.join().unwrap();
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let finished = events.iter().filter(|event| event["event"] == "device_finished").count();
    assert_eq!((finished, &events.last().unwrap()["summary"]["ok"]), (600, &600.into()), "nothing is lost");
}

#[test]
fn row_56_a_target_that_is_no_plain_file_is_refused_before_anything_is_sent() {
    let (fleet, workspace) = fleet(600);
    nix_fifo(&workspace, "fifo");
    std::os::unix::fs::symlink("elsewhere", workspace.path("link")).unwrap();
    std::fs::create_dir(workspace.path("folder")).unwrap();
    for target in ["fifo", "link", "folder", "/dev/null"] {
        let report = format!("json={target}");
        let program = workspace.start(&["run", "--cmd", "ka {set_id} 01", "-s", "tv-001", "--report", &report]);
        let finished = program.finish_within(SLACK);
        assert!(finished.expect_status(2).stderr.contains(target), "{finished}");
    }
    assert_eq!(fleet.connections(), 0);
    assert!(!workspace.path("elsewhere").exists());
}

#[test]
fn row_56_a_history_that_is_no_plain_file_is_said_and_waited_for_by_nobody() {
    let (fleet, workspace) = fleet(600);
    nix_fifo(&workspace, "fifo");
    std::os::unix::fs::symlink("elsewhere", workspace.path("link")).unwrap();
    for (done, place) in (1..).zip(["fifo", "link", "/dev/null"]) {
        let program = workspace.start(&["run", "--cmd", "mc {set_id} 08", "-s", "tv-001", "--history", place]);
        let finished = program.finish_within(SLACK);
        assert!(finished.expect_status(4).stderr.contains(place), "{finished}");
        assert_eq!(fleet.commands(), done);
    }
    assert!(!workspace.path("elsewhere").exists(), "nothing is made where a link leads");
}

fn nix_fifo(workspace: &Workspace, name: &str) {
    assert!(Command::new("mkfifo").arg(workspace.path(name)).status().unwrap().success());
}
