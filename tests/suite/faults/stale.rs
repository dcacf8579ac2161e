//! Answers that belong to somebody or something else: left over in the gateway, or too late for their own attempt.

use std::time::Duration;

use super::pair::{BAD, Pair};
use crate::support::{Expected, FakeFleet, Report, Step, Workspace, send};

const OK: Expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 };
const TIMED_OUT: Expected =
    Expected { status: "no_reply", kind: Some("reply_timeout"), delivery: "unknown", attempts: 1 };

#[test]
fn a_question_is_not_answered_by_what_the_gateway_kept_for_an_earlier_client() {
    // Without the quiet time before it, nothing in `a 01 OK00x` would tell the old answer from the new one.
    let pair = Pair::new().on_accept(vec![vec![send("a 01 OK00x")]]).on_command(vec![vec![send("a 01 OK01x")]]);
    let device = pair.expect(&["--cmd", "ka 01 ff", "--retries", "0"], OK);
    assert_eq!((device["value"].as_str(), device["reply"].as_str()), (Some("01"), Some("a 01 OK01x")));
}

#[test]
fn a_kept_answer_to_a_question_that_gets_none_is_not_taken() {
    let pair = Pair::new().on_accept(vec![vec![send("a 01 OK01x")]]).on_command(vec![vec![]]);
    let device = pair.expect(&["--cmd", "ka 01 ff", "--retries", "1"], Expected { attempts: 2, ..TIMED_OUT });
    assert!(device["value"].is_null(), "{device:#}");
    assert_eq!(pair.seen().len(), 2);
}

#[test]
fn an_answer_that_comes_after_its_attempt_is_dropped_before_the_next() {
    // The first command goes unanswered; its reply comes with the second connection, while the line must be quiet.
    let late = vec![vec![], vec![send("a 01 OK01x")]];
    let pair = Pair::new().on_accept(late).on_command(vec![vec![]]);
    pair.expect(&["--cmd", "ka 01 01", "--retries", "1"], Expected { attempts: 2, ..TIMED_OUT });
    assert_eq!(pair.seen().len(), 2);
}

#[test]
fn a_display_that_answers_after_the_timeout_is_asked_again_and_believed_then() {
    let slow = vec![Step::Pause(Duration::from_millis(900)), Step::Reply];
    let pair = Pair::new().on_command(vec![slow, vec![Step::Reply]]);
    pair.expect(&["--cmd", "ka 01 01", "--retries", "1"], Expected { attempts: 2, ..OK });
}

#[test]
fn the_answer_behind_two_strays_in_one_piece_is_found() {
    // Another letter, another unit, another value of ours: each is passed over, wherever among the two it stands.
    for strays in ["b 01 OK01xa 02 OK01x", "a 02 OK01xa 01 OK00x", "a 01 OK00xa 01 OK02x"] {
        let pair = Pair::new().on_command(vec![vec![send(&format!("{strays}a 01 OK01x"))]]);
        let device = pair.expect(&["--cmd", "ka 01 01", "--retries", "1"], OK);
        assert_eq!(device["reply"].as_str(), Some("a 01 OK01x"), "{strays}");
        assert_eq!(pair.seen(), ["ka 01 01"], "{strays}");
    }
}

#[test]
fn a_late_answer_of_one_set_is_not_taken_for_the_next_set_of_the_chain() {
    let fleet = FakeFleet::start();
    fleet.daisy_chain(BAD, 1..=2);
    fleet.on_command(BAD, 1, vec![vec![]]);
    // Set 2 is silent; while it is asked, the answer of set 1 arrives.
    fleet.on_command(BAD, 2, vec![vec![send("a 01 OK01x")]]);
    let report = run_chain(&fleet, "1-2");
    for name in ["tv-1", "tv-2"] {
        report.expect(name, TIMED_OUT);
    }
}

#[test]
fn an_answer_that_was_there_before_the_command_is_dropped_on_a_kept_connection() {
    let fleet = FakeFleet::start();
    fleet.daisy_chain(BAD, 1..=2);
    fleet.on_command(BAD, 1, vec![vec![send("a 01 OK01xa 02 OK01x")]]);
    fleet.on_command(BAD, 2, vec![vec![]]);
    let report = run_chain(&fleet, "1-2");
    report.expect("tv-1", OK);
    report.expect("tv-2", TIMED_OUT);
    assert_eq!(fleet.commands_seen_by(BAD, 2), ["ka 02 01"]);
}

fn run_chain(fleet: &FakeFleet, set_ids: &str) -> Report {
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[{set_ids}]\"\ntype = \"lg-rs232\"\naddress = \"{BAD}:{port}\"\n\
         params = {{ set_id = \"[{set_ids}]\" }}\n"
    ));
    let arguments =
        ["run", "--cmd", "ka {set_id} 01", "--retries", "0", "--reply-timeout", "500ms", "--format", "json"];
    workspace.fleetctl(&arguments).expect_status(1).report()
}
