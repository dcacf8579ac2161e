//! The file that a transfer is saved to: beside its place until it is whole, then renamed.
//!
//! Writing and hashing block, so they happen on the runtime's blocking threads, a piece at a time; between the pieces
//! nothing is held but the piece. A file that is given up leaves nothing behind.

use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use crate::model::FileRecord;

/// A file that is being written.
pub(super) struct Saving {
    open: Open,
    target: PathBuf,
    written: u64,
}

struct Open {
    file: NamedTempFile,
    hash: Sha256,
}

impl Saving {
    /// Makes the temporary file beside `target`.
    pub(super) async fn create(target: &Path) -> io::Result<Self> {
        let target = target.to_owned();
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        // Readable as the user's mask allows: what is fetched is no more secret than what the user makes otherwise.
        let mode = std::fs::Permissions::from_mode(0o666);
        let make = move || tempfile::Builder::new().prefix(".fleetctl-").permissions(mode).tempfile_in(folder);
        let file = blocking(make).await?;
        Ok(Self { open: Open { file, hash: Sha256::new() }, target, written: 0 })
    }

    /// Bytes written so far.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Appends a piece.
    pub(super) async fn write(self, piece: Bytes) -> io::Result<Self> {
        let Self { mut open, target, written } = self;
        let len = piece.len() as u64;
        let open = blocking(move || {
            open.file.write_all(&piece)?;
            open.hash.update(&piece);
            Ok(open)
        })
        .await?;
        Ok(Self { open, target, written: written + len })
    }

    /// Puts the file in place.
    pub(super) async fn commit(self) -> io::Result<FileRecord> {
        let Self { open, target, written } = self;
        blocking(move || {
            open.file.as_file().sync_all()?;
            open.file.persist(&target).map_err(|error| error.error)?;
            let sha256 = open.hash.finalize().iter().fold(String::new(), |mut text, byte| {
                use std::fmt::Write as _;
                // Writing to a `String` cannot fail.
                _ = write!(text, "{byte:02x}");
                text
            });
            Ok(FileRecord { path: target, bytes: written, sha256: sha256.into() })
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|fault| Err(io::Error::other(fault)))
}
