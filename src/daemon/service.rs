//! The loop: decides with the agenda, starts runs, notes how they end, obeys signals. Everything that takes long is done
//! elsewhere and waited for here, beside everything else.

use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::Receiver;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use super::jump::Clocks;
use super::state::NotRun;
use super::supervisor::Supervisor;
use super::{Ending, Inventory, Read, Recalled, State, World};
use crate::model::{Ended, StopReason};
use crate::run::Finished;
use crate::schedule::{Agenda, Decision, Entry, Part, Start};
use crate::session::Stop;

/// So often the history is asked for runs that others made.
const RECALL: Duration = Duration::from_secs(10);

/// So often it is tried again to tell what could not be told; each letter has a pace of its own.
const KEPT: Duration = Duration::from_mins(1);

/// What a daemon is told by signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP: the inventory is to be read again.
    Reload,
    /// SIGTERM, SIGINT: the first lets runs in flight end, the second cuts them.
    Stop(StopReason),
}

/// All schedules of an inventory.
pub struct Daemon<W> {
    world: Arc<W>,
    state: Arc<State>,
    inventory: Arc<Inventory>,
    agenda: Agenda,
    clocks: Clocks,
    supervisor: Supervisor,
    runs: JoinSet<(Start, Ending)>,
    stops: HashMap<Id, Stop>,
    reading: JoinSet<Result<Read, String>>,
    /// A further SIGHUP came while files were being read, which may have been read before they were changed.
    reads_again: bool,
    telling: JoinSet<(String, Vec<String>)>,
    /// What was left from earlier: a stop does not wait for it.
    kept: JoinSet<()>,
    kept_tried: Instant,
    recalling: JoinSet<Recalled>,
    recalled: Instant,
    stopping: Option<StopReason>,
    /// A run was cut short by that.
    was_cut: bool,
}

impl<W: World> Daemon<W> {
    /// A daemon that begins now; `since` is until when the times of a schedule are decided, `part` draws the jitter.
    pub fn new(
        world: Arc<W>,
        state: Arc<State>,
        inventory: Inventory,
        since: impl Fn(&str) -> Option<Timestamp>,
        part: Part,
    ) -> Self {
        let now = world.now();
        Self {
            agenda: Agenda::new(inventory.entries().to_vec(), since, now, part),
            clocks: Clocks::new(now),
            supervisor: Supervisor::new(),
            inventory: Arc::new(inventory),
            world,
            state,
            runs: JoinSet::new(),
            stops: HashMap::new(),
            reading: JoinSet::new(),
            reads_again: false,
            telling: JoinSet::new(),
            kept: JoinSet::new(),
            kept_tried: Instant::now(),
            recalling: JoinSet::new(),
            recalled: Instant::now(),
            stopping: None,
            was_cut: false,
        }
    }

    /// Runs schedules until it is stopped, and all that was in flight has ended.
    ///
    /// # Errors
    /// The signal, where it cut a run short.
    pub async fn run(mut self, mut signals: Receiver<Signal>) -> Result<(), StopReason> {
        Supervisor::ready();
        let (world, inventory) = (self.world.clone(), self.inventory.clone());
        self.kept.spawn(async move { world.tell_of_killed(inventory).await });
        loop {
            self.state.turns();
            if self.stopping.is_none() {
                self.look();
                self.send_kept();
                self.recall();
            } else if self.runs.is_empty() && self.telling.is_empty() {
                break;
            }
            let wait = self.wait();
            tokio::select! {
                Some(joined) = self.runs.join_next_with_id() => {
                    if let Ok((id, (start, ending))) = joined {
                        self.stops.remove(&id);
                        self.ended(&start, ending);
                    }
                }
                Some(read) = self.reading.join_next() => {
                    self.take_over(read.unwrap_or_else(|error| Err(error.to_string())));
                }
                Some(told) = self.telling.join_next() => {
                    let (name, untold) = told.unwrap_or_default();
                    for why in untold {
                        error!("{name}: {why}");
                        self.state.untold(&name, &why);
                    }
                }
                Some(_) = self.kept.join_next() => {}
                Some(recalled) = self.recalling.join_next() => self.state.recall(recalled.unwrap_or_default()),
                Some(signal) = signals.recv() => self.obey(signal),
                () = sleep(wait) => {}
            }
        }
        match self.stopping {
            Some(reason) if self.was_cut => Err(reason),
            _ => Ok(()),
        }
    }

    /// Decides what is due.
    fn look(&mut self) {
        let now = self.world.now();
        if let Some(jump) = self.clocks.look(now) {
            let way = if jump.is_negative() { "back" } else { "forward, or the machine slept," };
            let by = SignedDuration::from_secs(jump.as_secs().abs());
            warn!("the clock went {way} by {by:#}: what that means for runs is decided anew");
        }
        for decision in self.agenda.look(now) {
            self.decide(decision);
        }
        for (name, next) in self.agenda.next_starts() {
            self.state.next(&name, next);
        }
        self.supervisor.status(status(self.agenda.entries().count(), self.agenda.next_start(), self.runs.len()));
    }

    /// Tries again, now and then, what could not be told.
    fn send_kept(&mut self) {
        if self.kept_tried.elapsed() >= KEPT && self.kept.is_empty() {
            self.kept_tried = Instant::now();
            let (world, inventory) = (self.world.clone(), self.inventory.clone());
            self.kept.spawn(async move { world.send_kept(inventory).await });
        }
    }

    /// Asks, now and then, what others ran.
    fn recall(&mut self) {
        if self.recalled.elapsed() >= RECALL && self.recalling.is_empty() {
            self.recalled = Instant::now();
            let names = self.inventory.entries().iter().map(|entry| entry.name().to_owned()).collect();
            let (world, known) = (self.world.clone(), self.state.known());
            self.recalling.spawn(async move { world.recall(names, known).await });
        }
    }

    fn decide(&mut self, decision: Decision) {
        match decision {
            Decision::Start(start) => self.start(start),
            Decision::Waits(start) => {
                info!("{}: waits until the run before it has ended", title(&start.entry, start.planned));
            }
            Decision::Overlaps(start) => {
                let title = title(&start.entry, start.planned);
                warn!("{title}: is left out, as the run before it has not ended");
                self.state.not_run(start.entry.name(), NotRun::Overlap);
            }
            Decision::Missed { entry, first, last } => {
                let until = if first == last { String::new() } else { format!(" to {}", shown(&entry, last)) };
                warn!("{}{until}: was missed", title(&entry, first));
                self.state.not_run(entry.name(), NotRun::Missed);
            }
        }
    }

    fn start(&mut self, start: Start) {
        info!("{}: starts", title(&start.entry, start.planned));
        let stop = Stop::default();
        let (world, inventory) = (self.world.clone(), self.inventory.clone());
        let told = stop.clone();
        let task = self.runs.spawn(async move {
            let run = caught(async { world.run(start.clone(), inventory, told).await }).await;
            (start, run.unwrap_or_else(Ending::Panicked))
        });
        self.stops.insert(task.id(), stop);
    }

    /// A run is over: that is noted and told, and the one that waited for it starts.
    fn ended(&mut self, start: &Start, ending: Ending) {
        let name = start.entry.name();
        match &ending {
            Ending::Over(finished) => {
                say(name, finished);
                self.was_cut |= self.stopping.is_some() && finished.ended == Ended::Interrupted;
            }
            Ending::NotStarted(why) => error!("{name}: could not start, nothing was sent: {why}"),
            Ending::Panicked(why) => error!("{name}: failed, please report this as a bug: {why}"),
        }
        self.state.ended(name, &ending);
        let waited = self.agenda.finished(name);
        let (world, inventory, over) = (self.world.clone(), self.inventory.clone(), start.clone());
        self.telling.spawn(async move {
            let name = over.entry.name().to_owned();
            let told = caught(async { world.tell(over, inventory, ending).await }).await;
            let bug = |why| vec![format!("nobody could be told of it, please report this as a bug: {why}")];
            (name, told.unwrap_or_else(bug))
        });
        if let Some(waited) = waited.filter(|_| self.stopping.is_none()) {
            self.start(waited);
        }
    }

    fn obey(&mut self, signal: Signal) {
        match (signal, self.stopping) {
            (Signal::Reload, None) => self.read(),
            (Signal::Reload, Some(_)) => {}
            (Signal::Stop(reason), None) => {
                let count = self.runs.len();
                warn!("{}: nothing new starts; runs in flight, which may end: {count}", reason.words());
                self.stopping = Some(reason);
                Supervisor::stopping();
                self.state.stops();
                self.stops.values().for_each(|stop| stop.no_more(reason));
            }
            (Signal::Stop(reason), Some(_)) => {
                warn!("{}: what is in flight ends now", reason.words());
                self.stops.values().for_each(|stop| stop.cut(reason));
                self.telling.abort_all();
            }
        }
    }

    /// Reads the inventory again, beside everything else.
    fn read(&mut self) {
        if !self.reading.is_empty() {
            self.reads_again = true;
            return;
        }
        info!("SIGHUP: the inventory is read again");
        Supervisor::reloading();
        let world = self.world.clone();
        self.reading.spawn(caught(async move { world.read().await }));
    }

    fn take_over(&mut self, read: Result<Read, String>) {
        let now = self.world.now();
        let problem = match read {
            Ok(Read { inventory: Some(inventory), said, .. }) => {
                if !said.is_empty() {
                    warn!("the inventory was read again:\n{said}");
                }
                self.agenda.replace(inventory.entries().to_vec());
                let names: BTreeSet<&str> = inventory.entries().iter().map(Entry::name).collect();
                self.state.read(&names, now);
                info!("the inventory was read again; schedules: {}", names.len());
                self.inventory = Arc::new(inventory);
                None
            }
            Ok(Read { said, mistakes, .. }) => {
                let mistakes = if mistakes == 1 { "1 mistake".to_owned() } else { format!("{mistakes} mistakes") };
                Some((said, format!("{mistakes}, see stderr")))
            }
            Err(panic) => Some((panic.clone(), panic)),
        };
        if let Some((said, short)) = problem {
            error!("the inventory was read again and is broken; the one from before is used on:\n{said}");
            self.state.not_read(format!("the inventory on disk is broken, an older one is used: {short}"));
        }
        Supervisor::ready();
        if std::mem::take(&mut self.reads_again) {
            self.read();
        }
    }

    /// Until something is to be done that nobody else calls for.
    fn wait(&mut self) -> Duration {
        let sign = self.supervisor.sign_of_life().map(|at| at.duration_since(Instant::now()));
        let until = |next: Timestamp| self.world.now().duration_until(next).try_into().unwrap_or(Duration::ZERO);
        let next = self.agenda.next_start().filter(|_| self.stopping.is_none()).map(until);
        [sign, next].into_iter().flatten().fold(self.world.look_every(), Duration::min)
    }
}

/// What systemd shows.
fn status(schedules: usize, next: Option<Timestamp>, running: usize) -> String {
    let next = next.map_or_else(|| "none".to_owned(), |next| next.strftime("%Y-%m-%d %H:%M UTC").to_string());
    format!("schedules: {schedules}, next run: {next}, running: {running}")
}

/// A run in words: `morning, planned for 2026-11-21 05:30 +01:00`.
fn title(entry: &Entry, planned: Timestamp) -> String {
    format!("{}, planned for {}", entry.name(), shown(entry, planned))
}

/// A time as the schedule's clock shows it.
fn shown(entry: &Entry, at: Timestamp) -> String {
    at.to_zoned(entry.calendar.zone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string()
}

fn say(name: &str, finished: &Finished) {
    let (summary, ended) = (&finished.summary, finished.ended.as_str());
    let (successes, counted) = (summary.successes(), summary.counted());
    let text = format!("{name}: {ended}, {successes} of {counted} devices are a success");
    if successes == counted && finished.ended == Ended::Completed {
        info!("{text}");
    } else {
        warn!("{text}; `fleetctl history show last` says more");
    }
    for error in &finished.undelivered {
        error!("{name}: {error}: {}", error.source);
    }
}

/// What a future comes to, or why it panicked.
async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let why = |panic: Box<dyn Any + Send>| match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (None, Some(text)) => (*text).to_owned(),
        (None, None) => "a panic without a message".to_owned(),
    };
    // What it held is gone with it, but for what others lock: they take what they find there.
    AssertUnwindSafe(future).catch_unwind().await.map_err(why)
}
