//! One intent, three languages: displays and relay boards of two makers switched on by one run.

use crate::support::{FakeFleet, Peer, Workspace};

#[test]
fn one_power_on_speaks_to_each_device_in_its_own_language() {
    let displays = FakeFleet::start();
    let pump = Peer::start(&["> 7A < 00 > 79 61 70 70 6C 65 < 01 > 21 02 00 < 00 > 7B < 00"]);
    let lamp = Peer::start(&["> AA 03 FE 6C 01 18 < AA 01 55 00"]);
    let workspace = Workspace::with_inventory(&format!(
        r#"
        [[device]]
        name = "tv"
        type = "lg-rs232"
        address = "127.61.0.1:{}"

        [[device]]
        name = "pump"
        type = "devantech-eth008"
        address = "{}"
        params = {{ relay = 2, inverted = true, password = "apple" }}

        [[device]]
        name = "lamp"
        type = "ncd-proxr"
        address = "{}"
        params = {{ relay = 1 }}
        "#,
        displays.port(),
        pump.address(),
        lamp.address()
    ));
    let report = workspace.fleetctl(&["run", "--do", "power-on", "--format", "json"]).expect_status(0).report();
    assert_eq!(report.names(), ["tv", "pump", "lamp"]);
    assert_eq!(report.count("ok"), 3);
    assert_eq!(displays.journal("127.61.0.1").texts(), ["ka 01 01"]);
    assert_eq!(pump.only(), "> 7A < 00 > 79 61 70 70 6C 65 < 01 > 21 02 00 < 00 > 7B < 00 > fin");
    assert_eq!(lamp.only(), "> AA 03 FE 6C 01 18 < AA 01 55 00 > fin");

    // A raw command speaks one language only.
    let finished = workspace.fleetctl(&["run", "--cmd", "20 01 00", "--format", "json"]);
    finished.expect_status(2);
    for kind in ["lg-rs232", "devantech-eth008", "ncd-proxr"] {
        assert!(finished.stderr.contains(kind), "{finished}");
    }
    assert_eq!((pump.connections().len(), lamp.connections().len()), (1, 1));
}

#[test]
fn a_relay_that_is_not_given_is_asked_for_in_the_same_words_whatever_the_board() {
    let workspace = Workspace::with_inventory(
        "[[device]]\nname = \"pump\"\ntype = \"devantech-eth008\"\naddress = \"127.0.0.1:9\"\n\
         [[device]]\nname = \"lamp\"\ntype = \"ncd-proxr\"\naddress = \"127.0.0.2:9\"\n",
    );
    let words = "`relay` is not given in the inventory (`params = { relay = … }`): lamp, pump";
    let finished = workspace.fleetctl(&["run", "--do", "power-on"]);
    assert!(finished.expect_status(2).stderr.contains(words), "{finished}");
    let finished = workspace.fleetctl(&["run", "--select", "pump", "--cmd", "20 {relay} 00"]);
    assert!(finished.expect_status(2).stderr.contains("params = { relay = … }"), "{finished}");
}

#[test]
fn two_types_behind_one_address_are_served_one_after_another_on_their_own_connections() {
    let peer = Peer::start(&["> 20 01 00 wait < 00", "> AA 03 FE 6D 01 19 < AA 01 55 00"]);
    let address = peer.address();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"pump\"\ntype = \"devantech-eth008\"\naddress = \"{address}\"\nparams = {{ relay = 1 }}\n\
         [[device]]\nname = \"lamp\"\ntype = \"ncd-proxr\"\naddress = \"{address}\"\nparams = {{ relay = 2 }}\n"
    ));
    workspace.fleetctl(&["run", "--do", "power-on", "--format", "json"]).expect_status(0);
    let connections: Vec<String> = peer.connections().iter().map(|notes| notes.join(" ")).collect();
    assert_eq!(connections, ["> 20 01 00 < 00 > fin", "> AA 03 FE 6D 01 19 < AA 01 55 00 > fin"]);
}
