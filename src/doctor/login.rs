//! The log-in before the first question, as a run would carry it out, and its end before the connection closes.
//!
//! What its steps are and what their replies mean is the device type's matter (`device_type/login.rs`). Read as raw bytes
//! like everything here, so that what came instead of a reply can be shown. Without the password only its opening is
//! carried out, to learn whether the device wants one. A password is said once: after a refusal nothing follows.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::Instant;
use tokio_util::codec::Decoder as _;

use super::line::Line;
use super::readable::{readable, written};
use super::seen::{Heard, LineEnd, LoggedIn, LoginEnd};
use super::steps::{Examination, PATIENCE, Step};
use crate::codec::{Frame, FrameCodec, Framing};
use crate::device_type::{DeviceType, Login, LoginVerdict, ParamKind, RequestError};
use crate::model::{Params, Payload};
use crate::transport::{Connect, DeviceStream};

/// The reply to the end of a session is waited for so long, as in a run; it is not judged.
const LOGOUT: Duration = Duration::from_secs(1);

/// What is said to a device before the first question.
#[derive(Debug, Clone)]
pub struct LogIn {
    pub(super) login: Arc<Login>,
    /// The password is known; else this is only the opening.
    pub(super) is_whole: bool,
}

/// The log-in of a device with these parameters; `None` where its type has none or it needs none.
///
/// # Errors
/// When a value is missing or does not fit.
pub fn log_in(device_type: &Arc<DeviceType>, params: &Params) -> Result<Option<LogIn>, RequestError> {
    let device_type = &device_type.effective(params);
    if let Some(login) = device_type.login(params)? {
        return Ok(Some(LogIn { login, is_whole: true }));
    }
    let is_unknown = |name: &str| params.get(name).is_none();
    let mut secrets = device_type.params.iter().filter(|param| matches!(param.kind, ParamKind::Secret { .. }));
    if !secrets.any(|param| is_unknown(&param.name)) {
        return Ok(None);
    }
    Ok(device_type.login_opening()?.map(|login| LogIn { login, is_whole: false }))
}

impl<C: Connect> Examination<'_, C> {
    /// Logs in; whether questions may follow.
    pub(super) async fn log_in(&mut self) -> bool {
        let Some(log_in) = &self.patient.log_in else { return true };
        if !self.goes_on() {
            return false;
        }
        let logged_in = self.carry_login_out(log_in).await;
        let is_open = logged_in.is_open();
        // Without the password a run writes its command at once, so what is no clear answer stops nothing. What comes
        // late must not be taken for the answer to the question: it gets a connection of its own.
        let goes_on = !log_in.is_whole && matches!(logged_in.end, LoginEnd::Unanswered(_) | LoginEnd::Malformed(_));
        self.seen.login = Some(logged_in);
        if goes_on {
            self.reopen().await;
        }
        is_open || goes_on
    }

    /// Logs in on a connection that was opened again; one on which that fails is of no use.
    pub(super) async fn log_in_again(&mut self) {
        let (Some(log_in), Some(before)) = (&self.patient.log_in, &self.seen.login) else { return };
        if !log_in.is_whole {
            return;
        }
        if !before.is_open() {
            self.line = None;
            return;
        }
        let logged_in = self.carry_login_out(log_in).await;
        if !logged_in.is_open() {
            self.line = None;
            self.seen.login = Some(logged_in);
        }
    }

    async fn carry_login_out(&mut self, log_in: &LogIn) -> LoggedIn {
        let is_text = self.patient.device_type.is_text;
        let mut logged_in = LoggedIn { is_whole: log_in.is_whole, steps: 0, is_mirror: true, end: LoginEnd::Accepted };
        let mut said = None;
        for step in &log_in.login.steps {
            let sent = step.send.as_ref().map(|payload| written(payload, is_text));
            (self.tell)(&Step::LoggingIn(sent.as_deref()));
            let start = Instant::now();
            let (heard, frame) = self.say(step.send.as_deref(), &step.framing).await;
            let Some(frame) = frame else {
                (self.tell)(&Step::Unanswered(&heard));
                logged_in.is_mirror = false;
                logged_in.end = LoginEnd::Unanswered(heard);
                return logged_in;
            };
            let shown = readable(&frame.bytes, is_text);
            logged_in.is_mirror &= step.send.as_ref().is_some_and(|payload| payload.bytes() == frame.bytes);
            let verdict = step.judge(&frame);
            (self.tell)(&Step::LoggedIn(&shown, &verdict, start.elapsed()));
            match verdict {
                LoginVerdict::Next { message } => {
                    logged_in.steps += 1;
                    said = message;
                }
                LoginVerdict::Done { message } => {
                    logged_in.steps += 1;
                    // Over before anything of the device's own was said.
                    let told = log_in.login.steps.iter().take(logged_in.steps);
                    let mut told = told.filter_map(|step| step.send.as_ref());
                    if !told.any(|payload| payload.has_secret()) {
                        logged_in.end = LoginEnd::Unneeded(message);
                    }
                    return logged_in;
                }
                LoginVerdict::Auth { message } => {
                    logged_in.end = LoginEnd::Refused(message);
                    return logged_in;
                }
                LoginVerdict::Malformed { .. } => {
                    logged_in.end = LoginEnd::Malformed(shown);
                    return logged_in;
                }
            }
        }
        if !log_in.is_whole {
            logged_in.end = LoginEnd::Locked(said);
        }
        logged_in
    }

    /// Writes one step of a log-in, and hears what answers it.
    async fn say(&mut self, payload: Option<&Payload>, framing: &Arc<Framing>) -> (Heard, Option<Frame>) {
        let until = (Instant::now() + self.patient.reply_timeout.min(PATIENCE)).min(self.deadline);
        let is_first = self.seen.login.is_none();
        let Some(line) = &mut self.line else {
            return (Heard { end: LineEnd::Closed, ..Heard::default() }, None);
        };
        let begun = match payload {
            Some(payload) => {
                line.hear(Instant::now(), |_| false).await;
                line.write(payload, until).await;
                &[][..]
            }
            // The device speaks first: the listening before has heard it.
            None if is_first => self.seen.greeting.data.as_slice(),
            None => &[],
        };
        exchange(line, framing, begun, until).await
    }

    /// Ends the session as a run does: behind a question that still waits for its answer nothing is sent.
    pub(super) async fn log_out(&mut self) {
        let (Some(log_in), Some(logged_in), Some(line)) =
            (&self.patient.log_in, &self.seen.login, self.line.as_mut().filter(|line| line.is_open()))
        else {
            return;
        };
        if self.seen.asked.last().is_some_and(|asked| !asked.is_answered()) {
            return;
        }
        let logouts = log_in.login.steps.iter().take(logged_in.steps).rev().filter_map(|step| step.logout.as_ref());
        for logout in logouts {
            let until = Instant::now() + LOGOUT;
            line.write(&logout.payload, until).await;
            if exchange(line, &logout.framing, &[], until).await.1.is_none() {
                return;
            }
        }
    }
}

/// The first frame that comes, and all that was heard until then.
async fn exchange<S: DeviceStream>(
    line: &mut Line<S>,
    framing: &Arc<Framing>,
    begun: &[u8],
    until: Instant,
) -> (Heard, Option<Frame>) {
    let mut codec = FrameCodec::new();
    codec.expect(framing);
    let mut buffer = BytesMut::from(begun);
    let mut frame = codec.decode(&mut buffer).ok().flatten();
    if frame.is_some() {
        return (Heard::default(), frame);
    }
    let heard = line
        .hear(until, |bytes| {
            buffer.extend_from_slice(bytes);
            match codec.decode(&mut buffer) {
                Ok(found) => frame = found,
                Err(_) => return true,
            }
            frame.is_some()
        })
        .await;
    if frame.is_none() && heard.end == LineEnd::Closed {
        frame = codec.decode_eof(&mut buffer).ok().flatten();
    }
    (heard, frame)
}
