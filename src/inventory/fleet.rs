//! An inventory that was read without a mistake: devices, what each inherits, sites, groups.
//!
//! `devices` is what reports show; `members` stands beside it and holds, at the same positions, what a plan needs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::notify::Notification;
use super::positions::Positions;
use super::schedule::Schedule;
use super::select::Selector;
use crate::device_type::{DeviceType, LinkOverrides};
use crate::diagnostic::Span;
use crate::model::{SharedDevices, TimingOverrides};

/// An inventory.
#[derive(Debug)]
pub struct Fleet {
    /// `[fleet] name`, else the file's name without its ending.
    pub name: String,
    /// `[run]`.
    pub run: RunSettings,
    /// `[sites.*]`, by name.
    pub sites: Vec<Site>,
    /// `[circuits.*]`, by name.
    pub circuits: Vec<Circuit>,
    /// `[[schedule]]`, in the order of the file.
    pub schedules: Vec<Schedule>,
    /// `[notify.*]`, by name.
    pub notifications: Vec<Notification>,
    /// `[history] keep`: how long runs are remembered.
    pub keep_history: Option<Duration>,
    /// All devices, in the order of the file.
    pub devices: SharedDevices,
    /// What the devices inherit, at the same positions; devices that inherit the same share it.
    pub members: Vec<Arc<Member>>,
    pub(super) groups: HashMap<Arc<str>, Group>,
    pub(super) positions: Positions,
    /// The names of all device types that exist, used or not: for selectors.
    pub(super) known_types: Vec<Arc<str>>,
}

impl Fleet {
    /// The position of the device of this name.
    pub fn position(&self, name: &str) -> Option<u32> {
        let name_at = |place: u32| self.devices.get(place as usize).map(|device| &device.name);
        self.positions.find(Some(name), |place| name_at(place).is_some_and(|one| **one == *name))
    }

    /// The group of this name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }

    /// All groups with their selectors as they are written, by name.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut groups: Vec<(&str, &str)> = self.groups.iter().map(|(name, group)| (&**name, &*group.text)).collect();
        groups.sort_unstable();
        groups.into_iter()
    }

    /// The site of a device, if it has one.
    pub fn site(&self, member: &Member) -> Option<&Site> {
        self.sites.get(member.site?.get())
    }

    /// What a device draws, and from which circuit.
    pub fn circuit<'f>(&'f self, member: &'f Member) -> Option<(&'f Draw, &'f Circuit)> {
        let draw = member.draw.as_ref()?;
        Some((draw, self.circuits.get(draw.circuit.get())?))
    }
}

/// `[run]`: how runs behave unless the command line says otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunSettings {
    /// Lanes at once, 1 to 1,000,000.
    pub concurrency: Option<usize>,
    /// A run over more devices asks first.
    pub confirm_above: Option<usize>,
    /// A device that failed so many runs in a row is first tried once; 0: never.
    pub probe_after: Option<u32>,
    /// The keys that concern one device: the layer below the device types.
    pub timing: TimingOverrides,
}

/// `[sites.*]`.
#[derive(Debug, Clone)]
pub struct Site {
    /// `hq`.
    pub name: Arc<str>,
    /// Its time zone, by an IANA name.
    pub timezone: Option<TimeZone>,
    /// Lanes at once at this site, 1 to 1,000,000.
    pub max_concurrency: Option<usize>,
}

/// A site's place in [`Fleet::sites`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteIndex(pub u32);

impl SiteIndex {
    /// The place as an index into a slice.
    pub fn get(self) -> usize {
        self.0 as usize
    }
}

/// `[circuits.*]`: a breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circuit {
    /// `hall-b`.
    pub name: Arc<str>,
    /// The most that may be drawn from it at a time, in thousandths of an ampere; more than 0.
    pub max_milliamps: u64,
}

/// A circuit's place in [`Fleet::circuits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CircuitIndex(pub u32);

impl CircuitIndex {
    /// The place as an index into a slice.
    pub fn get(self) -> usize {
        self.0 as usize
    }
}

/// What a device draws from its circuit when it is switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Draw {
    /// From which circuit.
    pub circuit: CircuitIndex,
    /// In thousandths of an ampere; more than 0.
    pub milliamps: u64,
    /// For how long; more than nothing.
    pub settle: Duration,
}

/// A named selector of `[groups]`; whether its terms match something is judged when it is used.
#[derive(Debug)]
pub struct Group {
    /// The selector as it is written.
    pub text: Arc<str>,
    /// Where it is written.
    pub span: Span,
    pub(super) selector: Selector,
}

/// What a device brings besides what reports show.
#[derive(Debug, Clone)]
pub struct Member {
    /// How to talk to it.
    pub device_type: Arc<DeviceType>,
    /// Device over site over defaults: the layer above the device type's own settings.
    pub timing: TimingOverrides,
    /// Device over defaults: the layer above the device type's own link.
    pub link: LinkOverrides,
    /// Its site.
    pub site: Option<SiteIndex>,
    /// What it draws; `None` for a device on no circuit, or one that draws nothing.
    pub draw: Option<Draw>,
}
