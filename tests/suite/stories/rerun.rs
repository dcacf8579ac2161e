//! The morning after: only the devices of last night's report that are not a success.

use crate::support::{FakeFleet, Step, Workspace, device_names};

fn night(bad_steps: Vec<Vec<Step>>) -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    fleet.on_command("127.9.0.2", 1, bad_steps);
    let workspace = Workspace::with_inventory(&inventory(fleet.port(), "[1-4]"));
    let arguments =
        ["run", "--do", "power-on", "--retries", "0", "--reply-timeout", "400ms", "--report", "json=night.json", "-q"];
    workspace.fleetctl(&arguments);
    (fleet, workspace)
}

fn inventory(port: u16, numbers: &str) -> String {
    format!("[[device]]\nname = \"tv-{numbers}\"\ntype = \"lg-rs232\"\naddress = \"127.9.0.{numbers}:{port}\"\n")
}

const AGAIN: [&str; 7] = ["run", "--do", "power-on", "--failed-from", "night.json", "--format", "json"];

#[test]
fn only_what_failed_is_tried_again() {
    let (fleet, workspace) = night(vec![vec![], vec![Step::Reply]]);
    assert_eq!(fleet.commands(), 4);
    let report = workspace.fleetctl(&AGAIN).expect_status(0).report();
    assert_eq!(report.names(), ["tv-2"]);
    assert_eq!(fleet.commands(), 5);
    assert_eq!(fleet.commands_seen_by("127.9.0.2", 1).len(), 2);
}

#[test]
fn a_selection_narrows_it_further_and_to_nothing_is_an_error() {
    let (_fleet, workspace) = night(vec![vec![]]);
    let arguments = |select| [&AGAIN[..], &["--dry-run", "-s", select]].concat();
    let plan = workspace.fleetctl(&arguments("tv-[1-3]")).expect_status(0).json();
    assert_eq!(device_names(&plan), ["tv-2"]);
    let finished = workspace.fleetctl(&arguments("tv-1"));
    assert_eq!(finished.expect_status(2).stdout, "");
}

#[test]
fn a_report_without_failures_says_so_and_is_a_success() {
    let (fleet, workspace) = night(vec![vec![Step::Reply]]);
    let finished = workspace.fleetctl(&AGAIN);
    finished.expect_status(0);
    assert!(finished.stderr.contains("nothing to do"), "it says so: {finished}");
    assert_eq!(fleet.commands(), 4, "nothing was sent again");
}

#[test]
fn who_has_nothing_to_do_writes_a_document_without_devices() {
    let (fleet, workspace) = night(vec![vec![Step::Reply]]);
    let inventory = workspace.read("fleet.toml");
    let again = |more: &[&str]| {
        let run = [&AGAIN[..5], &["--arg", "set_id=1", "--arg", "pasword=geheim", "--verify"], more].concat();
        workspace.fleetctl(&run)
    };
    let finished = again(&["--format", "json", "--report", "junit=r.xml", "--report", "table=r.txt"]);
    let report = finished.expect_status(0).report();
    assert_eq!((report.names().len(), report.count("total")), (0, 0));
    let command = &report.document()["command"];
    assert_eq!((&command["action"], &command["verify"]), (&"power-on".into(), &true.into()));
    assert_eq!((&command["args"]["set_id"], &command["args"]["pasword"]), (&"1".into(), &"‹secret›".into()));
    assert!(workspace.read("r.xml").contains("tests=\"0\""), "{}", workspace.read("r.xml"));
    assert!(workspace.read("r.txt").contains("0 of 0"), "{}", workspace.read("r.txt"));
    let lines = again(&["--format", "ndjson"]).expect_status(0).stdout.clone();
    let events: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.iter().map(|event| &event["event"]).collect::<Vec<_>>(), ["run_started", "run_finished"]);
    let metrics = again(&["--format", "prometheus"]).expect_status(0).stdout.clone();
    assert!(
        metrics.contains("fleetctl_run_last_success_timestamp_seconds{"),
        "who watches it is not to miss it: {metrics}"
    );
    assert_eq!(again(&["--format", "csv"]).expect_status(0).stdout.lines().count(), 1, "the names of the columns");
    let plan = again(&["--format", "json", "--dry-run"]).expect_status(0).json();
    assert_eq!((&plan["schema"], &plan["summary"]["devices"]), (&"fleetctl.plan/1".into(), &0.into()));
    assert_eq!(again(&[]).expect_status(0).stdout, "", "people read it on stderr");
    assert!(again(&["--format", "nagios"]).expect_status(0).stdout.starts_with("FLEETCTL OK: "));
    again(&["--report", "json=fleet.toml"]).expect_status(2);
    assert_eq!(workspace.read("fleet.toml"), inventory);
    let rerun = workspace.fleetctl(&["rerun", "--format", "json", "--report", "csv=r.csv"]);
    assert!(rerun.expect_status(0).stderr.contains("nothing of run"), "{rerun}");
    assert_eq!((rerun.report().names().len(), workspace.read("r.csv").lines().count()), (0, 1));
    assert_eq!(rerun.report().document()["command"]["action"], "power-on");
    let listed = workspace.fleetctl(&["history", "list", "--format", "json"]).json();
    assert_eq!(listed["runs"].as_array().unwrap().len(), 1, "only the night was a run: {listed}");
    assert_eq!(fleet.commands(), 4, "nothing was sent again");
}

#[test]
fn a_device_that_has_left_the_inventory_is_named() {
    let (fleet, workspace) = night(vec![vec![]]);
    workspace.write("fleet.toml", &inventory(fleet.port(), "[3-4]"));
    let finished = workspace.fleetctl(&AGAIN);
    assert!(finished.stderr.contains("tv-2"), "{finished}");
    assert!(finished.expect_status(2).stdout.is_empty(), "that nothing is left of what failed is no success");
    assert_eq!(fleet.commands(), 4);
}

#[test]
fn those_that_are_still_there_are_tried_again() {
    let (fleet, workspace) = night(vec![vec![], vec![Step::Reply]]);
    let report = workspace.read("night.json");
    workspace.write(
        "night.json",
        &report.replacen(r#""name": "tv-1", "#, r#""name": "old", "#, 1).replacen(
            r#""status": "ok""#,
            r#""status": "no_reply""#,
            1,
        ),
    );
    let finished = workspace.fleetctl(&AGAIN);
    assert!(finished.stderr.contains("warning") && finished.stderr.contains("old"), "{finished}");
    assert_eq!(finished.expect_status(0).report().names(), ["tv-2"]);
    assert_eq!(fleet.commands(), 5);
}

#[test]
fn a_file_that_is_no_report_sends_nothing() {
    let (fleet, workspace) = night(vec![vec![]]);
    for text in ["{", "[]", "{\"schema\":\"fleetctl.plan/1\",\"devices\":[]}"] {
        workspace.write("night.json", text);
        let finished = workspace.fleetctl(&AGAIN);
        finished.expect_status(2);
        assert!(finished.stderr.contains("night.json"), "{finished}");
    }
    let missing = workspace.fleetctl(&["run", "--do", "power-on", "--failed-from", "no.json"]);
    assert!(missing.expect_status(2).stderr.contains("`no.json`: No such file"), "{missing}");
    assert_eq!(fleet.commands(), 4);
}
