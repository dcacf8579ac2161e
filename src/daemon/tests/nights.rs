//! The loop under a clock that the tests drive: what runs, how often, and what nothing may end.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
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

const DEVICE: &str = "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.0.0.1\"\n";

fn inventory(schedules: &[(&str, &str)]) -> String {
    let entry = |(name, lines): &(&str, &str)| {
        format!("[[schedule]]\nname = \"{name}\"\ntimezone = \"UTC\"\ndo = \"power-on\"\n{lines}\n")
    };
    schedules.iter().fold(DEVICE.to_owned(), |text, schedule| text + &entry(schedule))
}

/// How a run goes.
#[derive(Clone, Copy)]
enum Play {
    Takes(Duration),
    Panics,
    /// It ends when it is stopped, `true`: only at the second signal.
    UntilStopped(bool),
}

/// A machine whose wall clock can be set, whose files are a text, and whose runs are plays.
struct Machine {
    began: (Timestamp, Instant),
    jumped: AtomicI64,
    file: Mutex<String>,
    play: Mutex<Play>,
    /// The runs that started, by name and planned time, and what the world was told.
    started: Mutex<Vec<(String, Timestamp)>>,
    told: Mutex<Vec<String>>,
    /// Whom it could not tell.
    untold: Mutex<Vec<String>>,
    /// How often it was to try again.
    kept: AtomicI64,
}

impl World for Machine {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.began.1.elapsed()).unwrap();
        self.began.0 + passed + SignedDuration::from_secs(self.jumped.load(Ordering::Relaxed))
    }

    fn read(&self) -> Boxed<Read> {
        let text = self.file.lock().unwrap().clone();
        Box::pin(async move { read(&text) })
    }

    fn run(&self, start: Start, _: Arc<Inventory>, stop: Stop) -> Boxed<Ending> {
        self.started.lock().unwrap().push((start.entry.name().to_owned(), start.planned));
        let play = *self.play.lock().unwrap();
        Box::pin(async move {
            let ended = match play {
                Play::Takes(span) => {
                    sleep(span).await;
                    Ended::Completed
                }
                Play::Panics => panic!("a fault of ours"),
                Play::UntilStopped(false) => {
                    stop.stopping().await;
                    Ended::Interrupted
                }
                Play::UntilStopped(true) => {
                    stop.cutting().await;
                    Ended::Interrupted
                }
            };
            let (summary, undelivered) = (Summary::default(), Vec::new());
            Ending::Over(Box::new(Finished { ended, summary, undelivered, run: None }))
        })
    }

    fn tell(&self, start: Start, _: Arc<Inventory>, ending: Ending) -> Boxed<Vec<String>> {
        let word = match ending {
            Ending::Over(finished) => finished.ended.as_str().to_owned(),
            Ending::NotStarted(why) => why,
            Ending::Panicked(why) => format!("panicked: {why}"),
        };
        self.told.lock().unwrap().push(format!("{}: {word}", start.entry.name()));
        let untold = self.untold.lock().unwrap().clone();
        Box::pin(async { untold })
    }

    fn send_kept(&self, _: Arc<Inventory>) -> Boxed<()> {
        self.kept.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {})
    }
}

fn read(text: &str) -> Read {
    checked(loaded(text), "fleet.toml".as_ref(), &[], false)
}

/// A daemon under way.
struct Night {
    machine: Arc<Machine>,
    state: Arc<State>,
    signals: mpsc::Sender<Signal>,
    daemon: JoinHandle<Result<(), StopReason>>,
}

impl Night {
    /// It begins at half a minute past midnight.
    fn begin(schedules: &[(&str, &str)], play: Play) -> Self {
        Self::begin_since(schedules, play, None)
    }

    fn begin_since(schedules: &[(&str, &str)], play: Play, since: Option<&str>) -> Self {
        let text = inventory(schedules);
        let read = read(&text);
        let inventory = read.inventory.unwrap_or_else(|| panic!("{}", read.said));
        let machine = Arc::new(Machine {
            began: ("2026-11-21T00:00:30Z".parse().unwrap(), Instant::now()),
            jumped: AtomicI64::new(0),
            file: Mutex::new(text),
            play: Mutex::new(play),
            started: Mutex::default(),
            told: Mutex::default(),
            untold: Mutex::default(),
            kept: AtomicI64::new(0),
        });
        let state = Arc::new(State::new(schedules.iter().map(|(name, _)| *name), machine.now()));
        let (signals, obeyed) = mpsc::channel(4);
        let since: Option<Timestamp> = since.map(|since| since.parse().unwrap());
        let daemon = Daemon::new(machine.clone(), state.clone(), inventory, move |_: &str| since, Box::new(|_, _| 0.0));
        let daemon = tokio::spawn(daemon.run(obeyed));
        Self { machine, state, signals, daemon }
    }

    /// The runs that started since this was asked last: `morning 05:30`.
    fn started(&self) -> Vec<String> {
        let started = std::mem::take(&mut *self.machine.started.lock().unwrap());
        started.iter().map(|(name, at)| format!("{name} {}", at.strftime("%H:%M"))).collect()
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.machine.told.lock().unwrap())
    }

    fn jump(&self, by: SignedDuration) {
        self.machine.jumped.fetch_add(by.as_secs(), Ordering::Relaxed);
    }

    fn page(&self, path: &str) -> (u16, String) {
        let page = pages(self.state.clone())(path).unwrap();
        (page.status.as_u16(), page.body)
    }

    #[track_caller]
    fn expect_metric(&self, line: &str) {
        let (_, metrics) = self.page("/metrics");
        assert!(metrics.lines().any(|one| one == line), "{line} is missing in\n{metrics}");
    }

    async fn signal(&self, signal: Signal) {
        self.signals.send(signal).await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
}

const QUICK: Play = Play::Takes(Duration::from_secs(1));
const MINUTES: SignedDuration = SignedDuration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn each_time_of_each_schedule_runs_once() {
    let night = Night::begin(&[("often", "cron = \"*/10 * * * *\""), ("also", "cron = \"30 * * * *\"")], QUICK);
    sleep(Duration::from_hours(24)).await;
    let started = night.started();
    assert_eq!(started.len(), 6 * 24 + 24, "{started:?}");
    assert_eq!(started[..4], ["often 00:10", "often 00:20", "often 00:30", "also 00:30"]);
    night.expect_metric("fleetctl_schedule_next_run_timestamp_seconds{run=\"also\"} 1795307400");
    assert_eq!(night.page("/healthz").0, 200);
    assert_eq!(night.told().len(), started.len());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_forward_leaves_missed_runs_and_one_that_jumps_back_no_second_ones() {
    let night = Night::begin(
        &[
            ("late", "cron = \"*/10 * * * *\"\nmissed = \"run-within 2h\""),
            ("never", "cron = \"5 * * * *\"\nmissed = \"skip\""),
        ],
        QUICK,
    );
    sleep(Duration::from_mins(1)).await;
    night.jump(MINUTES * 60);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(night.started(), ["late 01:00"], "only the last, and at once");
    night.expect_metric("fleetctl_schedule_not_run_total{run=\"late\",reason=\"missed\"} 1");
    night.expect_metric("fleetctl_schedule_not_run_total{run=\"never\",reason=\"missed\"} 1");
    sleep(Duration::from_mins(10)).await;
    assert_eq!(night.started(), ["never 01:05", "late 01:10"]);
    night.jump(MINUTES * -30);
    sleep(Duration::from_mins(30)).await;
    assert_eq!(night.started(), [""; 0], "these times have run already");
    sleep(Duration::from_mins(10)).await;
    assert_eq!(night.started(), ["late 01:20"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_before_it_began_runs_when_it_may() {
    let schedules = [
        ("late", "cron = \"0 * * * *\"\nmissed = \"run-within 2h\""),
        ("skipped", "cron = \"0 * * * *\"\nmissed = \"skip\""),
    ];
    let night = Night::begin_since(&schedules, QUICK, Some("2026-11-20T20:30:00Z"));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(night.started(), ["late 00:00", "skipped 00:00"], "half a minute is in time");
    drop(night);
    let night = Night::begin_since(&schedules, QUICK, Some("2026-11-20T23:30:00Z"));
    night.jump(MINUTES * 20);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(night.started(), ["late 00:00"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_panics_ends_only_itself() {
    let night = Night::begin(&[("a", "cron = \"* * * * *\"")], Play::Panics);
    sleep(Duration::from_mins(3)).await;
    assert_eq!(night.started().len(), 3);
    assert_eq!(night.told(), ["a: panicked: a fault of ours"; 3]);
    night.expect_metric("fleetctl_schedule_not_run_total{run=\"a\",reason=\"panicked\"} 3");
    let (status, text) = night.page("/healthz");
    assert!(status == 503 && text.contains("schedule `a`") && text.contains("a fault of ours"), "{text}");
    *night.machine.play.lock().unwrap() = QUICK;
    sleep(Duration::from_mins(1)).await;
    assert_eq!(night.told(), ["a: completed"]);
    assert_eq!(night.page("/healthz").0, 200, "the last run was well");
}

#[tokio::test(start_paused = true)]
async fn who_could_not_be_told_is_seen_and_tried_again() {
    let night = Night::begin(&[("a", "cron = \"5 * * * *\"")], QUICK);
    night.machine.untold.lock().unwrap().push("ops-mail was not told".to_owned());
    sleep(Duration::from_mins(6)).await;
    let (status, text) = night.page("/healthz");
    assert!(status == 503 && text.contains("schedule `a`: ops-mail was not told"), "{text}");
    sleep(Duration::from_mins(54)).await;
    let tries = night.machine.kept.load(Ordering::Relaxed);
    assert!((50..=60).contains(&tries), "{tries}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_still_under_way_is_waited_for_or_left_out_as_the_entry_says() {
    let long = Play::Takes(Duration::from_secs(90));
    let night = Night::begin(&[("s", "cron = \"* * * * *\"\noverlap = \"skip\"")], long);
    sleep(Duration::from_mins(3)).await;
    assert_eq!(night.started(), ["s 00:01", "s 00:03"]);
    night.expect_metric("fleetctl_schedule_not_run_total{run=\"s\",reason=\"overlap\"} 1");
    let night = Night::begin(&[("w", "cron = \"* * * * *\"\noverlap = \"wait\"")], long);
    sleep(Duration::from_secs(125)).await;
    assert_eq!(night.started(), ["w 00:01", "w 00:02"]);
}

#[tokio::test(start_paused = true)]
async fn the_inventory_is_read_again_and_a_broken_one_leaves_the_old_one_at_work() {
    let night = Night::begin(&[("old", "cron = \"0 * * * *\"")], QUICK);
    *night.machine.file.lock().unwrap() = inventory(&[("new", "cron = \"30 * * * *\"\nselect = \"tw\"")]);
    night.signal(Signal::Reload).await;
    let (status, text) = night.page("/healthz");
    assert!(status == 503 && text.contains("the inventory on disk is broken"), "{text}");
    night.expect_metric("fleetctl_inventory_up_to_date 0");
    sleep(Duration::from_hours(1)).await;
    assert_eq!(night.started(), ["old 01:00"]);

    *night.machine.file.lock().unwrap() = inventory(&[("new", "cron = \"30 * * * *\"")]);
    night.signal(Signal::Reload).await;
    assert_eq!(night.page("/healthz").0, 200);
    night.expect_metric("fleetctl_inventory_up_to_date 1");
    sleep(Duration::from_hours(1)).await;
    assert_eq!(night.started(), ["new 01:30"]);
    assert!(!night.page("/metrics").1.contains("run=\"old\""), "it has left the inventory");
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_runs_end_and_starts_nothing() {
    let stop = Signal::Stop(StopReason::Terminate);
    let often = [("a", "cron = \"* * * * *\"")];
    let idle = Night::begin(&often, QUICK);
    idle.signal(stop).await;
    assert_eq!(idle.daemon.await.unwrap(), Ok(()));

    let finishing = Night::begin(&often, Play::Takes(Duration::from_mins(5)));
    sleep(Duration::from_secs(31)).await;
    finishing.signal(stop).await;
    assert_eq!(finishing.page("/healthz").0, 503);
    assert_eq!(finishing.daemon.await.unwrap(), Ok(()), "no run was cut short");
    assert_eq!(finishing.machine.started.lock().unwrap().len(), 1);
    assert_eq!(*finishing.machine.told.lock().unwrap(), ["a: completed"]);

    let cut = Night::begin(&often, Play::UntilStopped(false));
    sleep(Duration::from_secs(31)).await;
    cut.signal(stop).await;
    assert_eq!(cut.daemon.await.unwrap(), Err(StopReason::Terminate));
    assert_eq!(*cut.machine.told.lock().unwrap(), ["a: interrupted"]);

    let stubborn = Night::begin(&often, Play::UntilStopped(true));
    sleep(Duration::from_secs(31)).await;
    stubborn.signal(stop).await;
    assert!(!stubborn.daemon.is_finished());
    stubborn.signal(Signal::Stop(StopReason::Interrupt)).await;
    assert_eq!(stubborn.daemon.await.unwrap(), Err(StopReason::Terminate), "the first cause counts");
}
