//! What a run leaves to the history and takes from it when it is over: runs that are too old go, and reports learn when
//! the last success was, those that are made again too.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tracing::{info, warn};

use super::canonical;
use crate::history::{HistoryError, RecordedRun, RunName, Store, last_success, prune};
use crate::model::{Command, Share, UnixMillis};
use crate::report::{Collected, Past};

/// Asks the history at `path` when the last run of this name over the inventory was a success.
pub fn ask(path: PathBuf, inventory: &Path, ok_if: Share) -> Past {
    asking(path, canonical(inventory), ok_if, None)
}

/// Asks the history at `path` the same of a recorded run: what was known when it ended.
pub fn ask_again(path: PathBuf, run: &RecordedRun, ok_if: Share) -> Past {
    asking(path, run.inventory.clone(), ok_if, run.finished_at)
}

fn asking(path: PathBuf, inventory: PathBuf, ok_if: Share, until: Option<UnixMillis>) -> Past {
    Box::new(move |run: &Collected| {
        let info = run.info();
        let name = match (&info.schedule, &info.command) {
            (Some(schedule), _) => RunName::Schedule(schedule),
            (None, Command::Action { name, .. }) => RunName::Action(name),
            (None, Command::Raw { .. }) => RunName::Raw,
        };
        let found = Store::open(&path).and_then(|store| match store {
            Some(store) => last_success(&store, &inventory, name, ok_if, until),
            None => Ok(None),
        });
        found.unwrap_or_else(|error| {
            warn!("history: {}; when the last success was is not known", error.chain());
            None
        })
    })
}

/// Forgets the inventory's runs that are older than its `[history] keep`. What is wrong is said, and changes nothing of
/// the run that is over.
pub(super) fn forget(path: &Path, inventory: &Path, keep: Duration) {
    let forgotten = || -> Result<usize, HistoryError> {
        let Some(mut store) = Store::open(path)? else { return Ok(0) };
        let now = UnixMillis(Timestamp::now().as_millisecond());
        prune(&mut store, Some(&canonical(inventory)), keep, now)
    };
    match forgotten() {
        Ok(0) => {}
        Ok(count) => info!("history: {count} runs older than `[history] keep` are forgotten"),
        Err(error) => warn!("history: {}; old runs stay for now", error.chain()),
    }
}
