//! The file: opened to be written, or only to be asked.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::HistoryError;
use super::place::{make_file, make_folder};
use super::roster::Digested;
use super::schema::{latest, migrate, version};

/// How long another process may keep the file locked: its commits take milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Between two attempts where SQLite does not wait by itself.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// An open history.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    path: PathBuf,
    pub(super) digested: Digested,
}

impl Store {
    /// Opens a history to be written; makes it, and its folder, where there is none.
    ///
    /// # Errors
    /// When it cannot be made, opened or brought to this version.
    pub fn create(path: &Path) -> Result<Self, HistoryError> {
        let failed = |source| HistoryError::Open { path: path.to_owned(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_folder(folder).map_err(failed)?;
        }
        make_file(path).map_err(failed)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut store = Self::with(path, flags)?;
        store.prepare_to_write()?;
        Ok(store)
    }

    /// Opens a history to be asked; `None` where there is none. A file that may not be written is read as it is.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn open(path: &Path) -> Result<Option<Self>, HistoryError> {
        match std::fs::metadata(path) {
            Ok(found) if found.len() == 0 => return Ok(None),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(source) => return Err(HistoryError::Open { path: path.to_owned(), source }),
        }
        let writable = Self::with(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX);
        let error = match writable.and_then(|mut store| store.prepare_to_write().map(|()| store)) {
            Ok(store) => return Ok(Some(store)),
            Err(error) => error,
        };
        if !matches!(&error, HistoryError::Database { source, .. } if is_read_only(source)) {
            return Err(error);
        }
        Self::read_only(path).map(Some)
    }

    /// Neither the file nor its neighbours may be written: it is taken as it lies there. What a writer that was killed
    /// has left in its log is then not seen.
    fn read_only(path: &Path) -> Result<Self, HistoryError> {
        let plain = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let store = Self::with(path, plain).and_then(Self::checked);
        if store.is_ok() {
            return store;
        }
        let uri = format!("file:{}?immutable=1", uri_path(path));
        let connection = Connection::open_with_flags(uri, plain | OpenFlags::SQLITE_OPEN_URI)
            .map_err(|source| HistoryError::Database { path: path.to_owned(), source })?;
        Self::on(connection, path).checked()
    }

    fn checked(self) -> Result<Self, HistoryError> {
        if version(&self.connection, &self.path)? < latest() {
            return Err(HistoryError::OlderReadOnly { path: self.path });
        }
        Ok(self)
    }

    fn with(path: &Path, flags: OpenFlags) -> Result<Self, HistoryError> {
        let failed = |source| HistoryError::Database { path: path.to_owned(), source };
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        Ok(Self::on(connection, path))
    }

    fn on(connection: Connection, path: &Path) -> Self {
        Self { connection, path: path.to_owned(), digested: Digested::default() }
    }

    fn prepare_to_write(&mut self) -> Result<(), HistoryError> {
        // Before anything is changed: whose file is it, and can this program read it?
        version(&self.connection, &self.path)?;
        let failed = |source| HistoryError::Database { path: self.path.clone(), source };
        // With a log beside the file readers and the writer do not wait for each other. FULL: a commit is on the disk
        // when it is done, so that an intent outlives the machine, not only the process.
        self.keep_a_log().map_err(failed)?;
        self.connection.pragma_update(None, "synchronous", "full").map_err(failed)?;
        migrate(&mut self.connection, &self.path)
    }

    /// Has changes written to a log beside the file. Processes that turn that on at the same time, when the file is new, are
    /// in each other's way, and SQLite waits for none of them: each asks again.
    fn keep_a_log(&self) -> rusqlite::Result<()> {
        let begun = Instant::now();
        loop {
            match self.connection.pragma_update(None, "journal_mode", "wal") {
                Err(error) if is_busy(&error) && begun.elapsed() < BUSY_TIMEOUT => std::thread::sleep(BUSY_PAUSE),
                done => return done,
            }
        }
    }

    /// Whether it was opened to be written too.
    pub(super) fn may_be_written(&self) -> bool {
        self.connection.is_readonly(rusqlite::MAIN_DB).is_ok_and(|is_read_only| !is_read_only)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn failed(&self, source: rusqlite::Error) -> HistoryError {
        HistoryError::Database { path: self.path.clone(), source }
    }
}

/// Whether SQLite only lacks the right, or the room, to write.
fn is_read_only(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, PermissionDenied, ReadOnly, SystemIoFailure};
    matches!(error.sqlite_error_code(), Some(ReadOnly | CannotOpen | PermissionDenied | DiskFull | SystemIoFailure))
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

/// A path as it stands in a URI.
fn uri_path(path: &Path) -> String {
    let mut uri = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(char::from(*byte)),
            // Writing to a `String` cannot fail.
            other => _ = write!(uri, "%{other:02X}"),
        }
    }
    uri
}
