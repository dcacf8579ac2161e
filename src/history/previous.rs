//! What a schedule's earlier runs came to, as far as the next message needs it: who fails, and since when.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::owner::is_alive;
use super::past::outcomes;
use super::roster::Rosters;
use super::{HistoryError, Store};
use crate::model::{RunId, UnixMillis};
use crate::notify::Previous;

/// No failure is followed further back than this many runs.
const MOST_RUNS: i64 = 400;

/// The runs of a schedule, the newest first.
pub(super) const RUNS: &str = "SELECT id, roster, started_at, ended, owner FROM run
    WHERE inventory = ?1 AND schedule = ?2 AND simulated = 0 AND run_id <> ?3 ORDER BY id DESC LIMIT ?4";

/// What the schedule's runs but `this` one came to; `None`: there is none.
///
/// # Errors
/// When the history cannot be read.
pub fn previous(
    store: &Store,
    inventory: &Path,
    schedule: &str,
    this: &RunId,
) -> Result<Option<Previous>, HistoryError> {
    let connection = &store.connection;
    let walk = || -> rusqlite::Result<Option<Previous>> {
        let mut asked = connection.prepare(RUNS)?;
        let mut runs = asked.query((inventory.to_string_lossy(), schedule, &*this.0, MOST_RUNS))?;
        let mut rosters = Rosters::default();
        let mut found = false;
        let (mut failing, mut well): (HashMap<Arc<str>, UnixMillis>, HashSet<Arc<str>>) = Default::default();
        while let Some(run) = runs.next()? {
            found = true;
            let started_at = UnixMillis(run.get(2)?);
            let roster = rosters.get(connection, run.get(1)?)?;
            let (mut still, mut tried) = (false, false);
            let mut show = |name: &Arc<str>, past: super::past::Past| match past.is_success {
                // Not tried: an older run says how it is.
                None => {}
                Some(_) if well.contains(name) => tried = true,
                Some(true) => {
                    tried = true;
                    well.insert(name.clone());
                }
                Some(false) => {
                    (still, tried) = (true, true);
                    failing.insert(name.clone(), started_at);
                }
            };
            let number = run.get(0)?;
            let (ended, owner): (Option<String>, String) = (run.get(3)?, run.get(4)?);
            let was_killed = ended.is_none() && !is_alive(&owner);
            outcomes(connection, number, was_killed, &roster, &mut show)?;
            // Nobody fails any further back.
            if tried && !still {
                break;
            }
        }
        Ok(found.then_some(Previous { failing }))
    };
    walk().map_err(|source| store.failed(source))
}
