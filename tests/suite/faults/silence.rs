//! A device that takes the command and does not answer in time: silent, too slow, only an echo, another set's answer.
//!
//! All of them are `no_reply` with delivery `unknown`: the device may have acted.

use std::time::Duration;

use super::pair::Pair;
use crate::support::{Expected, Step, send};

const TIMED_OUT: Expected =
    Expected { status: "no_reply", kind: Some("reply_timeout"), delivery: "unknown", attempts: 1 };

#[test]
fn a_silent_display_is_asked_once_and_then_as_often_as_retries_allow() {
    let pair = Pair::new().on_command(vec![vec![]]);
    let device = pair.expect(&["--cmd", "ka 01 01", "--retries", "2"], Expected { attempts: 3, ..TIMED_OUT });
    assert_eq!(pair.seen(), ["ka 01 01"; 3]);
    assert_eq!(device["sent"], "ka 01 01\\r");
    assert_eq!(device["sent_hex"], "6b 61 20 30 31 20 30 31 0d");
    for (index, earlier) in device["earlier_errors"].as_array().unwrap().iter().enumerate() {
        assert_eq!(earlier["kind"], "reply_timeout");
        assert_eq!(earlier["attempt"], index + 1);
    }
}

#[test]
fn a_display_that_is_silent_once_ends_ok_and_flaky() {
    let pair = Pair::new().on_command(vec![vec![], vec![Step::Reply]]);
    let report = pair.run(&["--cmd", "ka 01 01"]);
    report.expect("bad", Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 2 });
    assert_eq!(report.count("flaky"), 1);
    assert_eq!(report.count("attempts"), 3);
}

#[test]
fn what_is_not_the_answer_to_this_command_never_counts_as_it() {
    let cases = [
        ("another set ID", vec![send("a 02 OK01x")]),
        ("another command letter", vec![send("f 01 OK01x")]),
        ("an OK with another value", vec![send("a 01 OK00x")]),
        ("an echo alone", vec![Step::Echo]),
        ("half a reply", vec![send("a 01 OK")]),
        ("a reply without its end", vec![send("a 01 OK01")]),
    ];
    for (what, steps) in cases {
        let pair = Pair::new().on_command(vec![steps]);
        let device = pair.expect(&["--cmd", "ka 01 01", "--retries", "0"], TIMED_OUT);
        assert!(device["value"].is_null(), "{what}: {device:#}");
        assert_eq!(pair.seen(), ["ka 01 01"], "{what}");
    }
}

#[test]
fn the_bytes_of_half_a_reply_are_reported() {
    let pair = Pair::new().on_command(vec![vec![send("a 01 OK")]]);
    let device = pair.expect(&["--cmd", "ka 01 ff", "--retries", "0"], TIMED_OUT);
    assert_eq!(device["reply"], "a 01 OK");
    assert_eq!(device["reply_hex"], "61 20 30 31 20 4f 4b");
    assert!(device["error"]["hint"].as_str().unwrap().contains("7 bytes"), "{device:#}");
}

#[test]
fn a_reply_that_dribbles_past_the_timeout_is_no_reply() {
    // Ten bytes, 250 ms each: a deadline that every byte renewed would let it through.
    let pair = Pair::new().on_command(vec![vec![Step::ReplyByteByByte(Duration::from_millis(250))]]);
    pair.expect(&["--cmd", "ka 01 01", "--retries", "0"], TIMED_OUT);
}

#[test]
fn the_deadline_of_the_device_cuts_an_attempt_short() {
    let pair = Pair::new().on_command(vec![vec![]]);
    let arguments = ["--cmd", "ka 01 01", "--reply-timeout", "60s", "--device-deadline", "700ms"];
    let workspace = pair.workspace();
    let finished = workspace.fleetctl(&[&["run", "--format", "json"], &arguments[..]].concat());
    let kind = Some("device_deadline");
    finished.expect_status(1).report().expect("bad", Expected { kind, ..TIMED_OUT });
    assert_eq!(pair.seen(), ["ka 01 01"]);
}
