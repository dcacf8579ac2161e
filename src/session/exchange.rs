//! The heart of an attempt: write the command, read until its reply is whole, judge it.
//!
//! The judgements are contract.md's table "Judging". Two rules of it shape the code: one byte written is written, so
//! the stream itself counts (`Connection::written`); and nobody is called silent before one last look at the socket,
//! whichever deadline it was that came.

use tokio::time::{Instant, sleep_until};

use super::attempt::Before;
use super::connection::Connection;
use super::transfer::{Fetch, announces_too_much};
use super::wait::{Wait, Waited, unanswered};
use super::{Attempt, Ending, Keep, Pacer};
use crate::codec::Frame;
use crate::device_type::Verdict;
use crate::lie::{Lie, tells};
use crate::model::{ErrorKind, Failure, ReplyTime, Status};
use crate::transport::DeviceStream;

impl<P: Pacer> Before<'_, P> {
    /// Writes the command and waits for its reply.
    #[expect(clippy::manual_async_fn, reason = "an async fn holds its arguments twice, and 100,000 wait")]
    pub(super) fn exchange<S: DeviceStream>(&self, connection: &mut Connection<S>) -> impl Future<Output = Attempt> {
        async move {
            connection.begin();
            let mut wait = Wait::new(self.timing(), self.device_deadline, self.stop);
            let expects_reply = self.request().expects_reply();
            let half_close = self.job.link.half_close && expects_reply;
            wait.write(connection, self.request().payload(), self.request().framing(), half_close).await;
            // What came before the write failed, or before its end, may still be a whole reply.
            if !expects_reply && !wait.is_over() {
                return Box::pin(self.broadcast(connection)).await;
            }
            let (frame, mut attempt) = loop {
                let frame = match wait.frame(connection).await {
                    Ok(frame) => frame,
                    Err(waited) => return self.unanswered(connection, waited),
                };
                if let Some(attempt) = self.judge(connection, &frame) {
                    break (frame, attempt);
                }
                // Whoever sends one may send hundreds: they are looked at where they lie, not waited for one by one.
                if let Err(error) = connection.skip_strays(|bytes| self.request().is_stray(bytes, &self.job.params)) {
                    return self.unanswered(connection, Waited::Unframed(error));
                }
            };
            attempt.reply_time = attempt.ending.is_answered().then(|| ReplyTime::of(wait.begun().elapsed()));
            // A connection that has failed serves nobody else.
            if wait.has_failed() {
                attempt.keep = Keep::No;
            }
            if self.request().transfer().is_some() {
                attempt = Box::pin(self.fetch(connection, frame, attempt)).await;
            }
            attempt
        }
    }

    /// Where a reply announces a file, fetches it.
    async fn fetch<S: DeviceStream>(&self, connection: &mut Connection<S>, frame: Frame, attempt: Attempt) -> Attempt {
        let announces = matches!(attempt.ending, Ending::Acknowledged { .. });
        let (Some(transfer), Some(target), true) = (self.request().transfer(), self.job.save.as_deref(), announces)
        else {
            return attempt;
        };
        let Some(announced) = self.request().announced(&frame) else { return attempt };
        let (timing, device_deadline, stop) = (self.timing(), self.device_deadline, self.stop);
        let file_work = self.file_work;
        let fetch = Fetch { transfer, announced, target, file_work, timing, device_deadline, stop };
        match fetch.carry_out(connection).await {
            Ok(file) => Attempt { file: Some(Box::new(file)), keep: Keep::No, ..attempt },
            Err(ending) => Attempt { ending, keep: Keep::No, ..attempt },
        }
    }

    /// A broadcast: nothing is expected, but what comes within the gap is shown.
    async fn broadcast<S: DeviceStream>(&self, connection: &mut Connection<S>) -> Attempt {
        let until = Instant::now() + self.job.link.gap;
        let end = sleep_until(until.min(self.device_deadline));
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
        if let Some(text) = connection.gateway_text(&self.job.link, self.request().payload().bytes()) {
            return gateway_busy(connection, text);
        }
        // No answer tells whose what comes later is: the next command has a connection of its own.
        ended(connection, Ending::Sent, Keep::No)
    }

    /// What a frame means; `None`: it is not the answer to this command.
    fn judge<S: DeviceStream>(&self, connection: &mut Connection<S>, frame: &Frame) -> Option<Attempt> {
        // What came before the whole command was written answers nothing: no device knows a command by its beginning.
        if connection.written() < self.request().payload().bytes().len() as u64 {
            return None;
        }
        let ending = match self.request().judge(frame, &self.job.params) {
            Verdict::Stray => return None,
            Verdict::Ok { value } => Ending::Acknowledged { value },
            Verdict::Refused { message } => Ending::Refused(Failure::new(ErrorKind::Refused).detail(message)),
            Verdict::Auth { message } => Ending::Refused(Failure::new(ErrorKind::AuthFailed).detail(message)),
            Verdict::Busy { message } => Ending::Busy(Failure::new(ErrorKind::Busy).detail(message)),
            // A line of text is a whole frame to some types, whoever said it.
            Verdict::Malformed { message } => {
                if let Some(text) = connection.gateway_text(&self.job.link, self.request().payload().bytes()) {
                    return Some(gateway_busy(connection, text));
                }
                let failure = Failure::new(ErrorKind::MalformedReply).detail(message);
                Ending::failed(Status::BadReply, failure.received(connection.received()))
            }
            Verdict::TooLong { announced } => announces_too_much(announced),
        };
        let keep = if ending.is_answered() && self.may_be_followed(connection) { Keep::Yes } else { Keep::No };
        let reply = Some(frame.bytes.as_ref().into());
        Some(Attempt { ending, written: true, reply, reply_time: None, file: None, keep })
    }

    /// Whether another command may come behind this one: the stream has taken the whole of it, and our half is open.
    fn may_be_followed<S: DeviceStream>(&self, connection: &Connection<S>) -> bool {
        !self.job.link.half_close && connection.written() == self.request().payload().bytes().len() as u64
    }

    fn unanswered<S: DeviceStream>(&self, connection: &Connection<S>, waited: Waited) -> Attempt {
        // A late answer names its unit and command where the type matches replies to requests: after silence the next
        // device may go on over this connection.
        let was_silent = matches!(waited, Waited::Cut(_));
        let payload = self.request().payload().bytes();
        if was_silent && tells(Lie::PartialReplyTaken) && connection.is_reply_begun(payload) {
            return ended(connection, Ending::Acknowledged { value: None }, Keep::No);
        }
        let ending = unanswered(connection, waited, payload, &self.job.link, self.timing(), self.stop);
        let is_gateways = matches!(&ending, Ending::Failed { failure, .. } if failure.kind == ErrorKind::GatewayBusy);
        let may_keep =
            was_silent && self.may_be_followed(connection) && !is_gateways && self.request().matches_replies();
        ended(connection, ending, if may_keep { Keep::Yes } else { Keep::No })
    }
}

fn gateway_busy<S: DeviceStream>(connection: &Connection<S>, text: String) -> Attempt {
    ended(connection, Ending::gateway_busy(text), Keep::No)
}

fn ended<S: DeviceStream>(connection: &Connection<S>, ending: Ending, keep: Keep) -> Attempt {
    let remembered = connection.remembered();
    Attempt {
        ending,
        written: connection.written() > 0,
        reply: (!remembered.is_empty()).then(|| remembered.into()),
        reply_time: None,
        file: None,
        keep,
    }
}
