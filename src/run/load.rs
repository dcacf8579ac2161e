//! Reads what a run starts from: device types, then the inventory.

use std::path::{Path, PathBuf};

use crate::device_type::Catalog;
use crate::diagnostic::{Diagnostics, Sources};
use crate::inventory::{self, Fleet};

/// Stands for a password that nobody is going to be told.
const NOT_SET: &str = "not-set-here";

/// An inventory with the device types it is written for.
pub struct Loaded {
    /// The device types.
    pub catalog: Catalog,
    /// The devices and settings; `None` when there are mistakes.
    pub fleet: Option<Fleet>,
    /// The files that mistakes point into.
    pub sources: Sources,
    /// Everything that was found.
    pub diagnostics: Diagnostics,
}

/// The built-in device types, then those beside the inventory, then those of `--types`.
pub fn load_catalog(
    inventory: Option<&Path>,
    types: &[PathBuf],
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Catalog {
    let beside =
        inventory.and_then(Path::parent).map(|folder| folder.join("device-types")).filter(|path| path.is_dir());
    let folders: Vec<PathBuf> = beside.into_iter().chain(types.iter().cloned()).collect();
    Catalog::load(&folders, sources, diagnostics)
}

/// Reads types and inventory; what is wrong with either is in the result's diagnostics.
pub fn load(inventory: &Path, types: &[PathBuf]) -> Loaded {
    load_with(inventory, types, &|name| std::env::var(name).ok())
}

/// The same for who sends nothing: a password whose environment variable is not set here, but for the runs that need it,
/// is no mistake.
pub fn look_into(inventory: &Path, types: &[PathBuf]) -> Loaded {
    load_with(inventory, types, &|name| Some(std::env::var(name).unwrap_or_else(|_| NOT_SET.to_owned())))
}

fn load_with(inventory: &Path, types: &[PathBuf], environment: &dyn Fn(&str) -> Option<String>) -> Loaded {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let catalog = load_catalog(Some(inventory), types, &mut sources, &mut diagnostics);
    let fleet = inventory::load(inventory, &catalog, &mut sources, environment, &mut diagnostics)
        .filter(|_| !diagnostics.has_errors());
    Loaded { catalog, fleet, sources, diagnostics }
}
