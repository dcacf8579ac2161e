//! As many lanes at once as this process may hold files for, and room for these.

use tracing::warn;

use super::Prepared;
use crate::model::Host;
use crate::transport::{Fit, raise_open_files, reserve_files};

/// Raises the limit on open files, fits the lanes of a run into it and makes room for their files; one that does not fit is
/// warned of.
pub fn fitting(prepared: &Prepared, is_simulated: bool) -> Fit {
    let wanted = prepared.concurrency;
    let needed = wanted.min(prepared.plan.lanes.len().max(1));
    // The other end of a simulated connection is in this process too; a name is asked for over two sockets at once.
    let has_names = || prepared.plan.devices.iter().any(|device| matches!(device.address.host, Host::Name(_)));
    let files_per_lane = if is_simulated || has_names() { 2 } else { 1 };
    let fit = raise_open_files().fit(needed, files_per_lane, !is_simulated);
    if needed > fit.lanes {
        let lanes = fit.lanes;
        warn!("--concurrency {wanted} does not fit into this process's limit on open files; {lanes} lanes at once do");
    }
    // Several tables are those of threads that share none.
    if fit.tables == 1 {
        reserve_files((fit.lanes as u64).saturating_mul(files_per_lane));
    }
    fit
}
