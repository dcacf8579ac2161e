//! The inputs that are kept: `fuzz/corpus/TARGET/` and, of past failures, `fuzz/regressions/TARGET/`.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders of `fuzz/` that hold inputs.
pub(crate) const KINDS: [&str; 2] = ["corpus", "regressions"];

/// All inputs of a target, in the order of their names.
pub(crate) fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for kind in KINDS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(kind).join(target);
        // Most targets have never failed.
        let Ok(entries) = fs::read_dir(folder) else { continue };
        found.extend(entries.map(|entry| entry.unwrap().path()));
    }
    found.sort();
    found.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}
