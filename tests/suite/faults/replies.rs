//! Whole replies in unusual shapes: refusals, echoes before them, cut into pieces, glued to strays.

use std::time::Duration;

use super::pair::Pair;
use crate::support::{Expected, Step, send};

const OK: Expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 };
const REFUSED: Expected = Expected { status: "rejected", kind: Some("refused"), delivery: "confirmed", attempts: 1 };

#[test]
fn a_refusal_is_final() {
    for reply in ["a 01 NG00x", "a 01 NG01x", "a 01 NG02x", "a 01 NGffx"] {
        let pair = Pair::new().on_command(vec![vec![send(reply)]]);
        let device = pair.expect(&["--cmd", "ka 01 01", "--retries", "3"], REFUSED);
        assert_eq!(device["reply"], reply);
        assert_eq!(pair.seen(), ["ka 01 01"], "{reply}: a refused command is not sent again");
    }
}

#[test]
fn the_answer_is_found_however_it_comes() {
    let pause = || Step::Pause(Duration::from_millis(60));
    let cases = [
        ("plain", vec![Step::Reply]),
        ("two pieces", vec![send("a 01 OK"), pause(), send("01x")]),
        ("byte by byte", vec![Step::ReplyByteByByte(Duration::from_millis(5))]),
        ("after an echo", vec![Step::Echo, Step::Reply]),
        ("after an echo with line ends around", vec![Step::Echo, send("\na 01 OK01x\r\n")]),
        ("after the answer of another set", vec![send("a 02 OK01x"), pause(), Step::Reply]),
        ("glued to a stray", vec![send("f 01 OK14xa 01 OK01x")]),
        ("after an OK with another value", vec![send("a 01 OK00x"), Step::Reply]),
        ("after noise of the line", vec![Step::Send(vec![0, 0xff, 0, b'\r', b'\n']), Step::Reply]),
        ("twice", vec![Step::Reply, Step::Reply]),
        ("a little late", vec![Step::Pause(Duration::from_millis(200)), Step::Reply]),
    ];
    for (what, steps) in cases {
        let pair = Pair::new().on_command(vec![steps]);
        let device = pair.expect(&["--cmd", "ka 01 01", "--retries", "0"], OK);
        assert_eq!(device["reply"], "a 01 OK01x", "{what}");
        assert_eq!(device["reply_hex"], "61 20 30 31 20 4f 4b 30 31 78", "{what}");
        assert_eq!(device["value"], "01", "{what}");
    }
}

#[test]
fn a_letter_x_in_the_command_does_not_end_the_reply_early() {
    let glued = || vec![vec![send("a 01 OK01xx 01 OK01x")], vec![Step::Reply]];
    let pair = Pair::new().on_command(glued());
    let device = pair.expect(&["--cmd", "dx 01 01", "--retries", "0"], OK);
    assert_eq!(device["reply"], "x 01 OK01x");
}

#[test]
fn zero_three_with_ok_is_a_value_and_not_the_busy_code() {
    let pair = Pair::new().on_command(vec![vec![send("f 01 OK03x")]]);
    let device = pair.expect(&["--cmd", "kf 01 03", "--retries", "0"], OK);
    assert_eq!(device["value"], "03");
}
