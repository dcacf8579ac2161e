//! Relays on Devantech boards: what the relay is told, what the appliance does, and what a wrong answer becomes.

use serde_json::json;

use crate::support::{Expected, Peer, Report, Workspace};

const OK: Expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 };

const QUICK: [&str; 6] = ["--reply-timeout", "500ms", "--retry-backoff-initial", "10ms", "--retry-backoff-max", "20ms"];

fn board(peer: &Peer, kind: &str, params: &str) -> Workspace {
    Workspace::with_inventory(&format!(
        "[[device]]\nname = \"pump\"\ntype = \"{kind}\"\naddress = \"{}\"\nparams = {{ {params} }}\n",
        peer.address()
    ))
}

#[track_caller]
fn run(workspace: &Workspace, status: i32, arguments: &[&str]) -> Report {
    let all = [&["run", "--format", "json"], &QUICK[..], arguments].concat();
    workspace.fleetctl(&all).expect_status(status).report()
}

#[test]
fn the_appliance_obeys_inverted_and_the_relay_does_not() {
    for (inverted, action, bytes) in [
        (false, "power-on", "20 03 00"),
        (false, "power-off", "21 03 00"),
        (true, "power-on", "21 03 00"),
        (true, "power-off", "20 03 00"),
        (true, "relay-on", "20 03 00"),
        (true, "relay-off", "21 03 00"),
    ] {
        let peer = Peer::start(&[&format!("> {bytes} < 00")]);
        let workspace = board(&peer, "devantech-eth008", &format!("relay = 3, inverted = {inverted}"));
        run(&workspace, 0, &["--do", action]).expect("pump", OK);
        assert_eq!(peer.only(), format!("> {bytes} < 00 > fin"), "{action}");
    }
}

#[test]
fn the_state_of_the_appliance_is_inverted_and_that_of_the_relay_is_not() {
    for (inverted, action, mask, value) in [
        (false, "power-status", "04", "on"),
        (false, "power-status", "FB", "off"),
        (true, "power-status", "04", "off"),
        (true, "power-status", "00", "on"),
        (true, "relay-status", "04", "on"),
        (true, "relay-status", "00", "off"),
    ] {
        let peer = Peer::start(&[&format!("> 24 < {mask}")]);
        let workspace = board(&peer, "devantech-eth008", &format!("relay = 3, inverted = {inverted}"));
        let report = run(&workspace, 0, &["--do", action]);
        assert_eq!(report.expect("pump", OK)["value"], value, "{action} {mask} {inverted}");
        assert!(peer.only().ends_with(&format!("> 24 < {mask} > fin")));
    }
}

#[test]
fn a_pulse_is_tenths_of_a_second_and_other_times_are_refused_before_sending() {
    for (ms, byte) in [("100", "01"), ("5000", "32"), ("25500", "FF")] {
        let peer = Peer::start(&[&format!("> 20 03 {byte} < 00")]);
        let workspace = board(&peer, "devantech-eth008", "relay = 3");
        let argument = format!("ms={ms}");
        run(&workspace, 0, &["--do", "relay-pulse", "--arg", &argument]).expect("pump", OK);
        assert_eq!(peer.only(), format!("> 20 03 {byte} < 00 > fin"));
    }
    for ms in ["0", "50", "150", "99", "25600", "-100", "100.0", "1s", ""] {
        let peer = Peer::start(&["> 20 03 01 < 00"]);
        let workspace = board(&peer, "devantech-eth008", "relay = 3");
        let argument = format!("ms={ms}");
        let arguments = ["run", "--do", "relay-pulse", "--arg", &argument, "--format", "json"];
        let finished = workspace.fleetctl(&arguments);
        finished.expect_status(2);
        assert!(finished.stderr.contains("ms"), "{finished}");
        assert!(peer.connections().is_empty() && finished.stdout.is_empty(), "{finished}");
    }
}

#[test]
fn an_unanswered_pulse_is_not_repeated_and_an_unanswered_switch_is() {
    let lost = Expected { status: "no_reply", kind: Some("reply_timeout"), delivery: "unknown", attempts: 1 };
    let peer = Peer::start(&["> 20 03 32"]);
    let workspace = board(&peer, "devantech-eth008", "relay = 3");
    run(&workspace, 1, &["--do", "relay-pulse", "--arg", "ms=5000", "--retries", "2"]).expect("pump", lost);
    assert_eq!(peer.only(), "> 20 03 32 > fin");

    // The raw form of the same is the same.
    let peer = Peer::start(&["> 20 03 32 wait fin"]);
    let workspace = board(&peer, "devantech-eth008", "relay = 3");
    let closed = Expected { kind: Some("connection_closed"), ..lost };
    run(&workspace, 1, &["--cmd", "20 03 32", "--retries", "2"]).expect("pump", closed);
    assert_eq!(peer.connections().len(), 1);

    let peer = Peer::start(&["> 20 03 00", "> 20 03 00 < 00"]);
    let workspace = board(&peer, "devantech-eth008", "relay = 3");
    run(&workspace, 0, &["--do", "relay-on", "--retries", "2"]).expect("pump", Expected { attempts: 2, ..OK });
    assert_eq!(peer.connections().len(), 2, "a late reply names no command: the connection is not used again");
}

#[test]
fn a_no_is_a_no_and_what_is_neither_yes_nor_no_is_no_reply_at_all() {
    let refused = Expected { status: "rejected", kind: Some("refused"), delivery: "confirmed", attempts: 1 };
    let malformed = Expected { status: "bad_reply", kind: Some("malformed_reply"), delivery: "unknown", attempts: 1 };
    for (reply, expected) in [("01", refused), ("05", malformed), ("FF", malformed)] {
        let peer = Peer::start(&[&format!("> 20 01 00 < {reply}")]);
        let workspace = board(&peer, "devantech-eth008", "relay = 1");
        let report = run(&workspace, 1, &["--do", "relay-on", "--retries", "0"]);
        let device = report.expect("pump", expected);
        assert_eq!(
            (device["sent_hex"].as_str(), device["reply_hex"].as_str()),
            (Some("20 01 00"), Some(&*reply.to_lowercase()))
        );
    }
}

#[test]
fn a_refusal_is_not_repeated() {
    let peer = Peer::start(&["> 20 01 00 < 01"]);
    let workspace = board(&peer, "devantech-eth008", "relay = 1");
    run(&workspace, 1, &["--do", "relay-on", "--retries", "3"]);
    assert_eq!(peer.only(), "> 20 01 00 < 01 > fin");
}

#[test]
fn the_twenty_relays_of_a_big_board_come_in_three_bytes_however_they_are_split() {
    let peer = Peer::start(&["> 24 < 01 wait < 00 08"]);
    let workspace = board(&peer, "devantech-eth8020", "relay = 20");
    assert_eq!(run(&workspace, 0, &["--do", "relay-status"]).expect("pump", OK)["value"], "on");
    let peer = Peer::start(&["> 24 < 01 wait < 00 08"]);
    let workspace = board(&peer, "devantech-eth8020", "relay = 20");
    assert_eq!(run(&workspace, 0, &["--do", "relays"]).expect("pump", OK)["value"], json!([1, 20]));

    let peer = Peer::start(&["> 24 < 01 00 fin"]);
    let workspace = board(&peer, "devantech-eth8020", "relay = 20");
    let cut = Expected { status: "bad_reply", kind: Some("connection_closed"), delivery: "unknown", attempts: 1 };
    let report = run(&workspace, 1, &["--do", "relay-status", "--retries", "0"]);
    assert_eq!(report.expect("pump", cut)["reply_hex"], "01 00");

    let peer = Peer::start(&["> 24 < 01 00"]);
    let workspace = board(&peer, "devantech-eth8020", "relay = 20");
    let late = Expected { status: "no_reply", kind: Some("reply_timeout"), delivery: "unknown", attempts: 1 };
    let report = run(&workspace, 1, &["--do", "relay-status", "--retries", "0"]);
    assert_eq!(report.expect("pump", late)["reply_hex"], "01 00");

    let peer = Peer::start(&["> 23 FF 00 0F < 00"]);
    let workspace = board(&peer, "devantech-eth8020", "relay = 20");
    run(&workspace, 0, &["--cmd", "23 FF 00 0F"]).expect("pump", OK);
    assert_eq!(peer.only(), "> 23 FF 00 0F < 00 > fin");
}

#[test]
fn relays_that_a_board_does_not_have_are_mistakes_of_the_inventory() {
    for (kind, relay) in
        [("devantech-eth002", 3), ("devantech-eth008", 9), ("devantech-eth8020", 21), ("devantech-ds", 33)]
    {
        for relay in [0, relay] {
            let peer = Peer::start(&[""]);
            let workspace = board(&peer, kind, &format!("relay = {relay}"));
            let finished = workspace.fleetctl(&["run", "--do", "relay-on"]);
            finished.expect_status(2);
            assert!(finished.stderr.contains("relay") && peer.connections().is_empty(), "{finished}");
        }
    }
}

#[test]
fn the_ds_series_has_its_own_bytes() {
    let peer = Peer::start(&["> 31 05 00 00 00 03 E8 < 00"]);
    let workspace = board(&peer, "devantech-ds", "relay = 5");
    run(&workspace, 0, &["--do", "relay-pulse", "--arg", "ms=1000"]).expect("pump", OK);
    let peer = Peer::start(&["> 31 21 01 00 00 00 00 < 21"]);
    let workspace = board(&peer, "devantech-ds", "relay = 5");
    let refused = Expected { status: "rejected", kind: Some("refused"), delivery: "confirmed", attempts: 1 };
    run(&workspace, 1, &["--cmd", "31 21 01 00 00 00 00"]).expect("pump", refused);
}

#[test]
fn an_argument_is_read_as_the_variant_of_the_board_declares_it() {
    let workspace = Workspace::with_inventory(
        "[[device]]\nname = \"board\"\ntype = \"devantech-eth484\"\naddress = \"127.0.0.1\"\n\
         params = { relay = 1, mask_bytes = 1 }\n",
    );
    let plan = |mask: &str| {
        let argument = format!("mask={mask}");
        workspace.fleetctl(&["run", "--do", "set-mask", "--arg", &argument, "--dry-run", "--format", "json"])
    };
    assert_eq!(plan("0f").expect_status(0).json()["devices"][0]["sent_hex"], "23 0f");
    plan("0f 00").expect_status(2);
}
