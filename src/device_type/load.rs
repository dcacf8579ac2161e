//! Reads type files from disk: one file, or all `*.toml` of a directory in the order of their names.

use std::fs;
use std::path::{Path, PathBuf};

use super::definition::{DeviceType, Origin};
use super::read::read_type;
use crate::diagnostic::{Diagnostic, Diagnostics, Sources};

/// Reads one type file; `None` when it has a mistake.
pub fn load_file(path: &Path, sources: &mut Sources, diagnostics: &mut Diagnostics) -> Option<DeviceType> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let source = sources.add(path.display().to_string(), text.as_str());
            read_type(&text, source, Origin::File(path.to_owned()), diagnostics)
        }
        Err(error) => {
            diagnostics.push(Diagnostic::error(format!("cannot read `{}`: {error}", path.display())));
            None
        }
    }
}

/// Reads all type files of a directory.
pub(super) fn load_directory(
    directory: &Path,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Vec<DeviceType> {
    let paths = match toml_files(directory) {
        Ok(paths) => paths,
        Err(error) => {
            diagnostics.push(
                Diagnostic::error(format!("cannot read the device types in `{}`: {error}", directory.display()))
                    .help("`--types` takes a directory with one TOML file per device type"),
            );
            return Vec::new();
        }
    };
    let mut types: Vec<DeviceType> = Vec::new();
    for path in paths {
        let Some(one) = load_file(&path, sources, diagnostics) else { continue };
        if let Some(known) = types.iter().find(|known| known.name == one.name) {
            diagnostics.push(
                Diagnostic::error(format!("`{}` describes device type `{}` once more", path.display(), one.name))
                    .help(format!("it is described in `{}` already: give one of them another name", known.origin)),
            );
            continue;
        }
        types.push(one);
    }
    types
}

fn toml_files(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
