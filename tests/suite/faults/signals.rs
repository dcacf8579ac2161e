//! A run that is stopped before its end: by a signal, by a second one, by `--deadline`. The report is always whole.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Expected, FakeFleet, Gate, Report, Step, Workspace};

const DISPLAYS: usize = 6;

/// Six displays that hold their answers back until the gate is opened.
fn slow_fleet(gate: &std::sync::Arc<Gate>) -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    for number in 1..=DISPLAYS {
        fleet.on_command(&format!("127.0.3.{number}"), 1, vec![vec![Step::Wait(gate.clone()), Step::Reply]]);
    }
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[1-{DISPLAYS}]\"\ntype = \"lg-rs232\"\naddress = \"127.0.3.[1-{DISPLAYS}]:{port}\"\n"
    ));
    (fleet, workspace)
}

const TWO_AT_ONCE: [&str; 11] = [
    "run",
    "--cmd",
    "ka 01 01",
    "--reply-timeout",
    "60s",
    "--device-deadline",
    "90s",
    "--concurrency",
    "2",
    "--retries",
    "3",
];

#[track_caller]
fn expect_skipped(report: &Report, reason: &str, count: usize) {
    let skipped: Vec<_> = report.devices().iter().filter(|device| device["status"] == "skipped").collect();
    assert_eq!(skipped.len(), count, "{:#}", report.document());
    for device in skipped {
        assert_eq!(device["reason"], reason, "{device:#}");
        assert_eq!((device["delivery"].as_str(), device["attempts"].as_u64()), (Some("none"), Some(0)), "{device:#}");
        for field in ["sent", "sent_hex", "reply", "finished_at", "error"] {
            assert!(device[field].is_null(), "{field} of {device:#}");
        }
    }
}

#[test]
fn after_the_first_signal_what_is_in_flight_is_finished_and_nothing_starts() {
    for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        let gate = Gate::closed();
        let (fleet, workspace) = slow_fleet(&gate);
        let program = workspace.start(
            &[&TWO_AT_ONCE[..], &["--grace", "30s", "--format", "ndjson", "--report", "json=report.json"]].concat(),
        );
        fleet.wait_until("two commands", |fleet| fleet.commands() == 2);
        program.signal(signal);
        program.wait_for_stdout("\"stopping\"");
        gate.open();
        program.finish().expect_status(status);
        let report = Report::new(serde_json::from_str(&workspace.read("report.json")).unwrap());
        assert_eq!(report.ended(), "interrupted");
        for name in ["tv-1", "tv-2"] {
            report.expect(name, Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 });
        }
        expect_skipped(&report, "interrupted", DISPLAYS - 2);
        assert_eq!(fleet.commands(), 2, "after {signal} nothing starts");
        assert_eq!(fleet.connections(), 2);
    }
}

#[test]
fn the_second_signal_ends_what_is_in_flight_at_once() {
    let gate = Gate::closed();
    let (fleet, workspace) = slow_fleet(&gate);
    let program = workspace
        .start(&[&TWO_AT_ONCE[..], &["--grace", "60s", "--format", "ndjson", "--report", "json=report.json"]].concat());
    fleet.wait_until("two commands", |fleet| fleet.commands() == 2);
    program.signal(Signal::SIGINT);
    program.wait_for_stdout("\"stopping\"");
    program.signal(Signal::SIGINT);
    let finished = program.finish();
    finished.expect_status(130);
    assert!(finished.wall < Duration::from_secs(50), "neither the grace nor the reply was waited for");
    let report = Report::new(serde_json::from_str(&workspace.read("report.json")).unwrap());
    for name in ["tv-1", "tv-2"] {
        let expected = Expected { status: "no_reply", kind: Some("interrupted"), delivery: "unknown", attempts: 1 };
        report.expect(name, expected);
    }
    expect_skipped(&report, "interrupted", DISPLAYS - 2);
    gate.open();
}

#[test]
fn the_grace_ends_what_does_not_answer() {
    let gate = Gate::closed();
    let (fleet, workspace) = slow_fleet(&gate);
    let program = workspace.start(&[&TWO_AT_ONCE[..], &["--grace", "300ms", "--format", "json"]].concat());
    fleet.wait_until("two commands", |fleet| fleet.commands() == 2);
    program.signal(Signal::SIGINT);
    let report = program.finish().expect_status(130).report();
    for name in ["tv-1", "tv-2"] {
        let expected = Expected { status: "no_reply", kind: Some("interrupted"), delivery: "unknown", attempts: 1 };
        report.expect(name, expected);
    }
    expect_skipped(&report, "interrupted", DISPLAYS - 2);
    gate.open();
}

#[test]
fn the_deadline_of_the_run_stops_it_like_a_signal() {
    let gate = Gate::closed();
    let (fleet, workspace) = slow_fleet(&gate);
    let program =
        workspace.start(&[&TWO_AT_ONCE[..], &["--deadline", "2s", "--grace", "200ms", "--format", "json"]].concat());
    let report = program.finish().expect_status(3).report();
    assert_eq!(report.ended(), "deadline");
    for name in ["tv-1", "tv-2"] {
        let expected = Expected { status: "no_reply", kind: Some("interrupted"), delivery: "unknown", attempts: 1 };
        report.expect(name, expected);
    }
    expect_skipped(&report, "deadline", DISPLAYS - 2);
    assert_eq!(fleet.commands(), 2);
    gate.open();
}

#[test]
fn a_deadline_that_cuts_nothing_leaves_the_run_completed() {
    let gate = Gate::closed();
    gate.open();
    let (_fleet, workspace) = slow_fleet(&gate);
    let finished = workspace.fleetctl(&[&TWO_AT_ONCE[..], &["--deadline", "60s", "--format", "json"]].concat());
    assert_eq!(finished.expect_status(0).report().ended(), "completed");
}

#[test]
fn a_signal_after_the_deadline_is_the_second_and_ends_what_is_in_flight() {
    let gate = Gate::closed();
    let (fleet, workspace) = slow_fleet(&gate);
    let program =
        workspace.start(&[&TWO_AT_ONCE[..], &["--deadline", "1s", "--grace", "60s", "--format", "ndjson"]].concat());
    fleet.wait_until("two commands", |fleet| fleet.commands() == 2);
    program.wait_for_stdout("\"stopping\"");
    program.signal(Signal::SIGINT);
    let finished = program.finish();
    let last = finished.expect_status(3).stdout.trim_end().lines().last().unwrap().to_owned();
    assert!(last.contains("\"ended\": \"deadline\""), "the first cause: {last}");
    assert!(finished.stderr.contains("what is in flight ends now"), "{finished}");
    assert_eq!(fleet.commands(), 2);
    gate.open();
}
