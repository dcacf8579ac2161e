//! A run over many devices wants a person's yes: `[run] confirm_above`.

use crate::support::{FakeFleet, Workspace};

#[test]
fn without_a_terminal_and_without_yes_nothing_is_sent() {
    let fleet = FakeFleet::start();
    let workspace = Workspace::with_inventory(&format!(
        "[run]\nconfirm_above = 2\n[defaults]\ntype = \"lg-rs232\"\n\
         [[device]]\nname = \"tv-[1-3]\"\naddress = \"127.1.0.[1-3]:{}\"\n",
        fleet.port()
    ));
    let refused = workspace.fleetctl(&["run", "--do", "power-on"]);
    refused.expect_status(2);
    assert!(refused.stderr.contains("3 devices") && refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert_eq!(fleet.journal("127.1.0.1").bytes(), b"");
    assert!(fleet.journal("127.1.0.1").connections.is_empty(), "nobody was even called");

    workspace.fleetctl(&["run", "--do", "power-on", "-s", "tv-[1-2]"]).expect_status(0);
    workspace.fleetctl(&["run", "--do", "power-on", "--yes"]).expect_status(0);
    assert_eq!(fleet.journal("127.1.0.3").bytes(), b"ka 01 01\r");
    // Neither of these moves anything, so neither asks.
    workspace.fleetctl(&["run", "--do", "power-on", "--dry-run"]).expect_status(0);
    workspace.fleetctl(&["run", "--do", "power-on", "--simulate"]).expect_status(0);
}
