//! Carries out a type's log-in on an open connection, and its end before the connection closes.
//!
//! What the steps are and what their replies mean is the device type's matter (`device_type/login.rs`). Delivery speaks
//! of the command, so whatever becomes of a log-in, nothing was delivered by it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Stop;
use super::connection::Connection;
use super::ending::Ending;
use super::wait::{Wait, Waited, last_look, unanswered};
use crate::device_type::{Link, Login, LoginVerdict};
use crate::model::{ErrorKind, Failure, Status, Timing};
use crate::transport::DeviceStream;

/// The end of a session may take this long: its reply is not judged, and nobody waits for it who has an answer already.
const LOGOUT: Duration = Duration::from_secs(1);

/// A log-in that was carried out on a connection, as far as it was.
#[derive(Debug, Clone)]
pub(super) struct LoggedIn {
    pub(super) login: Arc<Login>,
    /// Steps that were carried out.
    steps: usize,
}

impl LoggedIn {
    /// Nothing was done yet.
    pub(super) fn new(login: Arc<Login>) -> Self {
        Self { login, steps: 0 }
    }

    /// Carries the log-in out.
    pub(super) async fn carry_out<S: DeviceStream>(
        &mut self,
        connection: &mut Connection<S>,
        link: &Link,
        timing: &Timing,
        device_deadline: Instant,
        stop: &Stop,
    ) -> Result<(), Ending> {
        let login = self.login.clone();
        for step in &login.steps {
            connection.begin();
            let mut wait = Wait::new(timing, device_deadline, stop);
            let payload = step.send.as_deref();
            let written = match payload {
                Some(payload) => wait.write(connection, payload, Some(&step.framing)).await,
                None => {
                    connection.codec().expect(&step.framing);
                    Ok(())
                }
            };
            let bytes = payload.map(crate::model::Payload::bytes).unwrap_or_default();
            let failed = |connection: &Connection<S>, waited| unanswered(connection, waited, bytes, link, timing, stop);
            let frame = match written {
                Ok(()) => wait.frame(connection).await,
                Err(Waited::Cut(cut)) => last_look(connection, cut),
                Err(Waited::Broken(error)) => {
                    wait.fail(error);
                    wait.frame(connection).await
                }
                Err(waited) => Err(waited),
            };
            let verdict = match frame {
                Ok(frame) => step.judge(&frame),
                Err(waited) => return Err(failed(connection, waited)),
            };
            match verdict {
                LoginVerdict::Next { .. } => self.steps += 1,
                LoginVerdict::Done { .. } => {
                    self.steps += 1;
                    return Ok(());
                }
                LoginVerdict::Auth { message } => {
                    return Err(Ending::Refused(Failure::new(ErrorKind::AuthFailed).detail(message)));
                }
                LoginVerdict::Malformed { message } => {
                    let failure = Failure::new(ErrorKind::MalformedReply).received(connection.received());
                    return Err(Ending::failed(Status::BadReply, failure.detail(message)));
                }
            }
            if stop.is_stopping() {
                return Err(Ending::Stopped(stop.reason().unwrap_or(crate::model::StopReason::Interrupt)));
            }
        }
        Ok(())
    }

    /// Ends the session: what the steps that were carried out ask for, in reverse; nothing of it is judged.
    pub(super) async fn log_out<S: DeviceStream>(self, connection: &mut Connection<S>) {
        let logouts = self.login.steps.iter().take(self.steps).rev().filter_map(|step| step.logout.as_ref());
        for logout in logouts {
            _ = connection.drop_stale();
            connection.begin();
            connection.codec().expect(&logout.framing);
            let exchange = async {
                connection.send(&logout.payload).await.ok()?;
                connection.next().await?.ok()
            };
            if tokio::time::timeout(LOGOUT, exchange).await.ok().flatten().is_none() {
                return;
            }
        }
    }
}
