//! Devices on port 9100: a command, our side closed, and text up to a NUL or to their close.

use crate::support::{Expected, Peer, Report, Workspace, hex};

const OK: Expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 };
const STATUS: &str = "> 1B 73 74 61 74 75 73 0D";

fn device(peer: &Peer, more: &str) -> Workspace {
    Workspace::with_inventory(&format!(
        "[[device]]\nname = \"label\"\ntype = \"esc-cr\"\naddress = \"{}\"\n{more}\n",
        peer.address()
    ))
}

#[track_caller]
fn run(workspace: &Workspace, status: i32, arguments: &[&str]) -> Report {
    let quick = ["run", "--format", "json", "--reply-timeout", "600ms", "--retry-backoff-initial", "10ms"];
    workspace.fleetctl(&[&quick[..], arguments].concat()).expect_status(status).report()
}

#[test]
fn our_side_is_closed_before_the_device_answers() {
    let peer = Peer::start(&[&format!("{STATUS} eof < 4F 4B 00")]);
    let report = run(&device(&peer, ""), 0, &["--cmd", "status"]);
    let entry = report.expect("label", OK);
    assert_eq!((entry["value"].as_str(), entry["sent"].as_str()), (Some("OK"), Some("\\x1bstatus\\r")));
    assert_eq!(peer.only(), format!("{STATUS} > fin < 4F 4B 00"), "one segment, then our close, then the reply");
}

#[test]
fn a_reply_ends_with_a_nul_or_with_the_close() {
    for (reply, value) in [
        ("< 4F 4B 00", "OK"),
        ("< 20 72 65 61 64 79 20 0D 0A 00", "ready"),
        ("< 72 65 wait < 61 64 79 00", "ready"),
        ("< 4F 4B 00 67 61 72 62 61 67 65", "OK"),
        ("< 4F 4B fin", "OK"),
        ("< 4F 4B 0D 0A wait fin", "OK"),
        ("< 61 0D 0A 62 00", "a\r\nb"),
        ("< 00", ""),
        ("< 20 0D 0A 00", ""),
    ] {
        let peer = Peer::start(&[&format!("{STATUS} eof {reply}")]);
        let report = run(&device(&peer, ""), 0, &["--cmd", "status"]);
        assert_eq!(report.expect("label", OK)["value"], value, "{reply}");
    }
}

#[test]
fn a_command_may_hold_more_than_ascii() {
    let peer = Peer::start(&["> 1B 73 65 74 20 61 3D C3 A9 0D eof < 4F 4B 00"]);
    run(&device(&peer, ""), 0, &["--cmd", "set a=é"]).expect("label", OK);
    assert_eq!(peer.only(), "> 1B 73 65 74 20 61 3D C3 A9 0D > fin < 4F 4B 00");
}

#[test]
fn what_is_not_answered_is_not_repeated_unless_the_user_says_so() {
    let lost = |kind| Expected { status: "no_reply", kind: Some(kind), delivery: "unknown", attempts: 1 };
    for (dialogue, expected) in [
        (format!("{STATUS} eof fin"), lost("connection_closed")),
        (format!("{STATUS} eof rst"), lost("connection_reset")),
        (format!("{STATUS} eof"), lost("reply_timeout")),
        (format!("{STATUS} eof < 4F 4B"), lost("reply_timeout")),
    ] {
        // A device whose script is over closes; silence is a script that waits longer than the client.
        let dialogue = if expected.kind == Some("reply_timeout") { dialogue + &" wait".repeat(30) } else { dialogue };
        let peer = Peer::start(&[&dialogue]);
        let report = run(&device(&peer, ""), 1, &["--cmd", "status", "--retries", "3"]);
        report.expect("label", expected);
        assert_eq!(peer.connections().len(), 1, "{dialogue}");
    }
    let peer = Peer::start(&[&format!("{STATUS} eof fin"), &format!("{STATUS} eof < 4F 4B 00")]);
    let report = run(&device(&peer, ""), 0, &["--cmd", "status", "--retries", "3", "--idempotent"]);
    report.expect("label", Expected { attempts: 2, ..OK });
}

#[test]
fn what_came_of_an_unfinished_reply_is_shown() {
    let peer = Peer::start(&[&format!("{STATUS} eof < 4F 4B {}", "wait ".repeat(30))]);
    let report = run(&device(&peer, ""), 1, &["--cmd", "status"]);
    assert_eq!(report.device("label")["reply"], "OK");
}

#[test]
fn a_mebibyte_without_an_end_is_too_long() {
    let peer = Peer::start(&[&format!("{STATUS} eof <* 78 1048576")]);
    let started = std::time::Instant::now();
    let report = run(&device(&peer, ""), 1, &["--cmd", "status", "--retries", "3"]);
    let long = Expected { status: "bad_reply", kind: Some("reply_too_long"), delivery: "unknown", attempts: 1 };
    report.expect("label", long);
    assert_eq!(peer.connections().len(), 1);
    assert!(started.elapsed().as_secs() < 10);
    assert!(report.document().to_string().len() < 512 * 1024, "the report does not carry the flood");
}

#[test]
fn the_half_close_can_be_left_out() {
    // Whoever closes early here gets no answer.
    let peer = Peer::start(&[&format!("{STATUS} wait wait < 4F 4B 00")]);
    let report = run(&device(&peer, "link = { half_close = false }"), 0, &["--cmd", "status"]);
    assert_eq!(report.expect("label", OK)["value"], "OK");
    assert_eq!(peer.only(), format!("{STATUS} < 4F 4B 00 > fin"), "the reply came before our close");
}

#[test]
fn a_value_is_the_text_itself_and_what_people_read_is_escaped() {
    // "a", a line end, "é" and a sequence that would clear a terminal.
    let dialogue = format!("{STATUS} eof < 61 0D 0A C3 A9 1B 5B 32 4A 62 00");
    let peer = Peer::start(&[&dialogue]);
    let workspace = device(&peer, "");
    let report = run(&workspace, 0, &["--cmd", "status"]);
    assert_eq!(report.device("label")["value"], "a\r\né\u{1b}[2Jb");
    assert_eq!(report.device("label")["reply"], r"a\r\n\xc3\xa9\x1b[2Jb\0");
    for format in [&["--format", "table"][..], &["--format", "table", "--all"], &["--format", "csv"]] {
        let finished = workspace.fleetctl(&[&["run", "--cmd", "status"], format].concat());
        finished.expect_status(0);
        assert!(!finished.stdout.contains('\u{1b}') && !finished.stdout.contains("a\r"), "{finished}");
    }
}

#[test]
fn every_command_has_a_connection_of_its_own() {
    let peer = Peer::start(&[&format!("{STATUS} eof < 4F 4B 00")]);
    let workspace = device(&peer, "");
    for count in 1..=2 {
        run(&workspace, 0, &["--cmd", "status"]).expect("label", OK);
        assert_eq!(peer.connections().len(), count);
    }
    assert_eq!(peer.heard()[0], hex(b"\x1bstatus\r"));
}

#[test]
fn a_command_that_would_end_itself_is_refused_before_anything_is_sent() {
    let peer = Peer::start(&[&format!("{STATUS} eof < 4F 4B 00")]);
    for command in ["sta\\rtus", "a\\0b"] {
        let finished = device(&peer, "").fleetctl(&["run", "--cmd", command]);
        finished.expect_status(2);
        assert!(finished.stderr.contains(command) && finished.stdout.is_empty(), "{finished}");
    }
    assert!(peer.connections().is_empty(), "nothing was sent");
}
