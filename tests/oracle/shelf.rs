//! The folder that the files of a night go to: what stands there before the run, and what stands there afterwards.
//!
//! Files are real ones, in memory where this machine has such a folder, so that a night does not wait for a disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::night::{Night, Task};

/// What reports show in place of the folder's path, which is another one each time.
pub(crate) const NAME: &str = "saved";

/// A folder's files by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// What stood in the folder, and what stands there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) before: Files,
    pub(crate) after: Files,
}

/// The folder, for as long as it is kept.
pub(crate) struct Shelf {
    path: PathBuf,
    before: Files,
    _folder: Option<TempDir>,
}

impl Shelf {
    /// A folder of its own for a night that fetches files; `None` for any other.
    pub(crate) fn somewhere(night: &Night) -> Option<Self> {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        (night.task == Task::Fetch).then(|| {
            let folder = tempfile::Builder::new().prefix("fleetctl-oracle-").tempdir_in(parent).unwrap();
            Self::filled(night, folder.path().to_owned(), Some(folder))
        })
    }

    /// The same in this folder.
    pub(crate) fn within(night: &Night, folder: &Path) -> Option<Self> {
        (night.task == Task::Fetch).then(|| {
            let path = folder.join(NAME);
            fs::create_dir(&path).unwrap();
            Self::filled(night, path, None)
        })
    }

    fn filled(night: &Night, path: PathBuf, folder: Option<TempDir>) -> Self {
        let devices = night.order.iter().map(|&place| night.device(place).1).filter(|device| device.has_file);
        let before: Files =
            devices.map(|device| (file(&device.name), format!("of {}, as it was", device.name).into())).collect();
        for (name, bytes) in &before {
            fs::write(path.join(name), bytes).unwrap();
        }
        Self { path, before, _folder: folder }
    }

    /// What stands behind `--save`.
    pub(crate) fn pattern(&self) -> String {
        self.path.join(file("{name}")).display().to_string()
    }

    /// A report without the path of this folder.
    pub(crate) fn without_path(&self, text: &str) -> String {
        text.replace(&*self.path.display().to_string(), NAME)
    }

    /// What has become of it.
    pub(crate) fn saved(self) -> Saved {
        let entries = fs::read_dir(&self.path).unwrap().map(Result::unwrap);
        let read = |entry: fs::DirEntry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap_or_default())
        };
        Saved { before: self.before, after: entries.map(read).collect() }
    }
}

/// The file of a device of this name.
pub(crate) fn file(name: &str) -> String {
    format!("{name}.db")
}
