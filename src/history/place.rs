//! Where the history and the locks lie on this machine: the platform's folder for state, for its owner alone.

use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// fleetctl's folder for state: `$XDG_STATE_HOME/fleetctl`, else `~/.local/state/fleetctl` (XDG Base Directory
/// Specification 0.8), on macOS `~/Library/Application Support/fleetctl`. `None` where no home is known. It need not
/// exist.
pub fn state_folder() -> Option<PathBuf> {
    folder(std::env::var_os("XDG_STATE_HOME"), std::env::var_os("HOME"), cfg!(target_os = "macos"))
}

/// The history where no other is named.
pub fn default_path() -> Option<PathBuf> {
    Some(state_folder()?.join("history.db"))
}

fn folder(state: Option<OsString>, home: Option<OsString>, is_macos: bool) -> Option<PathBuf> {
    // The specification has relative paths ignored.
    let absolute = |path: Option<OsString>| path.map(PathBuf::from).filter(|path| path.is_absolute());
    let inside = if is_macos { "Library/Application Support" } else { ".local/state" };
    let folder = absolute(state).or_else(|| Some(absolute(home)?.join(inside)))?;
    Some(folder.join("fleetctl"))
}

/// Makes a folder and those above it, where they do not exist, for their owner alone.
///
/// # Errors
/// When one cannot be made.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes an empty file for its owner alone, where there is none. SQLite gives its further files the same permissions.
///
/// # Errors
/// When it cannot be made or opened, or is no file: to open a FIFO would wait for whoever reads it, and a link that leads
/// nowhere would put the file where somebody else chose.
pub(super) fn make_file(path: &Path) -> io::Result<()> {
    let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop);
    match new {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    let found = std::fs::metadata(path)?;
    if !found.is_file() && !found.is_dir() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    OpenOptions::new().append(true).open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_that_of_the_platform_and_relative_paths_count_for_nothing() {
        let text = |text: &str| Some(OsString::from(text));
        for (state, home, is_macos, expected) in [
            (text("/s"), text("/h"), false, Some("/s/fleetctl")),
            (text("s"), text("/h"), false, Some("/h/.local/state/fleetctl")),
            (None, text("/h"), true, Some("/h/Library/Application Support/fleetctl")),
            (None, text(""), false, None),
            (None, None, false, None),
        ] {
            assert_eq!(folder(state, home, is_macos), expected.map(PathBuf::from));
        }
    }
}
