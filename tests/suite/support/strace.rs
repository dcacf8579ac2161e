//! The real program with system calls that fail: under strace, which lets the n-th call of each thread fail.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::NamedTempFile;

use super::program::{Finished, Running};

/// A call that is to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failing {
    /// Its name, as strace has it.
    pub(crate) call: &'static str,
    /// With what it fails, such as `ENOSPC`.
    pub(crate) error: &'static str,
    /// Which one of each thread, from 1 on.
    pub(crate) number: usize,
}

/// Runs the program to its end, and lets a call fail; with it which calls really did, by what they were about.
pub(crate) fn run_failing(folder: &Path, failing: Failing, arguments: &[&str]) -> (Finished, Vec<String>) {
    let Failing { call, error, number } = failing;
    let inject = format!("inject={call}:error={error}:when={number}");
    let (finished, trace) = under_strace(folder, &["-e", &format!("trace={call}"), "-e", &inject], arguments);
    (finished, injected(&trace))
}

/// Whether a call failed that never does: a write to the counter or the pair of sockets by which the runtime wakes its
/// threads. What becomes of a program then says nothing.
pub(crate) fn is_impossible(failed: &str) -> bool {
    failed.contains("(INJECTED)")
        && (failed.contains("[eventfd]") || failed.contains(" write(") && failed.contains("<UNIX"))
}

/// Lets a call of one thread of a running program fail from here on: its number counts from now. To be dropped after the end
/// of the program; holds what really failed.
pub(crate) struct Attached {
    strace: Child,
    place: NamedTempFile,
}

impl Attached {
    /// Attaches to the thread of this name.
    pub(crate) fn to(program: &Running, thread: &str, failing: Failing) -> Self {
        let tasks = format!("/proc/{}/task", program.id());
        let named = |task: &str| {
            let name = fs::read_to_string(format!("{tasks}/{task}/comm")).unwrap_or_default();
            (name.trim() == thread).then(|| task.to_owned())
        };
        let all = fs::read_dir(&tasks).unwrap();
        let mut ids = all.filter_map(|entry| named(entry.unwrap().file_name().to_str()?));
        let id = ids.next().unwrap_or_else(|| panic!("no thread `{thread}`"));
        let Failing { call, error, number } = failing;
        let place = NamedTempFile::new().unwrap();
        let strace = Command::new("strace")
            .args(["-p", &id, "-qq", "-y", "-o", place.path().to_str().unwrap(), "-e", &format!("trace={call}")])
            .args(["-e", &format!("inject={call}:error={error}:when={number}")])
            .spawn()
            .unwrap();
        let status = format!("{tasks}/{id}/status");
        program.wait_for("strace, which attaches as root or where kernel.yama.ptrace_scope is 0", || {
            let text = fs::read_to_string(&status).unwrap_or_default();
            text.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
        });
        Self { strace, place }
    }

    /// Which calls failed, once the program has ended.
    pub(crate) fn failed(mut self) -> Vec<String> {
        self.strace.wait().unwrap();
        injected(&fs::read_to_string(self.place.path()).unwrap())
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.strace.kill().ok();
        self.strace.wait().ok();
    }
}

/// The calls that failed; the beginning of one stands lines above its end if another thread came between.
fn injected(trace: &str) -> Vec<String> {
    let lines: Vec<&str> = trace.lines().collect();
    let failed = lines.iter().enumerate().filter(|(_, line)| line.contains("(INJECTED)"));
    let whole = |(place, line): (usize, &&str)| {
        let process = line.split(' ').next();
        let mut before = lines.iter().take(place).rev().filter(|other| other.split(' ').next() == process);
        let begin = before.next().filter(|_| line.contains("resumed>")).copied().unwrap_or_default();
        format!("{begin}{line}")
    };
    failed.map(whole).collect()
}

/// How many such calls the thread makes that makes most of them, where none fails.
pub(crate) fn most_calls(folder: &Path, call: &str, arguments: &[&str]) -> usize {
    let (_, trace) = under_strace(folder, &["-e", &format!("trace={call}")], arguments);
    let mut counts = std::collections::HashMap::new();
    // `<... fsync resumed>` is the end of a call that was counted when it began.
    for line in trace.lines().filter(|line| !line.contains("resumed>")) {
        *counts.entry(line.split(' ').next()).or_insert(0) += 1;
    }
    counts.into_values().max().unwrap_or(0)
}

fn under_strace(folder: &Path, options: &[&str], arguments: &[&str]) -> (Finished, String) {
    let place = NamedTempFile::new().unwrap();
    let path = place.path().to_str().unwrap();
    // `-y` shows what a descriptor is: `write(4<anon_inode:[eventfd]>, …)`.
    let wrapper = [&["strace", "-f", "-qq", "-y", "-o", path], options].concat();
    let running = Running::start_under(folder, &wrapper, arguments);
    let trace = || fs::read_to_string(place.path()).unwrap_or_default();
    while running.is_running() {
        // Nothing wakes it any more. Killing strace would leave it behind.
        if let Some(line) = injected(&trace()).iter().find(|line| is_impossible(line))
            && let Some(process) = line.split(' ').next().and_then(|word| word.parse().ok())
        {
            kill(Pid::from_raw(process), Signal::SIGKILL).ok();
        }
        thread::sleep(Duration::from_millis(10));
    }
    (running.finish(), trace())
}
