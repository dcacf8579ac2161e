//! The real program as a child process: arguments in, exit status and both outputs out, with an outer limit on time.
//!
//! No `FLEETCTL_*` variable of the caller reaches it, its state is the folder's own, standard input is empty, nothing is
//! a terminal.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::report::Report;

/// No run of these tests may take longer: what does is a hang.
const OUTER_LIMIT: Duration = Duration::from_mins(2);

/// A run that is under way; killed when dropped.
pub(crate) struct Running {
    child: Child,
    arguments: String,
    started: Instant,
    stdout: Collector,
    stderr: Collector,
}

/// A run that is over.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit status; `None` after death by a signal.
    pub(crate) status: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
    /// From start to end.
    pub(crate) wall: Duration,
    arguments: String,
}

struct Collector {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts the program in a folder.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_with(folder, arguments, |_| ())
    }

    /// The same, with changes to how it is started.
    pub(crate) fn start_with(folder: &Path, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        Self::start_as(Command::new(env!("CARGO_BIN_EXE_fleetctl")), folder, arguments, change)
    }

    /// Starts it under another program, which gets it and its arguments as its last ones.
    pub(crate) fn start_under(folder: &Path, wrapper: &[&str], arguments: &[&str]) -> Self {
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(env!("CARGO_BIN_EXE_fleetctl"));
        Self::start_as(command, folder, arguments, |_| ())
    }

    fn start_as(mut command: Command, folder: &Path, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        command.args(arguments).current_dir(folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FLEETCTL_") {
                command.env_remove(name);
            }
        }
        command.env("XDG_STATE_HOME", folder.join(".state"));
        command.env_remove("RUST_LOG").env_remove("NO_COLOR");
        change(&mut command);
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("`{program}` does not start ({error})"));
        let stdout = Collector::of(child.stdout.take());
        let stderr = Collector::of(child.stderr.take());
        Self { child, arguments: arguments.join(" "), started: Instant::now(), stdout, stderr }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits until the kernel says that it is stopped.
    pub(crate) fn wait_until_stopped(&self) {
        let path = format!("/proc/{}/stat", self.child.id());
        self.wait_for("a stopped process", || {
            std::fs::read_to_string(&path).unwrap().rsplit(')').next().unwrap().trim_start().starts_with('T')
        });
    }

    /// Waits until standard output holds this text.
    pub(crate) fn wait_for_stdout(&self, text: &str) {
        self.wait_for(text, || self.stdout.text().contains(text));
    }

    /// Standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until standard error holds this text.
    pub(crate) fn wait_for_stderr(&self, text: &str) {
        self.wait_for(text, || self.stderr.text().contains(text));
    }

    /// Waits until something has come true; panics with both outputs when it does not.
    pub(crate) fn wait_for(&self, what: &str, has_come: impl Fn() -> bool) {
        let limit = Instant::now() + Duration::from_secs(30);
        while !has_come() {
            assert!(
                Instant::now() < limit,
                "`fleetctl {}` never came to: {what}\n--- stdout\n{}\n--- stderr\n{}",
                self.arguments,
                self.stdout.text(),
                self.stderr.text()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it runs still: false, too, once it has run for longer than any test may.
    pub(crate) fn is_running(&self) -> bool {
        // Its end is left to whoever waits for it: a process that has ended and was not waited for is a `Z`.
        let state = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let has_ended = state.rsplit(')').next().is_none_or(|rest| rest.trim_start().starts_with('Z'));
        !has_ended && self.started.elapsed() < OUTER_LIMIT
    }

    /// Waits for its end.
    pub(crate) fn finish(self) -> Finished {
        self.finish_within(OUTER_LIMIT)
    }

    /// Waits for its end; kills it, and panics, when it has not come so long after the start.
    pub(crate) fn finish_within(mut self, longest: Duration) -> Finished {
        let limit = self.started + longest;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > limit {
                let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
                panic!("`fleetctl {}` hangs\n--- stdout\n{stdout}\n--- stderr\n{stderr}", self.arguments);
            }
            thread::sleep(Duration::from_millis(2));
        };
        let wall = self.started.elapsed();
        let (stdout, stderr) = (self.stdout.finish(), self.stderr.finish());
        Finished { status: status.code(), stdout, stderr, wall, arguments: std::mem::take(&mut self.arguments) }
    }

    /// Waits for its end, as `finish` does; the most memory it has had is the second, in KiB.
    pub(crate) fn finish_with_peak(self) -> (Finished, u64) {
        let mut peak = 0;
        while let Some(so_far) = self.memory_so_far()
            && self.started.elapsed() < OUTER_LIMIT
        {
            peak = so_far;
            thread::sleep(Duration::from_millis(2));
        }
        (self.finish(), peak)
    }

    /// The most memory it has had so far, in KiB.
    pub(crate) fn peak_memory_kib(&self) -> u64 {
        self.memory_so_far().unwrap()
    }

    /// The same; `None` once it has ended.
    fn memory_so_far(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().trim_end_matches(" kB").parse().ok()
    }

    /// Lets it write no file longer than this, as if the disk were full.
    pub(crate) fn limit_file_size(&self, bytes: u64) {
        let process = format!("--pid={}", self.child.id());
        let status = Command::new("prlimit").arg(process).arg(format!("--fsize={bytes}")).status();
        assert!(status.is_ok_and(|status| status.success()), "this test needs `prlimit` of util-linux");
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `finish` there is nothing left to kill; on a panic of the test there is.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Finished {
    /// Panics with both outputs unless the exit status is this one.
    #[track_caller]
    pub(crate) fn expect_status(&self, status: i32) -> &Self {
        assert_eq!(self.status, Some(status), "exit status of {self}");
        self
    }

    /// Standard output as the JSON report.
    #[track_caller]
    pub(crate) fn report(&self) -> Report {
        Report::new(self.json())
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("stdout is not JSON ({error}): {self}"))
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, stdout, stderr, arguments, .. } = self;
        write!(f, "`fleetctl {arguments}` (status {status:?})\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

impl Collector {
    fn of(stream: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let reader = stream.map(|mut stream| {
            let bytes = Arc::clone(&bytes);
            thread::spawn(move || {
                let mut chunk = vec![0; 64 * 1024];
                while let Ok(count @ 1..) = stream.read(&mut chunk) {
                    bytes.lock().unwrap().extend_from_slice(&chunk[..count]);
                }
            })
        });
        Self { bytes, reader }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn finish(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.text()
    }
}
