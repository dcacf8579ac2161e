//! How far a run is, on stderr: a bar on a terminal, elsewhere a plain line every few seconds.
//!
//! The run only raises counters; a thread of this module looks at them and writes. So progress costs a run nothing, and
//! a terminal that is stopped, or a pipe that nobody reads, cannot hold it up.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget};

use super::{Collected, Reporter};
use crate::model::RunEvent;

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
    failed: AtomicU64,
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
                if !outcome.status.is_success() && !outcome.is_held() {
                    self.counters.failed.fetch_add(1, Ordering::Relaxed);
                }
            }
            RunEvent::RunFinished { .. } => self.end(),
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
        let failed = counters.failed.load(Ordering::Relaxed);
        if failed > 0 {
            bar.set_message(format!(" · {failed} failed"));
        }
        bar.tick();
    }
    bar.finish_and_clear();
}

/// A run that is over before the first line is due writes none.
fn write_lines(counters: &Counters, stopped: &Receiver<()>, interval: Duration, out: &mut impl Write) {
    let started = Instant::now();
    let total = counters.total.load(Ordering::Relaxed);
    while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
        let done = counters.done.load(Ordering::Relaxed);
        let failed = counters.failed.load(Ordering::Relaxed);
        let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
        let seconds = started.elapsed().as_secs();
        if writeln!(out, "{done} of {total} devices done{failed} · {seconds} s").is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_run::{self, Buffer};
    use super::super::{Reporters, Sink};
    use super::*;

    #[test]
    fn a_line_tells_how_far_the_run_is_and_the_end_stops_it() {
        let counters = Counters { total: 300.into(), done: 120.into(), failed: 2.into() };
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
    fn progress_follows_a_whole_run_and_lets_it_end() {
        for style in [ProgressStyle::Bar, ProgressStyle::Lines] {
            let mut reporters = Reporters::default();
            reporters.add("progress", Box::new(Progress::new(style)));
            reporters.events(test_run::events());
            assert!(reporters.finish().errors.is_empty());
        }
    }
}
