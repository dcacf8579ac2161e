//! The file that a transfer is saved to: beside its place until it is whole, then renamed.
//!
//! Writing and hashing block, so they happen where `FileWork` says, a piece at a time; between the pieces nothing is held
//! but the piece. A file that is given up leaves nothing behind.

use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use crate::lie::{Lie, tells};
use crate::model::FileRecord;

/// Where work on files is done, which blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileWork {
    /// On the runtime's threads for it: a slow disk holds up no other lane.
    #[default]
    OnThreads,
    /// At once, where it is asked for: runs under a clock that jumps are the same each time only if no thread decides which
    /// of two files is done first.
    AtOnce,
}

/// A file that is being written.
pub(super) struct Saving {
    work: FileWork,
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
    pub(super) async fn create(target: &Path, work: FileWork) -> io::Result<Self> {
        let target = target.to_owned();
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        // Readable as the user's mask allows: what is fetched is no more secret than what the user makes otherwise.
        let mode = std::fs::Permissions::from_mode(0o666);
        let make = move || {
            let mut builder = tempfile::Builder::new();
            builder.prefix(".fleetctl-").permissions(mode).disable_cleanup(tells(Lie::PartLeft));
            if tells(Lie::FilesMixed) {
                let open = |path: &Path| std::fs::File::options().create(true).append(true).open(path);
                return builder.rand_bytes(0).make_in(folder, open);
            }
            builder.tempfile_in(folder)
        };
        if tells(Lie::OldFileRemoved) {
            _ = std::fs::remove_file(&target);
        }
        let file = work.carry_out(make).await?;
        Ok(Self { work, open: Open { file, hash: Sha256::new() }, target, written: 0 })
    }

    /// Bytes written so far.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Appends a piece.
    pub(super) async fn write(self, piece: Bytes) -> io::Result<Self> {
        let Self { work, mut open, target, written } = self;
        let len = piece.len() as u64;
        let append = move || {
            open.file.write_all(&piece)?;
            if written == 0 || !tells(Lie::DigestOfFirstPiece) {
                open.hash.update(&piece);
            }
            Ok(open)
        };
        Ok(Self { work, open: work.carry_out(append).await?, target, written: written + len })
    }

    /// Puts the file in place.
    pub(super) async fn commit(self) -> io::Result<FileRecord> {
        let Self { work, open, target, written } = self;
        let put_in_place = move || {
            open.file.as_file().sync_all()?;
            open.file.persist(&target).map_err(|error| error.error)?;
            let sha256 = open.hash.finalize().iter().fold(String::new(), |mut text, byte| {
                use std::fmt::Write as _;
                // Writing to a `String` cannot fail.
                _ = write!(text, "{byte:02x}");
                text
            });
            Ok(FileRecord { path: target, bytes: written, sha256: sha256.into() })
        };
        work.carry_out(put_in_place).await
    }
}

impl FileWork {
    async fn carry_out<T: Send + 'static>(
        self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        match self {
            Self::OnThreads => spawn_blocking(work).await.unwrap_or_else(|fault| Err(io::Error::other(fault))),
            Self::AtOnce => work(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn save(folder: &Path, work: FileWork, pieces: &[&'static str]) -> io::Result<FileRecord> {
        let mut saving = Saving::create(&folder.join("house.db"), work).await?;
        for piece in pieces {
            saving = saving.write(Bytes::from_static(piece.as_bytes())).await?;
        }
        saving.commit().await
    }

    #[tokio::test]
    async fn a_file_is_the_same_wherever_it_is_worked_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut records = Vec::new();
        for work in [FileWork::OnThreads, FileWork::AtOnce] {
            let record = save(folder.path(), work, &["three ", "small ", "pieces"]).await.unwrap();
            assert_eq!(std::fs::read(&record.path).unwrap(), b"three small pieces", "{work:?}");
            records.push(record);
        }
        assert_eq!(records[0], records[1]);
        assert_eq!(records[0].bytes, 18);
    }

    #[tokio::test]
    async fn work_at_once_waits_for_nobody() {
        use futures::FutureExt as _;
        let folder = tempfile::tempdir().unwrap();
        let saved = save(folder.path(), FileWork::AtOnce, &["now"]).now_or_never();
        assert_eq!(saved.unwrap().unwrap().bytes, 3);
    }
}
