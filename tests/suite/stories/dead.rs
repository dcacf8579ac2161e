//! A device that failed three nights in a row: it is tried once, with the command itself, before it may cost more.

use crate::support::{Expected, FakeFleet, Step, Workspace, closed_port, send};

const RUN: [&str; 9] =
    ["run", "--do", "power-on", "--reply-timeout", "300ms", "--retry-backoff-max", "10ms", "--format", "json"];

#[test]
fn a_dead_device_costs_one_attempt_and_one_that_is_back_is_served_as_ever() {
    let fleet = FakeFleet::start();
    let taken = vec![send("Port already in use\r\n"), Step::Close];
    // Three nights of three attempts each, then the gateway is free, and the display misses the first command.
    fleet.on_accept("127.44.0.2", [vec![taken; 9], vec![vec![]]].concat());
    fleet.on_command("127.44.0.2", 1, vec![vec![], vec![Step::Reply]]);
    let (port, (_socket, closed)) = (fleet.port(), closed_port("127.44.0.1"));
    let workspace = Workspace::with_inventory(&format!(
        "[defaults]\ntype = \"lg-rs232\"\n[[device]]\nname = \"dead\"\naddress = \"127.44.0.1:{closed}\"\n\
         [[device]]\nname = \"back\"\naddress = \"127.44.0.2:{port}\"\n"
    ));
    let refused =
        |attempts| Expected { status: "unreachable", kind: Some("connection_refused"), delivery: "none", attempts };
    for night in 1..=3 {
        let report = workspace.fleetctl(&RUN).expect_status(1).report();
        report.expect("dead", refused(3));
        assert_eq!(report.device("back")["status"], "unreachable", "night {night}");
    }
    let report = workspace.fleetctl(&RUN).expect_status(1).report();
    report.expect("dead", refused(1));
    report.expect("back", Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 2 });
    let seen = fleet.commands_seen_by("127.44.0.2", 1);
    assert_eq!(seen.len(), 2, "the command itself is what it is tried with: {seen:?}");
    assert!(seen.iter().all(|command| command == "ka 01 01"), "{seen:?}");

    let text = workspace.read("fleet.toml");
    workspace.write("fleet.toml", &format!("[run]\nprobe_after = 0\n{text}"));
    workspace.fleetctl(&RUN).expect_status(1).report().expect("dead", refused(3));
    workspace.write("fleet.toml", &format!("[run]\nprobe_after = 5\n{text}"));
    workspace.fleetctl(&RUN).expect_status(1).report().expect("dead", refused(1));
}
