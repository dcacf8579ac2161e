//! The device types that a run knows: built-in ones, then the user's own; of two with one name the later wins.

use std::path::Path;
use std::sync::Arc;

use super::definition::{DeviceType, Origin};
use super::load::load_directory;
use super::read::read_type;
use crate::diagnostic::{Diagnostics, Sources};

/// The type files that are part of the program, in the order of their names.
const BUILT_IN: [(&str, &str); 1] = [("lg-rs232.toml", include_str!("../../config/device-types/lg-rs232.toml"))];

/// All known device types.
#[derive(Debug, Default)]
pub struct Catalog {
    types: Vec<Arc<DeviceType>>,
}

impl Catalog {
    /// A catalog of these types; of two with one name the later wins.
    pub fn new(types: impl IntoIterator<Item = DeviceType>) -> Self {
        let mut catalog = Self::default();
        for one in types {
            catalog.add(one);
        }
        catalog
    }

    /// The built-in types, then those of the users' directories, in this order. A file with a mistake gives no type.
    pub fn load(directories: &[impl AsRef<Path>], sources: &mut Sources, diagnostics: &mut Diagnostics) -> Self {
        let mut catalog = Self::default();
        for (name, text) in BUILT_IN {
            let source = sources.add(format!("built-in {name}"), text);
            if let Some(one) = read_type(text, source, Origin::BuiltIn, diagnostics) {
                catalog.add(one);
            }
        }
        for directory in directories {
            for one in load_directory(directory.as_ref(), sources, diagnostics) {
                catalog.add(one);
            }
        }
        catalog
    }

    fn add(&mut self, one: DeviceType) {
        self.types.retain(|known| known.name != one.name);
        self.types.push(Arc::new(one));
    }

    /// The type of a name.
    pub fn get(&self, name: &str) -> Option<&Arc<DeviceType>> {
        self.types.iter().find(|one| &*one.name == name)
    }

    /// The names of all types.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(|one| &*one.name)
    }

    /// All types.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<DeviceType>> {
        self.types.iter()
    }
}
