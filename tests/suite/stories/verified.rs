//! The operator who does not take a display's word for it: `--verify` and `--if-needed`.

use serde_json::Value;

use crate::support::Workspace;

const FLEET: &str = "\
[[device]]
name = \"tv-[1-3]\"
type = \"lg-rs232\"
address = \"10.20.0.[1-3]\"

[[device]]
name = \"pump\"
type = \"devantech-eth008\"
address = \"10.20.1.1\"
params = { relay = 1, inverted = true }
";

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("fleet.toml", FLEET);
    workspace
}

#[test]
fn displays_that_boot_and_a_relay_are_verified_each_in_its_own_time() {
    let arguments =
        ["run", "--do", "power-on", "--verify", "--simulate", "--faults", "boot=2s", "--seed", "1", "--format", "json"];
    let report = workspace().fleetctl(&arguments).expect_status(0).report();
    assert_eq!(report.document()["command"]["verify"], true);
    for name in ["tv-1", "tv-2", "tv-3", "pump"] {
        let device = report.device(name);
        assert_eq!((&device["status"], &device["verified"]), (&Value::from("ok"), &Value::from(true)), "{device}");
        assert_eq!((&device["attempts"], &device["changed"]), (&Value::from(1), &Value::Null), "{device}");
    }
    assert!(report.device("tv-1")["elapsed_ms"].as_f64().unwrap() >= 2000.0, "it boots for two seconds");
    let table = workspace().fleetctl(&["run", "--do", "power-off", "--verify", "--simulate", "-q"]);
    assert!(table.expect_status(0).stdout.contains("4 of 4 verified"), "{}", table.stdout);
}

#[test]
fn a_reply_s_time_is_the_reply_s_and_not_the_boot_s_wherever_it_is_shown() {
    let workspace = workspace();
    let run = ["run", "--do", "power-on", "--verify", "--simulate", "--faults", "boot=1s", "--seed", "1", "-s", "tv-1"];
    let more = ["--history", "night.db", "--format", "json", "--report", "prometheus=night.prom"];
    let report = workspace.fleetctl(&[&run[..], &more].concat()).expect_status(0).report();
    let elapsed = report.device("tv-1")["elapsed_ms"].as_f64().unwrap();
    let health = workspace.fleetctl(&["health", "--history", "night.db", "--format", "json"]).json();
    let shown = &health["devices"][0];
    let reply = shown["reply_ms_p50"].as_f64().unwrap();
    // The first question comes a second after the reply, so that much lies between the two, whatever this machine does.
    assert!(reply + 1000.0 <= elapsed, "{reply} of {elapsed}");
    assert_eq!(shown["reply_ms_p95"], shown["reply_ms_p50"]);
    let sample =
        format!("fleetctl_device_reply_seconds{{run=\"power-on\",device=\"tv-1\",site=\"\"}} {:.4}", reply / 1000.0);
    let metrics = workspace.read("night.prom");
    assert!(metrics.lines().any(|line| line == sample), "{sample} in {metrics}");
    let again = workspace.fleetctl(&["report", "last", "--history", "night.db", "--format", "prometheus"]);
    assert_eq!(again.expect_status(0).stdout, metrics);
}

#[test]
fn what_is_right_already_is_left_alone() {
    // A simulated display is off until it is told, and an inverted relay that is off powers its appliance.
    let arguments = ["run", "--do", "power-on", "--if-needed", "--simulate", "--faults", "boot=0s", "--format", "json"];
    let report = workspace().fleetctl(&arguments).expect_status(0).report();
    let pump = report.device("pump");
    assert_eq!((&pump["changed"], &pump["sent"]), (&Value::from(false), &Value::Null), "{pump}");
    assert_eq!((&pump["status"], &pump["delivery"], &pump["attempts"]), (&"ok".into(), &"none".into(), &1.into()));
    let tv = report.device("tv-1");
    assert_eq!((&tv["changed"], &tv["delivery"]), (&Value::from(true), &"confirmed".into()), "{tv}");
    assert_eq!(tv["sent"], "ka 01 01\\r", "the question is no part of what was sent");
}

#[test]
fn what_cannot_be_asked_for_is_an_error_before_anything_is_sent() {
    let workspace = workspace();
    let pulse =
        workspace.fleetctl(&["run", "--do", "relay-pulse", "--arg", "ms=500", "--verify", "-s", "pump", "--simulate"]);
    pulse.expect_status(2);
    assert!(pulse.stderr.contains("`relay-pulse`") && pulse.stderr.contains("pump"), "{}", pulse.stderr);
    for flag in ["--verify", "--if-needed"] {
        let raw = workspace.fleetctl(&["run", "--cmd", "ka 01 01", flag, "-s", "tv-1", "--simulate"]);
        assert!(raw.expect_status(2).stderr.contains("--do"), "{}", raw.stderr);
    }
}
