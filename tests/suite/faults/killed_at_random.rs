//! `kill -9` at random instants: each time the history is whole, has what is older than a batch, and `rerun` makes no
//! device act twice.
//!
//! `KILLS=500 KILL_SEED=7 cargo test --test suite killed_at_random` is the long version, and the way back to a failure.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use rusqlite::Connection;
use serde_json::Value;

use crate::support::{FakeFleet, Step, Workspace, number, say};

const DISPLAYS: u8 = 60;

/// Outcomes are committed at least every 250 ms; the rest is for a disk and a processor that others use too.
const COMMITTED: Duration = Duration::from_millis(250 + 1000);

/// What the type says nothing of must not be sent twice.
const PULSE: &str = "mc {set_id} 08";
const HARMLESS: &str = "ka {set_id} 01";

/// Four at a time, 150 ms each: a run of two to three seconds.
fn fleet(port_of: &FakeFleet) -> Workspace {
    for number in 1..=DISPLAYS {
        let slow = vec![Step::Pause(Duration::from_millis(150)), Step::Reply];
        port_of.on_command(&gateway(number), 1, vec![slow]);
    }
    Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[01-{DISPLAYS}]\"\ntype = \"lg-rs232\"\naddress = \"127.47.0.[1-{DISPLAYS}]:{}\"\n",
        port_of.port()
    ))
}

fn gateway(number: u8) -> String {
    format!("127.47.0.{number}")
}

fn commands(fleet: &FakeFleet) -> Vec<usize> {
    (1..=DISPLAYS).map(|number| fleet.commands_seen_by(&gateway(number), 1).len()).collect()
}

/// How long before this instant each display had answered.
fn answered_before(fleet: &FakeFleet, killed: Instant) -> Vec<Option<Duration>> {
    let first = |number| fleet.journal(&gateway(number)).commands.iter().find_map(|command| command.answered);
    (1..=DISPLAYS).map(|number| first(number).map(|at| killed.saturating_duration_since(at))).collect()
}

/// Whether an outcome of that age must be on the disk.
fn is_old(age: Option<Duration>) -> bool {
    age.is_some_and(|age| age > COMMITTED)
}

#[test]
fn a_kill_at_any_instant_leaves_a_history_that_can_be_read_and_believed() {
    let seed = number("KILL_SEED", rand::random());
    let mut random = SmallRng::seed_from_u64(seed);
    let (kills, mut oldest) = (number("KILLS", 6), Duration::ZERO);
    for kill in 0..kills {
        let (is_pulse, after) = (random.random::<bool>(), random.random_range(0..3500));
        let told = format!("KILL_SEED={seed}, kill {kill}: {after} ms after the start, pulse: {is_pulse}");
        oldest = oldest.max(once(is_pulse, Duration::from_millis(after), &told));
    }
    say(&format!(
        "{kills} kills, KILL_SEED={seed}: the oldest outcome that was lost was {} ms old",
        oldest.as_millis()
    ));
}

/// A kill, and a rerun; the age of the oldest outcome that was lost.
fn once(is_pulse: bool, after: Duration, told: &str) -> Duration {
    let fleet = FakeFleet::start();
    let workspace = self::fleet(&fleet);
    let command = if is_pulse { PULSE } else { HARMLESS };
    let program = workspace.start(&["run", "--cmd", command, "--concurrency", "4", "-q"]);
    std::thread::sleep(after);
    program.signal(Signal::SIGKILL);
    let killed = Instant::now();
    program.finish();
    let seen = commands(&fleet);
    assert!(seen.iter().all(|&count| count <= 1), "{told}: {seen:?}");

    let history = workspace.path(".state/fleetctl/history.db");
    if history.exists() {
        let connection = Connection::open(&history).unwrap();
        let check: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
        assert_eq!(check, "ok", "{told}");
    }
    let list = workspace.fleetctl(&["history", "list", "--format", "json"]).expect_status(0).json();
    let Some(run) = list["runs"].get(0) else {
        // A harmless command does not wait until the beginning of the run is on the disk.
        let may_be_lost = !is_pulse && answered_before(&fleet, killed).into_iter().all(|age| !is_old(age));
        assert!(may_be_lost || seen.iter().all(|&count| count == 0), "{told}: it has no record, and told {seen:?}");
        return answered_before(&fleet, killed).into_iter().flatten().max().unwrap_or_default();
    };
    let report = workspace.fleetctl(&["report", "last", "--format", "json"]).expect_status(0).report();
    let devices = report.devices();
    let is_whole = devices.iter().all(|device| device["status"] == "ok");
    assert!(run["ended"] == "interrupted" || is_whole, "{told}: {run:#}");
    let is_known = |device: &Value| device["status"] == "ok";
    let ages = answered_before(&fleet, killed);
    for ((device, &age), &count) in devices.iter().zip(&ages).zip(&seen) {
        assert!(!is_old(age) || is_known(device), "{told}: it answered long before the kill, and is lost: {device:#}");
        assert!(!is_known(device) || count == 1, "{told}: it was never told: {device:#}");
        assert!(
            count == 0 || device["delivery"] != "none",
            "{told}: it was sent, and the record denies it: {device:#}"
        );
    }
    let again = workspace.fleetctl(&["rerun", "--format", "json"]);
    assert!(matches!(again.status, Some(0..=2)), "{told}: {again}");
    let all = commands(&fleet);
    if is_pulse {
        assert!(all.iter().all(|&count| count <= 1), "{told}: {all:?} {again}");
    } else {
        assert!(all.iter().all(|&count| (1..=2).contains(&count)), "{told}: {all:?} {again}");
    }
    for (device, (&before, &after)) in devices.iter().zip(seen.iter().zip(&all)) {
        assert!(!is_known(device) || before == after, "{told}: it had obeyed, and was told again: {device:#}");
    }
    let lost = devices.iter().zip(&ages).filter(|(device, _)| !is_known(device));
    lost.filter_map(|(_, age)| *age).max().unwrap_or_default()
}
