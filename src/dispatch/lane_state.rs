//! What a lane remembers while it has no slot: the little that exists of a gateway that waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::record::Record;
use crate::device_type::Login;
use crate::model::DeviceIndex;

/// What a lane remembers between its visits.
#[derive(Debug, Default)]
pub(super) struct LaneState {
    /// How many of its devices have been started.
    pub(super) started: usize,
    /// Devices that are tried again later.
    pub(super) waiting: BTreeMap<(Instant, DeviceIndex), Record>,
    /// When the gateway's last exchange ended, and the gap that its link asks for.
    pub(super) last_exchange: Option<(Instant, Duration)>,
    /// The log-ins that the gateway refused: a wrong password is said once, however many devices have it.
    pub(super) refused: Vec<Arc<Login>>,
}
