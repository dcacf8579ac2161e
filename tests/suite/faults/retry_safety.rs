//! Whether a command may go out twice: by delivery, and by what is known of the command. Counted at the device.

use super::pair::Pair;
use crate::support::{Expected, Step, send};

const TIMED_OUT: Expected =
    Expected { status: "no_reply", kind: Some("reply_timeout"), delivery: "unknown", attempts: 1 };

#[test]
fn an_unanswered_command_goes_out_again_only_if_it_is_idempotent() {
    let cases = [
        ("ka 01 01", 2),
        ("ka 01 00", 2),
        ("ka 01 ff", 2),
        ("kf 01 1e", 2),
        ("xb 01 90", 2),
        ("ke 01 00", 2),
        ("mc 01 c4", 2),
        ("mc 01 C5", 2),
        ("mc 01 08", 1),
        ("mc 01 02", 1),
        ("fk 01 02", 1),
        ("ju 01 01", 1),
        ("zq 01 01", 1),
    ];
    for (command, times) in cases {
        let pair = Pair::new().on_command(vec![vec![]]);
        pair.expect(&["--cmd", command, "--retries", "1"], Expected { attempts: times, ..TIMED_OUT });
        assert_eq!(pair.seen().len() as u64, times, "{command}");
        assert!(pair.seen().iter().all(|seen| seen == command), "{command}");
    }
}

#[test]
fn the_user_may_declare_a_raw_command_idempotent() {
    let pair = Pair::new().on_command(vec![vec![]]);
    pair.expect(&["--cmd", "zq 01 01", "--idempotent", "--retries", "2"], Expected { attempts: 3, ..TIMED_OUT });
    assert_eq!(pair.seen().len(), 3);
}

#[test]
fn delivery_speaks_of_all_attempts_and_the_status_of_the_last() {
    // Written and cut off, then the gateway is taken by another client: the first command may have worked.
    let pair = Pair::new()
        .on_command(vec![vec![Step::Close]])
        .on_accept(vec![vec![], vec![send("Port already in use\r\n"), Step::Close]]);
    let expected = Expected { status: "unreachable", kind: Some("gateway_busy"), delivery: "unknown", attempts: 2 };
    let device = pair.expect(&["--cmd", "ka 01 01", "--retries", "1"], expected);
    assert_eq!(device["earlier_errors"][0]["kind"], "connection_closed");
    assert_eq!(device["sent"], "ka 01 01\\r");
}

#[test]
fn a_refusal_after_silence_is_confirmed() {
    let pair = Pair::new().on_command(vec![vec![], vec![send("a 01 NG02x")]]);
    let expected = Expected { status: "rejected", kind: Some("refused"), delivery: "confirmed", attempts: 2 };
    pair.expect(&["--cmd", "ka 01 01", "--retries", "3"], expected);
    assert_eq!(pair.seen().len(), 2);
}
