//! Follows a run into the history: its beginning, its outcomes as they come, its end; and its intents before they are
//! carried out.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rusqlite::OptionalExtension as _;

use super::course::Course;
use super::owner::this_process;
use super::writer::{End, Queue, Row, write};
use super::{HistoryError, Store, roster};
use crate::model::{Device, DeviceIndex, Outcome, RunEvent, RunInfo, Status, UnixMillis};
use crate::report::{Collected, Details, Reporter, command_json};
use crate::session::Intents;

/// Details that are remembered, to be kept once: most devices of a run say the same, and those that do not say it once.
const MOST_DETAILS: usize = 256;

/// What is known of a run before anything is sent.
pub struct Beginning<'a> {
    /// The run.
    pub info: &'a RunInfo,
    /// Its devices.
    pub devices: &'a [Device],
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
    pending: Vec<Row>,
    course: Course,
    details: Details,
    /// The details so far, by their fields.
    known: HashMap<Box<str>, u32>,
    next_detail: u32,
}

impl Recorder {
    /// Writes a run's beginning, and starts the thread that commits the rest. Once this returns the beginning is on the
    /// disk.
    ///
    /// # Errors
    /// When the history cannot be opened or written.
    pub fn begin(path: &Path, beginning: &Beginning<'_>) -> Result<Self, HistoryError> {
        let mut store = Store::create(path)?;
        let run = insert(&mut store, beginning)?;
        let queue = Arc::new(Queue::default());
        let (sent, id) = (queue.clone(), beginning.info.id.clone());
        let thread = std::thread::Builder::new()
            .name("history".to_owned())
            .spawn(move || write(store, run, &id.0, &sent))
            .map_err(|source| HistoryError::Open { path: path.to_owned(), source })?;
        Ok(Self {
            queue,
            thread: Some(thread),
            devices: u32::try_from(beginning.devices.len()).unwrap_or(u32::MAX),
            pending: Vec::new(),
            course: Course::new(beginning.devices.len()),
            details: Details::default(),
            known: HashMap::new(),
            next_detail: 0,
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

    fn row(&mut self, place: u32, device: &Device, outcome: &Outcome) -> io::Result<Row> {
        let fields = self.details.of(device, outcome)?;
        let (detail, fields) = match self.known.get(fields) {
            Some(&known) => (known, None),
            None => {
                let number = self.next_detail;
                self.next_detail += 1;
                if self.known.len() < MOST_DETAILS {
                    self.known.insert(fields.into(), number);
                }
                (number, Some(fields.into()))
            }
        };
        let tenths = outcome.elapsed.as_nanos().saturating_add(50_000) / 100_000;
        Ok(Row {
            place,
            status: outcome.status.as_str(),
            delivery: outcome.delivery.as_str(),
            reason: outcome.reason.map(crate::model::SkipReason::as_str),
            verified: outcome.verified,
            changed: outcome.changed,
            attempts: outcome.attempts,
            elapsed: i64::try_from(tenths).unwrap_or(i64::MAX),
            finished_at: outcome.finished_at.map(|at| at.0),
            detail,
            fields,
        })
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
            let row = self.row(index.0, device, outcome)?;
            if outcome.status != Status::Skipped {
                self.course.set(index.get(), outcome.status.is_success(), row.elapsed);
            }
            self.pending.push(row);
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

fn insert(store: &mut Store, beginning: &Beginning<'_>) -> Result<i64, HistoryError> {
    let Beginning { info, devices, idempotent, inventory, schedule, request, rerun_of } = beginning;
    let mut bits = vec![0_u8; idempotent.len().div_ceil(8)];
    for (place, _) in idempotent.iter().enumerate().filter(|(_, may)| **may) {
        if let Some(byte) = bits.get_mut(place / 8) {
            *byte |= 1 << (place % 8);
        }
    }
    let inserted = (|| {
        let transaction = store.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let roster = roster::keep(&transaction, devices)?;
        let command = command_json(&info.command, info.verify, info.if_needed)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let by_id = "SELECT id FROM run WHERE run_id = ?1";
        let rerun_of: Option<i64> = match rerun_of {
            Some(id) => transaction.query_row(by_id, [id], |row| row.get(0)).optional()?,
            None => None,
        };
        transaction.execute(
            "INSERT INTO run (run_id, inventory, fleet, schedule, command, request, simulated, version, roster,
                 devices, idempotent, rerun_of, owner, started_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            rusqlite::params![
                &*info.id.0,
                inventory.to_string_lossy(),
                info.fleet,
                schedule,
                command,
                request,
                info.simulated,
                env!("CARGO_PKG_VERSION"),
                roster,
                devices.len(),
                bits,
                rerun_of,
                this_process(),
                info.started_at.0
            ],
        )?;
        let run = transaction.last_insert_rowid();
        transaction.commit()?;
        Ok(run)
    })();
    inserted.map_err(|source| store.failed(source))
}
