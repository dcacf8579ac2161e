//! A plan as people and machines see it.

use super::*;
use crate::model::{Backoff, PayloadBuilder};
use crate::plan::PlannedCircuit;

const TIMING: Timing = Timing {
    connect_timeout: Duration::from_secs(3),
    reply_timeout: Duration::from_secs(8),
    device_deadline: Duration::from_secs(30),
    retries: 2,
    backoff: Backoff { initial: Duration::ZERO, max: Duration::ZERO, jitter: true },
};

fn estimate() -> Estimate {
    Estimate { duration: Duration::from_millis(310), batches: None, circuits: Vec::new() }
}

fn summary(estimate: Estimate, pacing: PlanPacing) -> PlanSummary {
    PlanSummary { lanes: 1, longest_lane: 1, estimate, pacing }
}

/// Sixty-six displays of 4.5 A on a breaker of 32 A, slowly.
fn paced() -> PlanSummary {
    let circuit = |name: &str, devices: usize, together: usize, seconds: u64| CircuitEstimate {
        circuit: PlannedCircuit { name: name.into(), max_milliamps: 32_000 },
        devices,
        milliamps: 4_500 * devices as u64,
        together,
        last_start: Duration::from_secs(seconds),
        on: Duration::from_secs(seconds + 3),
    };
    let circuits = vec![circuit("hall-b", 66, 7, 27), circuit("hall-c", 1, 1, 0), circuit("hall-d", 2, 1, 3)];
    let pacing = PlanPacing {
        rate: Some(Rate::every(Duration::from_millis(200))),
        batch: Some(30),
        pause: Duration::from_mins(5),
        max_failures: Some(1),
        until: Some(PlanEnd { at: UnixMillis(1_795_325_400_000), words: "06:30 Europe/Berlin".to_owned() }),
    };
    summary(Estimate { batches: Some(3), circuits, ..estimate() }, pacing)
}

fn text(summary: PlanSummary, question: Option<&Payload>, verbose: bool) -> String {
    let mut out = Vec::new();
    with_row(question, |row| {
        let view = PlanView { devices: [row].into_iter(), summary };
        write_plan_text(&mut out, &view, verbose, TableOptions::default()).unwrap();
    });
    String::from_utf8(out).unwrap()
}

fn json(summary: PlanSummary, question: Option<&Payload>) -> serde_json::Value {
    let mut out = Vec::new();
    with_row(question, |row| {
        write_plan_json(&mut out, &PlanView { devices: [row].into_iter(), summary }).unwrap();
    });
    serde_json::from_slice(&out).unwrap()
}

fn with_row(question: Option<&Payload>, write: impl FnOnce(PlanRow<'_>)) {
    let mut sent = PayloadBuilder::default();
    sent.push(b"ka ");
    sent.push_secret(b"apple");
    sent.push(b"\r");
    let sent = sent.finish();
    let address = Address::parse("10.0.0.1", Some(23)).unwrap();
    let timing = &TIMING;
    write(PlanRow { name: "tv-1", address: &address, device_type: "lg-rs232", sent: &sent, question, timing });
}

#[test]
fn a_plan_is_shown_in_text_and_hex_without_secrets() {
    let text = text(summary(estimate(), PlanPacing::default()), None, true);
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1], ["tv-1", "10.0.0.1:23", "ka", "‹secret›\\r", "6b", "61", "20", "0d", "3s", "8s", "30s", "2"]);
    assert_eq!(
        text.lines().skip(2).collect::<Vec<_>>(),
        ["", "1 device in 1 lane, at most 1 in one; about 0.3 s if every device answers. Nothing was sent."]
    );
}

#[test]
fn a_plan_says_what_is_asked_how_it_goes_at_circuits_and_what_bounds_it() {
    let question = Payload::plain(b"ka 01 ff\r");
    let text = text(paced(), Some(&question), false);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "DEVICE  ADDRESS      SENT           SENT (HEX)   QUESTION    QUESTION (HEX)",
            "tv-1    10.0.0.1:23  ka ‹secret›\\r  6b 61 20 0d  ka 01 ff\\r  6b 61 20 30 31 20 66 66 0d",
            "",
            "circuit hall-b: 32 A, 66 devices of 297 A, 7 start together, the last after 27 s; all are on after 30 s",
            "circuit hall-c: 32 A, 1 device of 4.5 A, it starts at once; all are on after 3 s",
            "circuit hall-d: 32 A, 2 devices of 9 A, 1 starts first, the last after 3 s; all are on after 6 s",
            "rate: a start every 200ms",
            "batches: 3 batches of at most 30 devices, 5m apart",
            "max failures: nothing new starts once more than 1 device has failed",
            "until 06:30 Europe/Berlin: further passes over what is not a success",
            "1 device in 1 lane, at most 1 in one; about 0.3 s if every device answers. Nothing was sent.",
        ]
    );
}

#[test]
fn a_plan_is_a_document_for_machines() {
    assert_eq!(
        json(summary(estimate(), PlanPacing::default()), None),
        serde_json::json!({
            "schema": "fleetctl.plan/1",
            "summary": {
                "devices": 1, "lanes": 1, "longest_lane": 1, "estimated_ms": 310, "circuits": [],
                "pacing": {
                    "start_interval_ms": null, "batch": null, "batches": null, "pause_ms": null,
                    "max_failures": null, "until": null,
                },
            },
            "devices": [{
                "name": "tv-1", "address": "10.0.0.1:23", "type": "lg-rs232",
                "sent": "ka ‹secret›\\r", "sent_hex": "6b 61 20 0d", "question": null, "question_hex": null,
            }],
        })
    );
}

#[test]
fn machines_read_circuits_pacing_and_questions_too() {
    let question = Payload::plain(b"ka 01 ff\r");
    let found = json(paced(), Some(&question));
    let circuits = &found["summary"]["circuits"];
    assert_eq!(
        circuits[0],
        serde_json::json!({
            "name": "hall-b", "max_inrush_a": 32.0, "devices": 66, "inrush_a": 297.0,
            "start_together": 7, "last_start_ms": 27_000, "on_ms": 30_000,
        })
    );
    assert_eq!(circuits[1]["inrush_a"], 4.5);
    assert_eq!(
        found["summary"]["pacing"],
        serde_json::json!({
            "start_interval_ms": 200.0, "batch": 30, "batches": 3, "pause_ms": 300_000, "max_failures": 1,
            "until": "2026-11-22T05:30:00.000Z",
        })
    );
    assert_eq!(found["devices"][0]["question"], "ka 01 ff\\r");
    assert_eq!(found["devices"][0]["question_hex"], "6b 61 20 30 31 20 66 66 0d");
}
