//! Lanes: which starts first, and what a connection that closes between two displays means.

use std::time::Duration;

use crate::support::{Expected, FakeFleet, Step, Workspace};

const OK: Expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 };

#[test]
fn the_lane_with_the_most_devices_starts_first() {
    let fleet = FakeFleet::start();
    fleet.daisy_chain("127.14.0.9", 1..=3);
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        r#"
        [defaults]
        type = "lg-rs232"
        [[device]]
        name = "tv-[1-3]"
        address = "127.14.0.[1-3]:{port}"
        [[device]]
        name = "wall-[1-3]"
        address = "127.14.0.9:{port}"
        params = {{ set_id = "[1-3]" }}
        "#
    ));
    let report =
        workspace.fleetctl(&["run", "--do", "power-on", "-c", "1", "--format", "json"]).expect_status(0).report();
    assert_eq!(report.names(), ["tv-1", "tv-2", "tv-3", "wall-1", "wall-2", "wall-3"], "reported in inventory order");
    let started = |gateway: &str| fleet.journal(gateway).commands[0].received;
    let order: Vec<_> = ["127.14.0.9", "127.14.0.1", "127.14.0.2", "127.14.0.3"].into_iter().map(started).collect();
    assert!(order.is_sorted(), "the wall first, then the others in inventory order");
}

#[test]
fn a_kept_connection_that_was_closed_meanwhile_is_replaced_and_costs_no_attempt() {
    let fleet = FakeFleet::start();
    fleet.daisy_chain("127.14.0.9", 1..=3);
    // The gateway drops its client after each answer; the gap before the next command is time enough to see it.
    for set_id in 1..=3 {
        fleet.on_command("127.14.0.9", set_id, vec![vec![Step::Reply, Step::Close]]);
    }
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"wall-[1-3]\"\ntype = \"lg-rs232\"\naddress = \"127.14.0.9:{}\"\n\
         params = {{ set_id = \"[1-3]\" }}\n",
        fleet.port()
    ));
    // A key press: sent again by mistake it would show.
    let arguments = ["run", "--cmd", "mc {set_id} 08", "--retries", "0", "--format", "json"];
    let report = workspace.fleetctl(&arguments).expect_status(0).report();
    for name in ["wall-1", "wall-2", "wall-3"] {
        report.expect(name, OK);
    }
    let journal = fleet.journal("127.14.0.9");
    assert_eq!(journal.texts(), ["mc 01 08", "mc 02 08", "mc 03 08"]);
    assert_eq!((journal.connections.len(), journal.most_open), (3, 1));
}

#[test]
fn a_lane_that_waits_for_its_next_attempt_holds_no_slot_and_no_connection() {
    let fleet = FakeFleet::start();
    let port = fleet.port();
    // The first is cut off once and waits 3 s exactly; the only slot must serve the second meanwhile.
    fleet.on_command("127.14.0.1", 1, vec![vec![Step::Close], vec![Step::Reply]]);
    let workspace = Workspace::with_inventory(&format!(
        "[run]\nretry_backoff = {{ initial = \"3s\", max = \"3s\", jitter = false }}\n\
         [[device]]\nname = \"tv-[1-2]\"\ntype = \"lg-rs232\"\naddress = \"127.14.0.[1-2]:{port}\"\n"
    ));
    let report =
        workspace.fleetctl(&["run", "--do", "power-on", "-c", "1", "--format", "json"]).expect_status(0).report();
    report.expect("tv-1", Expected { attempts: 2, ..OK });
    report.expect("tv-2", OK);
    let first = fleet.journal("127.14.0.1");
    let waited = first.commands[1].received - first.commands[0].received;
    assert!(waited >= Duration::from_secs(3), "{waited:?}: without jitter the backoff is exact");
    assert!(fleet.journal("127.14.0.2").commands[0].received < first.commands[1].received, "it held the only slot");
}
