//! Examinations over in-memory streams under a paused clock: what is written, byte for byte, and how long it may take.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::Instant;

use super::*;
use crate::device_type::Catalog;
use crate::model::{Address, Params};
use crate::transport::{Connect, ConnectError};

/// What a gateway says to the bytes that it holds; it takes out what it has dealt with.
type Answers = fn(&mut Vec<u8>) -> Vec<u8>;

/// A gateway that says something on opening, and then answers.
struct Gateway {
    greeting: &'static [u8],
    /// What another program left in the device.
    left: &'static [u8],
    answers: Answers,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Connect for Gateway {
    type Stream = DuplexStream;

    async fn connect(&self, _: &Address, _: Instant) -> Result<DuplexStream, ConnectError> {
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let (greeting, left, answers, written) = (self.greeting, self.left, self.answers, self.written.clone());
        tokio::spawn(async move {
            theirs.write_all(greeting).await.unwrap();
            let mut held = left.to_vec();
            let mut chunk = [0; 256];
            while let Ok(count @ 1..) = theirs.read(&mut chunk).await {
                written.lock().unwrap().extend_from_slice(&chunk[..count]);
                held.extend_from_slice(&chunk[..count]);
                if theirs.write_all(&answers(&mut held)).await.is_err() {
                    return;
                }
            }
        });
        Ok(ours)
    }
}

struct Examined {
    seen: Seen,
    written: String,
    findings: Vec<Finding>,
    took: Duration,
}

async fn examined(active: bool, greeting: &'static [u8], answers: Answers) -> Examined {
    examined_of(active, Gateway { greeting, left: b"", answers, written: Arc::default() }).await
}

async fn examined_of(active: bool, gateway: Gateway) -> Examined {
    let lg = Catalog::built_in().get("lg-rs232").unwrap().clone();
    let patient = Patient {
        address: Address::parse("gateway", Some(23)).unwrap(),
        device_type: lg.clone(),
        log_in: None,
        link: Arc::new(lg.link.clone()),
        connect_timeout: Duration::from_secs(3),
        reply_timeout: Duration::from_secs(2),
        query: Some(harmless(&lg, &Params::default()).unwrap()),
        active,
    };
    let start = Instant::now();
    let seen = examine(&patient, &gateway, &mut |_| ()).await;
    let findings = findings(&patient, &seen);
    let written = gateway.written.lock().unwrap().escape_ascii().to_string();
    Examined { seen, written, findings, took: start.elapsed() }
}

const LONG: &[u8] = [b'x'; 10_000].as_slice();

/// Takes a line that ends so out of what is held, without its end.
fn line(held: &mut Vec<u8>, end: &[u8]) -> Option<String> {
    let at = held.windows(end.len()).position(|window| window == end)?;
    let line: Vec<u8> = held.drain(..at + end.len()).take(at).collect();
    Some(String::from_utf8_lossy(&line).into_owned())
}

fn silent(held: &mut Vec<u8>) -> Vec<u8> {
    held.clear();
    Vec::new()
}

/// Set 57, which also answers a question to everybody; it acts on CR.
fn set_57(held: &mut Vec<u8>) -> Vec<u8> {
    match line(held, b"\r").as_deref() {
        Some("ka 39 ff" | "ka 00 ff") => b"a 39 OK01x".to_vec(),
        _ => Vec::new(),
    }
}

const ALONE: &str = "ka 01 ff\\rka 01 ff\\rka 02 ff\\rka 03 ff\\rka 04 ff\\rka 05 ff\\rka 06 ff\\rka 07 ff\\rka 08 ff\\rka 09 ff\\rka 0a ff\\r";

#[tokio::test(start_paused = true)]
async fn a_healthy_device_is_asked_once_and_nothing_else_is_written() {
    let display: Answers = |held| line(held, b"\r").map_or_else(Vec::new, |_| b"a 01 OK01x".to_vec());
    let examined = examined(true, b"", display).await;
    assert_eq!((examined.written.as_str(), examined.findings), ("ka 01 ff\\r", Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_silent_device_is_asked_nothing_but_the_harmless_question_and_in_bounded_time() {
    let examined = examined(false, b"", silent).await;
    assert_eq!(examined.written, format!("{ALONE}ka 001 ff\\r\\r\\nka 01 ff\\r\\n\\r\\nka 01 ff\\n\\r\\nka 01 ff\\r"));
    assert!(examined.took < Duration::from_secs(30), "{:?}", examined.took);
    assert!(examined.findings[0].what.contains("silent"), "{:?}", examined.findings);
}

#[tokio::test(start_paused = true)]
async fn everybody_is_asked_at_once_only_when_allowed_and_then_a_far_unit_is_found() {
    assert!(!examined(false, b"", set_57).await.written.contains("ka 00 "));
    let examined = examined(true, b"", set_57).await;
    assert_eq!(examined.written, format!("{ALONE}ka 00 ff\\rka 39 ff\\r"));
    assert_eq!(examined.seen.other_units(), [57]);
    assert_eq!(examined.findings[0].what, "set_id 1 does not answer, but set_id 57 does");
}

#[tokio::test(start_paused = true)]
async fn a_display_that_wants_three_digits_is_found() {
    let display: Answers = |held| match line(held, b"\r").as_deref() {
        Some("ka 001 ff") => b"a 001 OK01x".to_vec(),
        _ => Vec::new(),
    };
    let examined = examined(false, b"", display).await;
    assert_eq!(examined.written, format!("{ALONE}ka 001 ff\\r"));
    assert_eq!(examined.findings[0].change.as_deref(), Some("write `params = { id_digits = 3 }` for it"));
}

#[tokio::test(start_paused = true)]
async fn each_line_end_is_found_whatever_the_questions_before_it_left_behind() {
    let lf: Answers = |held| match line(held, b"\n").as_deref() {
        Some("ka 01 ff") => b"a 01 OK01x".to_vec(),
        _ => Vec::new(),
    };
    let cr_lf: Answers = |held| match line(held, b"\r\n").as_deref() {
        Some("ka 01 ff") => b"a 01 OK01x".to_vec(),
        _ => Vec::new(),
    };
    // Acts when the line falls silent: a line end is part of the command.
    let nothing: Answers = |held| if std::mem::take(held) == b"ka 01 ff" { b"a 01 OK01x".to_vec() } else { Vec::new() };
    for (answers, end) in [(lf, "in `\\n`"), (cr_lf, "in `\\r\\n`"), (nothing, "without any line end")] {
        let examined = examined(false, b"", answers).await;
        assert!(examined.findings[0].what.contains(end), "{end}: {:?}", examined.findings);
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_never_stops_is_left_alone_after_a_bounded_number_of_bytes() {
    let babbling: Answers = |held| {
        held.clear();
        vec![0x80; 40_000]
    };
    let examined = examined(false, b"", babbling).await;
    assert_eq!(examined.written, "ka 01 ff\\r");
    assert!(examined.seen.total() < 20_000 && examined.findings[0].what.contains("never stops"));
}

#[tokio::test(start_paused = true)]
async fn half_a_command_of_another_program_spoils_only_the_first_question() {
    let display: Answers = |held| match line(held, b"\r").as_deref() {
        Some("ka 01 ff") => b"a 01 OK01x".to_vec(),
        _ => Vec::new(),
    };
    let gateway = Gateway { greeting: b"", left: b"kf 01 ", answers: display, written: Arc::default() };
    let examined = examined_of(false, gateway).await;
    assert_eq!(examined.written, "ka 01 ff\\rka 01 ff\\r");
    assert!(!examined.findings[0].is_problem && examined.findings[0].what.contains("second question"));
}

#[tokio::test(start_paused = true)]
async fn a_gateway_in_the_way_is_named_and_nothing_is_written() {
    for (greeting, what) in [
        (&b"Port already in use\r\n"[..], "occupied by another client; it says `Port already in use`"),
        (LONG, "never stops"),
    ] {
        let examined = examined(false, greeting, silent).await;
        assert!(examined.findings[0].what.contains(what), "{:?}", examined.findings);
        assert_eq!(examined.written, "");
    }
}

// protocols.md §2.3: GW-01, ser2net's greeting, and GW-03, the whole answer to it.
const GW_01: &[u8] = b"\xff\xfb\x03\xff\xfd\x03\xff\xfb\x01\xff\xfe\x01\xff\xfd\x00\xff\xfb\x00";
const GW_03: &[u8] = b"\xff\xfd\x03\xff\xfb\x03\xff\xfe\x01\xff\xfb\x00\xff\xfd\x00";

#[tokio::test(start_paused = true)]
async fn a_gateway_that_speaks_telnet_is_answered_and_the_device_behind_it_asked() {
    let display: Answers = |held| line(held, b"\r").map_or_else(Vec::new, |_| b"a 01 OK01x".to_vec());
    let examined = examined(false, GW_01, display).await;
    assert_eq!(examined.written, [GW_03, b"ka 01 ff\r"].concat().escape_ascii().to_string());
    assert!(examined.seen.own_answer().is_some());
    assert!(!examined.findings[0].is_problem && examined.findings[0].what.contains("speaks Telnet"));
}
