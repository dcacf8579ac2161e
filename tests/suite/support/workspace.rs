//! A folder of its own for a test: inventories in it, the program run from it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::program::{Finished, Running};

/// A temporary folder, gone with the test.
pub(crate) struct Workspace {
    folder: TempDir,
}

impl Workspace {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with this text as `fleet.toml`.
    pub(crate) fn with_inventory(text: &str) -> Self {
        let workspace = Self::new();
        workspace.write("fleet.toml", text);
        workspace
    }

    /// Where a file of this name is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders it stands in.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The text of a file.
    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `fleetctl` here to its end.
    pub(crate) fn fleetctl(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).finish()
    }

    /// Starts `fleetctl` here.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self.folder(), arguments)
    }
}
