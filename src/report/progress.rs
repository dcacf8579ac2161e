//! How far a run is, on stderr: a bar on a terminal, elsewhere a plain line every few seconds.
//!
//! The run only raises counters; a thread of this module looks at them and writes. So progress costs a run nothing, and
//! a terminal that is stopped, or a pipe that nobody reads, cannot hold it up. With `--until` it says which pass is under
//! way, or how many devices are left and when they are tried again.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget};
use jiff::Timestamp;

use super::{Collected, Reporter};
use crate::model::{RunEvent, Status};

/// Between two looks at the counters where a bar is drawn.
const BAR_INTERVAL: Duration = Duration::from_millis(100);
/// Between two plain lines.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
/// How long the end of a run waits for the last drawing.
const LAST_DRAWING: Duration = Duration::from_millis(300);

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressStyle {
    /// A bar that is drawn over and over: for a terminal.
    Bar,
    /// A line every few seconds: for logs and pipes.
    Lines,
}

#[derive(Default)]
struct Counters {
    total: AtomicU64,
    done: AtomicU64,
    /// Of those; one that was not started has not failed.
    failed: AtomicU64,
    /// The pass that is under way, or was last; 0 where there are no passes.
    pass: AtomicU64,
    /// How many devices the pass takes, or the next one will.
    rest: AtomicU64,
    /// When the next pass begins, in milliseconds since the epoch; 0 while one is under way.
    next_at: AtomicI64,
}

impl Counters {
    fn is_waiting(&self) -> bool {
        self.next_at.load(Ordering::Relaxed) != 0
    }

    /// What is to be said behind how many are done: failures, and where the run is among its passes at `now`, in
    /// milliseconds since the epoch.
    fn remarks(&self, now: i64) -> String {
        let [failed, pass, rest] = [&self.failed, &self.pass, &self.rest].map(|count| count.load(Ordering::Relaxed));
        let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
        let devices = if rest == 1 { "1 device".to_owned() } else { format!("{rest} devices") };
        match (pass, self.next_at.load(Ordering::Relaxed)) {
            (0, _) => failed,
            (_, 0) => format!("{failed} · pass {pass} over {devices}"),
            (_, next_at) => {
                let millis = u64::try_from(next_at.saturating_sub(now)).unwrap_or(0);
                format!("{failed} · {devices} left, pass {} in {} s", pass + 1, millis.div_ceil(1000))
            }
        }
    }
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Shows progress; never fails.
pub struct Progress {
    style: ProgressStyle,
    counters: Arc<Counters>,
    drawing: Option<Drawing>,
}

struct Drawing {
    /// Dropped to end the thread.
    stop: SyncSender<()>,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Progress {
    /// Progress in this style; it begins with the run.
    pub fn new(style: ProgressStyle) -> Self {
        Self { style, counters: Arc::default(), drawing: None }
    }

    fn begin(&mut self, devices: u64) {
        self.counters.total.store(devices, Ordering::Relaxed);
        let (stop, stopped) = mpsc::sync_channel(0);
        let (ending, ended) = mpsc::sync_channel(1);
        let (counters, style) = (self.counters.clone(), self.style);
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(move || {
            match style {
                ProgressStyle::Bar => draw_bar(&counters, &stopped),
                ProgressStyle::Lines => write_lines(&counters, &stopped, LINE_INTERVAL, &mut io::stderr()),
            }
            // Nobody listens any more when the end of the run could not wait.
            _ = ending.try_send(());
        });
        // Without a thread there is no progress to see, which is no reason to stop a run.
        self.drawing = thread.ok().map(|thread| Drawing { stop, ended, thread });
    }

    fn end(&mut self) {
        let Some(Drawing { stop, ended, thread }) = self.drawing.take() else { return };
        drop(stop);
        // A thread that hangs in a write to stderr is left behind: the report must not wait for it.
        if ended.recv_timeout(LAST_DRAWING).is_ok() {
            _ = thread.join();
        }
    }
}

impl Reporter for Progress {
    fn event(&mut self, event: &RunEvent, _: &Collected) -> io::Result<()> {
        match event {
            RunEvent::RunStarted { devices, .. } => self.begin(devices.len() as u64),
            RunEvent::DeviceFinished { outcome, .. } => {
                self.counters.done.fetch_add(1, Ordering::Relaxed);
                if !outcome.status.is_success() && outcome.status != Status::Skipped {
                    self.counters.failed.fetch_add(1, Ordering::Relaxed);
                }
            }
            RunEvent::RunFinished { .. } => self.end(),
            RunEvent::PassStarted { pass, devices, .. } => {
                self.counters.pass.store(u64::from(*pass), Ordering::Relaxed);
                self.counters.rest.store(*devices as u64, Ordering::Relaxed);
                self.counters.next_at.store(0, Ordering::Relaxed);
            }
            RunEvent::PassFinished { rest, next_at, .. } => {
                self.counters.rest.store(*rest as u64, Ordering::Relaxed);
                self.counters.next_at.store(next_at.0, Ordering::Relaxed);
            }
            RunEvent::AttemptFailed { .. } | RunEvent::Stopping { .. } => {}
        }
        Ok(())
    }

    fn finish(&mut self, _: &Collected) -> io::Result<()> {
        self.end();
        Ok(())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

fn draw_bar(counters: &Counters, stopped: &Receiver<()>) {
    let total = counters.total.load(Ordering::Relaxed);
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    if let Ok(style) = indicatif::ProgressStyle::with_template("{bar:30} {pos}/{len}{msg} · {elapsed}") {
        bar.set_style(style);
    }
    while stopped.recv_timeout(BAR_INTERVAL) == Err(RecvTimeoutError::Timeout) {
        bar.set_position(counters.done.load(Ordering::Relaxed));
        bar.set_message(counters.remarks(now()));
        bar.tick();
    }
    bar.finish_and_clear();
}

/// A run that is over before the first line is due writes none; between two passes there is one line.
fn write_lines(counters: &Counters, stopped: &Receiver<()>, interval: Duration, out: &mut impl Write) {
    let started = Instant::now();
    let total = counters.total.load(Ordering::Relaxed);
    let mut was_waiting = false;
    while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
        // Until the next pass begins there is nothing new to say.
        if std::mem::replace(&mut was_waiting, counters.is_waiting()) && was_waiting {
            continue;
        }
        let done = counters.done.load(Ordering::Relaxed);
        let remarks = counters.remarks(now());
        let seconds = started.elapsed().as_secs();
        if writeln!(out, "{done} of {total} devices done{remarks} · {seconds} s").is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_run::{self, Buffer, START};
    use super::super::{Reporters, Sink};
    use super::*;
    use crate::model::{Delivery, DeviceIndex, Outcome, SkipReason, UnixMillis};

    #[test]
    fn a_line_tells_how_far_the_run_is_and_the_end_stops_it() {
        let counters = Counters { total: 300.into(), done: 120.into(), failed: 2.into(), ..Counters::default() };
        let (stop, stopped) = mpsc::sync_channel(0);
        let buffer = Buffer::default();
        let Sink::Writer(mut out) = buffer.sink() else { panic!() };
        let thread = std::thread::spawn(move || {
            write_lines(&counters, &stopped, Duration::from_millis(5), &mut out);
        });
        while buffer.text().is_empty() {
            std::thread::yield_now();
        }
        drop(stop);
        thread.join().unwrap();
        assert_eq!(buffer.text().lines().next().unwrap(), "120 of 300 devices done, 2 failed · 0 s");
    }

    #[test]
    fn it_says_which_pass_is_under_way_and_when_the_next_one_comes() {
        let mut progress = Progress::new(ProgressStyle::Lines);
        let run = test_run::collect(test_run::events());
        let mut after = |event: RunEvent| {
            progress.event(&event, &run).unwrap();
            progress.counters.remarks(START.0)
        };
        assert_eq!(after(RunEvent::PassStarted { pass: 1, devices: 300, at: START }), " · pass 1 over 300 devices");
        let failed = test_run::outcome(Status::Rejected, Delivery::Confirmed, 1, None);
        let rejected = RunEvent::DeviceFinished { device: DeviceIndex(0), outcome: Box::new(failed), at: START };
        assert_eq!(after(rejected), ", 1 failed · pass 1 over 300 devices");
        let next_at = START.after(Duration::from_millis(1_500));
        assert_eq!(
            after(RunEvent::PassFinished { pass: 1, rest: 5, next_at, at: START }),
            ", 1 failed · 5 devices left, pass 2 in 2 s"
        );
        assert_eq!(
            after(RunEvent::PassFinished { pass: 1, rest: 1, next_at: UnixMillis(1), at: START }),
            ", 1 failed · 1 device left, pass 2 in 0 s",
            "its time has come"
        );
        assert_eq!(
            after(RunEvent::PassStarted { pass: 2, devices: 1, at: START }),
            ", 1 failed · pass 2 over 1 device"
        );
    }

    #[test]
    fn a_device_that_was_not_started_has_not_failed() {
        let mut progress = Progress::new(ProgressStyle::Lines);
        let run = test_run::collect(test_run::events());
        let outcome = Box::new(Outcome::skipped(SkipReason::MaxFailures));
        progress.event(&RunEvent::DeviceFinished { device: DeviceIndex(0), outcome, at: START }, &run).unwrap();
        assert_eq!((progress.counters.remarks(0), progress.counters.done.load(Ordering::Relaxed)), (String::new(), 1));
    }

    #[test]
    fn between_two_passes_there_is_one_line() {
        let counters = Arc::new(Counters { total: 3.into(), pass: 1.into(), rest: 2.into(), ..Counters::default() });
        counters.next_at.store(i64::MAX, Ordering::Relaxed);
        let (stop, stopped) = mpsc::sync_channel(0);
        let buffer = Buffer::default();
        let Sink::Writer(mut out) = buffer.sink() else { panic!() };
        let thread = {
            let counters = counters.clone();
            std::thread::spawn(move || write_lines(&counters, &stopped, Duration::from_millis(1), &mut out))
        };
        let wait_for = |word: &str| {
            while !buffer.text().contains(word) {
                std::thread::yield_now();
            }
        };
        wait_for("2 devices left, pass 2 in");
        counters.next_at.store(0, Ordering::Relaxed);
        counters.pass.store(2, Ordering::Relaxed);
        wait_for("pass 2 over 2 devices");
        drop(stop);
        thread.join().unwrap();
        assert_eq!(buffer.text().lines().filter(|line| line.contains("left")).count(), 1);
    }

    #[test]
    fn progress_follows_a_whole_run_and_lets_it_end() {
        for style in [ProgressStyle::Bar, ProgressStyle::Lines] {
            let mut reporters = Reporters::default();
            reporters.add("progress", Box::new(Progress::new(style)));
            reporters.events(test_run::events());
            assert!(reporters.finish().errors.is_empty());
        }
    }
}
