//! Follows a run into the history: its beginning, its outcomes as they come, its end; and its intents before they are
//! carried out.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::course::Course;
use super::first::First;
use super::kept::Kept;
use super::writer::{Batch, End, Queue, write};
use super::{HistoryError, Store};
use crate::model::{
    Device, DeviceIndex, Outcome, ParamValue, Payload, RunEvent, RunInfo, SharedDevices, ShortBytes, Status,
    UnixMillis, Value,
};
use crate::report::{Collected, Details, Reporter};
use crate::session::Intents;
use futures::FutureExt as _;
use futures::future::BoxFuture;

/// Details that are remembered, to be kept once: most devices of a run say the same, and those that do not say it once.
const MOST_DETAILS: usize = 256;

/// What is known of a run before anything is sent.
pub struct Beginning<'a> {
    /// The run.
    pub info: &'a RunInfo,
    /// Its devices.
    pub devices: &'a SharedDevices,
    /// Whether the command of each of them may be sent twice.
    pub idempotent: &'a [bool],
    /// The inventory's canonical path.
    pub inventory: &'a Path,
    /// The schedule that started it.
    pub schedule: Option<&'a str>,
    /// What else it takes to run it again, as JSON.
    pub request: &'a str,
    /// The id of the run whose failures this one takes.
    pub rerun_of: Option<&'a str>,
}

/// Records one run.
pub struct Recorder {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
    devices: u32,
    pending: Batch,
    course: Course,
    details: Details,
    /// The details so far, by their fields.
    known: HashMap<Box<str>, u32>,
    next_detail: u32,
    /// What the last device said whose details are the same for any other that says it.
    last: Option<(Said, u32)>,
}

/// What a device without secrets said and was told, in a run of which there is nothing else to say.
#[derive(PartialEq)]
struct Said {
    sent: Option<Arc<Payload>>,
    reply: Option<ShortBytes>,
    value: Option<Value>,
}

impl Said {
    /// `None`: its details are its own.
    fn of(device: &Device, outcome: &Outcome) -> Option<Self> {
        let Outcome { sent, reply, value, file: None, error: None, earlier_errors, .. } = outcome else { return None };
        let has_secret = device.params.iter().any(|(_, value)| matches!(value, ParamValue::Secret(_)))
            || sent.as_ref().is_some_and(|sent| sent.has_secret());
        let said = || Self { sent: sent.clone(), reply: reply.clone(), value: value.clone() };
        (earlier_errors.is_empty() && !has_secret).then(said)
    }
}

impl Recorder {
    /// Opens the history, unless it is `open` already and may be written, and starts the thread that commits, the run's
    /// beginning first. No lane waits for that, unless it has an intent to declare.
    ///
    /// # Errors
    /// When the history cannot be opened.
    pub fn begin(path: &Path, open: Option<Store>, beginning: &Beginning<'_>) -> Result<Self, HistoryError> {
        let store = match open.filter(Store::may_be_written) {
            Some(store) => store,
            None => Store::create(path)?,
        };
        let first = First::of(beginning).map_err(|error| store.failed(error))?;
        let queue = Arc::new(Queue::default());
        let sent = queue.clone();
        let thread = std::thread::Builder::new()
            .name("history".to_owned())
            .spawn(move || write(store, &first, &sent))
            .map_err(|source| HistoryError::Open { path: path.to_owned(), source })?;
        Ok(Self {
            queue,
            thread: Some(thread),
            devices: u32::try_from(beginning.devices.len()).unwrap_or(u32::MAX),
            pending: Batch::default(),
            course: Course::new(beginning.devices.len()),
            details: Details::default(),
            known: HashMap::new(),
            next_detail: 0,
            last: None,
        })
    }

    /// Where the engine declares its intents.
    pub fn intents(&self) -> Arc<dyn Intents> {
        let words = (self.devices as usize).div_ceil(64);
        Arc::new(Declared { queue: self.queue.clone(), done: Arc::new(Mutex::new(vec![0; words])) })
    }

    #[cfg(test)]
    pub(super) fn commits(&self) -> u64 {
        self.queue.commits()
    }

    /// The run is in the history.
    #[cfg(test)]
    pub(super) fn has_begun(&self) -> bool {
        self.queue.has_begun()
    }

    /// The number of an outcome's details; with them, the first time.
    fn detail(&mut self, device: &Device, outcome: &Outcome) -> io::Result<(u32, Option<Box<str>>)> {
        let said = Said::of(device, outcome);
        let (number, fields) = match (&said, &self.last) {
            (Some(said), Some((last, number))) if said == last => return Ok((*number, None)),
            _ => self.number(device, outcome)?,
        };
        self.last = said.map(|said| (said, number));
        Ok((number, fields))
    }

    fn number(&mut self, device: &Device, outcome: &Outcome) -> io::Result<(u32, Option<Box<str>>)> {
        let fields = self.details.of(device, outcome)?;
        if let Some(&known) = self.known.get(fields) {
            return Ok((known, None));
        }
        let number = self.next_detail;
        self.next_detail += 1;
        if self.known.len() < MOST_DETAILS {
            self.known.insert(fields.into(), number);
        }
        Ok((number, Some(fields.into())))
    }

    fn join(&mut self) -> io::Result<()> {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            return Err(io::Error::other("the thread that writes it has failed; please report this"));
        }
        match self.queue.failure() {
            Some(why) => Err(io::Error::other(why)),
            None => Ok(()),
        }
    }
}

impl Reporter for Recorder {
    fn event(&mut self, event: &RunEvent, run: &Collected) -> io::Result<()> {
        if let RunEvent::DeviceFinished { device: index, outcome, .. } = event
            && let Some(device) = run.device(*index)
        {
            let (detail, fields) = self.detail(device, outcome)?;
            let kept = Kept::of(index.0, detail, outcome);
            if kept.status != Status::Skipped {
                self.course.set(index.get(), kept.status.is_success(), kept.elapsed);
            }
            self.pending.push(&kept, fields);
        }
        Ok(())
    }

    fn pause(&mut self) -> io::Result<()> {
        self.queue.add(&mut self.pending).map_err(io::Error::other)
    }

    fn finish(&mut self, run: &Collected) -> io::Result<()> {
        self.pause()?;
        let summary = run.summary();
        let mut counts = [0; 11];
        let statuses = Status::ALL.iter().map(|&status| summary.count(status));
        for (place, count) in counts.iter_mut().zip(statuses.chain([summary.flaky, summary.attempts, summary.held])) {
            *place = i64::try_from(count).unwrap_or(i64::MAX);
        }
        let UnixMillis(finished_at) = run.finished_at();
        let course = std::mem::replace(&mut self.course, Course::new(0));
        let elapsed_ms = i64::try_from(run.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.queue.close(Some(End { finished_at, elapsed_ms, ended: run.ended().as_str(), counts, course }));
        Ok(())
    }

    /// The last commit, and what SQLite does when it closes the file: meanwhile the others have written their reports.
    fn settle(&mut self) -> io::Result<()> {
        self.join()
    }
}

impl Drop for Recorder {
    /// What came is kept, also of a run that never came to its end.
    fn drop(&mut self) {
        if self.thread.is_some() {
            _ = self.pause();
            self.queue.close(None);
            _ = self.join();
        }
    }
}

/// The devices whose commands were declared.
struct Declared {
    queue: Arc<Queue>,
    /// A bit for each device; a further attempt needs no further intent.
    done: Arc<Mutex<Vec<u64>>>,
}

impl Intents for Declared {
    fn declare(&self, device: DeviceIndex) -> Option<BoxFuture<'static, ()>> {
        let (word, bit) = (device.get() / 64, 1 << (device.get() % 64));
        let is_done = |words: &Vec<u64>| words.get(word).is_some_and(|word| word & bit != 0);
        if is_done(&self.done.lock().unwrap_or_else(PoisonError::into_inner)) {
            return None;
        }
        let committed = self.queue.declare(device.0)?;
        let done = self.done.clone();
        let wait = async move {
            if committed.await.is_ok()
                && let Some(word) = done.lock().unwrap_or_else(PoisonError::into_inner).get_mut(word)
            {
                *word |= bit;
            }
        };
        Some(wait.boxed())
    }
}
