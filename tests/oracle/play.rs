//! Plays a night: the real program from the inventory's text to the reports, against the night's world.
//!
//! One thread and a paused clock; every random number comes from the night's seed. What the run came to is what it told:
//! the bytes of its reports, and the exit status.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use fleetctl::cli::ExitStatus;
use fleetctl::device_type::Catalog;
use fleetctl::diagnostic::{Diagnostics, Sources, render_all};
use fleetctl::dispatch::{Outside, RunClock};
use fleetctl::inventory;
use fleetctl::model::{DeviceIndex, Ended, RunId, RunInfo, Share, StopReason, UnixMillis};
use fleetctl::report::{Format, ReportOptions, Reporters, Sink, reporter};
use fleetctl::run::{self, Loaded, Preparation, Prepared, RunRequest};
use fleetctl::session::{FileWork, Intents, Stop};
use fleetctl::transport::Fit;
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use crate::night::Night;
use crate::random::Random;
use crate::request::{inventory, request};
use crate::shelf::{Saved, Shelf};
use crate::world::{Network, Truth, World};

/// What a planted panic carries, so that it can be told from one that nobody planted.
pub(crate) const PLANTED: &str = "planted by the night";

/// The start of every night on the wall: 2026-11-21 00:00 UTC.
const MIDNIGHT: UnixMillis = UnixMillis(1_795_219_200_000);

/// No run takes longer, whatever it is told: one that does will never end.
const LONGEST: Duration = Duration::from_hours(48);

/// The formats besides JSON and NDJSON that say something of each device or of their number.
pub(crate) const FURTHER: [Format; 5] = [Format::Csv, Format::Junit, Format::Prometheus, Format::Nagios, Format::Table];

/// The built-in types, read once.
static TYPES: LazyLock<Catalog> = LazyLock::new(|| {
    let none: &[std::path::PathBuf] = &[];
    Catalog::load(none, &mut Sources::default(), &mut Diagnostics::default())
});

/// What a run has told, and what really happened.
pub(crate) struct Played {
    pub(crate) truth: Truth,
    /// `None`: the run did not end.
    pub(crate) exit_status: Option<u8>,
    /// What it has said to people, where it is a process.
    pub(crate) said: String,
    /// When the night began, in milliseconds of the Unix epoch.
    pub(crate) began: u64,
    pub(crate) json: String,
    pub(crate) ndjson: String,
    /// The other formats, where they are wanted.
    pub(crate) further: Vec<(Format, String)>,
    /// Where files are fetched: what became of them.
    pub(crate) saved: Option<Saved>,
}

/// What a reporter has written.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn text(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8(bytes).unwrap()
    }
}

/// Tells the world of commands before they are written.
struct Declared(World);

impl Intents for Declared {
    fn declare(&self, device: DeviceIndex) -> Option<BoxFuture<'static, ()>> {
        self.0.declare(device.0 as usize);
        None
    }
}

/// Plays a night.
pub(crate) fn play(night: &Night) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(play_in(night))
}

async fn play_in(night: &Night) -> Played {
    let shelf = Shelf::somewhere(night);
    let request = request(night, shelf.as_ref().map(Shelf::pattern));
    let prepared = prepared(night, &request);
    let world = World::new(night);
    let mut reporters = Reporters::default();
    let further: &[Format] = if night.all_formats { &FURTHER } else { &[] };
    let pages: Vec<(Format, Page)> =
        [Format::Json, Format::Ndjson].iter().chain(further).map(|&format| (format, Page::default())).collect();
    for (format, page) in &pages {
        let sink = Sink::Writer(Box::new(page.clone()));
        reporters.add(format.as_str(), reporter(*format, sink, ReportOptions::default()));
    }
    let (events, mut queue) = mpsc::channel(night.limits.queue);
    let stop = Stop::default();
    let clock = RunClock { started: Instant::now(), started_at: MIDNIGHT };
    let fit = Fit { lanes: prepared.concurrency, tables: 1 };
    let mut random = Random::new(night.seed ^ 0x5EED);
    let surroundings = run::World {
        info: Arc::new(RunInfo {
            id: RunId("01JORACLE0000000000000TEST".into()),
            fleet: prepared.fleet.clone(),
            command: prepared.command.clone(),
            schedule: None,
            verify: request.verify,
            if_needed: request.if_needed,
            started_at: clock.started_at,
            simulated: false,
            held: std::collections::BTreeMap::new(),
        }),
        limits: run::limits(&request, &prepared, fit, clock.started_at),
        clock,
        stop: stop.clone(),
        random: Box::new(move || random.fraction()),
        outside: Outside { events, intents: Some(Arc::new(Declared(world.clone()))), file_work: FileWork::AtOnce },
    };
    let engine = async {
        tokio::select! {
            biased;
            ended = run::carry_out(&prepared, Network(world.clone()), surroundings) => ended,
            ended = signals(night, &world, &stop) => ended,
        }
    };
    let collect = async {
        let mut waiting = Vec::new();
        while queue.recv_many(&mut waiting, 64).await > 0 {
            reporters.events(waiting.drain(..));
        }
        reporters.finish()
    };
    let done = timeout(LONGEST, async { tokio::join!(engine, collect) }).await.ok();
    let exit_status = done.map(|(ended, finished)| {
        let summary = finished.run.as_ref().map(|run| *run.summary()).unwrap_or_default();
        let delivered = finished.errors.is_empty();
        ExitStatus::of_run(ended, stop.reason(), &summary, Share::ALL, delivered).code()
    });
    let shown = |text: String| shelf.as_ref().map_or(text.clone(), |shelf| shelf.without_path(&text));
    let pages: Vec<_> = pages.into_iter().map(|(format, page)| (format, shown(page.text()))).collect();
    let mut pages = pages.into_iter();
    let (json, ndjson) = (pages.next().unwrap_or((Format::Json, String::new())).1, pages.next());
    let ndjson = ndjson.map(|(_, text)| text).unwrap_or_default();
    let (said, began) = (String::new(), MIDNIGHT.0.unsigned_abs());
    let saved = shelf.map(Shelf::saved);
    Played { truth: world.truth(), exit_status, said, began, json, ndjson, further: pages.collect(), saved }
}

/// The signals of a night; never ends.
async fn signals(night: &Night, world: &World, stop: &Stop) -> Ended {
    if let Some((first, second)) = night.limits.signals {
        sleep(Duration::from_millis(first)).await;
        world.signal(false);
        stop.no_more(StopReason::Interrupt);
        if let Some(second) = second {
            sleep(Duration::from_millis(second - first)).await;
            world.signal(true);
            stop.cut(StopReason::Interrupt);
        }
    }
    std::future::pending().await
}

/// Everything before the first byte.
fn prepared(night: &Night, request: &RunRequest) -> Box<Prepared> {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let text = inventory(night);
    let path = Path::new("fleet.toml");
    let fleet = inventory::read(&*text, path, &TYPES, &mut sources, &|_| None, &mut diagnostics);
    let mut loaded = Loaded { catalog: Catalog::new([]), fleet, sources, diagnostics };
    let preparation = run::prepare(request, &mut loaded);
    let Preparation::Ready(mut prepared) = preparation else {
        panic!("{}\n{text}", render_all(&loaded.diagnostics, &loaded.sources, false));
    };
    let held: Vec<&str> = night
        .order
        .iter()
        .map(|&place| night.device(place).1)
        .filter_map(|device| device.held.then_some(&*device.name))
        .collect();
    if !held.is_empty() {
        Arc::make_mut(&mut prepared.plan).hold(|device| held.contains(&&*device.name));
    }
    prepared
}
