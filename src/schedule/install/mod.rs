//! What other schedulers read: units for systemd, a task for Windows.
//!
//! Both start `schedule run NAME --due`, which knows what they do not: dates of `except`, and how late a run may be.
//! Nothing is written here; whoever asked puts the files in place.

mod on_calendar;
mod systemd;
mod windows;

use std::path::PathBuf;

pub use systemd::systemd;
pub use windows::task_scheduler;

/// What is the same for everything that is installed.
#[derive(Debug, Clone)]
pub struct Installing {
    /// This program, absolute.
    pub program: PathBuf,
    /// The inventory, absolute.
    pub inventory: PathBuf,
    /// Folders with device types, absolute.
    pub types: Vec<PathBuf>,
    /// Folders that are written to, absolute: those of reports, and the state folder.
    pub writes_to: Vec<PathBuf>,
    /// Where their runs remember things, absolute: `$XDG_STATE_HOME`.
    pub state_home: PathBuf,
    /// Whom the inventory belongs to: the runs are theirs, as if they had started them.
    pub user: String,
}

/// A file to put in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its name, without a folder.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What is to be put in place, and what to know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The files.
    pub units: Vec<Unit>,
    /// How the other scheduler will differ.
    pub remarks: Vec<String>,
}

/// Why there is nothing to put in place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstallError {
    /// File names have an end.
    #[error("the name `{name}` is too long for a file")]
    NameTooLong {
        /// The schedule's.
        name: String,
    },
    /// A task of Windows has at most 48 triggers, and repeats evenly or not at all.
    #[error("Windows allows 48 triggers a task, `{cron}` needs {needed}")]
    TooManyTriggers {
        /// The expression.
        cron: String,
        /// So many.
        needed: usize,
    },
    /// A path that is no text cannot be written into a unit.
    #[error("`{}` is no UTF-8 text", path.display())]
    NoText {
        /// The path.
        path: PathBuf,
    },
}

impl Installing {
    /// The arguments of the run, the program apart.
    fn arguments(&self, name: &str) -> Result<Vec<String>, InstallError> {
        let mut arguments: Vec<String> = ["schedule", "run", name, "--due", "--inventory"].map(str::to_owned).into();
        arguments.push(text(&self.inventory)?);
        for folder in &self.types {
            arguments.extend(["--types".to_owned(), text(folder)?]);
        }
        Ok(arguments)
    }
}

fn text(path: &std::path::Path) -> Result<String, InstallError> {
    path.to_str().map(str::to_owned).ok_or_else(|| InstallError::NoText { path: path.to_owned() })
}
