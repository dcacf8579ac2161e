//! What a type file means: how to talk to one kind of device, as data.
//!
//! Types are read from TOML (`config/device-types/`, and the user's own files), checked as a whole and compiled into
//! `DeviceType`s. Everything here is pure: bytes in, bytes and verdicts out. `session` carries it out over a socket.

mod param;
mod settings;

pub use param::{ParamKind, ParamSpec};
pub use settings::{Link, LinkOverrides, read_timing};

use std::sync::Arc;

/// How to talk to one kind of device.
#[derive(Debug)]
pub struct DeviceType {
    /// `lg-rs232`.
    pub name: Arc<str>,
    /// The TCP port where an address names none.
    pub port: Option<u16>,
    /// The parameters a device of this type may have, in the order of the file.
    pub params: Vec<ParamSpec>,
    /// The parameter that tells the devices of one gateway apart (`set_id`); without one a gateway has one device.
    pub unit_param: Option<Arc<str>>,
}

impl DeviceType {
    /// The declaration of a parameter.
    pub fn param(&self, name: &str) -> Option<&ParamSpec> {
        self.params.iter().find(|param| &*param.name == name)
    }
}

/// The device types that a run knows: built-in ones, then the user's own.
#[derive(Debug, Default)]
pub struct Catalog {
    types: Vec<Arc<DeviceType>>,
}

impl Catalog {
    /// A catalog of these types; of two with one name the later wins.
    pub fn new(types: impl IntoIterator<Item = DeviceType>) -> Self {
        let mut all: Vec<Arc<DeviceType>> = Vec::new();
        for one in types {
            all.retain(|known| known.name != one.name);
            all.push(Arc::new(one));
        }
        Self { types: all }
    }

    /// The type of a name.
    pub fn get(&self, name: &str) -> Option<&Arc<DeviceType>> {
        self.types.iter().find(|one| &*one.name == name)
    }

    /// The names of all types.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(|one| &*one.name)
    }
}
