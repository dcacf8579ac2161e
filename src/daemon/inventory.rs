//! The inventory as it was read last without a mistake: what all runs start from until it is read again.
//!
//! Runs do not read the files themselves: a file that is being edited at half past five does not keep the displays off.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::diagnostic::{Diagnostics, render_all};
use crate::run::{Loaded, load};
use crate::schedule::{Entry, Planned, Teller, entries, plan};

/// What all runs start from.
pub struct Inventory {
    loaded: Mutex<Loaded>,
    entries: Vec<Entry>,
}

/// What reading came to.
pub struct Read {
    /// The inventory; `None` where there are mistakes.
    pub inventory: Option<Inventory>,
    /// Everything that was found, drawn for people.
    pub said: String,
    /// How many mistakes there are.
    pub mistakes: usize,
}

/// Reads device types and inventory, and plans every schedule: what would be refused at night is said now.
pub fn read(path: &Path, types: &[std::path::PathBuf], colour: bool) -> Read {
    checked(load(path, types), path, types, colour)
}

/// The same of what was loaded.
pub(super) fn checked(mut loaded: Loaded, path: &Path, types: &[std::path::PathBuf], colour: bool) -> Read {
    let found = match &loaded.fleet {
        Some(fleet) => entries(fleet, &loaded.sources, &mut loaded.diagnostics),
        None => Vec::new(),
    };
    for entry in &found {
        plan(entry, path, types, &mut loaded);
    }
    let said = render_all(&loaded.diagnostics, &loaded.sources, colour);
    let mistakes = loaded.diagnostics.error_count();
    let is_right = mistakes == 0 && loaded.fleet.is_some();
    loaded.diagnostics = Diagnostics::default();
    let inventory = is_right.then(|| Inventory { loaded: Mutex::new(loaded), entries: found });
    Read { inventory, said, mistakes }
}

impl Inventory {
    /// Its schedules.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Who tells whom the entry names; `None`: the inventory has nobody who is told of anything.
    pub(super) fn teller(&self, entry: &Entry, path: &Path, history: Option<&Path>) -> Option<Teller> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let teller = Teller::new(entry, loaded.fleet.as_ref()?, path, history);
        Some(teller).filter(|teller| !teller.is_idle())
    }

    /// Plans a run of an entry.
    ///
    /// # Errors
    /// What is wrong, drawn for people: a range that no longer means anything, say.
    pub(super) fn plan(&self, entry: &Entry, path: &Path, types: &[std::path::PathBuf]) -> Result<Planned, String> {
        // Whoever panicked while holding it has left nothing half done that planning reads.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let sources = loaded.sources.clone();
        let planned = plan(entry, path, types, &mut loaded);
        let found = std::mem::take(&mut loaded.diagnostics);
        // What planning adds to them would pile up, run after run.
        let told = std::mem::replace(&mut loaded.sources, sources);
        drop(loaded);
        planned.ok_or_else(|| render_all(&found, &told, false).trim_end().to_owned())
    }
}
