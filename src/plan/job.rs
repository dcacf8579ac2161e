//! A device's part of a plan, and the plan as a whole.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Check, Lanes};
use crate::device_type::{Link, Login, Request};
use crate::lie::{Lie, tells};
use crate::model::{Device, DeviceIndex, Inrush, Params, SharedDevices, Timing};

/// What is to be done with one device. Shared parts are shared: a fleet that gets one command holds it once.
#[derive(Debug, Clone)]
pub struct Job {
    /// The bytes and what they mean.
    pub request: Arc<Request>,
    /// Effective times and retries.
    pub timing: Arc<Timing>,
    /// How the device is connected to; equal settings of one type are one `Arc`, so a lane can tell at a glance whether
    /// a connection serves two devices.
    pub link: Arc<Link>,
    /// The device's parameters, with the action's arguments: what a reply means may depend on them.
    pub params: Params,
    /// What the device is told once per connection before its first command; equal log-ins of a type are one `Arc`.
    pub login: Option<Arc<Login>>,
    /// How its effect is asked for, with `--verify` or `--if-needed`.
    pub check: Option<Arc<Check>>,
    /// Where the file goes that the device's reply announces.
    pub save: Option<Arc<Path>>,
    /// What its command draws, where that counts: a place in [`Plan::inrushes`].
    pub inrush: Option<InrushIndex>,
    /// It failed in the last runs: only a first attempt that finds a connection is followed by another.
    pub is_probe: bool,
}

/// A site with a cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSite {
    /// Its name.
    pub name: Arc<str>,
    /// Lanes at once at this site.
    pub max_concurrency: usize,
}

/// A circuit that the run's commands draw from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCircuit {
    /// Its name.
    pub name: Arc<str>,
    /// The most that may be drawn from it at a time, in thousandths of an ampere.
    pub max_milliamps: u64,
}

/// A place in [`Plan::inrushes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InrushIndex(pub u32);

/// Everything that a run will do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The selected devices in inventory order.
    pub devices: SharedDevices,
    /// What each of them gets; devices that get the same share it.
    pub jobs: Vec<Arc<Job>>,
    /// Who shares a gateway.
    pub lanes: Lanes,
    /// The sites that have a cap.
    pub sites: Vec<PlannedSite>,
    /// The circuits that are drawn from.
    pub circuits: Vec<PlannedCircuit>,
    /// What a device's command may draw, each once: circuit, current and time.
    pub inrushes: Vec<Inrush>,
    /// Those that are kept out of this run: they stand in no lane. Ascending.
    pub held: Vec<DeviceIndex>,
    /// How long each device is expected to take ([`Plan::expect`]); empty where no earlier run has measured any.
    pub expected: Vec<Duration>,
}

/// The longest that a device which is believed to be dead may keep a slot before it is connected.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

impl Plan {
    /// Keeps the devices out for which `is_held` says so: they stay in the report, and in no lane.
    pub fn hold(&mut self, is_held: impl Fn(&Device) -> bool) {
        let all = (0..).map(DeviceIndex).zip(self.devices.iter());
        let (held, others): (Vec<_>, Vec<_>) = all.partition(|(_, device)| is_held(device));
        self.held = held.into_iter().map(|(index, _)| index).collect();
        self.lanes = if tells(Lie::HeldTold) { Lanes::of(&self.devices) } else { Lanes::of_some(others) };
    }

    /// The devices for which `is_probe` says so get one attempt, with a connect timeout of at most a second, and further
    /// ones only if it found a connection.
    pub fn probe(&mut self, is_probe: impl Fn(&Device) -> bool) {
        for (device, job) in self.devices.iter().zip(&mut self.jobs) {
            if is_probe(device) {
                let job = Arc::make_mut(job);
                let connect_timeout = job.timing.connect_timeout.min(PROBE_TIMEOUT);
                job.timing = Arc::new(Timing { connect_timeout, ..*job.timing });
                job.is_probe = true;
            }
        }
    }

    /// A device's job.
    pub fn job(&self, device: DeviceIndex) -> Option<&Job> {
        self.jobs.get(device.get()).map(AsRef::as_ref)
    }

    /// What the command of a job draws, where that counts.
    pub fn inrush(&self, job: &Job) -> Option<&Inrush> {
        self.inrushes.get(job.inrush?.0 as usize)
    }

    /// A device.
    pub fn device(&self, device: DeviceIndex) -> Option<&Device> {
        self.devices.get(device.get())
    }
}
