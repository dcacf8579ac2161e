//! Several displays behind one converter: one connection, one exchange at a time, the gap kept, IDs in hex.

use std::time::Duration;

use crate::support::{Expected, FakeFleet, Gate, Step, Workspace};

const WALL: &str = "127.2.0.7";

/// The type's gap is 100 ms; measured at the device, where a command can only seem later than it was sent.
const SHORTEST_GAP: Duration = Duration::from_millis(95);

const OK: Expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 };

#[test]
fn nine_displays_are_served_one_after_another_over_one_connection() {
    for arguments in [["--cmd", "ka {set_id} 01"], ["--do", "power-on"]] {
        let fleet = FakeFleet::start();
        fleet.daisy_chain(WALL, 8..=16);
        let workspace = Workspace::with_inventory(&format!(
            r#"
            [[device]]
            name = "wall-[8-16]"
            type = "lg-rs232"
            address = "{WALL}:{}"
            params = {{ set_id = "[8-16]" }}
            "#,
            fleet.port()
        ));
        let report =
            workspace.fleetctl(&[&["run", "--format", "json"], &arguments[..]].concat()).expect_status(0).report();
        let journal = fleet.journal(WALL);
        let hex = ["08", "09", "0a", "0b", "0c", "0d", "0e", "0f", "10"];
        let expected: Vec<String> = hex.iter().map(|id| format!("ka {id} 01")).collect();
        assert_eq!(journal.texts(), expected, "in inventory order");
        assert_eq!(journal.connections.len(), 1, "one connection serves the chain");
        assert_eq!(journal.most_open, 1);
        assert_eq!(journal.gaps().len(), 8);
        assert!(journal.gaps().iter().all(|gap| *gap >= SHORTEST_GAP), "{:?}", journal.gaps());
        for (number, id) in (8..=16).zip(hex) {
            let device = report.expect(&format!("wall-{number}"), OK);
            assert_eq!(device["reply"], format!("a {id} OK01x"));
        }
    }
}

#[test]
fn three_digit_set_ids_go_out_in_three_hex_digits() {
    let fleet = FakeFleet::start();
    fleet.daisy_chain(WALL, [5, 255, 1000]);
    let workspace = Workspace::with_inventory(&format!(
        r#"
        [[device]]
        name = "sign-[5,255,1000]"
        type = "lg-rs232"
        address = "{WALL}:{}"
        params = {{ set_id = "[5,255,1000]", id_digits = 3 }}
        "#,
        fleet.port()
    ));
    workspace.fleetctl(&["run", "--do", "power-on", "--format", "json"]).expect_status(0);
    assert_eq!(fleet.journal(WALL).texts(), ["ka 005 01", "ka 0ff 01", "ka 3e8 01"]);
}

#[test]
fn a_dead_display_in_the_chain_costs_its_own_timeout_and_nothing_else() {
    let fleet = FakeFleet::start();
    fleet.daisy_chain(WALL, [1, 2, 4]);
    let workspace = Workspace::with_inventory(&format!(
        r#"
        [[device]]
        name = "wall-[1-4]"
        type = "lg-rs232"
        address = "{WALL}:{}"
        params = {{ set_id = "[1-4]" }}
        "#,
        fleet.port()
    ));
    let arguments = ["run", "--do", "power-on", "--retries", "1", "--reply-timeout", "400ms", "--format", "json"];
    let report = workspace.fleetctl(&arguments).expect_status(1).report();
    for name in ["wall-1", "wall-2", "wall-4"] {
        report.expect(name, OK);
    }
    let kind = Some("reply_timeout");
    report.expect("wall-3", Expected { status: "no_reply", kind, delivery: "unknown", attempts: 2 });
    let journal = fleet.journal(WALL);
    assert_eq!(journal.most_open, 1);
    for (id, times) in [(1, 1), (2, 1), (3, 2), (4, 1)] {
        assert_eq!(fleet.commands_seen_by(WALL, id).len(), times, "set {id}");
    }
}

#[test]
fn two_gateways_are_served_side_by_side() {
    let fleet = FakeFleet::start();
    let both = Gate::closed();
    let other = "127.2.0.8";
    for gateway in [WALL, other] {
        fleet.on_command(gateway, 1, vec![vec![Step::Wait(both.clone()), Step::Reply]]);
    }
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"wall-[7-8]\"\ntype = \"lg-rs232\"\naddress = \"127.2.0.[7-8]:{}\"\n",
        fleet.port()
    ));
    let program = workspace.start(&["run", "--do", "power-on", "--reply-timeout", "60s", "--format", "json"]);
    // Neither answers before both were asked: one after the other would never end.
    fleet.wait_until("both commands", |fleet| fleet.commands() == 2);
    both.open();
    let report = program.finish().expect_status(0).report();
    report.expect("wall-7", OK);
    report.expect("wall-8", OK);
}

#[test]
fn a_site_cap_of_one_serves_one_lane_at_a_time() {
    let fleet = FakeFleet::start();
    for number in 1..=6 {
        let steps = vec![Step::Pause(Duration::from_millis(80)), Step::Reply];
        fleet.on_command(&format!("127.2.1.{number}"), 1, vec![steps]);
    }
    let workspace = Workspace::with_inventory(&format!(
        "[sites.hq]\nmax_concurrency = 1\n[[device]]\nname = \"tv-[1-6]\"\ntype = \"lg-rs232\"\nsite = \"hq\"\n\
         address = \"127.2.1.[1-6]:{}\"\n",
        fleet.port()
    ));
    workspace.fleetctl(&["run", "--do", "power-on", "--format", "json"]).expect_status(0);
    let mut times: Vec<_> = (1..=6)
        .map(|number| fleet.journal(&format!("127.2.1.{number}")).commands[0].clone())
        .map(|command| (command.received, command.answered.unwrap()))
        .collect();
    times.sort();
    assert!(times.windows(2).all(|pair| pair[0].1 <= pair[1].0), "two displays of the site were served at once");
}
