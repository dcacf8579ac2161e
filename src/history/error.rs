//! Why a history cannot be used.

use std::io;
use std::path::PathBuf;

/// Why a history cannot be used. None of these stops a run.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The folder or the file cannot be made or opened.
    #[error("cannot open `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite cannot use the file: it is damaged, locked, full, or may not be written.
    #[error("cannot use `{}`", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A newer fleetctl has written it.
    #[error(
        "`{}` was written by a newer fleetctl (its version is {found}, this one knows {known}): \
         update fleetctl, or give another file with `--history`", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its tables.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// It is of an older version, and cannot be brought to this one because it may not be written.
    #[error("`{}` is of an older version and read-only: it must be writable once, to be brought to this version", path.display())]
    OlderReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// It is a database of another program.
    #[error("`{}` is the database of another program, and is left alone", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// What is asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// A row holds what this program would never write.
    #[error("run {run}: {problem}; the history may be damaged")]
    Damaged {
        /// Its id.
        run: String,
        /// What is wrong.
        problem: String,
    },
    /// There is no place for a history.
    #[error("no folder is known for the history: set HOME or XDG_STATE_HOME, or give `--history PATH`")]
    NoFolder,
}

impl HistoryError {
    /// The message with what lies under it.
    pub fn chain(&self) -> String {
        match std::error::Error::source(self) {
            Some(source) => format!("{self}: {source}"),
            None => self.to_string(),
        }
    }
}
