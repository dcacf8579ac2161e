//! The heart of an attempt: write the command, read until its reply is whole, judge it.
//!
//! The judgements are contract.md's table "Judging". Two rules of it shape the code: one byte written is written, so
//! the stream itself counts (`Connection::written`); and nobody is called silent before one last look at the socket,
//! whichever deadline it was that came.

use std::io;

use tokio::time::{Instant, sleep_until};

use super::connection::{Connection, Look};
use super::{Attempt, Ending, Keep, Stop};
use crate::codec::{CodecError, Frame};
use crate::device_type::{Link, Progress, Request, Verdict, WaitEnd, conclude};
use crate::model::escape::printable;
use crate::model::{ErrorKind, Failure, Status, StopReason, Timing};
use crate::transport::DeviceStream;

/// Why the wait for a reply ended without one.
enum Cut {
    Reply,
    Device,
    Stop,
}

/// When waits end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) reply: Instant,
    pub(super) device: Instant,
}

impl Limits {
    fn first(self) -> (Instant, Cut) {
        if self.reply <= self.device { (self.reply, Cut::Reply) } else { (self.device, Cut::Device) }
    }
}

/// What an exchange is about.
pub(super) struct Exchange<'e> {
    pub(super) request: &'e Request,
    pub(super) link: &'e Link,
    pub(super) timing: &'e Timing,
    pub(super) limits: Limits,
    pub(super) stop: &'e Stop,
}

impl Exchange<'_> {
    /// Writes the command and waits for its reply. `None`: not a byte could be written, because the peer had closed.
    pub(super) async fn carry_out<S: DeviceStream>(&self, connection: &mut Connection<S>) -> Attempt {
        connection.begin();
        let attempt = match self.write(connection).await {
            Ok(()) if self.request.is_broadcast() => self.listen(connection).await,
            Ok(()) => self.read(connection).await,
            Err(attempt) => attempt,
        };
        connection.end();
        attempt
    }

    async fn write<S: DeviceStream>(&self, connection: &mut Connection<S>) -> Result<(), Attempt> {
        if let Some(framing) = self.request.framing() {
            connection.codec().expect(framing);
        }
        let (deadline, cut) = self.limits.first();
        let cut = tokio::select! {
            biased;
            written = connection.send(self.request.payload()) => {
                return written.map_err(|error| self.broken(connection, &io_error(error)));
            }
            () = self.stop.cutting() => Cut::Stop,
            () = sleep_until(deadline) => cut,
        };
        Err(self.last_look(connection, &cut))
    }

    async fn read<S: DeviceStream>(&self, connection: &mut Connection<S>) -> Attempt {
        let (deadline, cut) = self.limits.first();
        let end = sleep_until(deadline);
        tokio::pin!(end);
        let cutting = self.stop.cutting();
        tokio::pin!(cutting);
        loop {
            // Biased: a reply that is there counts, whatever else happens at that instant.
            let cut = tokio::select! {
                biased;
                next = connection.next() => match next {
                    Some(Ok(frame)) => {
                        if let Some(attempt) = self.judge(connection, &frame) {
                            return attempt;
                        }
                        continue;
                    }
                    Some(Err(error)) => return self.codec_failed(connection, error),
                    None => return self.closed(connection),
                },
                () = &mut cutting => Cut::Stop,
                () = &mut end => cut,
            };
            return self.last_look(connection, &cut);
        }
    }

    /// What the socket holds although time is up; only then the verdict that nothing came.
    fn last_look<S: DeviceStream>(&self, connection: &mut Connection<S>, cut: &Cut) -> Attempt {
        let look = connection.look();
        loop {
            match connection.decode(matches!(look, Look::Ended)) {
                Ok(Some(frame)) => {
                    if let Some(attempt) = self.judge(connection, &frame) {
                        return attempt;
                    }
                }
                Ok(None) => break,
                Err(error) => return self.codec_failed(connection, error),
            }
        }
        match look {
            Look::Open => self.timed_out(connection, cut),
            Look::Ended => self.closed(connection),
            Look::Failed(error) => self.broken(connection, &error),
        }
    }

    /// A broadcast: nothing is expected, but what comes within the gap is shown.
    async fn listen<S: DeviceStream>(&self, connection: &mut Connection<S>) -> Attempt {
        let until = Instant::now() + self.link.gap;
        let end = sleep_until(until.min(self.limits.device));
        tokio::pin!(end);
        loop {
            // The end comes first: a device that never stops sending would else be listened to for ever.
            tokio::select! {
                biased;
                () = self.stop.cutting() => break,
                () = &mut end => break,
                read = connection.read_and_drop() => match read {
                    Ok(read) if read > 0 => {}
                    _ => break,
                },
            }
        }
        _ = connection.drop_stale();
        if let Some(text) = connection.gateway_text(self.link, self.request) {
            return gateway_busy(connection, text);
        }
        // No answer tells whose what comes later is: the next command has a connection of its own.
        ended(connection, Ending::Sent, Keep::No)
    }

    /// What a frame means; `None`: it is not the answer to this command.
    fn judge<S: DeviceStream>(&self, connection: &mut Connection<S>, frame: &Frame) -> Option<Attempt> {
        // What came before a byte was written answers nothing.
        if connection.written() == 0 {
            return None;
        }
        let ending = match self.request.judge(frame) {
            Verdict::Stray => return None,
            Verdict::Ok { value } => Ending::Acknowledged { value },
            Verdict::Refused { message } => Ending::Refused(Failure::new(ErrorKind::Refused).detail(message)),
            Verdict::Auth { message } => Ending::Refused(Failure::new(ErrorKind::AuthFailed).detail(message)),
            Verdict::Busy { message } => Ending::Busy(Failure::new(ErrorKind::Busy).detail(message)),
            Verdict::Malformed { message } => Ending::failed(
                Status::BadReply,
                Failure::new(ErrorKind::MalformedReply).detail(message).received(connection.received()),
            ),
        };
        let keep = if ending.is_answered() { Keep::Yes } else { Keep::No };
        Some(Attempt { reply: Some(frame.bytes.as_ref().into()), ..ended(connection, ending, keep) })
    }

    fn timed_out<S: DeviceStream>(&self, connection: &mut Connection<S>, cut: &Cut) -> Attempt {
        if let Some(text) = connection.gateway_text(self.link, self.request) {
            return gateway_busy(connection, text);
        }
        let status = conclude(WaitEnd::Silence, self.progress(connection)).status;
        let ending = match cut {
            Cut::Stop => Ending::Stopped(self.stop.reason().unwrap_or(StopReason::Interrupt)),
            Cut::Reply => Ending::failed(
                status,
                Failure::new(ErrorKind::ReplyTimeout).waited(self.timing.reply_timeout).received(connection.received()),
            ),
            Cut::Device => Ending::failed(
                status,
                Failure::new(ErrorKind::DeviceDeadline)
                    .waited(self.timing.device_deadline)
                    .received(connection.received()),
            ),
        };
        // A late answer names its unit and command where the type matches replies to requests: the next device may go
        // on over this connection. A command that was written only in part cannot be followed by another.
        let whole = connection.written() == self.request.payload().bytes().len() as u64;
        let keep = if whole && self.request.matches_replies() { Keep::Yes } else { Keep::No };
        ended(connection, ending, keep)
    }

    fn closed<S: DeviceStream>(&self, connection: &mut Connection<S>) -> Attempt {
        self.gone(connection, WaitEnd::Closed, "")
    }

    fn broken<S: DeviceStream>(&self, connection: &mut Connection<S>, error: &io::Error) -> Attempt {
        // What came before the reset may still be a whole reply.
        _ = connection.look();
        loop {
            match connection.decode(false) {
                Ok(Some(frame)) => {
                    if let Some(attempt) = self.judge(connection, &frame) {
                        return Attempt { keep: Keep::No, ..attempt };
                    }
                }
                Ok(None) => break,
                Err(error) => return self.codec_failed(connection, error),
            }
        }
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                self.gone(connection, WaitEnd::Reset, "")
            }
            io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof | io::ErrorKind::NotConnected => {
                self.gone(connection, WaitEnd::Closed, "")
            }
            // What else can happen to a connection (a time-out of the network, an unreachable host) ends it like a close.
            _ => self.gone(connection, WaitEnd::Closed, &printable(&error.to_string())),
        }
    }

    /// The connection is gone: what that says depends on how far the conversation was.
    fn gone<S: DeviceStream>(&self, connection: &Connection<S>, end: WaitEnd, detail: &str) -> Attempt {
        if let Some(text) = connection.gateway_text(self.link, self.request) {
            return gateway_busy(connection, text);
        }
        let concluded = conclude(end, self.progress(connection));
        let kind = if detail.is_empty() { concluded.kind.unwrap_or(ErrorKind::Io) } else { ErrorKind::Io };
        let failure = Failure::new(kind).received(connection.received()).detail(detail);
        ended(connection, Ending::failed(concluded.status, failure), Keep::No)
    }

    /// How far the exchange is.
    fn progress<S: DeviceStream>(&self, connection: &Connection<S>) -> Progress {
        if connection.written() == 0 {
            Progress::Unwritten
        } else if connection.is_reply_begun(self.request.payload().bytes()) {
            Progress::ReplyBegun
        } else {
            Progress::Written
        }
    }

    fn codec_failed<S: DeviceStream>(&self, connection: &mut Connection<S>, error: CodecError) -> Attempt {
        match error {
            CodecError::Io(error) => self.broken(connection, &error),
            CodecError::TooLong { received } => {
                let failure = Failure::new(ErrorKind::ReplyTooLong).received(received);
                ended(connection, Ending::failed(Status::BadReply, failure), Keep::No)
            }
        }
    }
}

fn gateway_busy<S: DeviceStream>(connection: &Connection<S>, text: String) -> Attempt {
    let failure = Failure::new(ErrorKind::GatewayBusy).detail(text);
    ended(connection, Ending::failed(Status::Unreachable, failure), Keep::No)
}

fn ended<S: DeviceStream>(connection: &Connection<S>, ending: Ending, keep: Keep) -> Attempt {
    let remembered = connection.remembered();
    Attempt {
        ending,
        written: connection.written() > 0,
        reply: (!remembered.is_empty()).then(|| remembered.into()),
        keep,
    }
}

fn io_error(error: CodecError) -> io::Error {
    match error {
        CodecError::Io(error) => error,
        CodecError::TooLong { .. } => io::ErrorKind::InvalidData.into(),
    }
}
