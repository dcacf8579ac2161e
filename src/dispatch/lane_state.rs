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
    pub(super) started: u32,
    /// When the gateway's last exchange ended, and the gap that its link asks for.
    pub(super) last_exchange: Option<(Instant, Duration)>,
    /// Apart, as most lanes under way have none.
    trouble: Option<Box<Trouble>>,
}

#[derive(Debug, Default)]
struct Trouble {
    /// Devices that are tried again later.
    waiting: BTreeMap<(Instant, DeviceIndex), Record>,
    /// The log-ins that the gateway refused: a wrong password is said once, however many devices have it.
    refused: Vec<Arc<Login>>,
}

impl LaneState {
    /// A device is tried again at `due`.
    pub(super) fn wait(&mut self, due: Instant, device: DeviceIndex, record: Record) {
        self.trouble.get_or_insert_default().waiting.insert((due, device), record);
    }

    /// When the first of the devices that are tried again is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.trouble.as_ref()?.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    /// The device that is due first, if one is by now; of those that are being verified, when only they may go on.
    pub(super) fn take_due(&mut self, now: Instant, only_verifying: bool) -> Option<(DeviceIndex, Record)> {
        let waiting = &mut self.trouble.as_mut()?.waiting;
        let mut due = waiting.iter().take_while(|((due, _), _)| *due <= now);
        let key = *due.find(|(_, record)| !only_verifying || record.is_verifying())?.0;
        waiting.remove(&key).map(|record| (key.1, record))
    }

    /// All devices that are tried again, by their places in the inventory; those that are being verified stay, where they
    /// may go on.
    pub(super) fn take_waiting(&mut self, keep_verifying: bool) -> Vec<(DeviceIndex, Record)> {
        let Some(trouble) = &mut self.trouble else { return Vec::new() };
        let (kept, waiting): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut trouble.waiting)
            .into_iter()
            .partition(|(_, record)| keep_verifying && record.is_verifying());
        trouble.waiting = kept;
        let mut waiting: Vec<_> = waiting.into_iter().map(|((_, device), record)| (device, record)).collect();
        waiting.sort_by_key(|(device, _)| *device);
        waiting
    }

    /// The gateway has refused a log-in.
    pub(super) fn refuse(&mut self, login: Arc<Login>) {
        self.trouble.get_or_insert_default().refused.push(login);
    }

    /// Whether the gateway has refused this log-in to one of its devices.
    pub(super) fn is_refused(&self, login: &Arc<Login>) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.refused.iter().any(|refused| Arc::ptr_eq(refused, login)))
    }
}
