//! What a lane remembers while it has no slot: the little that exists of a gateway that waits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::pace::Need;
use super::record::Record;
use crate::device_type::Login;
use crate::model::DeviceIndex;

/// What a lane remembers between its visits.
#[derive(Debug, Default)]
pub(super) struct LaneState {
    /// How many of its devices have been started, where all need the same for it.
    started: u32,
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
    /// Devices that have not been started, by what they need for it, where that differs.
    by_need: BTreeMap<Need, VecDeque<DeviceIndex>>,
}

/// What is known of a gateway beyond a round.
#[derive(Debug, Default)]
pub(super) struct Gateway {
    last_exchange: Option<(Instant, Duration)>,
    refused: Vec<Arc<Login>>,
}

impl LaneState {
    /// A lane that begins, with what is known of its gateway.
    pub(super) fn new(known: Gateway) -> Self {
        let mut state = Self { last_exchange: known.last_exchange, ..Self::default() };
        if !known.refused.is_empty() {
            state.trouble.get_or_insert_default().refused = known.refused;
        }
        state
    }

    /// What is known of the gateway.
    pub(super) fn gateway(&mut self) -> Gateway {
        let refused = self.trouble.as_mut().map(|trouble| std::mem::take(&mut trouble.refused));
        Gateway { last_exchange: self.last_exchange, refused: refused.unwrap_or_default() }
    }

    /// Lines its devices up by what they need to start, where that differs: none holds up another.
    pub(super) fn line_up(&mut self, devices: &[DeviceIndex], need: impl Fn(DeviceIndex) -> Need) {
        let mut lines: BTreeMap<Need, VecDeque<DeviceIndex>> = BTreeMap::new();
        for &device in devices {
            lines.entry(need(device)).or_default().push_back(device);
        }
        if lines.len() > 1 {
            self.started = u32::try_from(devices.len()).unwrap_or(u32::MAX);
            self.trouble.get_or_insert_default().by_need = lines;
        }
    }

    /// The first device in inventory order that has not been started and may be.
    pub(super) fn take_fresh(
        &mut self,
        devices: &[DeviceIndex],
        mut may: impl FnMut(DeviceIndex) -> bool,
    ) -> Option<DeviceIndex> {
        if let Some(&device) = devices.get(self.started as usize) {
            if !may(device) {
                return None;
            }
            self.started += 1;
            return Some(device);
        }
        let lines = &mut self.trouble.as_mut()?.by_need;
        let mut heads: Vec<(DeviceIndex, &mut VecDeque<DeviceIndex>)> =
            lines.values_mut().filter_map(|line| Some((*line.front()?, line))).collect();
        heads.sort_unstable_by_key(|(device, _)| *device);
        let (device, line) = heads.into_iter().find(|(device, _)| may(*device))?;
        line.pop_front();
        Some(device)
    }

    /// Takes back a device that `take_fresh` gave, and which needs this to start: it has not been started after all.
    pub(super) fn put_back(&mut self, devices: &[DeviceIndex], device: DeviceIndex, need: Need) {
        let line = self.trouble.as_mut().and_then(|trouble| trouble.by_need.get_mut(&need));
        if let Some(line) = line {
            line.push_front(device);
        } else if let Some(last) = self.started.checked_sub(1)
            && devices.get(last as usize) == Some(&device)
        {
            self.started = last;
        }
    }

    /// The devices that are next of those that have not been started: one for each need.
    pub(super) fn fresh<'a>(&'a self, devices: &'a [DeviceIndex]) -> impl Iterator<Item = DeviceIndex> + 'a {
        let lines = self.trouble.as_ref().map(|trouble| &trouble.by_need);
        let heads = lines.into_iter().flat_map(BTreeMap::values).filter_map(|line| line.front().copied());
        devices.get(self.started as usize).copied().into_iter().chain(heads)
    }

    /// All devices that have not been started, in inventory order: they never will.
    pub(super) fn give_up_fresh(&mut self, devices: &[DeviceIndex]) -> Vec<DeviceIndex> {
        let mut rest = devices.get(self.started as usize..).unwrap_or_default().to_vec();
        self.started = u32::try_from(devices.len()).unwrap_or(u32::MAX);
        if let Some(trouble) = &mut self.trouble {
            rest.extend(std::mem::take(&mut trouble.by_need).into_values().flatten());
            rest.sort_unstable();
        }
        rest
    }

    /// A device is tried again at `due`.
    pub(super) fn wait(&mut self, due: Instant, device: DeviceIndex, record: Record) {
        self.trouble.get_or_insert_default().waiting.insert((due, device), record);
    }

    /// Devices that are tried again, with the time for it, those that are due first before the others.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (Instant, DeviceIndex, &Record)> {
        let waiting = self.trouble.as_ref().map(|trouble| &trouble.waiting);
        waiting.into_iter().flatten().map(|((due, device), record)| (*due, *device, record))
    }

    /// When the first of the devices that are tried again is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting().next().map(|(due, ..)| due)
    }

    /// The device that is due first of those that may go on, if one is by now.
    pub(super) fn take_due(
        &mut self,
        now: Instant,
        mut may: impl FnMut(DeviceIndex, &Record) -> bool,
    ) -> Option<(DeviceIndex, Record)> {
        let waiting = &mut self.trouble.as_mut()?.waiting;
        let mut due = waiting.iter().take_while(|((due, _), _)| *due <= now);
        let key = *due.find(|((_, device), record)| may(*device, record))?.0;
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

    /// The devices that were asked first and wait for their start, by their places in the inventory: they never will.
    pub(super) fn give_up_asked(&mut self) -> Vec<DeviceIndex> {
        let Some(trouble) = &mut self.trouble else { return Vec::new() };
        let (gone, kept): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut trouble.waiting).into_iter().partition(|(_, record)| record.awaits_start);
        trouble.waiting = kept;
        let mut gone: Vec<DeviceIndex> = gone.into_keys().map(|(_, device)| device).collect();
        gone.sort_unstable();
        gone
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
