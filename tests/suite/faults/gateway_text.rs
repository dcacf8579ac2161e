//! Gateways that speak in the device's place: another client holds the line, and nothing was passed on.

use std::time::Duration;

use super::pair::Pair;
use crate::support::{Expected, Step, send};

const IN_USE: &str = "Port already in use\r\n";
const BUSY: Expected = Expected { status: "unreachable", kind: Some("gateway_busy"), delivery: "none", attempts: 3 };

#[test]
fn an_occupied_gateway_is_unreachable_and_has_passed_nothing_on() {
    let pause = || Step::Pause(Duration::from_millis(80));
    let texts = [
        ("at once", vec![send(IN_USE), Step::Close]),
        ("in two pieces", vec![send("Port alre"), pause(), send("ady in use\r\n"), Step::Close]),
        ("after a while", vec![pause(), send(IN_USE), Step::Close]),
        ("the device behind it", vec![send("Port's device already in use\r\n"), Step::Close]),
    ];
    for (what, steps) in texts {
        let pair = Pair::new().on_accept(vec![steps]);
        for command in ["ka 01 01", "mc 01 08"] {
            let run = pair.workspace().fleetctl(&[
                "run",
                "--cmd",
                command,
                "--retries",
                "2",
                "--format",
                "json",
                "-s",
                "bad",
                "--reply-timeout",
                "600ms",
                "--retry-backoff-initial",
                "10ms",
            ]);
            let report = run.expect_status(1).report();
            let device = report.expect("bad", BUSY);
            assert!(device["value"].is_null(), "{what}: {device:#}");
        }
    }
}

#[test]
fn the_text_as_the_answer_to_the_command_means_the_same() {
    let pair = Pair::new().on_command(vec![vec![send(IN_USE), Step::Close]]);
    pair.expect(&["--cmd", "ka 01 01", "--retries", "2"], BUSY);
}

#[test]
fn a_gateway_that_is_free_again_is_used() {
    for command in ["ka 01 01", "mc 01 08"] {
        let pair = Pair::new().on_accept(vec![vec![send(IN_USE), Step::Close], vec![]]);
        let expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 2 };
        let device = pair.expect(&["--cmd", command], expected);
        assert_eq!(device["earlier_errors"][0]["kind"], "gateway_busy");
    }
}

#[test]
fn the_text_after_the_first_bytes_of_a_reply_is_a_cut_reply() {
    let steps = vec![send("c 01 O"), send(IN_USE), Step::Close];
    let pair = Pair::new().on_command(vec![steps]);
    let report = pair.run(&["--cmd", "mc 01 08", "--retries", "2"]);
    let device = report.device("bad");
    assert_eq!((device["status"].as_str(), device["delivery"].as_str()), (Some("bad_reply"), Some("unknown")));
    assert_eq!(pair.seen(), ["mc 01 08"]);
}
