//! Devices that speak first: the greeting is part of the log-in, whenever it comes, and is not taken for anything else.

use crate::support::{Expected, Peer, Report, Workspace};

/// A type whose devices greet, ask for a password and answer in lines.
const TYPE: &str = r#"
name = "greeter"
title = "Greets first"
port = 4999
[params.password]
kind = "secret"
max_len = 31
[link]
busy_texts = ["^Port.*in use"]
[login]
[[login.steps]]
frame = { until = ['\n'] }
rules = [{ when = '^Port \d+ is free, none in use', then = "next" }]
[[login.steps]]
send = "{password}"
frame = { until = ['\n'] }
rules = [{ when = "^in", then = "done" }]
[send]
frame = "{body}\n"
[replies.default]
frame = { until = ['\n'] }
max = 256
rules = [{ when = "^yes", verdict = "ok" }]
"#;

/// `Port 3 is free, none in use` and a line end.
const GREETING: &str = "50 6F 72 74 20 33 20 69 73 20 66 72 65 65 2C 20 6E 6F 6E 65 20 69 6E 20 75 73 65 0A";
/// `apple`, `on` and `yes`, each with a line end.
const PASSWORD: &str = "61 70 70 6C 65 0A";
const ON: &str = "6F 6E 0A";
const YES: &str = "79 65 73 0A";
/// `Port in use` and a line end.
const OCCUPIED: &str = "50 6F 72 74 20 69 6E 20 75 73 65 0A";

/// `on`, which may not be sent twice, to a device that plays this.
#[track_caller]
fn run(peer: &Peer, status: i32) -> Report {
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"porter\"\ntype = \"greeter\"\naddress = \"{}\"\nparams = {{ password = \"apple\" }}\n",
        peer.address()
    ));
    workspace.write("device-types/greeter.toml", TYPE);
    let quick = ["--reply-timeout", "300ms", "--retry-backoff-initial", "1ms", "--retries", "2"];
    let arguments = [&["run", "--cmd", "on", "--format", "json"], &quick[..]].concat();
    workspace.fleetctl(&arguments).expect_status(status).report()
}

#[test]
fn a_greeting_counts_whether_it_is_there_at_once_or_comes_later() {
    let ok = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 };
    for when in ["", "wait"] {
        let peer = Peer::start(&[&format!("{when} < {GREETING} > {PASSWORD} < 69 6E 0A > {ON} < {YES}")]);
        run(&peer, 0).expect("porter", ok);
        assert_eq!(peer.connections().len(), 1);
    }
}

#[test]
fn a_greeting_that_does_not_come_is_the_silence_of_the_device() {
    let silent = Expected { status: "no_reply", kind: Some("reply_timeout"), delivery: "none", attempts: 3 };
    let peer = Peer::start(&["wait"]);
    let report = run(&peer, 1);
    assert!(report.expect("porter", silent)["sent"].is_null());
    assert!(peer.heard().iter().all(|heard| heard == "fin"), "{:?}", peer.heard());
}

#[test]
fn what_a_log_in_was_answered_is_not_the_gateways_own_words() {
    // The greeting looks like the words of an occupied gateway. Were it taken for them, the command would count as not
    // delivered, and be sent again.
    let peer = Peer::start(&[&format!("< {GREETING} > {PASSWORD} < 69 6E 0A > {ON}")]);
    let lost = Expected { status: "no_reply", kind: Some("reply_timeout"), delivery: "unknown", attempts: 1 };
    run(&peer, 1).expect("porter", lost);
    assert_eq!(peer.heard().iter().filter(|heard| *heard == ON).count(), 1);
}

#[test]
fn an_occupied_gateway_is_known_by_its_words_though_they_are_a_whole_line() {
    let occupied = Expected { status: "unreachable", kind: Some("gateway_busy"), delivery: "none", attempts: 3 };
    for when in ["", "wait"] {
        let peer = Peer::start(&[&format!("{when} < {OCCUPIED}")]);
        run(&peer, 1).expect("porter", occupied);
    }
}

#[test]
fn a_password_that_is_echoed_is_masked_wherever_it_stands() {
    let peer = Peer::start(&[&format!("< {GREETING} > {PASSWORD} < 3F 20 {PASSWORD}")]);
    let report = run(&peer, 1);
    let malformed = Expected { status: "bad_reply", kind: Some("malformed_reply"), delivery: "none", attempts: 3 };
    let device = report.expect("porter", malformed);
    assert!(!device.to_string().contains("apple") && !device.to_string().contains("61 70 70"), "{device:#}");
    assert!(device["reply"].as_str().is_some_and(|reply| reply.contains("‹secret›")), "{device:#}");
    assert!(device["reply_hex"].is_null(), "{device:#}");
}
