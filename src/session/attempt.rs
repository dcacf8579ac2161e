//! The story of one attempt: a connection, a quiet line, an exchange.
//!
//! Until the command is written nothing has happened to the device, so everything before that ends as `unreachable`, or
//! not at all: a kept connection that turns out closed is opened anew, and a run that stops meanwhile leaves the device
//! untouched.
//!
//! What few attempts do is boxed: 100,000 may be in flight, and each would carry the room for all that it could do.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::connection::{Connection, Look};
use super::{Ending, FileWork, Intents, Keep, Pacer, Stop};
use crate::codec::{LineState, TelnetMode};
use crate::device_type::Request;
use crate::lie::{Lie, tells};
use crate::model::escape::printable;
use crate::model::{Address, DeviceIndex, ErrorKind, Failure, FileRecord, ReplyTime, Status, StopReason, Timing};
use crate::plan::{Check, Job};
use crate::transport::{Connect, ConnectError, DeviceStream};

/// How long a gateway may take to set its serial line; it needs no wire but its own.
const SET_LINE_TIMEOUT: Duration = Duration::from_secs(2);

/// What is said of a gateway that is silent about its serial line.
const LINE_UNANSWERED: &str =
    "the gateway does not answer RFC 2217, so `serial` cannot be set: is it in raw mode? then leave `serial` out";

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// How it ended.
    pub ending: Ending,
    /// Whether a byte of the command was written.
    pub written: bool,
    /// The frame that was judged, else whatever bytes came.
    pub reply: Option<Box<[u8]>>,
    /// How long that frame took, where it is a valid reply.
    pub reply_time: Option<ReplyTime>,
    /// The file that was fetched.
    pub file: Option<Box<FileRecord>>,
    /// Whether the connection may serve another command.
    pub keep: Keep,
}

/// How far an attempt is: kept outside of it, so that it is known even if the attempt panics.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// The command is about to be written, or was.
    pub at_exchange: bool,
    /// A connection was found.
    pub is_connected: bool,
}

/// What an attempt is about.
pub struct Before<'a, P> {
    /// What is planned for the device.
    pub job: &'a Job,
    /// Its question is asked instead of the command: for a state that an older answer could show as well, so the line is
    /// listened to first.
    pub check: Option<&'a Check>,
    /// The gateway.
    pub address: &'a Address,
    /// Where a file that is fetched is worked on.
    pub file_work: FileWork,
    /// The earliest write: the end of the gap after the gateway's last exchange.
    pub not_before: Option<Instant>,
    /// An earlier attempt at this device was written and not answered: its answer may still come.
    pub after_unanswered: bool,
    /// Where the run paces its starts: asked when all else is ready for the write.
    pub pacer: Option<P>,
    /// The end of the device's own time.
    pub device_deadline: Instant,
    /// Who is told before the command is written; `None`: nobody needs to be.
    pub intents: Option<&'a dyn Intents>,
    /// The device, as they know it.
    pub device: DeviceIndex,
    /// How the run stops.
    pub stop: &'a Stop,
}

/// Makes one attempt. `connection` is the lane's, if it has one; afterwards it holds one that may be kept, or is to be
/// closed, as the attempt says.
#[expect(clippy::manual_async_fn, reason = "an async fn holds its arguments twice, and 100,000 wait")]
pub fn attempt<C: Connect, P: Pacer>(
    before: &Before<'_, P>,
    connect: &C,
    connection: &mut Option<Connection<C::Stream>>,
    progress: &mut Progress,
) -> impl Future<Output = Attempt> + Send {
    async move {
        loop {
            let is_reused = connection.is_some();
            let open = match connection {
                Some(open) => open,
                None => match before.connect(connect).await {
                    Ok(stream) => {
                        let telnet = if connect.is_raw() { TelnetMode::Never } else { before.job.link.telnet };
                        connection.insert(Connection::new(stream, telnet))
                    }
                    Err(ending) => return not_written(ending),
                },
            };
            progress.is_connected = true;
            if !is_reused {
                // What connects together is written to together: the other end is woken once for many of them.
                tokio::task::yield_now().await;
            }
            // Before the line is listened to, not between that and the write: what comes meanwhile is dropped with the rest.
            if let Some(intents) = before.intents
                && !tells(Lie::NotDeclared)
                && let Some(declared) = intents.declare(before.device)
            {
                declared.await;
            }
            match before.prepare(open).await {
                Ok(()) => {}
                // A kept connection that the peer has closed meanwhile is no attempt: another one is opened.
                Err(ending) if is_reused && ending.is_gone() => {
                    *connection = None;
                    continue;
                }
                Err(ending) => {
                    let reply = open.remembered();
                    let reply = (!reply.is_empty()).then(|| reply.into());
                    return Attempt { reply, ..not_written(ending) };
                }
            }
            progress.at_exchange = true;
            let attempt = before.exchange(open).await;
            open.end();
            // The same holds when the peer's end shows only in the write, as long as it took no byte.
            if is_reused && !attempt.written && attempt.ending.is_gone() {
                progress.at_exchange = false;
                *connection = None;
                if before.pacer.as_ref().is_some_and(|pacer| !pacer.holds()) {
                    return not_written(Ending::NotSoon);
                }
                continue;
            }
            let keep = if before.job.link.reuse { attempt.keep } else { Keep::No };
            // Behind a command that still waits for its reply nothing is sent, no log-out either.
            if keep == Keep::No && attempt.written && attempt.ending.is_silence() {
                open.logged_in = None;
            }
            return Attempt { keep, ..attempt };
        }
    }
}

/// Closes a connection, if there is one: logs out, and reads what is there (`Connection::end_politely`).
pub async fn close<S: DeviceStream>(connection: &mut Option<Connection<S>>) {
    if let Some(open) = connection {
        open.end_politely().await;
    }
    *connection = None;
}

impl Attempt {
    /// None could be made, by our own fault.
    pub fn not_made(why: &str) -> Self {
        not_written(Ending::Denied(why.to_owned()))
    }
}

fn not_written(ending: Ending) -> Attempt {
    Attempt { ending, written: false, reply: None, reply_time: None, file: None, keep: Keep::No }
}

impl<P: Pacer> Before<'_, P> {
    /// What is sent.
    pub(super) fn request(&self) -> &Request {
        self.check.map_or(&self.job.request, |check| &check.question)
    }

    /// The times of that.
    pub(super) fn timing(&self) -> &Timing {
        self.check.map_or(&self.job.timing, |check| &check.timing)
    }

    async fn connect<C: Connect>(&self, connect: &C) -> Result<C::Stream, Ending> {
        if self.stop.is_stopping() {
            return Err(self.stopped());
        }
        let own = Instant::now() + self.timing().connect_timeout;
        let is_own = own <= self.device_deadline;
        let opened = tokio::select! {
            biased;
            opened = connect.connect(self.address, own.min(self.device_deadline)) => opened,
            () = self.stop.stopping(), if !tells(Lie::StartAfterStop) => return Err(self.stopped()),
        };
        let error = match opened {
            Ok(stream) => return Ok(stream),
            Err(_) if self.stop.is_stopping() => return Err(self.stopped()),
            Err(error) => error,
        };
        let failure = match error {
            ConnectError::Dns(reason) => return Err(Ending::Unnamed(Failure::new(ErrorKind::Dns).detail(reason))),
            ConnectError::Exhausted(_) => return Err(Ending::Exhausted(printable(&error.to_string()))),
            ConnectError::Denied(_) => return Err(Ending::Denied(printable(&error.to_string()))),
            ConnectError::TimedOut if !is_own => self.device_failure(),
            ConnectError::TimedOut => Failure::new(ErrorKind::ConnectTimeout).waited(self.timing().connect_timeout),
            ConnectError::Io(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => Failure::new(ErrorKind::ConnectionRefused),
                io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                    Failure::new(ErrorKind::ConnectionReset)
                }
                io::ErrorKind::TimedOut => Failure::new(ErrorKind::ConnectTimeout),
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
                    Failure::new(ErrorKind::Unreachable).detail(printable(&error.to_string()))
                }
                _ => Failure::new(ErrorKind::Io).detail(printable(&error.to_string())),
            },
        };
        Err(Ending::failed(Status::Unreachable, failure))
    }

    /// Where the gateway's serial line is to be set, that comes before the command: it would be sent in vain.
    async fn set_line<S: DeviceStream>(&self, open: &mut Connection<S>) -> Result<(), Ending> {
        let now = Instant::now();
        let own = now + SET_LINE_TIMEOUT.min(self.timing().connect_timeout);
        let talked = tokio::select! {
            biased;
            () = self.stop.stopping() => None,
            talked = open.set_line() => Some(talked),
            () = sleep_until(own.min(self.device_deadline)) => None,
        };
        if self.stop.is_stopping() {
            return Err(self.stopped());
        }
        if talked.is_none() {
            open.set_line_now();
        }
        let failure = match (open.line(), talked) {
            (None | Some(LineState::Set), _) => return Ok(()),
            (Some(LineState::Refused(why)), _) => Ok(Failure::new(ErrorKind::Io).detail(why.as_str())),
            (Some(LineState::Waiting), Some(Err(error))) => Err(error),
            (Some(LineState::Waiting), Some(Ok(_))) => Ok(Failure::new(ErrorKind::ConnectionClosed)),
            (Some(LineState::Waiting), None) if self.device_deadline < own => Ok(self.device_failure()),
            (Some(LineState::Waiting), None) => Ok(Failure::new(ErrorKind::Io).detail(LINE_UNANSWERED)),
        };
        // What came besides may be the gateway's own words, which say more.
        _ = open.drop_stale();
        Err(match failure {
            Ok(failure) => self.gone(open, failure),
            Err(error) => self.broken(open, &error),
        })
    }

    /// Makes a connection ready for the command: a quiet line, and the log-in. A greeting is said at once and is no noise,
    /// so what begins with one is read first.
    async fn prepare<S: DeviceStream>(&self, open: &mut Connection<S>) -> Result<(), Ending> {
        // A run that stops starts nothing, and the write of the command is the start.
        if self.stop.is_stopping() && !tells(Lie::StartAfterStop) {
            return Err(self.stopped());
        }
        if open.line() == Some(&LineState::Waiting) {
            Box::pin(self.set_line(open)).await?;
        }
        let greets =
            self.job.login.as_ref().is_some_and(|login| login.steps.first().is_some_and(|step| step.send.is_none()));
        if greets && !open.is_logged_in() {
            Box::pin(self.greeted(open)).await?;
        } else {
            self.quiet(open).await?;
            self.log_in(open).await?;
        }
        match &self.pacer {
            Some(pacer) => Box::pin(self.wait_for_turn(open, pacer)).await,
            None => Ok(()),
        }
    }

    /// The log-in begins with what the device says.
    async fn greeted<S: DeviceStream>(&self, open: &mut Connection<S>) -> Result<(), Ending> {
        if let Some(gap_over) = self.not_before {
            tokio::select! {
                biased;
                () = self.stop.stopping() => return Err(self.stopped()),
                () = sleep_until(gap_over.min(self.device_deadline)) => {}
            }
        }
        self.log_in(open).await?;
        self.quiet(open).await
    }

    /// Carries the type's log-in out, once per connection, and drops what came after it.
    async fn log_in<S: DeviceStream>(&self, open: &mut Connection<S>) -> Result<(), Ending> {
        let Some(login) = &self.job.login else { return Ok(()) };
        if open.is_logged_in() {
            return Ok(());
        }
        Box::pin(open.log_in(login, &self.job.link, self.timing(), self.device_deadline, self.stop)).await?;
        // The write of the command is the start, and a log-in takes time: the run may have stopped meanwhile, or the
        // device's own time may be over.
        if self.stop.is_stopping() {
            return Err(self.stopped());
        }
        if Instant::now() >= self.device_deadline {
            return Err(Ending::failed(Status::Unreachable, self.device_failure()));
        }
        match open.drop_stale() {
            Look::Open => Ok(()),
            Look::Ended => Err(self.gone(open, Failure::new(ErrorKind::ConnectionClosed))),
            Look::Failed(error) => Err(self.broken(open, &error)),
        }
    }

    /// Waits out the gap, listens where a late answer could be taken for ours, and drops what came.
    async fn quiet<S: DeviceStream>(&self, open: &mut Connection<S>) -> Result<(), Ending> {
        if self.check.is_some() && tells(Lie::LateStateTaken) {
            sleep_until(self.not_before.unwrap_or_else(Instant::now)).await;
            return Ok(());
        }
        let listen = self.after_unanswered || self.check.is_some() || (self.request().is_query() && open.is_fresh());
        let now = Instant::now();
        let quiet = if listen { self.job.link.quiet } else { Duration::ZERO };
        let until = (now + quiet).max(self.not_before.unwrap_or(now));
        if until > now {
            Box::pin(self.listen(open, until)).await?;
        }
        self.last_look(open)
    }

    /// The last drop, without waiting: what is readable now was not asked for by what is written next.
    pub(super) fn last_look<S: DeviceStream>(&self, open: &mut Connection<S>) -> Result<(), Ending> {
        match open.drop_stale() {
            Look::Open => {}
            Look::Ended => return Err(self.gone(open, Failure::new(ErrorKind::ConnectionClosed))),
            Look::Failed(error) => return Err(self.broken(open, &error)),
        }
        if let Some(text) = open.gateway_text(&self.job.link, self.request().payload().bytes()) {
            return Err(Ending::gateway_busy(text));
        }
        // This process may have stood still meanwhile: a command that has no time left for its reply is not written.
        if Instant::now() >= self.device_deadline {
            return Err(Ending::failed(Status::Unreachable, self.device_failure()));
        }
        Ok(())
    }

    pub(super) async fn listen<S: DeviceStream>(&self, open: &mut Connection<S>, until: Instant) -> Result<(), Ending> {
        let end = sleep_until(until.min(self.device_deadline));
        tokio::pin!(end);
        loop {
            tokio::select! {
                biased;
                () = self.stop.stopping() => return Err(self.stopped()),
                () = &mut end => break,
                read = open.read_and_drop() => match read {
                    Ok(0) => return Err(self.gone(open, Failure::new(ErrorKind::ConnectionClosed))),
                    Ok(_) => {}
                    Err(error) => return Err(self.broken(open, &error)),
                },
            }
        }
        if until >= self.device_deadline {
            return Err(Ending::failed(Status::Unreachable, self.device_failure()));
        }
        Ok(())
    }

    fn stopped(&self) -> Ending {
        Ending::Stopped(self.stop.reason().unwrap_or(StopReason::Interrupt))
    }

    fn device_failure(&self) -> Failure {
        Failure::new(ErrorKind::DeviceDeadline).waited(self.timing().device_deadline)
    }

    fn gone<S: DeviceStream>(&self, open: &Connection<S>, failure: Failure) -> Ending {
        match open.gateway_text(&self.job.link, self.request().payload().bytes()) {
            Some(text) => Ending::gateway_busy(text),
            None => Ending::failed(Status::Unreachable, failure),
        }
    }

    fn broken<S: DeviceStream>(&self, open: &Connection<S>, error: &io::Error) -> Ending {
        let failure = match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                Failure::new(ErrorKind::ConnectionReset)
            }
            _ => Failure::new(ErrorKind::Io).detail(printable(&error.to_string())),
        };
        self.gone(open, failure)
    }
}
