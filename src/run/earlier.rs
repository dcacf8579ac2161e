//! Whom an earlier report names: `--failed-from`.

use std::collections::HashMap;
use std::path::Path;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::inventory::Fleet;
use crate::model::fold_names;
use crate::report::read_failed;

/// The places in the inventory of the devices that an earlier report does not call a success; `None` when the report
/// cannot be read. Devices that have left the inventory are named in a warning.
pub(super) fn failed_from(path: &Path, fleet: &Fleet, diagnostics: &mut Diagnostics) -> Option<Vec<u32>> {
    let failed = match read_failed(path) {
        Ok(failed) => failed,
        Err(error) => {
            let cause = std::error::Error::source(&error).map_or_else(String::new, |source| format!(": {source}"));
            diagnostics.push(
                Diagnostic::error(format!("`--failed-from`: {error}{cause}"))
                    .help("give a report that `--report json=PATH` or `--format json` has written"),
            );
            return None;
        }
    };
    let places: HashMap<&str, u32> =
        (0..).zip(fleet.devices.iter()).map(|(place, device)| (&*device.name, place)).collect();
    let (known, gone): (Vec<&String>, Vec<&String>) =
        failed.names.iter().partition(|name| places.contains_key(name.as_str()));
    if !gone.is_empty() {
        let names = fold_names(gone.iter().map(|name| name.as_str()));
        if known.is_empty() {
            diagnostics.push(
                Diagnostic::error(format!(
                    "nothing is selected: what failed in {} has left the inventory",
                    path.display()
                ))
                .help(format!("the inventory does not know {names}; is it the one of that run?")),
            );
            return None;
        }
        diagnostics.push(Diagnostic::warning(format!("no longer in the inventory: {names}")));
    }
    let mut found: Vec<u32> = known.iter().filter_map(|name| places.get(name.as_str()).copied()).collect();
    found.sort_unstable();
    found.dedup();
    Some(found)
}
