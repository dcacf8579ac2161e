//! Streams a file that a reply has announced: in pieces, checked as they come, whole or not at all.
//!
//! Memory is bounded by one piece. What is wrong is seen as early as it can be: a length beyond the cap before the first
//! byte, a wrong beginning with the first piece. Bytes after the announced length are ignored.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::Stop;
use super::connection::{Connection, Look};
use super::ending::Ending;
use super::saving::Saving;
use crate::device_type::Transfer;
use crate::model::escape::printable;
use crate::model::{ErrorKind, Failure, FileRecord, Status, StopReason, Timing};
use crate::transport::DeviceStream;

/// The longest piece, in bytes.
const PIECE: usize = 32 * 1024;

/// A transfer under way.
pub(super) struct Fetch<'f> {
    pub(super) transfer: &'f Transfer,
    /// How long the file is to be.
    pub(super) announced: u64,
    pub(super) target: &'f Path,
    pub(super) timing: &'f Timing,
    pub(super) device_deadline: Instant,
    pub(super) stop: &'f Stop,
}

impl Fetch<'_> {
    /// Fetches the file and puts it in place.
    pub(super) async fn carry_out<S: DeviceStream>(
        &self,
        connection: &mut Connection<S>,
    ) -> Result<FileRecord, Ending> {
        if self.announced > self.transfer.max {
            let failure = Failure::new(ErrorKind::ReplyTooLong).received(self.announced);
            return Err(Ending::failed(Status::BadReply, failure.detail("announced")));
        }
        let mut saving = Saving::create(self.target).await.map_err(|error| own_fault(&error))?;
        let mut beginning: Vec<u8> = Vec::with_capacity(self.transfer.magic.len());
        while saving.written() < self.announced {
            let left = usize::try_from(self.announced - saving.written()).unwrap_or(usize::MAX);
            let piece = self.piece(connection, left.min(PIECE), saving.written()).await?;
            self.check_beginning(&mut beginning, &piece)?;
            saving = saving.write(piece).await.map_err(|error| own_fault(&error))?;
        }
        if beginning.len() < self.transfer.magic.len() {
            return Err(malformed("the file is shorter than its beginning must be"));
        }
        saving.commit().await.map_err(|error| own_fault(&error))
    }

    fn check_beginning(&self, beginning: &mut Vec<u8>, piece: &Bytes) -> Result<(), Ending> {
        let magic = &self.transfer.magic;
        let missing = magic.len().saturating_sub(beginning.len()).min(piece.len());
        beginning.extend_from_slice(piece.get(..missing).unwrap_or_default());
        if magic.starts_with(beginning) { Ok(()) } else { Err(malformed("the file does not begin as it must")) }
    }

    /// The next piece, at most `most` bytes long.
    async fn piece<S: DeviceStream>(
        &self,
        connection: &mut Connection<S>,
        most: usize,
        so_far: u64,
    ) -> Result<Bytes, Ending> {
        if let Some(piece) = connection.take_buffered(most) {
            return Ok(piece);
        }
        let idle = Instant::now() + self.transfer.idle_timeout;
        let end = idle.min(self.device_deadline);
        tokio::select! {
            biased;
            read = connection.fill(most) => match read {
                Ok(0) => return Err(closed(ErrorKind::ConnectionClosed, so_far)),
                Ok(_) => {}
                Err(error) => return Err(broken(&error, so_far)),
            },
            () = self.stop.cutting() => {
                return Err(Ending::Stopped(self.stop.reason().unwrap_or(StopReason::Interrupt)));
            }
            () = sleep_until(end) => match connection.look() {
                // The last look, as before every verdict that nothing came.
                Look::Failed(error) => return Err(broken(&error, so_far)),
                Look::Ended if connection.has_buffered() => {}
                Look::Ended => return Err(closed(ErrorKind::ConnectionClosed, so_far)),
                Look::Open if connection.has_buffered() => {}
                Look::Open if self.device_deadline < idle => {
                    let failure = Failure::new(ErrorKind::DeviceDeadline).waited(self.timing.device_deadline);
                    return Err(Ending::failed(Status::NoReply, failure.received(so_far)));
                }
                Look::Open => return Err(silent(self.transfer.idle_timeout, so_far)),
            },
        }
        connection.take_buffered(most).ok_or_else(|| silent(self.transfer.idle_timeout, so_far))
    }
}

fn silent(waited: Duration, so_far: u64) -> Ending {
    let failure = Failure::new(ErrorKind::ReplyTimeout).waited(waited).received(so_far);
    Ending::failed(Status::NoReply, failure.detail("the file stopped coming"))
}

fn closed(kind: ErrorKind, so_far: u64) -> Ending {
    Ending::failed(Status::BadReply, Failure::new(kind).received(so_far).detail("the file is cut short"))
}

fn broken(error: &std::io::Error, so_far: u64) -> Ending {
    match error.kind() {
        std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::ConnectionAborted => {
            closed(ErrorKind::ConnectionReset, so_far)
        }
        _ => closed(ErrorKind::ConnectionClosed, so_far),
    }
}

fn malformed(detail: &str) -> Ending {
    Ending::failed(Status::BadReply, Failure::new(ErrorKind::MalformedReply).detail(detail))
}

/// This machine could not write the file: no fault of the device.
fn own_fault(error: &std::io::Error) -> Ending {
    let detail = format!("the file cannot be written: {}", printable(&error.to_string()));
    Ending::failed(Status::NoReply, Failure::new(ErrorKind::Internal).detail(detail))
}
