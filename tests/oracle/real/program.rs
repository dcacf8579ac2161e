//! The real binary in a night: its command line, its process, its signals, and what it leaves behind.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use fleetctl::report::Format;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::night::{Millis, Night, Task};
use crate::play::{FURTHER, Played};
use crate::request::inventory;
use crate::shelf::{self, Saved, Shelf};
use crate::world::{Truth, World, printer_word};

/// What takes longer will never end: nights are cut by their deadlines long before.
const LONGEST: Duration = Duration::from_mins(3);

/// What a process has told.
pub(crate) struct Told {
    /// `None`: it had to be killed.
    pub(crate) exit_status: Option<u8>,
    pub(crate) json: String,
    pub(crate) ndjson: String,
    pub(crate) further: Vec<(Format, String)>,
    /// Its standard error.
    pub(crate) said: String,
    pub(crate) saved: Option<Saved>,
}

impl Told {
    /// The same beside what really happened in a night that began then, in milliseconds of the Unix epoch.
    pub(crate) fn played(self, truth: Truth, began: u64) -> Played {
        let Self { exit_status, json, ndjson, further, said, saved } = self;
        Played { truth, exit_status, said, began, json, ndjson, further, saved }
    }
}

/// A folder with the night's inventory, in which the program runs and keeps its state.
pub(crate) fn folder(night: &Night) -> TempDir {
    let folder = tempfile::Builder::new().prefix("fleetctl-oracle-").tempdir().unwrap();
    fs::write(folder.path().join("fleet.toml"), inventory(night)).unwrap();
    folder
}

/// Runs the program from its start to its end; `more` stands on its command line besides.
pub(crate) async fn run(night: &Night, world: &World, folder: &Path, more: &[&str]) -> Told {
    hold(night, folder).await;
    let shelf = Shelf::within(night, folder);
    let mut command = program(folder);
    command.envs(night.lie.map(|lie| ("PLANTED_LIE", lie)));
    command.args(arguments(night)).args(more).stdout(File::create(folder.join("json")).unwrap());
    world.start_now();
    let mut child = command.spawn().unwrap();
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    let ended = tokio::select! {
        ended = timeout(LONGEST, child.wait()) => ended.ok(),
        () = signals(night, world, pid) => None,
    };
    let exit_status = match ended {
        Some(status) => status.unwrap().code().and_then(|code| u8::try_from(code).ok()),
        None => cut(&mut child).await,
    };
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let further = if night.all_formats { &FURTHER[..] } else { &[] };
    let further = further.iter().map(|&format| (format, read(format.as_str()))).collect();
    Told {
        exit_status,
        json: read("json"),
        ndjson: read("ndjson"),
        further,
        said: read("stderr"),
        saved: shelf.map(Shelf::saved),
    }
}

async fn cut(child: &mut Child) -> Option<u8> {
    child.kill().await.unwrap();
    None
}

/// The program in its folder; what it says to people goes to a file there.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetctl"));
    command.current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    let known = std::env::vars_os().map(|(name, _)| name);
    for name in known.filter(|name| name.to_string_lossy().starts_with("FLEETCTL_")) {
        command.env_remove(name);
    }
    command.env("XDG_STATE_HOME", folder.join("state")).env_remove("RUST_LOG");
    command.stderr(File::create(folder.join("stderr")).unwrap());
    command
}

/// Keeps devices out of the run, as a person does.
async fn hold(night: &Night, folder: &Path) {
    let devices = night.order.iter().map(|&place| night.device(place).1);
    let held: Vec<&str> = devices.filter(|device| device.held).map(|device| &*device.name).collect();
    if held.is_empty() {
        return;
    }
    let mut command = program(folder);
    command.args(["hold", &held.join(","), "--until", "2099-01-01", "--why", "oracle"]).stdout(Stdio::null());
    let status = command.status().await.unwrap();
    let why = fs::read_to_string(folder.join("stderr")).unwrap_or_default();
    assert!(status.success(), "`fleetctl hold` failed: {why}");
}

/// The signals of a night; never ends.
async fn signals(night: &Night, world: &World, pid: Option<Pid>) {
    if let (Some((first, second)), Some(pid)) = (night.limits.signals, pid) {
        sleep(Duration::from_millis(first)).await;
        if kill(pid, Signal::SIGINT).is_ok() {
            world.signal(false);
        }
        if let Some(second) = second {
            sleep(Duration::from_millis(second - first)).await;
            if kill(pid, Signal::SIGINT).is_ok() {
                world.signal(true);
            }
        }
    }
    std::future::pending::<()>().await;
}

/// The command line, as `request.rs` has it for the engine.
fn arguments(night: &Night) -> Vec<String> {
    let limits = &night.limits;
    let mut words: Vec<String> = ["run", "--format", "json", "--report", "ndjson=ndjson"].map(str::to_owned).into();
    let mut say = |flag: &str, value: String| words.extend([flag.to_owned(), value]);
    let (flag, what) = match night.task {
        Task::PowerOn => ("--do", "power-on".to_owned()),
        Task::PowerOff => ("--do", "power-off".to_owned()),
        Task::Status => ("--do", "power-status".to_owned()),
        Task::Volume(_) => ("--do", "volume".to_owned()),
        Task::RawPowerOn => ("--cmd", "ka {set_id} 01".to_owned()),
        Task::Key => ("--cmd", "mc {set_id} 02".to_owned()),
        Task::Broadcast => ("--cmd", "ka 00 01".to_owned()),
        Task::Pulse(_) => ("--do", "relay-pulse".to_owned()),
        Task::Text { .. } => ("--cmd", printer_word().to_owned()),
        Task::Fetch => ("--do", "fetch-database".to_owned()),
    };
    say(flag, what);
    match night.task {
        Task::Volume(level) => say("--arg", format!("level={level}")),
        Task::Fetch => say("--save", format!("{}/{}", shelf::NAME, shelf::file("{name}"))),
        Task::Pulse(tenths) => say("--arg", format!("ms={}", u32::from(tenths) * 100)),
        _ => {}
    }
    if !night.order.iter().all(|&place| night.device(place).1.selected) {
        say("--select", "tag:wanted".to_owned());
    }
    if let Some(size) = night.sample {
        say("--sample", size.to_string());
    }
    let span = |millis: Millis| format!("{millis}ms");
    say("--concurrency", limits.concurrency.to_string());
    say("--grace", span(limits.grace));
    say("--connect-timeout", "1500ms".to_owned());
    for (flag, value) in [
        ("--reply-timeout", limits.reply_timeout.map(span)),
        ("--device-deadline", limits.device_deadline.map(span)),
        ("--deadline", limits.deadline.map(span)),
        ("--until", limits.until.map(span)),
        ("--retries", limits.retries.map(|count| count.to_string())),
        ("--max-failures", limits.max_failures.map(|count| count.to_string())),
        ("--batch", limits.batch.map(|(size, _)| size.to_string())),
        ("--pause", limits.batch.map(|(_, pause)| span(pause))),
        ("--rate", limits.rate.map(|every| format!("{}/m", 60_000 / every))),
    ] {
        if let Some(value) = value {
            say(flag, value);
        }
    }
    for format in FURTHER.iter().filter(|_| night.all_formats) {
        say("--report", format!("{0}={0}", format.as_str()));
    }
    let is_idempotent = matches!(night.task, Task::Text { idempotent: true });
    let flags = [("--verify", night.verify), ("--if-needed", night.if_needed), ("--idempotent", is_idempotent)];
    words.extend(flags.iter().filter(|(_, is_given)| *is_given).map(|(flag, _)| (*flag).to_owned()));
    words
}
