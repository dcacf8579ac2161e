//! A connection that ends too soon: FIN or RST, before, in the middle of, and after a reply.

use std::time::Duration;

use super::pair::{BAD, Pair};
use crate::support::{Expected, Step, send};

const UNKNOWN: Expected = Expected { status: "", kind: None, delivery: "unknown", attempts: 1 };

/// What ends the connection after the command, and what that is called.
fn endings() -> [(Vec<Step>, &'static str, &'static str); 4] {
    // The pause lets the half reply be read before the reset overtakes it.
    let half = || [send("a 01 O"), Step::Pause(Duration::from_millis(100))];
    [
        (vec![Step::Close], "no_reply", "connection_closed"),
        (vec![Step::Reset], "no_reply", "connection_reset"),
        ([&half()[..], &[Step::Close]].concat(), "bad_reply", "connection_closed"),
        ([&half()[..], &[Step::Reset]].concat(), "bad_reply", "connection_reset"),
    ]
}

#[test]
fn an_end_before_or_within_the_reply_leaves_it_unknown_whether_the_device_acted() {
    for (steps, status, kind) in endings() {
        let pair = Pair::new().on_command(vec![steps]);
        let expected = Expected { status, kind: Some(kind), attempts: 3, ..UNKNOWN };
        pair.expect(&["--cmd", "ka 01 01", "--retries", "2"], expected);
        assert_eq!(pair.seen(), ["ka 01 01"; 3], "idempotent: {status} {kind}");
    }
}

#[test]
fn a_key_press_is_not_repeated_after_the_connection_ended() {
    for (steps, status, kind) in endings() {
        let pair = Pair::new().on_command(vec![steps]);
        let expected = Expected { status, kind: Some(kind), ..UNKNOWN };
        pair.expect(&["--cmd", "mc 01 08", "--retries", "2"], expected);
        assert_eq!(pair.seen(), ["mc 01 08"], "not idempotent: {status} {kind}");
    }
}

#[test]
fn an_end_once_is_made_good_by_the_next_attempt() {
    for (steps, _, kind) in endings() {
        let pair = Pair::new().on_command(vec![steps, vec![Step::Reply]]);
        let expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 2 };
        let device = pair.expect(&["--cmd", "ka 01 01"], expected);
        assert_eq!(device["earlier_errors"][0]["kind"], kind);
        assert_eq!(pair.fleet.journal(BAD).connections.len(), 2);
    }
}

#[test]
fn a_reply_before_the_end_counts() {
    for end in [Step::Close, Step::Reset] {
        let steps = vec![Step::Reply, Step::Pause(Duration::from_millis(200)), end];
        let pair = Pair::new().on_command(vec![steps]);
        pair.expect(
            &["--cmd", "ka 01 01", "--retries", "0"],
            Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 },
        );
    }
}

#[test]
fn accepted_and_dropped_at_once_says_no_more_than_the_device_can_confirm() {
    // Whether the command was written before the end was seen is a race; the report must tell which way it went.
    for (end, kind) in [(Step::Close, "connection_closed"), (Step::Reset, "connection_reset")] {
        let pair = Pair::new().on_accept(vec![vec![end]]);
        let report = pair.run(&["--cmd", "mc 01 08", "--retries", "2"]);
        let device = report.device("bad");
        assert_eq!(device["error"]["kind"], kind, "{device:#}");
        match device["delivery"].as_str().unwrap() {
            "none" => {
                assert_eq!((device["status"].as_str(), device["attempts"].as_u64()), (Some("unreachable"), Some(3)));
                assert!(device["sent"].is_null(), "{device:#}");
                assert_eq!(pair.fleet.journal(BAD).bytes(), b"");
            }
            "unknown" => {
                assert_eq!(device["status"], "no_reply", "{device:#}");
                assert_eq!(device["sent"], "mc 01 08\\r");
            }
            other => panic!("delivery {other}: {device:#}"),
        }
    }
}

#[test]
fn dropped_once_on_accept_the_device_is_switched_on_by_the_next_attempt() {
    for end in [Step::Close, Step::Reset] {
        let pair = Pair::new().on_accept(vec![vec![end], vec![]]);
        let expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 2 };
        pair.expect(&["--cmd", "ka 01 01"], expected);
    }
}
