//! Carries out a type's log-in on an open connection, and its end before the connection closes.
//!
//! What the steps are and what their replies mean is the device type's matter (`device_type/login.rs`). Delivery speaks
//! of the command, so whatever becomes of a log-in, nothing was delivered by it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Stop;
use super::connection::Connection;
use super::ending::Ending;
use super::wait::{Wait, unanswered};
use crate::device_type::{Link, Login, LoginVerdict};
use crate::model::{ErrorKind, Failure, Payload, Status, StopReason, Timing};
use crate::transport::DeviceStream;

/// The end of a session may take this long: its reply is not judged, and nobody waits for it who has an answer already.
const LOGOUT: Duration = Duration::from_secs(1);

/// A log-in that was carried out on a connection, as far as it was.
#[derive(Debug, Clone)]
pub(super) struct LoggedIn {
    pub(super) login: Arc<Login>,
    /// Steps that were carried out.
    steps: usize,
    /// Ends the wait for the answer to a log-out.
    stop: Stop,
}

impl LoggedIn {
    /// Nothing was done yet.
    pub(super) fn new(login: Arc<Login>, stop: Stop) -> Self {
        Self { login, steps: 0, stop }
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
            match payload {
                Some(payload) => wait.write(connection, payload, Some(&step.framing), false).await,
                None => connection.codec().expect(&step.framing),
            }
            let verdict = match wait.frame(connection).await {
                Ok(frame) => step.judge(&frame),
                Err(waited) => {
                    let bytes = payload.map(Payload::bytes).unwrap_or_default();
                    return Err(unanswered(connection, waited, bytes, link, timing, stop));
                }
            };
            // Who has answered is the device: from here on nothing is the gateway's own words.
            if matches!(verdict, LoginVerdict::Next { .. } | LoginVerdict::Done { .. }) {
                connection.hear_device();
                self.steps += 1;
            }
            match verdict {
                LoginVerdict::Next { .. } => {}
                LoginVerdict::Done { .. } => return Ok(()),
                LoginVerdict::Auth { message } => {
                    return Err(Ending::Refused(Failure::new(ErrorKind::AuthFailed).detail(message)));
                }
                LoginVerdict::Malformed { message } => {
                    let bytes = payload.map(Payload::bytes).unwrap_or_default();
                    if let Some(text) = connection.gateway_text(link, bytes) {
                        return Err(Ending::gateway_busy(text));
                    }
                    let failure = Failure::new(ErrorKind::MalformedReply).received(connection.received());
                    return Err(Ending::failed(Status::BadReply, failure.detail(message)));
                }
            }
            if stop.is_stopping() {
                return Err(Ending::Stopped(stop.reason().unwrap_or(StopReason::Interrupt)));
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
                connection.send(&logout.payload, false).await.ok()?;
                connection.next().await?.ok()
            };
            // Written first, so that the session is ended even when nobody waits for the answer.
            let answer = tokio::select! {
                biased;
                answer = exchange => answer,
                () = self.stop.cutting() => None,
                () = sleep(LOGOUT) => None,
            };
            if answer.is_none() {
                return;
            }
        }
    }
}
