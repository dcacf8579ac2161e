//! A device as the inventory describes it, ready to be talked to.

use std::fmt;
use std::sync::Arc;

use smol_str::SmolStr;

use super::{Address, Secret};

/// A device's place in the run it belongs to: events carry this instead of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceIndex(pub u32);

impl DeviceIndex {
    /// The place as an index into a slice.
    pub fn get(self) -> usize {
        self.0 as usize
    }
}

/// One controllable thing. Cheap to clone: what is long in it is shared.
#[derive(Debug, Clone)]
pub struct Device {
    /// Unique within the inventory.
    pub name: SmolStr,
    /// Where it is reached; devices with equal addresses share a gateway.
    pub address: Address,
    /// The name of its device type.
    pub device_type: Arc<str>,
    /// The site it belongs to.
    pub site: Option<Arc<str>>,
    /// Its tags, those of `[defaults]` first.
    pub tags: Arc<[Arc<str>]>,
    /// Its parameters, defaults of the type not included.
    pub params: Params,
    /// What lies between the address and it.
    pub medium: Medium,
}

/// Many devices, which whoever follows them shares; a list, as a slice could not be made of one without a copy.
pub type SharedDevices = Arc<Vec<Device>>;

/// What lies between a device's address and the device: which faults can be there, and so which advice helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Medium {
    /// Nothing: the device itself is on the network.
    #[default]
    Network,
    /// A gateway and a serial line, with a speed, a parity and a cable.
    Serial,
}

impl Medium {
    /// Each with its word in type files.
    pub const WORDS: [(&'static str, Self); 2] = [("network", Self::Network), ("serial", Self::Serial)];
}

/// A parameter's value, of the kind that its device type declares.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ParamValue {
    /// An integer.
    Int(i64),
    /// A switch.
    Bool(bool),
    /// A text.
    Text(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// One of the words that the type lists.
    Choice(Arc<str>),
    /// A password; prints as `‹secret›`.
    Secret(Secret),
}

impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Text(value) | Self::Choice(value) => f.write_str(value),
            Self::Bytes(value) => f.write_str(&super::escape::hex(value)),
            Self::Secret(_) => f.write_str(super::command::SECRET_SHOWN),
        }
    }
}

/// Parameters by name, in the order in which they were given. A handful at most, so a list beats a map.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Params(Arc<[(Arc<str>, ParamValue)]>);

impl Params {
    /// The value of a parameter, when the device has it.
    pub fn get(&self, name: &str) -> Option<&ParamValue> {
        self.0.iter().find(|(key, _)| &**key == name).map(|(_, value)| value)
    }

    /// Whether these are the very same, without comparing values: equal ones need not be.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// All parameters.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &ParamValue)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// These parameters with `others` put over them.
    #[must_use]
    pub fn overridden_by(&self, others: impl IntoIterator<Item = (Arc<str>, ParamValue)>) -> Self {
        let mut all: Vec<_> = self.0.to_vec();
        for (key, value) in others {
            match all.iter_mut().find(|(known, _)| *known == key) {
                Some((_, old)) => *old = value,
                None => all.push((key, value)),
            }
        }
        Self(all.into())
    }
}

impl FromIterator<(Arc<str>, ParamValue)> for Params {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, ParamValue)>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}
