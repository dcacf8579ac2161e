//! The thread that commits: outcomes in batches, intents at once, many of them with one sync of the disk.
//!
//! Whatever fails is said once; from then on nobody waits for it any more, and the run goes on unrecorded. A run whose
//! record has broken off so is marked by an empty file beside the history, as nothing can be written into it: else what
//! is not in the record would read as never sent.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Transaction, TransactionBehavior};
use tokio::sync::oneshot;
use tracing::warn;

use super::course::Course;
use super::first::First;
use super::kept::{Kept, LENGTH};
use super::place::make_file;
use super::{HistoryError, Store};

/// Outcomes that were not committed for so long may be lost when the process is killed.
const BATCH: Duration = Duration::from_millis(250);

/// Outcomes that wait to be committed; full: the reporters wait, so that no outcome is lost.
const MOST: usize = 8192;

/// Outcomes on their way.
#[derive(Default)]
pub(super) struct Batch {
    /// As they are kept (`kept.rs`).
    outcomes: Vec<u8>,
    /// What was said in them for the first time, by its number: the fields of `detail`.
    details: Vec<(u32, Box<str>)>,
}

impl Batch {
    /// Adds an outcome; `fields`: of its detail, the first time.
    pub(super) fn push(&mut self, outcome: &Kept, fields: Option<Box<str>>) {
        outcome.write(&mut self.outcomes);
        self.details.extend(fields.map(|fields| (outcome.detail, fields)));
    }

    /// How many outcomes.
    fn len(&self) -> usize {
        self.outcomes.len() / LENGTH
    }

    fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    /// Takes in what comes after it, and leaves that empty.
    fn append(&mut self, later: &mut Self) {
        self.outcomes.append(&mut later.outcomes);
        self.details.append(&mut later.details);
    }
}

/// The end of a run as it is kept.
pub(super) struct End {
    pub(super) finished_at: i64,
    pub(super) elapsed_ms: i64,
    pub(super) ended: &'static str,
    /// `ok` to `skipped`, then flaky, attempts, held.
    pub(super) counts: [i64; 11],
    /// How it went for each device.
    pub(super) course: Course,
}

/// What waits to be committed.
#[derive(Default)]
struct Waiting {
    batch: Batch,
    /// Since when the first of them waits.
    since: Option<Instant>,
    intents: Vec<(u32, oneshot::Sender<()>)>,
    end: Option<End>,
    /// Nothing more comes.
    is_closed: bool,
    /// The history has failed: nothing more is taken.
    failed: Option<String>,
    /// Transactions so far, without that of the beginning.
    commits: u64,
    /// The run is in the history.
    has_begun: bool,
}

/// The way to the thread.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// Something waits.
    filled: Condvar,
    /// Nothing waits any more.
    emptied: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands outcomes over; waits while there are too many.
    ///
    /// # Errors
    /// Why the history has failed.
    pub(super) fn add(&self, batch: &mut Batch) -> Result<(), String> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut waiting = self.lock();
        while waiting.batch.len() >= MOST && waiting.failed.is_none() {
            waiting = self.emptied.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(why) = &waiting.failed {
            return Err(why.clone());
        }
        let before = waiting.batch.len();
        waiting.batch.append(batch);
        // The thread sleeps until the first is due: further ones need not wake it, unless they are many.
        if waiting.since.is_none() || (before < MOST / 2 && waiting.batch.len() >= MOST / 2) {
            waiting.since.get_or_insert_with(Instant::now);
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Hands an intent over; `None`: the history has failed, and nobody is to wait for it.
    pub(super) fn declare(&self, place: u32) -> Option<oneshot::Receiver<()>> {
        let mut waiting = self.lock();
        if waiting.failed.is_some() || waiting.is_closed {
            return None;
        }
        let (done, committed) = oneshot::channel();
        waiting.intents.push((place, done));
        self.filled.notify_one();
        Some(committed)
    }

    /// The last message: what waits is committed, and the thread ends. The first such message holds.
    pub(super) fn close(&self, end: Option<End>) {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return;
        }
        waiting.end = end;
        waiting.is_closed = true;
        self.filled.notify_one();
    }

    /// Why the history has failed, if it has.
    pub(super) fn failure(&self) -> Option<String> {
        self.lock().failed.clone()
    }

    #[cfg(test)]
    pub(super) fn commits(&self) -> u64 {
        self.lock().commits
    }

    /// What is to be committed now; `None`: nothing more comes.
    fn take(&self) -> Option<Waiting> {
        let mut waiting = self.lock();
        loop {
            let due = waiting.since.map(|since| (since + BATCH).saturating_duration_since(Instant::now()));
            let is_due = due == Some(Duration::ZERO) || waiting.batch.len() >= MOST / 2;
            if is_due || waiting.is_closed || !waiting.intents.is_empty() {
                break;
            }
            waiting = match due {
                Some(due) => self.filled.wait_timeout(waiting, due).unwrap_or_else(PoisonError::into_inner).0,
                None => self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
        let is_over = waiting.is_closed && waiting.batch.is_empty() && waiting.intents.is_empty();
        if is_over && waiting.end.is_none() {
            return None;
        }
        waiting.since = None;
        let (batch, intents) = (std::mem::take(&mut waiting.batch), std::mem::take(&mut waiting.intents));
        let taken = Waiting { batch, intents, end: waiting.end.take(), ..Waiting::default() };
        self.emptied.notify_all();
        Some(taken)
    }

    #[cfg(test)]
    pub(super) fn has_begun(&self) -> bool {
        self.lock().has_begun
    }

    fn committed(&self) {
        self.lock().commits += 1;
    }

    fn fail(&self, why: &str) {
        let mut waiting = self.lock();
        waiting.failed = Some(why.to_owned());
        waiting.batch = Batch::default();
        // Dropped, they tell those who wait that nobody will commit.
        waiting.intents.clear();
        self.emptied.notify_all();
    }
}

/// The empty file that says that a run's record has broken off.
pub(super) fn broken_off(history: &Path, run_id: &str) -> PathBuf {
    let mut name = history.file_name().unwrap_or_default().to_owned();
    name.push(format!("-{run_id}.lost"));
    history.with_file_name(name)
}

/// Commits a run's beginning and what comes through the queue, until it is closed or the history fails.
pub(super) fn write(mut store: Store, first: &First, queue: &Arc<Queue>) {
    let run = match first.insert(&mut store) {
        Ok(run) => run,
        Err(source) => {
            let why = HistoryError::Database { path: store.path().to_owned(), source }.chain();
            warn!("history: {why}; this run is not recorded");
            return queue.fail(&why);
        }
    };
    queue.lock().has_begun = true;
    while let Some(waiting) = queue.take() {
        if let Err(source) = commit(&mut store, run, &waiting) {
            let error = HistoryError::Database { path: store.path().to_owned(), source };
            let why = error.chain();
            // Where not even that can be written, nothing is left to be done.
            _ = make_file(&broken_off(store.path(), &first.run_id.0));
            warn!("history: {why}; the run goes on without it");
            queue.fail(&why);
            return;
        }
        queue.committed();
        for (_, done) in waiting.intents {
            // Whoever does not wait any more has been stopped.
            _ = done.send(());
        }
    }
}

fn commit(store: &mut Store, run: i64, waiting: &Waiting) -> rusqlite::Result<()> {
    let transaction = store.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    write_intents(&transaction, run, &waiting.intents)?;
    write_batch(&transaction, run, &waiting.batch)?;
    if let Some(end) = &waiting.end {
        write_end(&transaction, run, end)?;
    }
    transaction.commit()
}

fn write_intents(
    transaction: &Transaction<'_>,
    run: i64,
    intents: &[(u32, oneshot::Sender<()>)],
) -> rusqlite::Result<()> {
    if intents.is_empty() {
        return Ok(());
    }
    let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO intent VALUES (?1, ?2)")?;
    intents.iter().try_for_each(|(place, _)| insert.execute((run, place)).map(drop))
}

fn write_batch(transaction: &Transaction<'_>, run: i64, batch: &Batch) -> rusqlite::Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let mut detail = transaction.prepare_cached("INSERT OR REPLACE INTO detail VALUES (?1, ?2, ?3)")?;
    batch.details.iter().try_for_each(|(number, fields)| detail.execute((run, number, fields)).map(drop))?;
    transaction
        .prepare_cached("INSERT INTO batch (run, outcomes) VALUES (?1, ?2)")?
        .execute((run, &batch.outcomes))
        .map(drop)
}

fn write_end(transaction: &Transaction<'_>, run: i64, end: &End) -> rusqlite::Result<()> {
    transaction.execute(
        "UPDATE run SET finished_at = ?2, elapsed_ms = ?3, ended = ?4, course = ?5 WHERE id = ?1",
        (run, end.finished_at, end.elapsed_ms, end.ended, end.course.bytes()),
    )?;
    let counts = "UPDATE run SET ok = ?2, sent = ?3, rejected = ?4, unreachable = ?5, no_reply = ?6, bad_reply = ?7,
        mismatch = ?8, skipped = ?9, flaky = ?10, attempts = ?11, held = ?12 WHERE id = ?1";
    transaction.execute(counts, rusqlite::params_from_iter(std::iter::once(run).chain(end.counts)))?;
    Ok(())
}
