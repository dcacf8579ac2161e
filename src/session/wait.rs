//! Writing and waiting, with an end to each: what exchanges, log-ins and transfers are made of.
//!
//! Nobody is called silent before one last look at the socket, past whatever the runtime believes about its readiness,
//! whichever deadline it was that came; and what came before a reset is looked through before the reset counts.

use std::io;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::time::{Instant, sleep_until};

use super::Stop;
use super::connection::{Connection, Look};
use super::ending::Ending;
use crate::codec::{CodecError, Frame, Framing};
use crate::device_type::{Link, Progress, WaitEnd, conclude};
use crate::lie::{Lie, tells};
use crate::model::escape::printable;
use crate::model::{ErrorKind, Failure, Payload, Status, StopReason, Timing};
use crate::transport::DeviceStream;

/// Which end came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// The reply took too long.
    Reply,
    /// The device's own deadline.
    Device,
    /// The run stopped, and its grace is over.
    Stop,
}

/// Why a wait ended without a frame.
#[derive(Debug)]
pub(super) enum Waited {
    /// An end of the wait came.
    Cut(Cut),
    /// The peer closed.
    Closed,
    /// The connection failed.
    Broken(io::Error),
    /// What came can be no reply.
    Unframed(CodecError),
}

/// The ends of one wait.
pub(super) struct Wait<'w> {
    begun: Instant,
    /// Its own end, and which of the two it is.
    deadline: Instant,
    cut: Cut,
    stop: &'w Stop,
    /// Its end has come: only what can be read without waiting still counts.
    over: Option<Cut>,
    /// The connection has failed; what came before is still looked through.
    broken: Option<io::Error>,
}

impl<'w> Wait<'w> {
    /// A wait that begins now.
    pub(super) fn new(timing: &Timing, device_deadline: Instant, stop: &'w Stop) -> Self {
        let timeout = if tells(Lie::HalfTheTime) { timing.reply_timeout / 2 } else { timing.reply_timeout };
        let begun = Instant::now();
        let reply = begun + timeout;
        let (deadline, cut) = if reply <= device_deadline || tells(Lie::DeadlineForgotten) {
            (reply, Cut::Reply)
        } else {
            (device_deadline, Cut::Device)
        };
        Self { begun, deadline, cut, stop, over: None, broken: None }
    }

    /// When it began.
    pub(super) fn begun(&self) -> Instant {
        self.begun
    }

    /// Whether nothing more is waited for: its end has come, or the connection has failed.
    pub(super) fn is_over(&self) -> bool {
        self.over.is_some() || self.broken.is_some()
    }

    /// Whether the connection has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.broken.is_some()
    }

    /// Writes a payload whose reply, if any, is found by `framing`, and closes our half behind it where `half_close` says
    /// so. An end that comes meanwhile, or a failure, shows in `frame`; what was not written by then never is.
    pub(super) async fn write<S: DeviceStream>(
        &mut self,
        connection: &mut Connection<S>,
        payload: &Payload,
        framing: Option<&Arc<Framing>>,
        half_close: bool,
    ) {
        if let Some(framing) = framing {
            connection.codec().expect(framing);
        }
        // Most streams take a command at once. The room for waiting is made only where one does not.
        let end = match connection.send(payload, half_close).now_or_never() {
            Some(sent) => sent.map_err(Waited::Broken),
            None => Box::pin(self.write_rest(connection, half_close)).await,
        };
        match end {
            Err(Waited::Cut(cut)) => self.over = Some(cut),
            Err(Waited::Broken(error)) => self.broken = Some(error),
            _ => return,
        }
        connection.drop_unsent();
    }

    /// Waits until the stream has taken the rest.
    async fn write_rest<S: DeviceStream>(
        &self,
        connection: &mut Connection<S>,
        half_close: bool,
    ) -> Result<(), Waited> {
        let (deadline, cut) = (self.deadline, self.cut);
        let end = tokio::select! {
            biased;
            sent = connection.send_rest(half_close) => sent.map_err(Waited::Broken),
            // The write is the start: once the run stops, what the stream has taken nothing of is not begun any more.
            () = self.stop.stopping() => Err(Waited::Cut(Cut::Stop)),
            () = sleep_until(deadline) => Err(Waited::Cut(cut)),
        };
        if !matches!(end, Err(Waited::Cut(Cut::Stop))) || connection.written() == 0 {
            return end;
        }
        tokio::select! {
            biased;
            sent = connection.send_rest(half_close) => sent.map_err(Waited::Broken),
            () = self.stop.cutting() => Err(Waited::Cut(Cut::Stop)),
            () = sleep_until(deadline) => Err(Waited::Cut(cut)),
        }
    }

    /// The next frame. May be asked again after one that was not the answer, also when time is up: as long as the
    /// socket held more, more is given.
    #[expect(clippy::manual_async_fn, reason = "an async fn holds its arguments twice, and 100,000 wait")]
    pub(super) fn frame<S: DeviceStream>(
        &mut self,
        connection: &mut Connection<S>,
    ) -> impl Future<Output = Result<Frame, Waited>> {
        async move {
            if self.broken.is_some() {
                _ = connection.look();
                return self.rest(connection);
            }
            if let Some(cut) = self.over {
                return last_look(connection, cut);
            }
            // Biased: a reply that is there counts, whatever else happens at that instant.
            let cut = tokio::select! {
                biased;
                next = connection.next() => return match next {
                    Some(Ok(frame)) => Ok(frame),
                    Some(Err(CodecError::Io(error))) => {
                        self.broken = Some(error);
                        _ = connection.look();
                        self.rest(connection)
                    }
                    Some(Err(error)) => Err(Waited::Unframed(error)),
                    None => Err(Waited::Closed),
                },
                () = self.stop.cutting() => Cut::Stop,
                () = sleep_until(self.deadline) => self.cut,
            };
            self.over = Some(cut);
            last_look(connection, cut)
        }
    }

    /// What came before the connection failed.
    fn rest<S: DeviceStream>(&mut self, connection: &mut Connection<S>) -> Result<Frame, Waited> {
        match connection.decode(false) {
            Ok(Some(frame)) => Ok(frame),
            Ok(None) => Err(self.broken.take().map_or(Waited::Closed, Waited::Broken)),
            Err(error) => Err(Waited::Unframed(error)),
        }
    }
}

/// What the socket holds although time is up; only then the verdict that nothing came.
fn last_look<S: DeviceStream>(connection: &mut Connection<S>, cut: Cut) -> Result<Frame, Waited> {
    let look = connection.look();
    match connection.decode(matches!(look, Look::Ended)) {
        Ok(Some(frame)) => return Ok(frame),
        Ok(None) => {}
        Err(error) => return Err(Waited::Unframed(error)),
    }
    match look {
        Look::Open => Err(Waited::Cut(cut)),
        Look::Ended => Err(Waited::Closed),
        Look::Failed(error) => Err(Waited::Broken(error)),
    }
}

/// What an attempt ends as that waited in vain for an answer to `payload`: the table "Judging" of contract.md. An empty
/// one is a greeting's: that it does not come is the peer's silence, though nothing was written.
pub(super) fn unanswered<S: DeviceStream>(
    connection: &Connection<S>,
    waited: Waited,
    payload: &[u8],
    link: &Link,
    timing: &Timing,
    stop: &Stop,
) -> Ending {
    let received = connection.received();
    if let Waited::Unframed(error) = waited {
        return unframed(error, received);
    }
    if let Some(text) = connection.gateway_text(link, payload) {
        return Ending::gateway_busy(text);
    }
    let progress = if connection.written() == 0 && !payload.is_empty() {
        Progress::Unwritten
    } else if connection.is_reply_begun(payload) {
        Progress::ReplyBegun
    } else {
        Progress::Written
    };
    let silence = conclude(WaitEnd::Silence, progress).status;
    match waited {
        Waited::Cut(Cut::Stop) => Ending::Stopped(stop.reason().unwrap_or(StopReason::Interrupt)),
        Waited::Cut(Cut::Reply) => {
            let failure = Failure::new(ErrorKind::ReplyTimeout).waited(timing.reply_timeout);
            Ending::failed(silence, failure.received(received))
        }
        Waited::Cut(Cut::Device) => {
            let failure = Failure::new(ErrorKind::DeviceDeadline).waited(timing.device_deadline);
            Ending::failed(silence, failure.received(received))
        }
        Waited::Broken(error) => broken(&error, progress, received),
        Waited::Closed | Waited::Unframed(_) => gone(WaitEnd::Closed, progress, received),
    }
}

fn broken(error: &io::Error, progress: Progress, received: u64) -> Ending {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => gone(WaitEnd::Reset, progress, received),
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof | io::ErrorKind::NotConnected => {
            gone(WaitEnd::Closed, progress, received)
        }
        // What else can happen to a connection (a time-out of the network, an unreachable host) ends it like a close.
        _ => {
            let status = conclude(WaitEnd::Closed, progress).status;
            let failure = Failure::new(ErrorKind::Io).received(received).detail(printable(&error.to_string()));
            Ending::failed(status, failure)
        }
    }
}

/// The connection is gone: what that says depends on how far the conversation was.
fn gone(end: WaitEnd, progress: Progress, received: u64) -> Ending {
    let concluded = conclude(end, progress);
    Ending::failed(concluded.status, Failure::new(concluded.kind.unwrap_or(ErrorKind::Io)).received(received))
}

/// What came can be no reply.
fn unframed(error: CodecError, received: u64) -> Ending {
    let failure = match error {
        CodecError::WrongChecksum { received } => Failure::new(ErrorKind::WrongChecksum).received(received),
        CodecError::TooLong { received } => Failure::new(ErrorKind::ReplyTooLong).received(received),
        CodecError::Io(error) => Failure::new(ErrorKind::Io).received(received).detail(printable(&error.to_string())),
    };
    Ending::failed(Status::BadReply, failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_connection_is_told_by_how_it_broke() {
        use io::ErrorKind as Io;
        for (error, kind) in [
            (Io::ConnectionReset, ErrorKind::ConnectionReset),
            (Io::ConnectionAborted, ErrorKind::ConnectionReset),
            (Io::BrokenPipe, ErrorKind::ConnectionClosed),
            (Io::UnexpectedEof, ErrorKind::ConnectionClosed),
            (Io::NotConnected, ErrorKind::ConnectionClosed),
            (Io::TimedOut, ErrorKind::Io),
            (Io::HostUnreachable, ErrorKind::Io),
        ] {
            for (progress, status) in [
                (Progress::Unwritten, Status::Unreachable),
                (Progress::Written, Status::NoReply),
                (Progress::ReplyBegun, Status::BadReply),
            ] {
                let Ending::Failed { status: found, failure } = broken(&error.into(), progress, 3) else {
                    unreachable!()
                };
                assert_eq!((found, failure.kind, failure.received), (status, kind, 3), "{error:?} {progress:?}");
            }
        }
    }
}
