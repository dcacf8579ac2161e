//! What the history is asked: who fails, who may be told again, who is held, what is forgotten.

use std::path::Path;
use std::time::Duration;

use super::super::testing::{Place, Run, held, ok, outcome, refused_connection, silent};
use super::super::{
    Filter, Hold, Next, Recent, RunName, Window, again, changes, collected, find, find_before, health, hold, holds,
    last_of_schedule, last_success, list, prune, recent, release,
};
use crate::model::{Delivery, Outcome, ReplyTime, Share, Status, UnixMillis};

const INVENTORY: &str = "/fleet.toml";

fn night(number: usize, place: &Place, outcomes: Vec<Outcome>) {
    let outcomes: Vec<(u32, Outcome)> = (0..).zip(outcomes).collect();
    Run::new(number, outcomes.len()).record(&place.path, &outcomes);
}

fn dead(place: &Place, times: u32) -> Vec<String> {
    looked(place, "", times).dead.iter().map(ToString::to_string).collect()
}

/// What the last runs say of the first nine displays.
fn looked(place: &Place, command: &str, dead_after: u32) -> Recent {
    let devices = &Run::new(1, 9).devices.into();
    let next = Next { inventory: Path::new(INVENTORY), simulated: false, command, devices, dead_after };
    recent(&place.store(), &next).unwrap()
}

#[test]
fn dead_is_who_failed_in_all_of_the_last_runs_that_tried_it() {
    let place = Place::new();
    night(1, &place, vec![ok(), silent(), silent(), silent(), silent()]);
    night(2, &place, vec![silent(), silent(), held(), silent(), silent()]);
    night(3, &place, vec![silent(), silent(), silent(), ok(), refused_connection()]);
    assert_eq!(dead(&place, 2), ["tv-001", "tv-002", "tv-003", "tv-005"]);
    assert_eq!(dead(&place, 3), ["tv-002", "tv-005"]);
    assert!(dead(&place, 4).is_empty(), "there are only three runs");
    assert!(dead(&place, 0).is_empty());
    let simulated = Run { simulated: true, ..Run::new(4, 5) };
    simulated.record(&place.path, &[(1, ok())]);
    Run { inventory: "/other.toml", ..Run::new(5, 5) }.record(&place.path, &[(1, ok())]);
    assert_eq!(dead(&place, 3), ["tv-002", "tv-005"], "simulated runs and other inventories say nothing");
}

#[test]
fn a_device_is_expected_to_take_what_it_took_with_the_same_command() {
    let place = Place::new();
    let took = |outcome: Outcome, ms| Outcome { elapsed: Duration::from_millis(ms), ..outcome };
    night(1, &place, vec![took(ok(), 900), took(ok(), 100), took(silent(), 6500), took(ok(), 100), held()]);
    night(2, &place, vec![took(ok(), 200), took(ok(), 120), took(ok(), 90), took(silent(), 6500), held()]);
    night(3, &place, vec![took(ok(), 300), took(ok(), 110), took(ok(), 80), took(silent(), 6400), held()]);
    night(4, &place, vec![took(ok(), 5000), held(), took(ok(), 70), took(silent(), 3000), held()]);
    let pulse = r#"{"cmd":null,"action":"relay-pulse","args":{},"verify":false,"if_needed":false}"#;
    let expected = |command| -> Vec<Option<u128>> {
        looked(&place, command, 3).expected.into_iter().map(|time| time.map(|time| time.as_millis())).collect()
    };
    // The median of three, however long the last took; who was silent last is expected to be so again.
    let medians = [Some(300), Some(110), Some(80), Some(3000), None, None, None, None, None];
    assert_eq!(expected(pulse), medians);
    place.store().connection.execute("UPDATE run SET command = '{}' WHERE id > 1", ()).unwrap();
    assert_eq!(expected(pulse)[..5], [Some(900), Some(100), Some(6500), Some(100), None], "one night did the same");
    assert_eq!(expected("other")[..5], medians[..5], "any is better than none");
}

#[test]
fn where_a_device_answers_it_takes_what_its_answers_took() {
    let place = Place::new();
    let took = |outcome: Outcome, ms| Outcome { elapsed: Duration::from_millis(ms), ..outcome };
    night(1, &place, vec![took(ok(), 300), took(silent(), 6600), took(ok(), 130)]);
    night(2, &place, vec![took(silent(), 6600), took(silent(), 6600), took(silent(), 6600)]);
    night(3, &place, vec![took(ok(), 100), took(silent(), 6600), took(silent(), 6600)]);
    let pulse = r#"{"cmd":null,"action":"relay-pulse","args":{},"verify":false,"if_needed":false}"#;
    let answered = looked(&place, pulse, 3).answered;
    assert_eq!(answered[..3], [Some(Duration::from_millis(300)), None, Some(Duration::from_millis(130))]);
}

#[test]
fn what_an_earlier_version_or_a_killed_run_has_left_still_says_who_is_dead() {
    let place = Place::new();
    night(1, &place, vec![silent(), silent(), ok()]);
    night(2, &place, vec![silent(), ok(), ok()]);
    place.store().connection.execute("UPDATE run SET course = NULL", ()).unwrap();
    Run::new(3, 3).record_killed(&place.path, &[0, 2], &[(1, silent())]);
    assert_eq!(dead(&place, 3), ["tv-001"]);
    assert_eq!(dead(&place, 1), ["tv-001", "tv-002", "tv-003"]);
}

#[test]
fn devices_are_known_by_their_names_wherever_they_stand() {
    let place = Place::new();
    let mut other = Run::new(1, 5);
    other.devices.reverse();
    other.devices.remove(1);
    other.record(&place.path, &[(0, silent()), (1, ok()), (2, silent())]);
    assert_eq!(dead(&place, 1), ["tv-002", "tv-005"]);
}

#[test]
fn health_shows_the_worst_first() {
    let place = Place::new();
    night(1, &place, vec![ok(), ok(), silent()]);
    night(2, &place, vec![Outcome { attempts: 2, ..ok() }, silent(), silent()]);
    Run::new(3, 4).record_killed(&place.path, &[0, 2], &[(0, ok()), (3, ok())]);
    let rows = health(&place.store(), &Window::default()).unwrap();
    let seen: Vec<(&str, i64)> = rows.iter().map(|row| (&*row.name, row.streak)).collect();
    assert_eq!(seen, [("tv-003", -3), ("tv-002", -1), ("tv-001", 3), ("tv-004", 1)]);
    assert_eq!((rows[2].flaky_share, rows[2].reply_ms_p50), (Some(0.3333), Some(131.4)));
    assert_eq!((rows[0].last_ok_at.as_deref(), rows[0].success_share), (None, Some(0.0)));
    let since = Some(Run::new(3, 0).started_at);
    let rows = health(&place.store(), &Window { since, ..Window::default() }).unwrap();
    assert_eq!(rows.len(), 3);
}

#[test]
fn replies_take_what_they_took_however_long_a_device_booted_and_are_unknown_where_nobody_kept_it() {
    let place = Place::new();
    // The lane was busy for 38 seconds with each of them.
    assert_eq!(ok().elapsed, Duration::from_secs(38));
    let unknown = Outcome { reply_time: None, ..ok() };
    night(1, &place, vec![ok(), unknown, silent()]);
    let rows = health(&place.store(), &Window::default()).unwrap();
    let times: Vec<_> = rows.iter().map(|row| (&*row.name, row.reply_ms_p50, row.reply_ms_p95)).collect();
    let ms = Some(131.4);
    assert_eq!(times, [("tv-003", None, None), ("tv-001", ms, ms), ("tv-002", None, None)]);
    // The run, made again of the history, knows it as well; what the next run expects is how long the lane was busy.
    let store = place.store();
    let again = collected(&store, &find(&store, "last", None).unwrap()).unwrap().unwrap();
    let times: Vec<_> = again.outcomes().map(|(_, outcome)| outcome.reply_time.map(ReplyTime::tenths)).collect();
    assert_eq!(times, [Some(1314), None, None]);
    assert_eq!(looked(&place, "", 0).expected[0], Some(Duration::from_secs(38)));
}

fn candidates(place: &Place, which: &str) -> Vec<(String, bool)> {
    let again = again(&place.store(), which, None).unwrap();
    again.candidates.into_iter().map(|one| (one.name.to_string(), one.may_have_acted)).collect()
}

fn named(all: &[(&str, bool)]) -> Vec<(String, bool)> {
    all.iter().map(|(name, acted)| ((*name).to_owned(), *acted)).collect()
}

#[test]
fn told_again_is_who_failed_or_never_started_and_who_may_have_acted_is_known() {
    let place = Place::new();
    let cases = vec![
        ok(),
        outcome(Status::Sent, Delivery::Unknown),
        silent(),
        refused_connection(),
        outcome(Status::Rejected, Delivery::Confirmed),
        outcome(Status::Mismatch, Delivery::Confirmed),
        held(),
        Outcome::skipped(crate::model::SkipReason::Deadline),
    ];
    night(1, &place, cases);
    let expected = [
        ("tv-003", true),
        ("tv-004", false),
        ("tv-005", false),
        ("tv-006", true),
        ("tv-007", false),
        ("tv-008", false),
    ];
    assert_eq!(candidates(&place, "last"), named(&expected));
}

#[test]
fn what_a_later_run_made_good_is_not_told_again_and_what_it_may_have_done_counts() {
    let place = Place::new();
    let first = Run::new(1, 4);
    first.record_killed(&place.path, &[0, 1], &[(0, ok())]);
    assert_eq!(candidates(&place, "last"), named(&[("tv-002", true), ("tv-003", false), ("tv-004", false)]));
    // It takes up the two that were never started: one obeys, the other is silent.
    let mut second = Run { rerun_of: Some(first.id.clone()), ..Run::new(2, 4) };
    second.devices.drain(..2);
    second.record(&place.path, &[(0, ok()), (1, silent())]);
    assert_eq!(candidates(&place, &first.id), named(&[("tv-002", true), ("tv-004", true)]));
    assert_eq!(candidates(&place, "last"), named(&[("tv-004", true)]));
    // A third never gets to it: what the second may have done still counts.
    let mut third = Run { rerun_of: Some(second.id.clone()), ..Run::new(3, 4) };
    third.devices.drain(..3);
    third.record_killed(&place.path, &[], &[]);
    assert_eq!(candidates(&place, "last"), named(&[("tv-004", true)]));
}

#[test]
fn a_run_is_found_by_the_beginning_of_its_id_and_its_forerunner_by_what_it_did() {
    let place = Place::new();
    for number in 1..=12 {
        night(number, &place, vec![if number == 12 { silent() } else { ok() }]);
    }
    let store = place.store();
    assert_eq!(find(&store, "01k0000000000000000000000", None).unwrap_err().to_string(), {
        "several runs begin with `01k0000000000000000000000`: write more of the id"
    });
    let last = find(&store, &Run::new(12, 0).id.to_lowercase(), None).unwrap();
    let before = find_before(&store, &last).unwrap().unwrap();
    assert_eq!(before.run_id, Run::new(11, 0).id);
    assert_eq!(changes(&store, &before, &last).unwrap()[0].change, "failed");
    assert!(find_before(&store, &find(&store, &Run::new(1, 0).id, None).unwrap()).unwrap().is_none());
    for wrong in ["", "lst", "' OR 1=1 --", "01ZZZZZZ"] {
        assert!(find(&store, wrong, None).is_err(), "{wrong}");
    }
    assert!(find(&store, "last", Some(Path::new("/other.toml"))).unwrap_err().to_string().contains("/other.toml"));
    assert_eq!(list(&store, &Filter { limit: Some(3), ..Filter::default() }).unwrap().len(), 3);
}

#[test]
fn a_device_is_held_until_the_end_of_its_day_or_until_it_is_released() {
    let place = Place::new();
    night(1, &place, vec![ok()]);
    let mut store = place.store();
    let inventory = Path::new(INVENTORY);
    let one = |device: &str, until| Hold {
        device: device.into(),
        until: UnixMillis(until),
        until_day: "2026-12-24".to_owned(),
        why: "being repaired".to_owned(),
    };
    hold(&mut store, inventory, &[one("tv-001", 100), one("tv-002", 200)], UnixMillis(0)).unwrap();
    let held = |now| -> Vec<String> {
        let found = holds(&place.store(), inventory, UnixMillis(now)).unwrap();
        found.iter().map(|hold| hold.device.to_string()).collect()
    };
    assert_eq!((held(0), held(99)), (vec!["tv-001".into(), "tv-002".into()], vec!["tv-001".into(), "tv-002".into()]));
    assert_eq!(held(100), ["tv-002"], "half-open, as every span");
    assert!(holds(&store, Path::new("/other.toml"), UnixMillis(0)).unwrap().is_empty());
    let released = release(&mut store, inventory, &["tv-001", "tv-002", "tv-003"], UnixMillis(150)).unwrap();
    assert_eq!(released, ["tv-002"]);
    assert!(held(0).contains(&"tv-001".to_owned()), "it was over and is left for the next hold to forget");
    hold(&mut store, inventory, &[], UnixMillis(150)).unwrap();
    assert!(held(0).is_empty());
}

#[test]
fn the_last_success_is_that_of_the_name_and_of_whole_runs_over_real_devices() {
    let place = Place::new();
    night(1, &place, vec![ok(), held()]);
    night(2, &place, vec![ok(), silent()]);
    Run { rerun_of: Some(Run::new(2, 1).id), ..Run::new(3, 1) }.record(&place.path, &[(0, ok())]);
    Run { simulated: true, ..Run::new(4, 1) }.record(&place.path, &[(0, ok())]);
    Run::new(5, 1).record_killed(&place.path, &[], &[(0, ok())]);
    let found = |inventory: &str, name, ok_if: &str| {
        let ok_if: Share = ok_if.parse().unwrap();
        last_success(&place.store(), Path::new(inventory), name, ok_if, None).unwrap()
    };
    let ended = |number| Some(Run::new(number, 0).started_at.after(Duration::from_millis(4210)));
    let pulse = RunName::Action("relay-pulse");
    assert_eq!(found(INVENTORY, pulse, "100%"), ended(1), "the held one does not count");
    assert_eq!(found(INVENTORY, pulse, "50%"), ended(2));
    let by = |until| last_success(&place.store(), Path::new(INVENTORY), pulse, "50%".parse().unwrap(), until);
    assert_eq!(by(ended(2)).unwrap(), ended(2));
    assert_eq!(by(ended(2).map(|at| UnixMillis(at.0 - 1))).unwrap(), ended(1), "what came later was not known then");
    for name in [RunName::Action("power-on"), RunName::Raw, RunName::Schedule("relay-pulse")] {
        assert_eq!(found(INVENTORY, name, "0%"), None, "{name:?}");
    }
    assert_eq!(found("/other.toml", pulse, "0%"), None);

    place.store().connection.execute("UPDATE run SET schedule = 'night' WHERE id <> 3", ()).unwrap();
    assert_eq!(found(INVENTORY, RunName::Schedule("night"), "100%"), ended(1));
    assert_eq!(found(INVENTORY, RunName::Schedule("relay-pulse"), "0%"), None);
    let under_way = Run::new(6, 1).begin(&place.path);
    place.store().connection.execute("UPDATE run SET schedule = 'night' WHERE id = 6", ()).unwrap();
    let (newest, over) = last_of_schedule(&place.store(), Path::new(INVENTORY), "night").unwrap();
    let id = |number| Run::new(number, 0).id;
    assert_eq!((newest.unwrap().run_id, over.unwrap().run_id), (id(6), id(5)));
    drop(under_way);
}

#[test]
fn old_runs_are_forgotten_whole() {
    let place = Place::new();
    for number in 1..=3 {
        night(number, &place, vec![ok(); number]);
    }
    let mut store = place.store();
    let now = Run::new(3, 0).started_at;
    assert_eq!(prune(&mut store, Some(Path::new("/other.toml")), Duration::ZERO, now).unwrap(), 0);
    assert_eq!(prune(&mut store, None, Duration::from_hours(24), now).unwrap(), 1);
    for (table, what, count) in [
        ("run", "count(*)", 2),
        ("batch", "sum(length(outcomes)) / 32", 5),
        ("detail", "count(*)", 2),
        ("roster", "count(*)", 2),
    ] {
        let text = format!("SELECT {what} FROM {table}");
        let found: i64 = store.connection.query_row(&text, (), |row| row.get(0)).unwrap();
        assert_eq!(found, count, "{table}");
    }
    let recorder = Run::new(0, 1).begin(&place.path);
    assert_eq!(prune(&mut store, None, Duration::ZERO, now).unwrap(), 1, "the newest began now; one is under way");
    drop(recorder);
}
