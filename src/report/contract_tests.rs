//! What is written, held against its schema and against what hostile devices and files would like to see in it.

use std::sync::Arc;
use std::time::Duration;

use super::test_run::{self, device, ok, outcome, render};
use super::{
    Csv, Format, Json, Ndjson, PlanEnd, PlanPacing, PlanRow, PlanSummary, PlanView, ReportOptions, Style, TableOptions,
    TypeRow, schema, write_devices_json, write_plan_json, write_types_json,
};
use crate::model::{
    AttemptError, Backoff, Delivery, Device, Ended, ErrorKind, Failure, Outcome, ParamValue, Payload, PayloadBuilder,
    RunEvent, Secret, SkipReason, Status, Timing, UnixMillis, Value, escape,
};
use crate::plan::{CircuitEstimate, Estimate, PlannedCircuit};

fn check(name: &str, document: &serde_json::Value) {
    let schema = schema(name).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
}

fn json(events: Vec<RunEvent>) -> serde_json::Value {
    serde_json::from_str(&render(|sink| Box::new(Json::new(sink)), events)).unwrap()
}

/// Every format, the table in both its forms.
fn all_formats(events: &[RunEvent]) -> Vec<String> {
    let written = |format, all| {
        let table = TableOptions { all, style: Style::Plain, ..TableOptions::default() };
        render(
            |sink| super::reporter(format, sink, ReportOptions { table, ..ReportOptions::default() }),
            events.to_vec(),
        )
    };
    let mut texts: Vec<String> = super::Format::ALL.into_iter().map(|format| written(format, false)).collect();
    texts.push(written(super::Format::Table, true));
    texts
}

/// A run with every status, every kind of error and every kind of value.
fn everything() -> Vec<RunEvent> {
    let mut all: Vec<(Device, Outcome)> = Status::ALL
        .into_iter()
        .zip(0..)
        .map(|(status, n)| (device(&format!("s-{n}"), "h"), outcome(status, Delivery::Unknown, n, None)))
        .collect();
    for (n, kind) in ErrorKind::ALL.into_iter().enumerate() {
        let error = Failure::new(kind).received(n as u64);
        let earlier = AttemptError { attempt: 1, failure: error.clone() };
        let failed = outcome(Status::NoReply, Delivery::None, 1, Some(error));
        all.push((device(&format!("k-{n}"), "h"), Outcome { earlier_errors: [earlier].into(), ..failed }));
    }
    for reason in [SkipReason::Interrupted, SkipReason::Deadline, SkipReason::MaxFailures, SkipReason::Internal] {
        let site = None;
        all.push((Device { site, ..device(reason.as_str(), "h") }, Outcome::skipped(reason)));
    }
    for value in [
        Value::Text("on".into()),
        Value::Int(-5),
        Value::Decimal { digits: 125, places: 1 },
        Value::List([1, 3].into()),
    ] {
        all.push((device("v", "h"), ok(value)));
    }
    let mut events = test_run::run_of(test_run::action("status"), all, Ended::Deadline);
    let at = test_run::START;
    let next_at = at.after(Duration::from_secs(2));
    let passes = [
        RunEvent::PassStarted { pass: 1, devices: 9, at },
        RunEvent::PassFinished { pass: 1, rest: 3, next_at, at },
        RunEvent::PassStarted { pass: 2, devices: 3, at: next_at },
    ];
    events.splice(1..1, passes);
    events
}

#[test]
fn every_report_fits_its_schema() {
    for events in [test_run::events(), everything()] {
        check("report", &json(events));
    }
}

#[test]
fn every_line_fits_its_schema() {
    for events in [test_run::events(), everything()] {
        for line in render(|sink| Box::new(Ndjson::new(sink)), events).lines() {
            check("event", &serde_json::from_str(line).unwrap());
        }
    }
}

#[test]
fn a_pass_that_begins_is_a_line_with_its_number_and_its_devices() {
    let text = render(|sink| Box::new(Ndjson::new(sink)), everything());
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let passes: Vec<&serde_json::Value> = lines.iter().filter(|line| line["event"] == "pass_started").collect();
    let run_id = &lines[0]["run_id"];
    let pass = |pass: u32, devices: u32, at: &str| serde_json::json!({ "event": "pass_started", "at": at, "run_id": run_id, "pass": pass, "devices": devices });
    let wanted = [pass(1, 9, "2026-11-21T05:30:00.000Z"), pass(2, 3, "2026-11-21T05:30:02.000Z")];
    assert_eq!(passes, wanted.iter().collect::<Vec<_>>());
}

#[test]
fn plans_and_lists_fit_their_schemas() {
    fn check_written(name: &str, write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        check(name, &serde_json::from_slice(&out).unwrap());
    }
    let tv = device("tv-1", "10.0.0.1");
    let timing = Timing {
        connect_timeout: Duration::from_secs(3),
        reply_timeout: Duration::from_secs(2),
        device_deadline: Duration::from_secs(30),
        retries: 2,
        backoff: Backoff { initial: Duration::ZERO, max: Duration::ZERO, jitter: true },
    };
    let sent = Payload::plain(b"ka 01 01\r");
    let circuit = CircuitEstimate {
        circuit: PlannedCircuit { name: "hall".into(), max_milliamps: 32_000 },
        devices: 1,
        milliamps: 4_500,
        together: 1,
        last_start: Duration::ZERO,
        on: Duration::from_secs(3),
    };
    let until = Some(PlanEnd { at: UnixMillis(0), words: String::new() });
    let all = PlanPacing {
        rate: "5/s".parse().ok(),
        batch: Some(3),
        pause: Duration::from_secs(1),
        max_failures: Some(0),
        until,
    };
    for (question, circuits, pacing) in [(None, vec![], PlanPacing::default()), (Some(&sent), vec![circuit], all)] {
        let (name, address) = (&tv.name, &tv.address);
        let row = PlanRow { name, address, device_type: "lg", sent: &sent, question, timing: &timing };
        let estimate = Estimate { duration: Duration::from_secs(1), batches: pacing.batch.map(|_| 1), circuits };
        let summary = PlanSummary { lanes: 1, longest_lane: 1, estimate, pacing };
        check_written("plan", |out| write_plan_json(out, &PlanView { devices: [row].into_iter(), summary }));
    }
    check_written("devices", |out| write_devices_json(out, std::slice::from_ref(&tv)));
    let (name, title, origin) = ("lg".to_owned(), "LG".to_owned(), "built-in".to_owned());
    let types = [TypeRow { name, title, port: None, actions: Vec::new(), origin }];
    check_written("types", |out| write_types_json(out, &types));
}

#[test]
fn the_schema_requires_every_field_of_the_contract() {
    let mut report = json(test_run::events());
    report["devices"][0].as_object_mut().unwrap().remove("verified");
    let validator = jsonschema::draft202012::new(&schema("report").unwrap()).unwrap();
    assert!(!validator.is_valid(&report));
    let mut report = json(test_run::events());
    report["devices"][0]["status"] = "fine".into();
    assert!(!validator.is_valid(&report));
    let mut report = json(test_run::events());
    report["added_later"] = true.into();
    assert!(validator.is_valid(&report), "fields may be added");
}

#[test]
fn the_report_has_the_contracts_fields_in_its_order() {
    let text = render(|sink| Box::new(Json::new(sink)), test_run::events());
    insta::assert_snapshot!(text.lines().take(13).collect::<Vec<_>>().join("\n"), @r#"
    {
      "schema": "fleetctl.report/1",
      "run_id": "01JD2X0000000000000000TEST",
      "fleet": "field-tvs",
      "fleetctl_version": "0.1.0",
      "command": {"cmd": "ka {set_id} 01", "action": null, "args": {}, "verify": false, "if_needed": false},
      "started_at": "2026-11-21T05:30:00.000Z",
      "finished_at": "2026-11-21T05:30:04.210Z",
      "elapsed_ms": 4210,
      "ended": "interrupted",
      "summary": {"total": 9, "ok": 2, "sent": 0, "rejected": 1, "unreachable": 3, "no_reply": 1, "bad_reply": 1, "mismatch": 0, "skipped": 1, "flaky": 1, "attempts": 9},
      "devices": [
        {"name": "tv-001", "address": "10.20.0.1:23", "type": "lg-rs232", "site": "hq", "tags": ["lobby"], "status": "ok", "delivery": "confirmed", "reason": null, "verified": null, "changed": null, "attempts": 1, "elapsed_ms": 131.4, "reply_ms": 70.0, "finished_at": "2026-11-21T05:30:00.140Z", "sent": "ka 01 01\\r", "sent_hex": "6b 61 20 30 31 20 30 31 0d", "reply": "a 01 OK01x", "reply_hex": "61 20 30 31 20 4f 4b 30 31 78", "value": "01", "file": null, "error": null, "earlier_errors": []},
    "#);
}

#[test]
fn simulated_runs_say_so_and_others_do_not() {
    let mut events = test_run::events();
    assert!(json(events.clone()).get("simulated").is_none());
    if let RunEvent::RunStarted { run, .. } = &mut events[0] {
        Arc::make_mut(run).simulated = true;
    }
    let report = json(events);
    assert_eq!(report["simulated"], true);
    check("report", &report);
}

#[test]
fn a_secret_appears_nowhere_also_when_the_device_echoes_it() {
    let mut sent = PayloadBuilder::default();
    sent.push(b"login ");
    sent.push_secret(b"apple");
    sent.push(b" ");
    sent.push_secret(b"sesame");
    sent.push(b"\r");
    let secret = |name: &str, text: &str| (Arc::from(name), ParamValue::Secret(Secret::new(text.to_owned())));
    let params = [secret("password", "apple"), secret("pin", "hunter2")];
    let pump = Device { params: params.into_iter().collect(), ..device("pump", "h") };
    let error = Failure::new(ErrorKind::Refused).detail("said apple and 61 70 70 6c 65, hunter2, sesame");
    let echo = Outcome {
        sent: Some(Arc::new(sent.finish())),
        reply: Some(b"apple? hunter2!".as_slice().into()),
        value: Some(Value::Text("apple".into())),
        error: Some(Box::new(error.clone())),
        earlier_errors: [AttemptError { attempt: 1, failure: error }].into(),
        ..outcome(Status::Rejected, Delivery::Confirmed, 1, None)
    };
    let good = Outcome { status: Status::Ok, error: None, earlier_errors: Box::default(), ..echo.clone() };
    let events = test_run::run_of(test_run::raw(), vec![(pump.clone(), echo), (pump, good)], Ended::Completed);
    for text in all_formats(&events) {
        for secret in ["apple", "61 70 70 6c 65", "hunter2", "68 75 6e", "sesame"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    let device = &json(events)["devices"][0];
    assert_eq!(device["sent"], "login ‹secret› ‹secret›\\r");
    assert_eq!(device["sent_hex"], "6c 6f 67 69 6e 20 20 0d");
    assert_eq!(device["reply"], "‹secret›? ‹secret›!");
    assert_eq!(device["reply_hex"], serde_json::Value::Null);
    assert_eq!(device["error"]["message"], "refused: said ‹secret› and ‹secret›, ‹secret›, ‹secret›");
}

#[test]
fn nothing_from_outside_steers_a_terminal_or_a_spreadsheet() {
    let hostile = "=cmd|'\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{2066}\u{61c}\u{2028}\r\n\0\"<b>";
    let bytes = [hostile.as_bytes(), &[0xff, 0x00, 0x9b]].concat();
    let bad = Device {
        site: Some(hostile.into()),
        tags: [Arc::from(hostile)].into(),
        device_type: hostile.into(),
        ..device(hostile, "h")
    };
    let failed = Outcome {
        reply: Some(bytes.clone().into()),
        ..outcome(Status::BadReply, Delivery::Unknown, 1, Some(Failure::new(ErrorKind::MalformedReply).detail(hostile)))
    };
    let good = Outcome { reply: Some(bytes.into()), attempts: 2, ..ok(Value::Text(hostile.into())) };
    let events = test_run::run_of(test_run::raw(), vec![(bad.clone(), failed), (bad, good)], Ended::Completed);
    for text in all_formats(&events) {
        let steers = |c: char| c != '\n' && escape::steers(c);
        assert!(!text.contains(steers), "{text:?}");
    }
    let csv = render(|sink| Box::new(Csv::new(sink)), events.clone());
    assert_eq!(csv.lines().count(), 3, "no cell breaks its row");
    assert!(!csv.contains("\"="), "{csv}");
    assert_eq!(json(events)["devices"][0]["name"], hostile, "machines get the exact text");
}

#[test]
fn a_pipe_that_nobody_reads_is_an_error_of_its_report() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for format in super::Format::ALL {
        let mut reporters = super::Reporters::default();
        let sink = super::Sink::Writer(Box::new(Closed));
        reporters.add(format.as_str(), super::reporter(format, sink, ReportOptions::default()));
        reporters.events(test_run::events());
        let errors = reporters.finish().errors;
        assert_eq!(errors.len(), 1, "{format:?}");
        assert_eq!(errors[0].source.kind(), std::io::ErrorKind::BrokenPipe, "{format:?}");
    }
}

#[test]
fn devices_that_max_failures_kept_from_starting_are_skipped_in_every_format() {
    let failed = Failure::new(ErrorKind::ConnectionRefused);
    let failed = || outcome(Status::Unreachable, Delivery::None, 5, Some(failed.clone()));
    let skipped = || Outcome::skipped(SkipReason::MaxFailures);
    let outcomes = [ok(Value::Int(1)), failed(), failed(), skipped(), skipped(), skipped()];
    let all = (1..).zip(outcomes).map(|(n, outcome)| (device(&format!("tv-{n}"), &format!("10.0.0.{n}")), outcome));
    let events = test_run::run_of(test_run::raw(), all.collect(), Ended::MaxFailures);
    let written =
        |format: Format| render(|sink| super::reporter(format, sink, ReportOptions::default()), events.clone());
    let report: serde_json::Value = serde_json::from_str(&written(Format::Json)).unwrap();
    assert_eq!((&report["ended"], &report["summary"]["skipped"]), (&"max_failures".into(), &3.into()));
    assert_eq!(
        (&report["summary"]["unreachable"], &report["devices"][5]["reason"]),
        (&2.into(), &"max_failures".into())
    );
    let holds = |format: Format, words: &[&str]| {
        let text = written(format);
        for word in words {
            assert!(text.contains(word), "`{word}` is missing in {text}");
        }
    };
    holds(
        Format::Table,
        &["too many failures: 1 of 6 acknowledged, 2 failed: 2 unreachable, 3 not started", "tv-[4-6]"],
    );
    holds(Format::Nagios, &["FLEETCTL UNKNOWN: ", "unreachable=2;;;0;6", "skipped=3;;;0;6", "ok=1;;;0;6"]);
    holds(
        Format::Prometheus,
        &["status=\"skipped\"} 3", "status=\"unreachable\"} 2", "fleetctl_run_success{run=\"cmd\"} 0"],
    );
    holds(Format::Junit, &["failures=\"2\"", "skipped=\"3\"", "--max-failures"]);
    holds(Format::Html, &["3 not started", "2 unreachable", "too many others had failed"]);
    assert_eq!(written(Format::Csv).matches(r#""skipped","none","0""#).count(), 3);
    let lines = written(Format::Ndjson);
    let lines = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    assert_eq!(lines.filter(|line| line["device"]["reason"] == "max_failures").count(), 3);
}
