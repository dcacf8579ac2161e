//! Which history is meant, and how it is opened for a command that asks it.

use std::path::{Path, PathBuf};

use tracing::warn;

use super::args::{HistoryArg, RecordArgs};
use super::terminal::shown_path;
use crate::history::{HistoryError, Store, default_path, knows};
use crate::run::canonical;

/// The variable that names a history.
const VARIABLE: &str = "FLEETCTL_HISTORY";

/// Where a run is recorded; a simulated one only where the command line says so.
pub(super) fn for_run(args: &RecordArgs, is_simulated: bool) -> Option<PathBuf> {
    if args.no_history || (is_simulated && args.history.is_none()) {
        return None;
    }
    let path = args.history.clone().or_else(usual);
    if path.is_none() {
        warn!("{}; this run is not recorded", HistoryError::NoFolder);
    }
    path
}

/// Which history is asked.
///
/// # Errors
/// When none is known.
pub(super) fn asked(args: &HistoryArg) -> Result<PathBuf, HistoryError> {
    args.history.clone().or_else(usual).ok_or(HistoryError::NoFolder)
}

/// Opens it.
///
/// # Errors
/// When there is none, or it cannot be read.
pub(super) fn open(args: &HistoryArg) -> Result<Store, HistoryError> {
    let path = asked(args)?;
    Store::open(&path)?.ok_or_else(|| {
        HistoryError::NotFound(format!("there is no history yet: `{}` does not exist or is empty", path.display()))
    })
}

/// Refuses an inventory that is nowhere: an empty answer about a name that is mistyped would pass for a good one. One
/// whose file is gone may still be asked for what the history knows of it.
///
/// # Errors
/// When there is no such file and nothing known of it, or the history cannot be read.
pub(super) fn must_be_known(inventory: &Path, store: Option<&Store>) -> Result<(), HistoryError> {
    let is_known = || store.map_or(Ok(false), |store| knows(store, &canonical(inventory)));
    if inventory.exists() || is_known()? {
        return Ok(());
    }
    let path = shown_path(inventory);
    Err(HistoryError::NotFound(format!(
        "there is no inventory `{path}`, and the history knows nothing of one: name it with `--inventory`"
    )))
}

fn usual() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from).or_else(default_path)
}
