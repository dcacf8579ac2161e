//! Devantech boards with a password: what is asked first, what is said to whom, and what a refusal costs.

use crate::support::{Expected, Peer, Report, Workspace};

const OK: Expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 };

const QUICK: [&str; 6] = ["--reply-timeout", "500ms", "--retry-backoff-initial", "10ms", "--retry-backoff-max", "20ms"];

fn board(peer: &Peer, devices: &[(&str, u8)], password: &str) -> Workspace {
    let address = peer.address();
    let entry = |(name, relay): &(&str, u8)| {
        format!(
            "[[device]]\nname = \"{name}\"\ntype = \"devantech-eth008\"\naddress = \"{address}\"\n\
             params = {{ relay = {relay}{password} }}\n"
        )
    };
    Workspace::with_inventory(&devices.iter().map(entry).collect::<Vec<_>>().concat())
}

fn with_password(peer: &Peer, devices: &[(&str, u8)]) -> Workspace {
    board(peer, devices, ", password = \"apple\"")
}

#[track_caller]
fn run(workspace: &Workspace, status: i32, arguments: &[&str]) -> Report {
    let all = [&["run", "--format", "json"], &QUICK[..], arguments].concat();
    workspace.fleetctl(&all).expect_status(status).report()
}

#[test]
fn a_locked_board_gets_the_password_the_command_and_the_log_out_a_segment_each() {
    let peer = Peer::start(&["> 7A wait < 00 > 79 61 70 70 6C 65 wait < 01 > 20 03 00 wait < 00 > 7B wait < 00 eof"]);
    let report = run(&with_password(&peer, &[("pump", 3)]), 0, &["--do", "relay-on"]);
    let device = report.expect("pump", OK);
    assert_eq!((device["sent_hex"].as_str(), device["reply_hex"].as_str()), (Some("20 03 00"), Some("00")));
    assert_eq!(peer.only(), "> 7A < 00 > 79 61 70 70 6C 65 < 01 > 20 03 00 < 00 > 7B < 00 > fin");
}

#[test]
fn a_board_without_protection_or_with_time_left_never_hears_the_password() {
    for left in ["FF", "1E", "01"] {
        let peer = Peer::start(&[&format!("> 7A wait < {left} > 20 03 00 wait < 00")]);
        let report = run(&with_password(&peer, &[("pump", 3)]), 0, &["--do", "relay-on"]);
        report.expect("pump", OK);
        assert_eq!(peer.only(), format!("> 7A < {left} > 20 03 00 < 00 > fin"));
    }
}

#[test]
fn a_board_without_a_password_in_the_inventory_gets_the_command_at_once() {
    let peer = Peer::start(&["> 20 03 00 < 00"]);
    run(&board(&peer, &[("pump", 3)], ""), 0, &["--do", "relay-on"]).expect("pump", OK);
    assert_eq!(peer.only(), "> 20 03 00 < 00 > fin");
}

#[test]
fn a_wrong_password_is_said_once_and_no_command_follows() {
    for more in [&["--retries", "5"][..], &["--idempotent"]] {
        let peer = Peer::start(&["> 7A < 00 > 79 61 70 70 6C 65 < 02"]);
        let report = run(&with_password(&peer, &[("pump", 3)]), 1, &[&["--do", "relay-on"], more].concat());
        let refused = Expected { status: "rejected", kind: Some("auth_failed"), delivery: "none", attempts: 1 };
        let device = report.expect("pump", refused);
        assert!(device["sent"].is_null() && device["sent_hex"].is_null(), "{device:#}");
        assert_eq!(peer.only(), "> 7A < 00 > 79 61 70 70 6C 65 < 02 > fin", "{more:?}");
    }
}

#[test]
fn the_relays_of_a_board_share_a_connection_and_a_log_in_and_wait_for_each_reply() {
    let peer =
        Peer::start(&["> 7A wait < 00 > 79 61 70 70 6C 65 wait < 01 > 20 01 00 wait < 00 > 20 02 00 wait < 00 \
         > 20 03 00 wait < 00 > 7B wait < 00 eof"]);
    let workspace = with_password(&peer, &[("pump", 1), ("fan", 2), ("lamp", 3)]);
    let report = run(&workspace, 0, &["--do", "relay-on"]);
    for name in ["pump", "fan", "lamp"] {
        report.expect(name, OK);
    }
    assert_eq!(
        peer.only(),
        "> 7A < 00 > 79 61 70 70 6C 65 < 01 > 20 01 00 < 00 > 20 02 00 < 00 > 20 03 00 < 00 > 7B < 00 > fin"
    );
}

#[test]
fn relays_with_different_passwords_do_not_share_a_log_in() {
    let both = "> 7A < 00 > 79 61 < 01 > 20 01 00 < 00 > 7B < 00";
    let peer = Peer::start(&[both, "> 7A < 00 > 79 62 < 01 > 20 02 00 < 00 > 7B < 00"]);
    let address = peer.address();
    let workspace = Workspace::with_inventory(&format!(
        "[defaults]\ntype = \"devantech-eth008\"\n\
         [[device]]\nname = \"pump\"\naddress = \"{address}\"\nparams = {{ relay = 1, password = \"a\" }}\n\
         [[device]]\nname = \"fan\"\naddress = \"{address}\"\nparams = {{ relay = 2, password = \"b\" }}\n"
    ));
    let report = run(&workspace, 0, &["--do", "relay-on"]);
    report.expect("pump", OK);
    report.expect("fan", OK);
    assert_eq!(peer.connections().len(), 2);
}

#[test]
fn a_wrong_password_is_not_said_again_for_the_other_relays_of_the_board() {
    let peer = Peer::start(&["> 7A < 00 > 79 61 70 70 6C 65 < 02"]);
    let workspace = with_password(&peer, &[("pump", 1), ("fan", 2), ("lamp", 3)]);
    let report = run(&workspace, 1, &["--do", "relay-on"]);
    for name in ["pump", "fan", "lamp"] {
        let device = report.device(name);
        assert_eq!(
            (device["status"].as_str(), device["delivery"].as_str()),
            (Some("rejected"), Some("none")),
            "{device:#}"
        );
    }
    let said = peer.heard().iter().filter(|segment| segment.starts_with("79")).count();
    assert_eq!(said, 1, "{:?}", peer.connections());
}

#[test]
fn a_log_in_without_a_valid_answer_sends_no_command() {
    let no_reply = |kind| Expected { status: "no_reply", kind: Some(kind), delivery: "none", attempts: 1 };
    let bad = Expected { status: "bad_reply", kind: Some("malformed_reply"), delivery: "none", attempts: 1 };
    for (dialogue, expected) in [
        ("> 7A", no_reply("reply_timeout")),
        ("> 7A < 00 > 79 61 70 70 6C 65", no_reply("reply_timeout")),
        ("> 7A wait fin", no_reply("connection_closed")),
        ("> 7A wait rst", no_reply("connection_reset")),
        ("> 7A < 00 > 79 61 70 70 6C 65 < 05", bad),
    ] {
        let peer = Peer::start(&[dialogue]);
        let report = run(
            &with_password(&peer, &[("pump", 3)]),
            1,
            &["--do", "relay-pulse", "--arg", "ms=500", "--retries", "0"],
        );
        let device = report.expect("pump", expected);
        assert!(device["sent"].is_null() && device["sent_hex"].is_null(), "{device:#}");
        let hint = device["error"]["hint"].as_str().unwrap();
        assert!(!hint.contains("acted"), "nothing was written that could make it act: {hint}");
        assert!(!peer.heard().iter().any(|segment| segment.starts_with("20")), "{:?}", peer.connections());
    }
}

#[test]
fn an_unanswered_log_in_is_tried_again_even_for_a_pulse() {
    // Nothing of the command was written, so it may be sent.
    let peer = Peer::start(&["> 7A", "> 7A < 00 > 79 61 70 70 6C 65 < 01 > 20 03 05 < 00 > 7B < 00"]);
    let report = run(&with_password(&peer, &[("pump", 3)]), 0, &["--do", "relay-pulse", "--arg", "ms=500"]);
    report.expect("pump", Expected { attempts: 2, ..OK });
    let pulses = peer.heard().iter().filter(|segment| *segment == "20 03 05").count();
    assert_eq!(pulses, 1, "{:?}", peer.connections());
}

#[test]
fn a_log_out_that_is_not_answered_changes_nothing() {
    for end in ["", "wait fin", "wait rst"] {
        let dialogue = format!("> 7A < 00 > 79 61 70 70 6C 65 < 01 > 20 03 00 < 00 > 7B {end}");
        let peer = Peer::start(&[&dialogue]);
        run(&with_password(&peer, &[("pump", 3)]), 0, &["--do", "relay-on"]).expect("pump", OK);
        assert!(peer.only().starts_with("> 7A < 00 > 79 61 70 70 6C 65 < 01 > 20 03 00 < 00 > 7B"), "{}", peer.only());
    }
}

#[test]
fn a_refused_command_still_logs_out() {
    let peer = Peer::start(&["> 7A < 00 > 79 61 70 70 6C 65 < 01 > 20 03 00 < 01 > 7B < 00"]);
    let report = run(&with_password(&peer, &[("pump", 3)]), 1, &["--do", "relay-on"]);
    report.expect("pump", Expected { status: "rejected", kind: Some("refused"), delivery: "confirmed", attempts: 1 });
    assert_eq!(peer.only(), "> 7A < 00 > 79 61 70 70 6C 65 < 01 > 20 03 00 < 01 > 7B < 00 > fin");
}

#[test]
fn a_log_in_by_hand_is_refused_before_anything_is_sent() {
    for command in ["79 61 70 70 6C 65", "7A", "7B"] {
        let peer = Peer::start(&["> 7A < FF"]);
        let workspace = with_password(&peer, &[("pump", 3)]);
        let finished = workspace.fleetctl(&["run", "--cmd", command, "--format", "json"]);
        finished.expect_status(2);
        assert!(peer.connections().is_empty() && finished.stdout.is_empty(), "{finished}");
    }
}

#[test]
fn nothing_is_sent_behind_a_command_that_was_not_answered() {
    let open = "> 7A < 00 > 79 61 70 70 6C 65 < 01";
    let peer = Peer::start(&[&format!("{open} > 20 01 05"), &format!("{open} > 20 02 05 < 00 > 7B < 00")]);
    let workspace = with_password(&peer, &[("pump", 1), ("fan", 2)]);
    let report = run(&workspace, 1, &["--do", "relay-pulse", "--arg", "ms=500"]);
    let lost = Expected { status: "no_reply", kind: Some("reply_timeout"), delivery: "unknown", attempts: 1 };
    report.expect("pump", lost);
    report.expect("fan", OK);
    let connections: Vec<String> = peer.connections().iter().map(|notes| notes.join(" ")).collect();
    // A late `00` could be taken for the reply to whatever follows on that connection.
    let first = format!("{open} > 20 01 05 > fin");
    assert_eq!(connections, [first, format!("{open} > 20 02 05 < 00 > 7B < 00 > fin")]);
}

#[test]
fn a_run_that_stops_during_the_log_in_sends_no_command() {
    let late = "wait ".repeat(30);
    let peer = Peer::start(&[&format!("> 7A < 00 > 79 61 70 70 6C 65 {late}< 01 > 20 03 00 < 00 > 7B < 00")]);
    let workspace = with_password(&peer, &[("relay", 3)]);
    let running = workspace.start(&["run", "--do", "relay-on", "--reply-timeout", "20s", "--format", "json"]);
    running.wait_for("the password", || peer.heard().iter().any(|segment| segment.contains("79")));
    running.signal(nix::sys::signal::Signal::SIGINT);
    let finished = running.finish();
    let report = finished.expect_status(130).report();
    report.expect("relay", Expected { status: "skipped", kind: None, delivery: "none", attempts: 0 });
    assert!(peer.heard().iter().all(|segment| !segment.contains("20 03 00")), "{:?}", peer.heard());
}
