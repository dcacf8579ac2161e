//! A year of schedules through the loop: both changes of the clock, a clock that is set wrong and right again, a machine
//! that is off for a day, runs that take too long. Each time that was planned runs once, or is left out with the reason.
//!
//! What is planned is worked out here from the calendar's days alone, without the cron expressions.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::super::inventory::checked;
use super::super::{Boxed, Daemon, Ending, Inventory, Read, Signal, State, World, pages};
use crate::model::{Ended, StopReason, Summary};
use crate::run::Finished;
use crate::schedule::Start;
use crate::schedule::testing::loaded;
use crate::session::Stop;

const INVENTORY: &str = r#"
[[device]]
name = "tv"
type = "lg-rs232"
address = "127.0.0.1"

[[schedule]]
name = "morning"
cron = "30 5 * * mon-fri"
timezone = "Europe/Berlin"
do = "power-on"
verify = true
except = ["2026-12-25", "2027-01-01"]
missed = "run-within 2h"

[[schedule]]
name = "night"
cron = "30 2 * * *"
timezone = "Europe/Berlin"
do = "power-status"
missed = "skip"

[[schedule]]
name = "twice"
cron = "*/30 2 * * *"
timezone = "Europe/Berlin"
do = "power-status"
missed = "run-within 1m"

[[schedule]]
name = "hourly"
cron = "0 * * * *"
timezone = "America/New_York"
do = "power-status"
missed = "skip"
overlap = "skip"

[[schedule]]
name = "noon"
cron = "0 12 * * *"
timezone = "UTC"
do = "power-status"
missed = "run-within 2h"
overlap = "wait"
"#;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A run that started: which, for when, and when it did.
type Started = (String, Timestamp, Timestamp);

/// A machine on which a year passes in seconds.
struct Machine {
    began: (Timestamp, Instant),
    jumped: AtomicI64,
    started: Mutex<Vec<Started>>,
    /// Runs that do not take a minute.
    long: BTreeMap<(&'static str, Timestamp), SignedDuration>,
}

impl World for Machine {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.began.1.elapsed()).unwrap();
        self.began.0 + passed + SignedDuration::from_secs(self.jumped.load(Ordering::Relaxed))
    }

    fn look_every(&self) -> Duration {
        Duration::from_mins(20)
    }

    fn read(&self) -> Boxed<Read> {
        Box::pin(async { checked(loaded(INVENTORY), "fleet.toml".as_ref(), &[], false) })
    }

    fn run(&self, start: Start, _: Arc<Inventory>, _: Stop) -> Boxed<Ending> {
        let name = start.entry.name();
        self.started.lock().unwrap().push((name.to_owned(), start.planned, self.now()));
        let long = self.long.iter().find(|((long, at), _)| *long == name && *at == start.planned);
        let span = long.map_or(SignedDuration::from_mins(1), |(_, span)| *span);
        Box::pin(async move {
            sleep(span.unsigned_abs()).await;
            let (summary, undelivered) = (Summary::default(), Vec::new());
            Ending::Over(Box::new(Finished { ended: Ended::Completed, summary, undelivered, run: None }))
        })
    }

    fn tell(&self, _: Start, _: Arc<Inventory>, _: Ending) -> Boxed<Vec<String>> {
        Box::pin(async { Vec::new() })
    }

    fn send_kept(&self, _: Arc<Inventory>) -> Boxed<()> {
        Box::pin(async {})
    }
}

impl Machine {
    /// Lets time pass until the wall clock shows this.
    async fn until(&self, wall: &str) {
        let left = at(wall).duration_since(self.now());
        sleep(left.try_into().unwrap()).await;
    }

    fn jump(&self, by: SignedDuration) {
        self.jumped.fetch_add(by.as_secs(), Ordering::Relaxed);
    }

    /// A daemon on this machine, which knows of the runs that there were.
    fn daemon(self: &Arc<Self>) -> Service {
        let read = checked(loaded(INVENTORY), "fleet.toml".as_ref(), &[], false);
        let inventory = read.inventory.unwrap_or_else(|| panic!("{}", read.said));
        let state = Arc::new(State::new(["morning", "night", "twice", "hourly", "noon"].into_iter(), self.now()));
        let (signals, obeyed) = mpsc::channel(4);
        let known = self.started.lock().unwrap().clone();
        let since = move |name: &str| known.iter().rev().find(|(known, ..)| known == name).map(|(.., at)| *at);
        let daemon = Daemon::new(self.clone(), state.clone(), inventory, since, Box::new(|_, _| 0.0));
        Service { state, signals, task: tokio::spawn(daemon.run(obeyed)) }
    }
}

/// A daemon under way.
struct Service {
    state: Arc<State>,
    signals: mpsc::Sender<Signal>,
    task: JoinHandle<Result<(), StopReason>>,
}

impl Service {
    async fn stop(self) {
        self.signals.send(Signal::Stop(StopReason::Terminate)).await.unwrap();
        assert_eq!(self.task.await.unwrap(), Ok(()));
    }

    /// How many times of a schedule brought no run.
    fn left_out(&self, name: &str, reason: &str) -> u64 {
        let metrics = pages(self.state.clone())("/metrics").unwrap().body;
        let start = format!("fleetctl_schedule_not_run_total{{run=\"{name}\",reason=\"{reason}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&start)).unwrap().parse().unwrap()
    }
}

/// Each day at this time of a zone's clock; where that comes twice, the first.
fn daily(zone: &str, hour: i8, minute: i8, is_meant: impl Fn(Date) -> bool) -> Vec<Timestamp> {
    let zone = TimeZone::get(zone).unwrap();
    let days = date(2026, 11, 20).series(1.day()).take(368).filter(|day| is_meant(*day));
    days.map(|day| day.at(hour, minute, 0, 0).to_zoned(zone.clone()).unwrap().timestamp()).collect()
}

/// What is to run from the beginning to the end.
fn planned(begin: Timestamp, end: Timestamp) -> Vec<(String, Timestamp)> {
    let every = |_: Date| true;
    let workday = |day: Date| {
        !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
            && day != date(2026, 12, 25)
            && day != date(2027, 1, 1)
    };
    // In the night of the gap 02:30 does not come: what was planned for it, and for 02:00, runs once, at 03:00.
    let no_gap = |day: Date| day != date(2027, 3, 28);
    let gap = at("2027-03-28T01:00Z");
    let hours = std::iter::successors(Some(begin), |at| Some(*at + 1.hour())).take(24 * 366);
    let hour = |at: Timestamp| Timestamp::from_second(at.as_second() / 3600 * 3600).unwrap();
    let all = [
        ("morning", daily("Europe/Berlin", 5, 30, workday)),
        ("night", [daily("Europe/Berlin", 2, 30, no_gap), vec![gap]].concat()),
        ("twice", [daily("Europe/Berlin", 2, 0, no_gap), daily("Europe/Berlin", 2, 30, no_gap), vec![gap]].concat()),
        ("hourly", hours.map(hour).collect()),
        ("noon", daily("UTC", 12, 0, every)),
    ];
    let mut planned: Vec<(String, Timestamp)> = all
        .into_iter()
        .flat_map(|(name, times)| times.into_iter().map(move |at| (name.to_owned(), at)))
        .filter(|(_, at)| *at > begin && *at <= end)
        .collect();
    planned.sort();
    planned
}

#[tokio::test(start_paused = true)]
async fn in_a_year_each_planned_run_comes_once_or_is_left_out_with_the_reason() {
    let (begin, end) = (at("2026-11-21T00:10Z"), at("2027-11-21T00:10Z"));
    let long = BTreeMap::from([
        (("hourly", at("2027-06-20T05:00Z")), SignedDuration::from_mins(150)),
        (("noon", at("2027-06-10T12:00Z")), SignedDuration::from_hours(30)),
    ]);
    let machine = Arc::new(Machine {
        began: (begin, Instant::now()),
        jumped: AtomicI64::new(0),
        started: Mutex::default(),
        long,
    });
    let daemon = machine.daemon();
    // The clock is three hours ahead for a day.
    machine.until("2027-02-01T10:10Z").await;
    machine.jump(SignedDuration::from_hours(3));
    machine.until("2027-02-02T15:10Z").await;
    machine.jump(SignedDuration::from_hours(-3));
    machine.until("2027-08-01T12:10Z").await;
    let left_out = |name| (daemon.left_out(name, "missed"), daemon.left_out(name, "overlap"));
    // What was missed at one look counts once.
    assert_eq!((left_out("hourly"), left_out("noon")), ((1, 2), (0, 0)));
    assert_eq!([left_out("morning"), left_out("night"), left_out("twice")], [(0, 0); 3]);
    // The machine is off for a day.
    daemon.stop().await;
    machine.until("2027-08-02T13:50Z").await;
    let daemon = machine.daemon();
    sleep(Duration::from_mins(1)).await;
    let missed = ["morning", "night", "twice", "hourly", "noon"].map(|name| daemon.left_out(name, "missed"));
    assert_eq!(missed, [1, 1, 1, 1, 0]);
    machine.until("2027-11-21T00:10Z").await;
    daemon.stop().await;

    let mut started = machine.started.lock().unwrap().clone();
    started.sort();
    let not_run = [
        ("hourly", "2027-02-01T11:00Z", "2027-02-01T13:00Z"),
        ("hourly", "2027-06-20T06:00Z", "2027-06-20T07:00Z"),
        ("morning", "2027-08-02T03:30Z", "2027-08-02T03:30Z"),
        ("night", "2027-08-02T00:30Z", "2027-08-02T00:30Z"),
        ("twice", "2027-08-02T00:00Z", "2027-08-02T00:30Z"),
        ("hourly", "2027-08-01T13:00Z", "2027-08-02T13:00Z"),
    ];
    let is_left_out = |(name, planned): &(String, Timestamp)| {
        not_run.iter().any(|(left, from, to)| left == name && (at(from)..=at(to)).contains(planned))
    };
    let expected: Vec<_> = planned(begin, end).into_iter().filter(|run| !is_left_out(run)).collect();
    let ran: Vec<_> = started.iter().map(|(name, planned, _)| (name.clone(), *planned)).collect();
    let of = |name: &str| {
        let only = |all: &[(String, Timestamp)]| -> Vec<Timestamp> {
            all.iter().filter(|(one, _)| one == name).map(|(_, at)| *at).collect()
        };
        (only(&ran), only(&expected))
    };
    for name in ["morning", "night", "twice", "hourly", "noon"] {
        let (ran, expected) = of(name);
        assert_eq!(ran, expected, "{name}");
    }
    // All but these start when they are planned for.
    let late: Vec<&Started> = started.iter().filter(|(_, planned, started)| *started > *planned + 1.second()).collect();
    // The clock was set, the run before it ended, the machine was on again.
    let from = ["2027-02-01T13:10Z", "2027-06-11T18:00Z", "2027-08-02T13:50Z"].map(at);
    assert_eq!(late.len(), from.len(), "{late:?}");
    for ((name, _, started), from) in late.into_iter().zip(from) {
        let noticed = from + SignedDuration::try_from(machine.look_every()).unwrap();
        assert!(name == "noon" && (from..=noticed).contains(started), "{name} {started}");
    }
}
