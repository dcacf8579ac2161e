//! `NG 03`, the display's "wait more time": tried again after the type's delay, without using up retries.

use super::pair::{BAD, Pair};
use crate::support::{Expected, Step, send};

#[test]
fn busy_once_is_tried_again_even_without_retries() {
    let pair = Pair::new().on_command(vec![vec![send("a 01 NG03x")], vec![Step::Reply]]);
    let expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 2 };
    let device = pair.expect(&["--cmd", "ka 01 01", "--retries", "0"], expected);
    assert_eq!(device["earlier_errors"][0]["kind"], "busy");
    assert_eq!(pair.seen(), ["ka 01 01"; 2]);
}

#[test]
fn busy_has_done_nothing_yet_so_that_even_a_key_press_is_sent_again() {
    let pair = Pair::new().on_command(vec![vec![send("c 01 NG03x")], vec![Step::Reply]]);
    let expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 2 };
    pair.expect(&["--cmd", "mc 01 08", "--retries", "0"], expected);
    assert_eq!(pair.seen(), ["mc 01 08"; 2]);
}

#[test]
fn busy_until_the_deadline_is_rejected() {
    let pair = Pair::new().on_command(vec![vec![send("a 01 NG03x")]]);
    let report = pair.run(&["--cmd", "ka 01 01", "--retries", "0", "--device-deadline", "2500ms"]);
    let device = report.device("bad");
    let attempts = device["attempts"].as_u64().unwrap();
    report.expect("bad", Expected { status: "rejected", kind: Some("busy"), delivery: "confirmed", attempts });
    assert!((2..=4).contains(&attempts), "one a second for 2.5 s: {device:#}");
    assert_eq!(pair.fleet.journal(BAD).commands.len() as u64, attempts);
}
