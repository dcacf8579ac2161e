//! Which history is meant, and how it is opened for a command that asks it.

use std::path::PathBuf;

use tracing::warn;

use super::args::{HistoryArg, RecordArgs};
use crate::history::{HistoryError, Store, default_path};

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

fn usual() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from).or_else(default_path)
}
