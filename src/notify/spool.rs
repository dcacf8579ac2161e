//! What could not be sent, kept for the next run or the daemon.
//!
//! The history implements it; `MemorySpool` is for one process, and for tests. A spool belongs to one inventory: what it
//! gives is sent through that inventory's notifications.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Letter;
use crate::model::{RunId, UnixMillis};

/// Why a spool could not be read or written.
pub type SpoolError = Box<dyn std::error::Error + Send + Sync>;

/// A letter that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What it is known by: one run, one notification, one letter.
    pub id: String,
    /// The run that it tells of; `None`: a run that never started.
    #[serde(with = "run_id")]
    pub run: Option<RunId>,
    /// The name in `[notify.*]`.
    pub notification: Arc<str>,
    /// What is to be sent.
    pub letter: Letter,
    /// How often it was tried since it is kept.
    pub tries: u32,
    /// Not tried before, in milliseconds since 1970, UTC.
    pub next_at: i64,
    /// Not tried any more from then on, in milliseconds since 1970, UTC.
    pub give_up_at: i64,
    /// Why it did not arrive the last time.
    pub error: String,
}

/// Where letters wait.
pub trait Spool: Send {
    /// Keeps a letter; one of the same id is replaced.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn put(&mut self, kept: Kept) -> Result<(), SpoolError>;

    /// Those whose `next_at` has come, the oldest first; they stay.
    ///
    /// # Errors
    /// When the spool cannot be read.
    fn due(&mut self, now: UnixMillis) -> Result<Vec<Kept>, SpoolError>;

    /// Forgets a letter that has arrived; a spool that others ask later notes when.
    ///
    /// # Errors
    /// When that cannot be noted.
    fn arrived(&mut self, id: &str, at: UnixMillis) -> Result<(), SpoolError> {
        _ = at;
        self.done(id)
    }

    /// Forgets a letter: nobody tries any more.
    ///
    /// # Errors
    /// When that cannot be noted.
    fn done(&mut self, id: &str) -> Result<(), SpoolError>;
}

/// A spool that lasts as long as its process.
#[derive(Debug, Default)]
pub struct MemorySpool {
    kept: BTreeMap<String, Kept>,
}

impl Spool for MemorySpool {
    fn put(&mut self, kept: Kept) -> Result<(), SpoolError> {
        self.kept.insert(kept.id.clone(), kept);
        Ok(())
    }

    fn due(&mut self, now: UnixMillis) -> Result<Vec<Kept>, SpoolError> {
        let mut due: Vec<Kept> = self.kept.values().filter(|kept| kept.next_at <= now.0).cloned().collect();
        due.sort_by_key(|kept| kept.next_at);
        Ok(due)
    }

    fn done(&mut self, id: &str) -> Result<(), SpoolError> {
        self.kept.remove(id);
        Ok(())
    }
}

/// A run's id as its text.
mod run_id {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::RunId;

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(run: &Option<RunId>, serializer: S) -> Result<S::Ok, S::Error> {
        run.as_ref().map(|run| &*run.0).serialize(serializer)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<RunId>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(|run| RunId(run.into())))
    }
}
