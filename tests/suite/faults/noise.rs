//! Bytes that are no reply: garbage, terminal escapes, talk without end. Bounded, escaped, and said in the hint.

use super::pair::Pair;
use crate::support::{Expected, FakeFleet, Step, Workspace};

const NO_REPLY: Expected =
    Expected { status: "no_reply", kind: Some("reply_timeout"), delivery: "unknown", attempts: 1 };
const TOO_LONG: Expected =
    Expected { status: "bad_reply", kind: Some("reply_too_long"), delivery: "unknown", attempts: 1 };

#[test]
fn garbage_is_no_reply_and_the_hint_counts_its_bytes() {
    // What 9600 baud looks like when the converter listens at 115200.
    let garbage = vec![0x80, 0xf8, 0x00, 0xfe, 0x78, 0x86, 0x06, 0xe0, 0x9e, 0x01, 0x7f, 0xc0];
    let pair = Pair::new().on_command(vec![vec![Step::Send(garbage)]]);
    let device = pair.expect(&["--cmd", "ka 01 01", "--retries", "0"], NO_REPLY);
    assert_eq!(device["reply"], "\\x80\\xf8\\0\\xfex\\x86\\x06\\xe0\\x9e\\x01\\x7f\\xc0");
    assert_eq!(device["reply_hex"], "80 f8 00 fe 78 86 06 e0 9e 01 7f c0");
    assert!(device["error"]["hint"].as_str().unwrap().contains("12 bytes"), "{device:#}");
}

#[test]
fn terminal_escapes_reach_no_output() {
    let escapes = b"\x1b]0;owned\x07\x1b[2J\x9b31m\x1b]52;c;aGk=\x07=1+1".to_vec();
    for format in ["table", "json", "ndjson", "csv"] {
        let pair = Pair::new().on_command(vec![vec![Step::Send(escapes.clone())]]);
        let arguments =
            ["run", "--cmd", "ka 01 01", "--retries", "0", "--reply-timeout", "300ms", "-v", "--format", format];
        let finished = pair.workspace().fleetctl(&arguments);
        finished.expect_status(1);
        for output in [&finished.stdout, &finished.stderr] {
            let raw = |character: &char| character.is_control() && !matches!(character, '\n' | '\t' | '\r');
            assert_eq!(output.chars().find(raw), None, "a control character in {format}: {finished}");
            assert!(!output.contains("aGk=\u{7}"));
        }
        if format == "json" {
            let report = finished.report();
            assert!(report.device("bad")["reply"].as_str().unwrap().starts_with("\\x1b]0;owned\\x07\\x1b[2J\\x9b31m"));
        }
        assert!(finished.stdout.contains("bad"), "{finished}");
    }
}

#[test]
fn talk_without_end_is_cut_at_the_cap() {
    let endless_noise = vec![b'y'; 1000];
    let mut endless_reply = b"a 01 OK".to_vec();
    endless_reply.resize(100_000, b'0');
    let line_ends = b"\r\n".repeat(500);
    let strays = b"a 99 OK01x".repeat(100);
    let counted = (0..1000).flat_map(|number| format!("b 01 OK{number:03}x\r\n").into_bytes()).collect();
    for babble in [endless_noise, endless_reply, line_ends, strays, counted] {
        let pair = Pair::new().on_command(vec![vec![Step::Babble(babble)]]);
        // The cap must end it, not the clock.
        let arguments = ["--cmd", "ka 01 01", "--retries", "0", "-s", "bad", "--reply-timeout", "60s"];
        let finished = pair.workspace().fleetctl(&[&["run", "--format", "json"], &arguments[..]].concat());
        let report = finished.expect_status(1).report();
        let device = report.expect("bad", TOO_LONG);
        assert!(device["reply"].as_str().is_none_or(|reply| reply.len() < 100_000), "the report stays small");
    }
}

#[test]
fn a_babbling_display_disturbs_nobody() {
    let pair = Pair::new().on_command(vec![vec![Step::Babble(vec![b'z'; 4096])]]);
    pair.expect(&["--cmd", "mc 01 08", "--retries", "2"], TOO_LONG);
    assert_eq!(pair.seen(), ["mc 01 08"]);
}

/// So many devices at once.
const MANY: usize = 1000;

/// The most memory, in KiB, that a run over so many devices needs which all meet their command so.
fn peak_of(steps: &[Step], status: &str) -> u64 {
    let fleet = FakeFleet::start();
    let address = |place: usize| format!("127.72.{}.{}", place / 100, place % 100 + 1);
    for place in 0..MANY {
        fleet.on_command(&address(place), 1, vec![steps.to_vec()]);
    }
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[0001-{MANY}]\"\ntype = \"lg-rs232\"\naddress = \"127.72.[0-9].[1-100]:{}\"\n",
        fleet.port()
    ));
    let waits = ["--reply-timeout", "60s", "--device-deadline", "90s", "--connect-timeout", "60s", "--retries", "0"];
    let run = ["run", "--cmd", "mc 01 08", "-c", "1000", "--format", "ndjson", "--history", "runs.db"];
    let (finished, peak) = workspace.start(&[&run[..], &waits].concat()).finish_with_peak();
    let events = finished.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let ended = events.filter(|event| event["device"]["status"] == status).count();
    assert_eq!(ended, MANY, "{}", finished.stderr);
    peak
}

#[test]
fn row_28_a_thousand_that_babble_cost_little_more_memory_than_a_thousand_that_answer() {
    let quiet = peak_of(&[Step::Reply], "ok");
    for babble in [vec![b'z'; 16 * 1024], b"a 99 OK01x".repeat(1600)] {
        let babble = peak_of(&[Step::Babble(babble)], "bad_reply");
        let each = babble.saturating_sub(quiet) * 1024 / MANY as u64;
        assert!(each <= 16 * 1024, "{each} bytes each: {quiet} KiB quiet, {babble} KiB babbling");
    }
}
