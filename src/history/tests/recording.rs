//! What is recorded comes back, of whole runs and of killed ones.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::testing::{Place, Run, device, held, ok, outcome, refused_connection, silent, wait_for};
use super::super::{Filter, RecordedRun, find, list, recorded};
use crate::model::{
    AttemptError, Delivery, DeviceIndex, Ended, ErrorKind, Failure, Outcome, ParamValue, Payload, RunEvent, Secret,
    Status,
};
use crate::report::{Json, Reporters, Sink, replay};

fn last(place: &Place) -> (RecordedRun, Value) {
    let store = place.store();
    let run = find(&store, "last", None).unwrap();
    let report = recorded(&store, &run).unwrap();
    (run, report)
}

/// `status/delivery/reason` of each device.
fn words(report: &Value) -> Vec<String> {
    let text = |device: &Value, key: &str| device[key].as_str().unwrap_or("-").to_owned();
    let devices = report["devices"].as_array().unwrap();
    devices
        .iter()
        .map(|one| format!("{}/{}/{}", text(one, "status"), text(one, "delivery"), text(one, "reason")))
        .collect()
}

fn json_of(events: Vec<RunEvent>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.json");
    let mut reporters = Reporters::default();
    let file = std::fs::File::create(&path).unwrap();
    reporters.add("json", Box::new(Json::new(Sink::Writer(Box::new(file)))));
    reporters.events(events);
    assert!(reporters.finish().errors.is_empty());
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_report_made_from_the_history_is_the_one_of_the_run() {
    let place = Place::new();
    let run = Run::new(1, 5);
    let earlier = AttemptError { attempt: 1, failure: Failure::new(ErrorKind::ConnectionReset).received(3) };
    let outcomes = [
        (3, ok()),
        (0, Outcome { attempts: 2, earlier_errors: [earlier].into(), ..ok() }),
        (1, silent()),
        (4, held()),
        (2, refused_connection()),
    ];
    assert!(run.record(&place.path, &outcomes).errors.is_empty());
    let mut events = run.events(&outcomes);
    let elapsed = Duration::from_millis(4210);
    events.push(RunEvent::RunFinished { ended: Ended::Completed, elapsed, at: run.started_at.after(elapsed) });
    let (found, report) = last(&place);
    assert_eq!(json_of(replay(report).unwrap()), json_of(events));
    assert_eq!((found.ended.as_deref(), found.summary.successes(), found.summary.held), (Some("completed"), 2, 1));
    assert_eq!((found.summary.flaky, found.summary.failures(), found.summary.attempts), (1, 2, 5));
}

#[test]
fn no_secret_is_in_the_file() {
    let place = Place::new();
    let secret = ParamValue::Secret(Secret::new("hunter2".to_owned()));
    let guarded = crate::model::Device { params: [(Arc::from("p"), secret)].into_iter().collect(), ..device("pump") };
    let run = Run { devices: vec![guarded], ..Run::new(1, 0) };
    let echoed = Outcome {
        reply: Some(b"said hunter2".as_slice().into()),
        sent: Some(Arc::new(Payload::plain(b"x"))),
        error: Some(Box::new(Failure::new(ErrorKind::MalformedReply).detail("hunter2"))),
        ..silent()
    };
    run.record(&place.path, &[(0, echoed)]);
    for file in std::fs::read_dir(place.path.parent().unwrap()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
    }
    assert_eq!(last(&place).1["devices"][0]["reply"], "said ‹secret›");
}

#[test]
fn the_file_and_its_folder_are_their_owners_alone() {
    let place = Place::new();
    let recorder = Run::new(1, 1).begin(&place.path);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.path.parent().unwrap()), 0o700);
    let mut seen = 0;
    for file in std::fs::read_dir(place.path.parent().unwrap()).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
        seen += 1;
    }
    assert!(seen > 1, "there is a log beside the file while it is written");
    drop(recorder);
}

#[test]
fn of_a_killed_run_the_intents_tell_who_may_have_acted() {
    let place = Place::new();
    for (number, is_idempotent, expected) in [
        (1, false, ["ok/confirmed/-", "no_reply/unknown/-", "skipped/none/interrupted"]),
        (2, true, ["ok/confirmed/-", "skipped/unknown/interrupted", "skipped/unknown/interrupted"]),
    ] {
        let run = Run { is_idempotent, ..Run::new(number, 3) };
        let intents: &[u32] = if is_idempotent { &[] } else { &[0, 1] };
        run.record_killed(&place.path, intents, &[(0, ok())]);
        let (found, report) = last(&place);
        assert_eq!(words(&report), expected);
        assert_eq!((found.ended.as_deref(), found.was_killed), (Some("interrupted"), true));
        assert_eq!(report["ended"], "interrupted");
        let statuses = Status::ALL.map(|status| found.summary.count(status));
        assert_eq!(statuses.iter().sum::<u64>(), 3);
        let events = replay(report).unwrap();
        let mut reporters = Reporters::default();
        reporters.events(events);
        let replayed = *reporters.finish().run.unwrap().summary();
        assert_eq!(replayed, found.summary, "the counts in the list are those of the report");
    }
    let cut = &last(&place).1["devices"][1];
    assert_eq!((&cut["attempts"], &cut["sent"], &cut["finished_at"]), (&json!(0), &Value::Null, &Value::Null));
}

#[test]
fn a_run_that_lives_is_under_way_and_is_not_the_last() {
    let place = Place::new();
    Run::new(1, 1).record(&place.path, &[(0, ok())]);
    let recorder = Run::new(2, 1).begin(&place.path);
    let store = place.store();
    let runs = list(&store, &Filter::default()).unwrap();
    assert_eq!(runs.iter().map(|run| run.ended.as_deref()).collect::<Vec<_>>(), [None, Some("completed")]);
    assert_eq!(find(&store, "last", None).unwrap().run_id, Run::new(1, 1).id);
    drop(recorder);
}

#[test]
fn who_asks_for_the_last_run_during_the_first_one_hears_that_it_is_under_way() {
    let place = Place::new();
    let run = Run::new(1, 1);
    let recorder = run.begin(&place.path);
    let error = find(&place.store(), "last", None).unwrap_err().to_string();
    assert_eq!(error, format!("no run is over yet: {} is under way", run.id));
    drop(recorder);
}

#[test]
fn an_intent_is_on_the_disk_before_it_resolves_and_a_second_one_costs_nothing() {
    let place = Place::new();
    let recorder = Run::new(1, 70).begin(&place.path);
    let intents = recorder.intents();
    wait_for(intents.declare(DeviceIndex(65)).unwrap());
    let count = || -> i64 {
        place
            .store()
            .connection
            .query_row("SELECT count(*) FROM intent WHERE place = 65", (), |row| row.get(0))
            .unwrap()
    };
    assert_eq!(count(), 1);
    assert!(intents.declare(DeviceIndex(65)).is_none());
    assert!(intents.declare(DeviceIndex(64)).is_some());
}

#[test]
fn the_intents_of_many_lanes_share_a_commit() {
    let place = Place::new();
    let recorder = Run::new(1, 1000).begin(&place.path);
    let intents = recorder.intents();
    // While another process writes, they gather.
    let other = place.store();
    other.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waits: Vec<_> = (0..1000).map(|place| intents.declare(DeviceIndex(place)).unwrap()).collect();
    other.connection.execute_batch("COMMIT").unwrap();
    wait_for(futures::future::join_all(waits));
    let count: i64 = other.connection.query_row("SELECT count(*) FROM intent", (), |row| row.get(0)).unwrap();
    assert_eq!(count, 1000);
    assert!(recorder.commits() <= 3, "{} commits", recorder.commits());
}

#[test]
fn details_that_devices_share_are_kept_once() {
    let place = Place::new();
    let outcomes: Vec<_> = (0..300).map(|place| (place, ok())).collect();
    Run::new(1, 300).record(&place.path, &outcomes);
    Run::new(2, 300).record(&place.path, &outcomes);
    let number = |text: &str| -> i64 {
        place.store().connection.query_row(&format!("SELECT {text}"), (), |row| row.get(0)).unwrap()
    };
    assert_eq!(number("sum(length(outcomes)) / 32 FROM batch"), 600);
    assert_eq!((number("count(*) FROM detail"), number("count(*) FROM roster")), (2, 1));
}

#[test]
fn outcomes_that_all_differ_are_kept_whole() {
    let place = Place::new();
    let say = |n: u32| Failure::new(ErrorKind::Refused).detail(format!("said {n}"));
    let one = |n| Outcome { error: Some(Box::new(say(n))), ..outcome(Status::Rejected, Delivery::Confirmed) };
    let outcomes: Vec<_> = (0..600).map(|n| (n, one(n))).collect();
    Run::new(1, 600).record(&place.path, &outcomes);
    let (_, report) = last(&place);
    for n in [0_usize, 300, 599] {
        let message = report["devices"][n]["error"]["message"].as_str().unwrap();
        assert!(message.ends_with(&format!("said {n}")), "{message}");
    }
}
