//! A report that is read back says what it said.

use super::super::test_run::{self, device, outcome};
use super::super::{Format, ReportOptions, reporter};
use super::*;
use crate::model::{Delivery, Ended};

fn read(text: &str) -> Result<Vec<RunEvent>, ReadError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.json");
    std::fs::write(&path, text).unwrap();
    read_report(&path)
}

fn written(format: Format, events: Vec<RunEvent>) -> String {
    test_run::render(|sink| reporter(format, sink, ReportOptions::default()), events)
}

/// Every kind of failure with every fact, values of every kind, a file, and a secret in both directions.
fn everything() -> Vec<RunEvent> {
    let mut all = Vec::new();
    for (n, kind) in (0..).zip(ErrorKind::ALL) {
        for (facts, medium) in [(0, Medium::Serial), (1, Medium::Network), (2, Medium::Serial), (3, Medium::Network)] {
            let failure = Failure::new(kind);
            // Only of some kinds is it said, in the message or in the hint, how many bytes came.
            let came = failure.clone().received(facts);
            let said = |failure: &Failure| {
                (failure.to_string(), hint(failure, Some(Status::NoReply), Delivery::Unknown, medium))
            };
            let failure = if facts & 1 == 1 && said(&came) != said(&failure) { came } else { failure };
            let failure = if facts & 2 == 2 { failure.waited(Duration::from_millis(90_500)) } else { failure };
            let failure = if facts > 1 { failure.detail("said: so, within 3s") } else { failure };
            let failed = Outcome {
                attempts: 2,
                earlier_errors: [AttemptError { attempt: 1, failure: failure.clone() }].into(),
                ..outcome(Status::NoReply, Delivery::Unknown, 90, Some(failure))
            };
            let device = device(&format!("k-{n}-{facts}"), "[::1]:9");
            all.push((Device { medium, site: None, ..device }, failed));
        }
    }
    for (n, value) in (0..).zip([
        Value::Text("on\u{1b}".into()),
        Value::Int(-5),
        Value::Decimal { digits: -125, places: 1 },
        Value::Decimal { digits: 120, places: 1 },
        Value::List([1, 3].into()),
    ]) {
        all.push((device(&format!("v-{n}"), "h"), test_run::ok(value)));
    }
    for reason in REASONS {
        all.push((device(reason.as_str(), "h"), Outcome::skipped(reason)));
    }
    let cut = |kind| (device(&format!("cut-{kind:?}"), "h"), Some(Failure::new(kind)));
    for (device, failure) in [ErrorKind::ConnectionClosed, ErrorKind::ConnectionReset].map(cut) {
        all.push((device, outcome(Status::NoReply, Delivery::None, 5, failure)));
    }
    let mut sent = PayloadBuilder::default();
    sent.push(b"\x1blogin ");
    sent.push_secret(b"apple");
    sent.push(b"\r");
    let file = FileRecord { path: "db/a.db".into(), bytes: 7, sha256: "00".repeat(32).into() };
    let echo = Outcome {
        sent: Some(Arc::new(sent.finish())),
        reply: Some(b"apple\xff".as_slice().into()),
        file: Some(Box::new(file)),
        ..outcome(Status::Ok, Delivery::Confirmed, 1, None)
    };
    all.push((device("pump", "relay.example:17494"), echo));
    test_run::run_of(test_run::action("status"), all, Ended::Deadline)
}

#[test]
fn a_report_that_is_played_again_is_the_same_report() {
    for events in [test_run::events(), everything()] {
        let first = written(Format::Json, events);
        assert_eq!(written(Format::Json, read(&first).unwrap()), first);
    }
}

#[test]
fn every_format_comes_out_as_in_the_run() {
    for format in Format::ALL {
        // What lies between a healthy device and its address is not in a report, and no format shows it.
        for events in [test_run::events(), everything()] {
            let again = read(&written(Format::Json, events.clone())).unwrap();
            let (first, again) = (written(format, events), written(format, again));
            if format == Format::Ndjson {
                let lines = |text: &str| -> Vec<String> {
                    let lines = text.lines().filter(|line| line.contains("\"device_finished\""));
                    let mut devices: Vec<String> =
                        lines.filter_map(|line| Some(line.split_once("\"device\"")?.1.to_owned())).collect();
                    devices.sort();
                    devices
                };
                assert_eq!(lines(&first), lines(&again));
                assert!(!again.contains("attempt_failed"), "when an attempt failed is not in a report");
            } else {
                assert_eq!(first, again, "{format:?}");
            }
        }
    }
}

#[test]
fn what_is_no_report_of_ours_says_why() {
    let good = written(Format::Json, test_run::events());
    for (from, to, problem) in [
        ("fleetctl.report/1", "fleetctl.report/2", "its `schema` is `fleetctl.report/2`"),
        ("\"status\": \"rejected\"", "\"status\": \"held\"", "device `tv-003`: `status` is `held`"),
        ("\"ended\": \"interrupted\"", "\"ended\": \"exploded\"", "`ended` is `exploded`"),
        ("\"run_id\"", "\"run\"", "missing field `run_id`"),
        ("10.20.0.3:23", "10.20.0.3", "device `tv-003`: `address`: the port is missing"),
        ("\"cmd\": \"ka {set_id} 01\"", "\"cmd\": null", "neither `cmd` nor `action`"),
        ("a 01 NG02x", "a\\\\q", "is no escape"),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        let error = read(&text).unwrap_err().to_string();
        assert!(error.contains(problem), "{to}: {error}");
    }
}

#[test]
fn what_a_report_says_wrongly_is_repeated_without_its_control_characters() {
    for (was, becomes) in [
        ("\"address\": \"10.20.0.1:23\"", "\"address\": \"10\u{7f}.1\\u001b[2J:23\""),
        ("\"sent\": \"ka", "\"sent\": \"\\\\\u{202e}\\u001bka"),
    ] {
        let text = written(Format::Json, test_run::events());
        assert!(text.contains(was), "{was}: {text}");
        let problem = report_events(text.replacen(was, becomes, 1).as_bytes()).unwrap_err();
        assert!(!problem.contains(escape::steers), "{problem:?}");
        assert!(problem.contains("\\u{"), "{problem}");
    }
}
