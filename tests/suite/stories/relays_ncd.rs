//! Relays on NCD boards: frames with length and sum, events in between, and the bank that is every bank.

use crate::support::{Expected, Peer, Report, Workspace};

const OK: Expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 };

fn board(peer: &Peer, params: &str) -> Workspace {
    Workspace::with_inventory(&format!(
        "[[device]]\nname = \"lamp\"\ntype = \"ncd-proxr\"\naddress = \"{}\"\nparams = {{ {params} }}\n",
        peer.address()
    ))
}

#[track_caller]
fn run(workspace: &Workspace, status: i32, arguments: &[&str]) -> Report {
    let quick = ["run", "--format", "json", "--reply-timeout", "500ms", "--retries", "0"];
    workspace.fleetctl(&[&quick[..], arguments].concat()).expect_status(status).report()
}

#[test]
fn a_relay_is_switched_with_a_framed_command_in_one_segment() {
    for (params, arguments, dialogue, status) in [
        ("relay = 1", ["--do", "relay-on"], "> AA 03 FE 6C 01 18 < AA 01 55 00", "ok"),
        ("relay = 1", ["--do", "power-off"], "> AA 03 FE 64 01 10 < AA 01 55 00", "ok"),
        ("relay = 9", ["--do", "power-on"], "> AA 03 FE 6C 02 19 < AA 01 55 00", "ok"),
        ("relay = 1, inverted = true", ["--do", "power-on"], "> AA 03 FE 64 01 10 < AA 01 55 00", "ok"),
        ("relay = 1, inverted = true", ["--do", "relay-on"], "> AA 03 FE 6C 01 18 < AA 01 55 00", "ok"),
        ("relay = 1", ["--cmd", "FE 8C A5 01"], "> AA 04 FE 8C A5 01 DE < AA 01 55 00", "ok"),
        ("relay = 1", ["--cmd", "FE 21"], "> AA 02 FE 21 CB < AA 01 56 01", "rejected"),
    ] {
        let peer = Peer::start(&[dialogue]);
        let report = run(&board(&peer, params), i32::from(status != "ok"), &arguments);
        assert_eq!(report.device("lamp")["status"], status, "{:#}", report.document());
        assert_eq!(peer.only(), format!("{dialogue} > fin"), "{arguments:?}");
    }
}

#[test]
fn a_state_is_read_from_its_frame_and_obeys_inverted() {
    for (params, action, reply, value) in [
        ("relay = 1", "relay-status", "AA 01 00 AB", "off"),
        ("relay = 1", "power-status", "AA 01 01 AC", "on"),
        ("relay = 1, inverted = true", "power-status", "AA 01 00 AB", "on"),
        ("relay = 1, inverted = true", "relay-status", "AA 01 00 AB", "off"),
    ] {
        let peer = Peer::start(&[&format!("> AA 03 FE 74 01 20 < {reply}")]);
        let report = run(&board(&peer, params), 0, &["--do", action]);
        assert_eq!(report.expect("lamp", OK)["value"], value, "{params} {action}");
    }
}

#[test]
fn a_frame_may_come_in_pieces_and_after_an_event() {
    for reply in [
        "< AA 01 wait < 55 00",
        "< AA wait < 01 wait < 55 wait < 00",
        "< AA 06 AB 00 01 08 18 00 7C AA 01 55 00",
        "< AA 06 AB 00 wait < 01 08 18 00 7C wait < AA 01 wait < 55 00",
        "< AA 06 AB 00 01 08 18 00 7C wait < AA 06 AB 00 01 08 18 00 7C wait < AA 01 55 00",
    ] {
        let peer = Peer::start(&[&format!("> AA 03 FE 6C 01 18 {reply}")]);
        let report = run(&board(&peer, "relay = 1"), 0, &["--do", "relay-on"]);
        assert_eq!(report.expect("lamp", OK)["reply_hex"], "aa 01 55 00", "{reply}");
    }
}

#[test]
fn a_frame_that_is_wrong_or_cut_or_missing_is_no_yes() {
    let bad = |kind| Expected { status: "bad_reply", kind: Some(kind), delivery: "unknown", attempts: 1 };
    let none = |kind| Expected { status: "no_reply", kind: Some(kind), delivery: "unknown", attempts: 1 };
    for (reply, expected) in [
        ("< AA 01 55 01", bad("wrong_checksum")),
        ("< AA 01 55 fin", bad("connection_closed")),
        ("wait fin", none("connection_closed")),
        ("wait rst", none("connection_reset")),
        ("", none("reply_timeout")),
        ("< AA 01", none("reply_timeout")),
        ("< AA 06 AB 00 01 08 18 00 7C", none("reply_timeout")),
    ] {
        let peer = Peer::start(&[&format!("> AA 03 FE 6C 01 18 {reply}")]);
        run(&board(&peer, "relay = 1"), 1, &["--do", "relay-on"]).expect("lamp", expected);
    }
}

#[test]
fn bank_0_needs_leave_and_is_never_more_than_sent() {
    for command in ["FE 6C 00", "FE 64 00", "FE 8C FF 00", "FE 81 00", "FE 31 00", "FE 74 00", "FE 7C 00"] {
        let peer = Peer::start(&[""]);
        let finished = board(&peer, "relay = 1").fleetctl(&["run", "--cmd", command, "--format", "json"]);
        finished.expect_status(2);
        assert!(finished.stderr.contains("broadcast"), "{finished}");
        assert!(peer.connections().is_empty() && finished.stdout.is_empty(), "{finished}");
    }
    let sent = Expected { status: "sent", kind: None, delivery: "unknown", attempts: 1 };
    for reply in ["< AA 01 55 00", "< AA 01 55 01", "< 00", ""] {
        let peer = Peer::start(&[&format!("> AA 03 FE 6C 00 17 {reply}")]);
        let report = run(&board(&peer, "relay = 1, broadcast = true"), 0, &["--cmd", "FE 6C 00"]);
        report.expect("lamp", sent);
        assert!(peer.only().starts_with("> AA 03 FE 6C 00 17"), "{}", peer.only());
    }
}

#[test]
fn bank_0_of_a_query_is_every_bank_and_needs_the_same_leave() {
    let peer = Peer::start(&["> AA 03 FE 7C 00 27 < AA 01 02 AD"]);
    run(&board(&peer, "relay = 1, broadcast = true"), 0, &["--cmd", "FE 7C 00"]).expect("lamp", OK);
}

#[test]
fn the_standard_mode_has_neither_length_nor_sum() {
    for (arguments, dialogue, status) in [
        (["--do", "relay-on"], "> FE 6C 01 < 55", "ok"),
        (["--do", "relay-off"], "> FE 64 01 < 55", "ok"),
        (["--cmd", "FE 21"], "> FE 21 < 55", "ok"),
        (["--cmd", "FE 21"], "> FE 21 < 56", "rejected"),
    ] {
        let peer = Peer::start(&[dialogue]);
        let report = run(&board(&peer, "relay = 1, mode = \"standard\""), i32::from(status != "ok"), &arguments);
        assert_eq!(report.device("lamp")["status"], status);
        assert_eq!(peer.only(), format!("{dialogue} > fin"));
    }
    let peer = Peer::start(&["> FE 7C 01 < 05"]);
    let report = run(&board(&peer, "relay = 1, mode = \"standard\""), 0, &["--cmd", "FE 7C 01"]);
    assert_eq!(report.expect("lamp", OK)["value"], "05");
}

#[test]
fn what_may_be_sent_twice_is_and_a_toggle_is_not() {
    for (command, framed, attempts) in [("FE 6C 01", "AA 03 FE 6C 01 18", 2), ("FE 1F", "AA 02 FE 1F C9", 1)] {
        let peer = Peer::start(&[&format!("> {framed} wait fin")]);
        let arguments = ["--cmd", command, "--retries", "1", "--retry-backoff-initial", "10ms"];
        let workspace = board(&peer, "relay = 1");
        let all = [&["run", "--format", "json", "--reply-timeout", "500ms"], &arguments[..]].concat();
        let report = workspace.fleetctl(&all).expect_status(1).report();
        let kind = Some("connection_closed");
        report.expect("lamp", Expected { status: "no_reply", kind, delivery: "unknown", attempts });
        assert_eq!(peer.connections().len() as u64, attempts);
    }
}
