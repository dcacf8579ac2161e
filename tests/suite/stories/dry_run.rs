//! `--dry-run`: the address and exact bytes per device, and not one connection.

use crate::support::{FakeFleet, Workspace};

fn fleet_of_two_gateways() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        r#"
        [defaults]
        type = "lg-rs232"
        [[device]]
        name = "tv"
        address = "127.6.0.1:{port}"
        [[device]]
        name = "wall-[1-3]"
        address = "127.6.0.2:{port}"
        params = {{ set_id = "[10-12]" }}
        "#
    ));
    (fleet, workspace)
}

#[test]
fn the_plan_is_shown_and_nothing_is_connected_to() {
    let (fleet, workspace) = fleet_of_two_gateways();
    let arguments = ["run", "--cmd", "kf {set_id} 1e", "--dry-run", "--format", "json"];
    let plan = workspace.fleetctl(&arguments).expect_status(0).json();
    assert_eq!(plan["schema"], "fleetctl.plan/1");
    let summary = &plan["summary"];
    assert_eq!((summary["devices"].as_u64(), summary["lanes"].as_u64()), (Some(4), Some(2)));
    assert_eq!(summary["longest_lane"], 3);
    assert!(summary["estimated_ms"].is_number());
    let wall = &plan["devices"][2];
    assert_eq!((wall["name"].as_str(), wall["type"].as_str()), (Some("wall-2"), Some("lg-rs232")));
    assert_eq!(wall["address"], format!("127.6.0.2:{}", fleet.port()));
    assert_eq!(wall["sent"], "kf 0b 1e\\r");
    assert_eq!(wall["sent_hex"], "6b 66 20 30 62 20 31 65 0d");
    assert_eq!(fleet.connections(), 0);
}

#[test]
fn people_see_the_same() {
    let (fleet, workspace) = fleet_of_two_gateways();
    let finished = workspace.fleetctl(&["run", "--do", "power-on", "--dry-run"]);
    let table = &finished.expect_status(0).stdout;
    for text in ["wall-3", "ka 0c 01\\r", "6b 61 20 30 63 20 30 31 0d", "127.6.0.1"] {
        assert!(table.contains(text), "{text} in {table}");
    }
    assert_eq!(fleet.connections(), 0);
}

/// Sixty-six displays on a breaker of 32 A.
fn hall() -> Workspace {
    Workspace::with_inventory(
        r#"
        [circuits.hall-b]
        max_inrush_a = 32.0
        [defaults]
        type = "lg-rs232"
        [[device]]
        name = "tv-[01-66]"
        address = "127.6.1.[1-66]"
        circuit = "hall-b"
        inrush_a = 4.5
        settle = "3s"
        "#,
    )
}

#[test]
fn a_plan_says_how_many_start_together_on_a_circuit_and_when_the_last_is_on() {
    let workspace = hall();
    let run = ["run", "--do", "power-on", "--dry-run"];
    let text = workspace.fleetctl(&run).expect_status(0).stdout.clone();
    let line =
        "circuit hall-b: 32 A, 66 devices of 297 A, 7 start together, the last after 27 s; all are on after 30 s";
    assert!(text.contains(line), "{text}");
    assert!(text.contains("about 27.1 s") || text.contains("about 27.2 s"), "{text}");
    let plan = workspace.fleetctl(&[&run[..], &["--format", "json"]].concat()).expect_status(0).json();
    assert_eq!(plan["summary"]["circuits"][0]["start_together"], 7);
    assert_eq!(plan["summary"]["circuits"][0]["on_ms"], 30_000);
    // What switches nothing on draws nothing.
    let off =
        workspace.fleetctl(&["run", "--do", "power-off", "--dry-run", "--format", "json"]).expect_status(0).json();
    assert_eq!(off["summary"]["circuits"], serde_json::json!([]));
}

#[test]
fn a_device_that_alone_exceeds_its_circuit_is_refused() {
    let workspace = hall();
    let inventory = std::fs::read_to_string(workspace.path("fleet.toml")).unwrap();
    workspace.write("fleet.toml", &inventory.replace("max_inrush_a = 32.0", "max_inrush_a = 4"));
    for more in [&["--dry-run"][..], &[]] {
        let finished = workspace.fleetctl(&[&["run", "--do", "power-on"], more].concat());
        finished.expect_status(2);
        for word in ["4.5 A", "hall-b", "4 A", "tv-[01-66]"] {
            assert!(finished.stderr.contains(word), "`{word}` is missing in {finished}");
        }
    }
}

#[test]
fn a_plan_says_what_bounds_the_run() {
    let pace = ["--rate", "5/s", "--batch", "10%", "--pause", "30s", "--max-failures", "2%", "--until", "1h 30m"];
    let run = [&["run", "--do", "power-off", "--dry-run"][..], &pace].concat();
    let workspace = hall();
    let text = workspace.fleetctl(&run).expect_status(0).stdout.clone();
    for line in [
        "rate: a start every 200ms\n",
        "batches: 10 batches of at most 7 devices, 30 s apart\n",
        "max failures: nothing new starts once more than 1 device has failed\n",
        "until ",
    ] {
        assert!(text.contains(line), "`{line}` is missing in {text}");
    }
    let plan = workspace.fleetctl(&[&run[..], &["--format", "json"]].concat()).expect_status(0).json();
    let pacing = &plan["summary"]["pacing"];
    let numbers = ["start_interval_ms", "batch", "batches", "pause_ms", "max_failures"].map(|key| pacing[key].as_f64());
    assert_eq!(numbers, [200.0, 7.0, 10.0, 30_000.0, 1.0].map(Some));
    assert!(pacing["until"].as_str().unwrap().ends_with('Z'), "{pacing}");
}

#[test]
fn a_plan_shows_the_question_of_verify_and_if_needed() {
    let (fleet, workspace) = fleet_of_two_gateways();
    for flag in ["--verify", "--if-needed"] {
        let run = ["run", "--do", "power-on", "--dry-run", flag];
        let plan = workspace.fleetctl(&[&run[..], &["--format", "json"]].concat()).expect_status(0).json();
        let wall = &plan["devices"][2];
        assert_eq!((wall["sent"].as_str(), wall["question"].as_str()), (Some("ka 0b 01\\r"), Some("ka 0b ff\\r")));
        assert_eq!(wall["question_hex"], "6b 61 20 30 62 20 66 66 0d");
        let text = workspace.fleetctl(&run).expect_status(0).stdout.clone();
        assert!(text.contains("QUESTION") && text.contains("ka 0c ff\\r"), "{text}");
    }
    let plan =
        workspace.fleetctl(&["run", "--do", "power-on", "--dry-run", "--format", "json"]).expect_status(0).json();
    assert_eq!(plan["devices"][2]["question"], serde_json::Value::Null);
    assert_eq!(fleet.connections(), 0);
}

#[test]
fn an_estimate_is_made_of_answers_and_not_of_the_silence_of_a_bad_night() {
    let fleet = FakeFleet::start();
    fleet.on_command("127.4.9.1", 1, vec![vec![]]);
    let text = format!("[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.4.9.1:{}\"\n", fleet.port());
    let workspace = Workspace::with_inventory(&text);
    let run = ["run", "--do", "power-on", "--retries", "0", "--reply-timeout", "400ms"];
    let planned = || {
        let plan = workspace.fleetctl(&[&run[..], &["--dry-run", "--format", "json"]].concat());
        plan.expect_status(0).json()["summary"]["estimated_ms"].clone()
    };
    let unknown = planned();
    workspace.fleetctl(&run).expect_status(1);
    assert_eq!(planned(), unknown, "nothing was measured but how long nothing came");
}

#[test]
fn a_simulated_fleet_keeps_its_circuits() {
    let workspace = hall();
    let simulation = workspace.start(&["simulate", "-i", "fleet.toml", "--write-inventory", "sim.toml"]);
    simulation
        .wait_for("the inventory", || workspace.fleetctl(&["inventory", "check", "-i", "sim.toml"]).status == Some(0));
    let plan = ["run", "-i", "sim.toml", "--do", "power-on", "--dry-run", "--format", "json"];
    let plan = workspace.fleetctl(&plan).expect_status(0).json();
    let circuit = &plan["summary"]["circuits"][0];
    assert_eq!((circuit["name"].as_str(), circuit["inrush_a"].as_f64()), (Some("hall-b"), Some(297.0)));
    assert_eq!((circuit["max_inrush_a"].as_f64(), circuit["last_start_ms"].as_u64()), (Some(32.0), Some(27_000)));
    simulation.signal(nix::sys::signal::Signal::SIGINT);
    simulation.finish();
}
