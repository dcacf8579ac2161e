//! The operator who needs every display on by half past six: `--until`, pass after pass.

use serde_json::Value;

use crate::support::{FakeFleet, Step, Workspace};

fn workspace(fleet: &FakeFleet) -> Workspace {
    let port = fleet.port();
    Workspace::with_inventory(&format!(
        "[run]\nretries = 0\n[defaults]\ntype = \"lg-rs232\"\n\
         [[device]]\nname = \"tv-[1-3]\"\naddress = \"127.45.0.[1-3]:{port}\"\n"
    ))
}

#[test]
fn a_straggler_comes_on_in_a_later_pass_and_the_report_says_when() {
    let fleet = FakeFleet::start();
    let workspace = workspace(&fleet);
    // The second gateway resets twice; the third display refuses for good.
    fleet.on_accept("127.45.0.2", vec![vec![Step::Reset], vec![Step::Reset], vec![]]);
    fleet.on_command("127.45.0.3", 1, vec![vec![Step::Send(b"a 01 NG01x".to_vec())]]);
    let arguments = ["run", "--do", "power-on", "--until", "30s", "--format", "ndjson"];
    let ran = workspace.fleetctl(&arguments);
    let lines: Vec<Value> =
        ran.expect_status(1).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let passes: Vec<(u64, u64)> = lines
        .iter()
        .filter(|line| line["event"] == "pass_started")
        .map(|line| (line["pass"].as_u64().unwrap(), line["devices"].as_u64().unwrap()))
        .collect();
    assert_eq!(passes, [(1, 3), (2, 1), (3, 1)], "{}", ran.stdout);
    let finished = |name: &str| {
        let mut lines =
            lines.iter().filter(|line| line["event"] == "device_finished" && line["device"]["name"] == name);
        let line = lines.next().unwrap();
        assert!(lines.next().is_none(), "{name} ends once");
        line["device"].clone()
    };
    let late = finished("tv-2");
    assert_eq!((&late["status"], &late["attempts"]), (&"ok".into(), &3.into()), "{late}");
    assert_eq!(late["earlier_errors"].as_array().unwrap().len(), 2);
    assert!(late["elapsed_ms"].as_f64().unwrap() >= 6000.0, "gaps of two and four seconds: {late}");
    assert!(late["finished_at"].as_str() > finished("tv-1")["finished_at"].as_str());
    let refused = finished("tv-3");
    assert_eq!((&refused["status"], &refused["attempts"]), (&"rejected".into(), &1.into()), "{refused}");
    assert_eq!(lines.last().unwrap()["ended"], "completed");
    assert_eq!(fleet.commands_seen_by("127.45.0.1", 1).len(), 1, "what is right is not touched again");
    assert_eq!(fleet.commands_seen_by("127.45.0.3", 1).len(), 1, "nor what was refused");
    assert!(ran.stderr.contains("until"), "the end is named at the start: {}", ran.stderr);
}

#[test]
fn a_simulated_wall_that_boots_slowly_is_on_in_the_end() {
    let workspace = Workspace::new();
    workspace
        .write("fleet.toml", "[[device]]\nname = \"tv-[1-20]\"\ntype = \"lg-rs232\"\naddress = \"10.20.0.[1-20]\"\n");
    let faults = ["--simulate", "--faults", "silent=20%,boot=1s", "--seed", "7", "--reply-timeout", "300ms"];
    let converge = ["run", "--do", "power-on", "--verify", "--until", "1m", "--retries", "0", "--format", "json"];
    let report = workspace.fleetctl(&[&converge[..], &faults[..]].concat()).report();
    let ok = report.devices().iter().filter(|device| device["status"] == "ok");
    assert!(ok.clone().count() > 0);
    for device in ok {
        assert_eq!(device["verified"], true, "{device}");
    }
}
