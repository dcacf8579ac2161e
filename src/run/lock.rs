//! One run at a time over an inventory on this machine, and one daemon.
//!
//! The lock is the system's, on a file in the folder for state that is named by the inventory's canonical path; it ends
//! with the process, however that ends. The file says who holds it, for messages. A holder that ends properly empties
//! it, so text in a file that nobody holds was left by a process that did not.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use crate::history::{make_folder, state_folder};
use crate::model::StopReason;
use crate::session::Stop;

/// How often a lock that another process holds is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What a lock keeps a second process from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Run,
    Schedules,
}

impl Purpose {
    fn extension(self) -> &'static str {
        match self {
            Self::Run => "lock",
            Self::Schedules => "schedules.lock",
        }
    }

    fn risk(self) -> &'static str {
        match self {
            Self::Run => "this run is not locked against a second one over the inventory",
            Self::Schedules => "the schedules are not locked against a second daemon, which would run them too",
        }
    }
}

/// Why an inventory could not be locked. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another daemon would run each schedule a second time.
    #[error("another daemon runs the schedules of `{}`{holder}", inventory.display())]
    Daemon {
        /// The inventory.
        inventory: PathBuf,
        /// Which process, in words, where that is known.
        holder: String,
    },
    /// Another run is under way.
    #[error("another run over `{}` is under way{holder}", inventory.display())]
    Locked {
        /// The inventory.
        inventory: PathBuf,
        /// Who holds it, in words, where that is known.
        holder: String,
    },
    /// The run was stopped while it waited.
    #[error("{}: stopped while another run over the inventory was waited for", .0.words())]
    Stopped(StopReason),
}

/// The lock on an inventory; ends when dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Should it stay, the next run says that it has taken over a lock that was left: no harm.
        _ = self.file.set_len(0);
    }
}

/// Locks an inventory; waits for another run at most so long. `None`: it cannot be locked on this machine, which is said
/// and keeps nobody from running.
///
/// # Errors
/// When another run holds it, or this one is stopped while it waits.
pub async fn lock(inventory: &Path, wait: Option<Duration>, stop: &Stop) -> Result<Option<Lock>, LockError> {
    take(inventory, Purpose::Run, wait, stop).await
}

/// Locks the schedules of an inventory for a daemon, without waiting. `None`: as for `lock`.
///
/// # Errors
/// When another daemon holds them.
pub async fn lock_schedules(inventory: &Path) -> Result<Option<Lock>, LockError> {
    take(inventory, Purpose::Schedules, None, &Stop::default()).await
}

async fn take(
    inventory: &Path,
    purpose: Purpose,
    wait: Option<Duration>,
    stop: &Stop,
) -> Result<Option<Lock>, LockError> {
    let inventory = inventory.canonicalize().unwrap_or_else(|_| inventory.to_owned());
    let unlocked = |why: &str| {
        warn!("{}: {why}", purpose.risk());
        Ok(None)
    };
    let Some(folder) = state_folder().map(|folder| folder.join("locks")) else {
        return unlocked("no folder is known for the lock (HOME and XDG_STATE_HOME are not set)");
    };
    let path = folder.join(name(&inventory, purpose));
    let mut file = match open(&folder, &path) {
        Ok(file) => file,
        Err(error) => return unlocked(&format!("{}: {error}", path.display())),
    };
    let give_up = Instant::now() + wait.unwrap_or_default();
    let mut is_told = false;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return unlocked(&format!("{}: {error}", path.display())),
        }
        let now = Instant::now();
        if now >= give_up {
            let holder = held_by(&mut file).map(|holder| format!(", {holder}")).unwrap_or_default();
            return Err(match purpose {
                Purpose::Run => LockError::Locked { inventory, holder },
                Purpose::Schedules => LockError::Daemon { inventory, holder },
            });
        }
        if !is_told {
            is_told = true;
            let holder = held_by(&mut file).unwrap_or_default();
            info!("another run over the inventory is waited for: {holder}");
        }
        tokio::select! {
            () = sleep_until((now + LOOK).min(give_up)) => {}
            () = stop.stopping() => {
                return Err(LockError::Stopped(stop.reason().unwrap_or(StopReason::Interrupt)));
            }
        }
    }
    if let Some(left) = held_by(&mut file) {
        warn!("a lock is taken over from a process that did not come to its end: {left}");
    }
    let holder = format!("{} {}\n", std::process::id(), jiff::Timestamp::now());
    if let Err(error) = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes())) {
        // It is locked all the same; only nobody can read by whom.
        info!("{}: {error}", path.display());
    }
    Ok(Some(Lock { file }))
}

fn open(folder: &Path, path: &Path) -> io::Result<File> {
    make_folder(folder)?;
    OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
}

/// The file's name: half of a SHA-256 tells more inventories apart than there are.
fn name(inventory: &Path, purpose: Purpose) -> String {
    let digest = Sha256::digest(inventory.as_os_str().as_encoded_bytes());
    let hex = crate::model::escape::hex(digest.get(..16).unwrap_or(&digest));
    format!("{}.{}", hex.replace(' ', ""), purpose.extension())
}

/// Who holds the lock, as the file says it.
fn held_by(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(100).read_to_string(&mut text).ok()?;
    let (process, since) = text.trim().split_once(' ')?;
    let since: jiff::Timestamp = since.parse().ok()?;
    let process: u32 = process.parse().ok()?;
    let since = crate::report::people_time(crate::model::UnixMillis(since.as_millisecond()));
    Some(format!("process {process} since {since}"))
}
