//! `kill -9` at random instants: each time the history is whole, has what is older than a batch, and `rerun` makes no
//! device act twice.
//!
//! What is older than the 250 ms in which outcomes are committed must be on the disk. How late this machine was meanwhile is
//! measured beside each run, and comes on top: how late a thread wakes that sleeps 5 ms at a time, and how long two writes with
//! their syncs take in the folder of the history. A kill in which that is a second or more says nothing, and is not judged for
//! its losses; too many of those fail.
//!
//! `KILLS=500 KILL_SEED=7 cargo test --test suite killed_at_random` is the long version, and the way back to a failure.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use rusqlite::Connection;
use serde_json::Value;

use crate::support::{FakeFleet, Step, Workspace, number, say};

const DISPLAYS: u8 = 60;

/// Outcomes are committed at least every 250 ms.
const COMMITTED: Duration = Duration::from_millis(250);

/// How long before a kill the lateness of this machine matters to what the kill costs.
const WINDOW: Duration = Duration::from_secs(1);

/// Of a machine that is later than this nothing can be said.
const TOO_LATE: Duration = Duration::from_secs(1);

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

/// Notes how late this machine is, until it is asked.
struct Lateness {
    is_over: Arc<AtomicBool>,
    sleeps: JoinHandle<Vec<(Instant, Duration)>>,
    syncs: JoinHandle<Vec<(Instant, Duration)>>,
}

impl Lateness {
    /// Begins; `file` is written to again and again.
    fn measure(file: PathBuf) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let again = |mut once: Box<dyn FnMut() -> Duration + Send>| {
            let is_over = Arc::clone(&is_over);
            std::thread::spawn(move || {
                let mut late = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    let by = once();
                    late.push((Instant::now(), by));
                }
                late
            })
        };
        let nap = Duration::from_millis(5);
        let sleeps = again(Box::new(move || {
            let before = Instant::now();
            std::thread::sleep(nap);
            before.elapsed().saturating_sub(nap)
        }));
        let mut file = File::create(file).unwrap();
        let syncs = again(Box::new(move || {
            std::thread::sleep(Duration::from_millis(20));
            let before = Instant::now();
            file.write_all(&[0; 4096]).unwrap();
            file.sync_all().unwrap();
            before.elapsed()
        }));
        Self { is_over, sleeps, syncs }
    }

    /// How late it was at the worst in the time before a kill: to wake, and to write what is then to be written.
    fn before(self, killed: Instant) -> Duration {
        self.is_over.store(true, Ordering::Relaxed);
        // What ended after the kill had begun before it, or says that it could not begin.
        let worst = |late: Vec<(Instant, Duration)>| {
            let near = late.into_iter().filter(|(at, _)| *at + WINDOW >= killed);
            near.map(|(_, by)| by).max().unwrap_or(TOO_LATE)
        };
        // An outcome waits for the commit that is under way, and for its own.
        worst(self.sleeps.join().unwrap()) + worst(self.syncs.join().unwrap()) * 2
    }
}

/// What a kill has cost.
struct Cost {
    /// The age of the oldest outcome that was lost.
    oldest: Duration,
    /// How late the machine was.
    late: Duration,
}

impl Cost {
    fn is_judged(&self) -> bool {
        self.late < TOO_LATE
    }
}

#[test]
fn a_kill_at_any_instant_leaves_a_history_that_can_be_read_and_believed() {
    let seed = number("KILL_SEED", rand::random());
    let mut random = SmallRng::seed_from_u64(seed);
    let mut costs = Vec::new();
    let kills = number("KILLS", 6);
    for kill in 0..kills {
        let (is_pulse, after) = (random.random::<bool>(), random.random_range(0..3500));
        let told = format!("KILL_SEED={seed}, kill {kill}: {after} ms after the start, pulse: {is_pulse}");
        costs.push(once(is_pulse, Duration::from_millis(after), &told));
    }
    let judged: Vec<&Cost> = costs.iter().filter(|cost| cost.is_judged()).collect();
    let millis = |span: Option<Duration>| span.unwrap_or_default().as_millis();
    let oldest = millis(judged.iter().map(|cost| cost.oldest).max());
    let beyond = millis(judged.iter().map(|cost| cost.oldest.saturating_sub(cost.late)).max());
    let mut late: Vec<Duration> = judged.iter().map(|cost| cost.late).collect();
    late.sort_unstable();
    say(&format!(
        "{kills} kills, KILL_SEED={seed}, {} not judged: the oldest outcome that was lost was {oldest} ms old, {beyond} ms \
         without what this machine was late by; that was {} ms in the middle and {} ms at the most",
        costs.len() - judged.len(),
        millis(late.get(late.len() / 2).copied()),
        millis(late.last().copied())
    ));
    // Of half of the kills nothing could be said: then nothing is proved.
    assert!(judged.len() * 2 >= costs.len(), "this machine is too busy: {} of {kills} kills judged", judged.len());
}

/// A kill, and a rerun.
fn once(is_pulse: bool, after: Duration, told: &str) -> Cost {
    let fleet = FakeFleet::start();
    let workspace = self::fleet(&fleet);
    let command = if is_pulse { PULSE } else { HARMLESS };
    let lateness = Lateness::measure(workspace.path("lateness"));
    let program = workspace.start(&["run", "--cmd", command, "--concurrency", "4", "-q"]);
    std::thread::sleep(after);
    program.signal(Signal::SIGKILL);
    let killed = Instant::now();
    let late = lateness.before(killed);
    let told = &format!("{told}, {} ms late", late.as_millis());
    // Whether an outcome of that age must be on the disk.
    let is_old = |age: Option<Duration>| age.is_some_and(|age| late < TOO_LATE && age > COMMITTED + late);
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
        let oldest = answered_before(&fleet, killed).into_iter().flatten().max().unwrap_or_default();
        return Cost { oldest, late };
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
    let oldest = lost.filter_map(|(_, age)| *age).max().unwrap_or_default();
    Cost { oldest, late }
}
