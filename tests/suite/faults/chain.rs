//! A gateway with several displays behind it goes away in the middle of its chain.

use std::time::Duration;

use crate::support::{Expected, FakeFleet, Step, Workspace};

const GATEWAY: &str = "127.68.0.1";

#[test]
fn row_19_a_gateway_that_reboots_within_a_chain_costs_what_was_in_flight_and_what_it_does_not_come_back_for() {
    let fleet = FakeFleet::start();
    fleet.daisy_chain(GATEWAY, 1..=6);
    // The third command is taken and never answered; from then on nothing is let in.
    fleet.on_command(GATEWAY, 3, vec![vec![Step::Reset]]);
    fleet.on_accept(GATEWAY, vec![vec![], vec![Step::Reset]]);
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"wall-[1-6]\"\ntype = \"lg-rs232\"\naddress = \"{GATEWAY}:{}\"\n\
         params = {{ set_id = \"[1-6]\" }}\n[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\n\
         address = \"127.68.0.2:{}\"\n",
        fleet.port(),
        fleet.port()
    ));
    let run = ["run", "--cmd", "mc {set_id} 08", "--format", "json", "--retries", "1", "--device-deadline", "8s"];
    let program = workspace.start(&run);
    let report = program.finish_within(Duration::from_secs(6 * 8 + 5 + 1 + 20)).expect_status(1).report();
    let ok = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 };
    for device in ["wall-1", "wall-2", "tv"] {
        report.expect(device, ok);
    }
    let kind = Some("connection_reset");
    report.expect("wall-3", Expected { status: "no_reply", kind, delivery: "unknown", attempts: 1 });
    for number in 4..=6 {
        // Whether a byte was written before the reset was seen is a race; a display was told nothing either way.
        let device = report.device(&format!("wall-{number}"));
        let told = (device["status"].as_str().unwrap(), device["delivery"].as_str().unwrap());
        assert!(matches!(told, ("unreachable", "none") | ("no_reply", "unknown")), "{device:#}");
        assert_eq!(fleet.commands_seen_by(GATEWAY, number), Vec::<String>::new());
    }
    assert_eq!(fleet.commands_seen_by(GATEWAY, 3).len(), 1);
}
