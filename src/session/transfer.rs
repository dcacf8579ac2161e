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
use super::saving::{FileWork, Saving};
use super::wait::Cut;
use crate::device_type::Transfer;
use crate::lie::{Lie, tells};
use crate::model::escape::printable;
use crate::model::{ErrorKind, Failure, FileRecord, Status, StopReason, Timing};
use crate::transport::DeviceStream;

/// The longest piece, in bytes.
const PIECE: usize = 32 * 1024;

/// The most that the last look at a file takes in: more than the kernel keeps of one connection.
const MOST_AT_LAST: usize = 8 * 1024 * 1024;

/// More is announced than the type allows; nothing of it is read.
pub(super) fn announces_too_much(announced: u64) -> Ending {
    let why = format!("{announced} bytes are announced");
    Ending::failed(Status::BadReply, Failure::new(ErrorKind::ReplyTooLong).detail(why))
}

/// A transfer under way.
pub(super) struct Fetch<'f> {
    pub(super) transfer: &'f Transfer,
    /// How long the file is to be.
    pub(super) announced: u64,
    pub(super) target: &'f Path,
    pub(super) file_work: FileWork,
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
            return Err(announces_too_much(self.announced));
        }
        let mut saving = Saving::create(self.target, self.file_work).await.map_err(|error| own_fault(&error))?;
        let mut beginning: Vec<u8> = Vec::with_capacity(self.transfer.magic.len());
        while saving.written() < self.announced {
            let left = usize::try_from(self.announced - saving.written()).unwrap_or(usize::MAX);
            let most = if tells(Lie::MoreThanAnnounced) { PIECE } else { left.min(PIECE) };
            let piece = match self.piece(connection, most, saving.written()).await {
                Err(_) if tells(Lie::ShortFileTaken) => break,
                Err(ending) if tells(Lie::PartPutInPlace) => {
                    _ = saving.commit().await;
                    return Err(ending);
                }
                piece => piece?,
            };
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
        if magic.starts_with(beginning) || tells(Lie::BeginningNotCompared) {
            Ok(())
        } else {
            Err(malformed("the file does not begin as it must"))
        }
    }

    /// The next piece, at most `most` bytes long.
    async fn piece<S: DeviceStream>(
        &self,
        connection: &mut Connection<S>,
        most: usize,
        so_far: u64,
    ) -> Result<Bytes, Ending> {
        let pause = self.transfer.idle_timeout;
        let idle = Instant::now() + if tells(Lie::HalfThePause) { pause / 2 } else { pause };
        // Asked before anything is read: a file that is always there could else outlast every end.
        let mut end = self.end();
        while end.is_none() && connection.buffered() == 0 {
            tokio::select! {
                biased;
                read = connection.fill(most) => match read {
                    Ok(0) => return Err(closed(ErrorKind::ConnectionClosed, so_far)),
                    Ok(_) => {}
                    Err(error) => return Err(broken(&error, so_far)),
                },
                () = self.stop.cutting() => end = Some(Cut::Stop),
                () = sleep_until(self.device_deadline) => end = Some(Cut::Device),
                () = sleep_until(idle) => end = Some(Cut::Reply),
            }
        }
        if let Some(end) = end {
            self.last_look(connection, end, so_far)?;
        }
        connection.take_buffered(most).ok_or_else(|| silent(self.transfer.idle_timeout, so_far))
    }

    /// Which end of everything has come, if one has.
    fn end(&self) -> Option<Cut> {
        if self.stop.is_cut() {
            return Some(Cut::Stop);
        }
        (Instant::now() >= self.device_deadline).then_some(Cut::Device)
    }

    /// The last look, as before every verdict that nothing came: good if any piece is there where only the peer was slow,
    /// and where all is over, if the whole rest is.
    fn last_look<S: DeviceStream>(&self, connection: &mut Connection<S>, end: Cut, so_far: u64) -> Result<(), Ending> {
        let rest = usize::try_from(self.announced - so_far).unwrap_or(usize::MAX);
        let enough = if end == Cut::Reply { 1 } else { rest };
        loop {
            let before = connection.buffered();
            if before >= enough {
                return Ok(());
            }
            let look = connection.look();
            if connection.buffered() > before && before < MOST_AT_LAST {
                continue;
            }
            return Err(match (look, end) {
                (Look::Failed(error), _) => broken(&error, so_far),
                (Look::Ended, _) => closed(ErrorKind::ConnectionClosed, so_far),
                (Look::Open, Cut::Stop) => Ending::Stopped(self.stop.reason().unwrap_or(StopReason::Interrupt)),
                (Look::Open, Cut::Device) => {
                    let failure = Failure::new(ErrorKind::DeviceDeadline).waited(self.timing.device_deadline);
                    Ending::failed(Status::NoReply, failure.received(so_far))
                }
                (Look::Open, Cut::Reply) => silent(self.transfer.idle_timeout, so_far),
            });
        }
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
