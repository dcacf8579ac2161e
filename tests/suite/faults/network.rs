//! The network itself breaks: no way to a device, none that our own machine allows, a line that is slow, gone or half
//! gone, no port left. Each in a network of its own.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Expected, FakeFleet, Finished, Gate, OwnNetwork, Step, Workspace, in_own_network};

const OK: Expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 };

/// Long enough for a run of these tests on a machine that others use too: device deadline and grace come on top.
const SLACK: Duration = Duration::from_secs(20);

/// A fleet of displays on 127.66.0.x, started in the network of the test.
fn fleet(displays: u8) -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[001-{displays:03}]\"\ntype = \"lg-rs232\"\naddress = \"127.66.0.[1-{displays}]:{}\"\n",
        fleet.port()
    ));
    (fleet, workspace)
}

/// Every device may take ten seconds.
fn run(workspace: &Workspace, more: &[&str]) -> Finished {
    let all = ["run", "--cmd", "ka {set_id} 01", "--format", "json", "--device-deadline", "10s"];
    workspace.start(&[&all[..], more].concat()).finish_within(Duration::from_secs(10 + 5 + 1) + SLACK)
}

#[test]
fn row_3_no_route_is_one_cause_for_all_that_it_hits() {
    in_own_network(|network| {
        network.ip("route add unreachable 127.66.0.0/16 table local");
        let (fleet, workspace) = fleet(200);
        let finished = run(&workspace, &["--report", "table=table.txt", "--retries", "0"]);
        let report = finished.expect_status(1).report();
        for device in report.devices() {
            let kind = Some("unreachable");
            report.expect(name(device), Expected { status: "unreachable", kind, delivery: "none", attempts: 1 });
        }
        let table = workspace.read("table.txt");
        assert_eq!(table.matches("tv-[001-200]").count(), 1, "one cause, one line: {table}");
        assert_eq!(fleet.connections(), 0);
    });
}

#[test]
fn row_4_what_our_own_machine_prohibits_is_no_devices_fault() {
    in_own_network(|network| {
        network.ip("route add prohibit 127.66.0.2 table local");
        let (fleet, workspace) = fleet(3);
        let finished = run(&workspace, &[]);
        let report = finished.expect_status(1).report();
        let device = report.device("tv-002");
        let told = ["status", "reason", "delivery"].map(|key| device[key].as_str().unwrap_or("-"));
        assert_eq!(told, ["skipped", "internal", "none"], "{device:#}");
        assert!(finished.stderr.contains("does not allow"), "{finished}");
        assert_eq!((report.count("ok"), fleet.commands()), (2, 2));
    });
}

#[test]
fn row_9_a_peer_that_vanishes_without_a_word_leaves_the_delivery_open() {
    in_own_network(|network| {
        let (fleet, workspace) = fleet(2);
        let gate = Gate::closed();
        fleet.on_command("127.66.0.1", 1, vec![vec![Step::Wait(gate.clone()), Step::Reply]]);
        let run = ["run", "--cmd", "mc {set_id} 08", "--format", "json", "--reply-timeout", "1500ms"];
        let program = workspace.start(&[&run[..], &["--retries", "2", "--device-deadline", "10s"]].concat());
        fleet.wait_until("both commands", |fleet| fleet.commands() == 2);
        network.ip("route add blackhole 127.66.0.1 table local");
        gate.open();
        let report = program.finish_within(Duration::from_secs(10 + 5 + 1) + SLACK).expect_status(1).report();
        let kind = Some("reply_timeout");
        report.expect("tv-001", Expected { status: "no_reply", kind, delivery: "unknown", attempts: 1 });
        report.expect("tv-002", OK);
        assert_eq!(fleet.commands(), 2);
    });
}

#[test]
fn row_12_a_line_of_8_kbit_is_slow_and_nothing_else() {
    in_own_network(|network| {
        network.tc("qdisc add dev lo root tbf rate 8kbit burst 200 latency 9s");
        let (fleet, workspace) = fleet(2);
        let finished = run(&workspace, &["--reply-timeout", "8s", "--connect-timeout", "8s"]);
        let report = finished.expect_status(0).report();
        for device in ["tv-001", "tv-002"] {
            report.expect(device, OK);
        }
        assert_eq!(fleet.commands(), 2);
    });
}

#[test]
fn row_14_a_network_that_goes_down_in_mid_run_leaves_open_what_was_in_flight_and_nothing_else() {
    in_own_network(|network| {
        let (fleet, workspace) = fleet(6);
        let gate = Gate::closed();
        for number in 2..=3 {
            fleet.on_command(&format!("127.66.0.{number}"), 1, vec![vec![Step::Wait(gate.clone()), Step::Reply]]);
        }
        let run = ["run", "--cmd", "mc {set_id} 08", "--format", "json", "--reply-timeout", "2s", "-c", "2", "-q"];
        // The first is done; the second and third are waited for.
        let program = workspace
            .start(&[&run[..], &["--retries", "1", "--connect-timeout", "1s", "--device-deadline", "10s"]].concat());
        fleet.wait_until("three commands", |fleet| fleet.commands() == 3);
        network.ip("link set lo down");
        gate.open();
        let finished = program.finish_within(Duration::from_secs(10 + 5 + 1) + SLACK);
        let report = finished.expect_status(1).report();
        report.expect("tv-001", OK);
        for device in ["tv-002", "tv-003"] {
            let kind = Some("reply_timeout");
            report.expect(device, Expected { status: "no_reply", kind, delivery: "unknown", attempts: 1 });
        }
        for device in ["tv-004", "tv-005", "tv-006"] {
            // What a kernel says of a way that is gone, and whether it says anything, differs.
            let told = ["status", "delivery"].map(|key| report.device(device)[key].as_str().unwrap());
            assert_eq!(told, ["unreachable", "none"], "{:#}", report.device(device));
            assert_eq!(report.device(device)["attempts"], 2);
        }
        assert_eq!(fleet.commands(), 3);
    });
}

#[test]
fn row_49_a_machine_without_a_free_port_waits_for_one() {
    in_own_network(|network: &OwnNetwork| {
        let (fleet, workspace) = fleet(1);
        fleet.on_command("127.66.0.1", 1, vec![vec![], vec![Step::Reply]]);
        // One port for all: it is not free again at once after the first attempt, which our side ends.
        network.set("ip_local_port_range", "40000 40000");
        network.set("tcp_tw_reuse", "1");
        let more = ["--reply-timeout", "500ms", "--retries", "1", "--retry-backoff-initial", "1ms"];
        let report = run(&workspace, &more).expect_status(0).report();
        report.expect("tv-001", Expected { attempts: 2, ..OK });
        assert_eq!(fleet.commands(), 2);
    });
}

fn name(device: &Value) -> &str {
    device["name"].as_str().unwrap()
}
