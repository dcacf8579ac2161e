//! Carries the examination out: connect, listen, ask, and where nothing answers ask in other ways.
//!
//! Every wait has an end and all of them together one too. What is written is the type's log-in (`login.rs`), its harmless
//! query and the query's variants (`variants.rs`), nothing else. Judges nothing: what was seen goes to `finding.rs`. Lines are asked one question at a time; where
//! the peer hangs up, the line is opened again for the next question.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::line::Line;
use super::login::LogIn;
use super::query::Query;
use super::readable::written;
use super::replies::Replies;
use super::seen::{Asked, Heard, LineEnd, Opened, Question, Seen};
use super::variants::variant;
use crate::codec::TelnetMode;
use crate::device_type::{DeviceType, Link, LoginVerdict, Request};
use crate::model::escape::printable;
use crate::model::{Address, Payload};
use crate::transport::{Connect, ConnectError};

/// All of an examination together.
const LONGEST: Duration = Duration::from_mins(1);

/// How long the line is listened to before anything is sent.
const GREETING: Duration = Duration::from_secs(1);

/// The longest wait for the answer to one question.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Whom and how to examine.
pub struct Patient {
    /// The gateway.
    pub address: Address,
    /// Its type, as it is for its parameters.
    pub device_type: Arc<DeviceType>,
    /// What is said before the question.
    pub log_in: Option<LogIn>,
    /// How the device is connected to.
    pub link: Arc<Link>,
    /// For opening a connection.
    pub connect_timeout: Duration,
    /// For an answer to the question as a run would ask it.
    pub reply_timeout: Duration,
    /// The harmless question; without one the examination ends with listening.
    pub query: Option<Query>,
    /// Whether a question to all units at once may be asked.
    pub active: bool,
}

/// What happens, as it happens.
#[derive(Debug)]
pub enum Step<'s> {
    /// A connection is being opened.
    Connecting(&'s Address),
    /// That ended so, after this time.
    Connected(&'s Opened, Duration),
    /// The line is listened to for so long.
    Listening(Duration),
    /// That was heard.
    Listened(&'s Heard),
    /// A step of the log-in is written: these bytes, safe for a terminal; `None`: the device speaks first.
    LoggingIn(Option<&'s str>),
    /// This reply, safe for a terminal, says that, after this time.
    LoggedIn(&'s str, &'s LoginVerdict, Duration),
    /// It was not answered; that was heard.
    Unanswered(&'s Heard),
    /// A question is written: how it differs from a run's, and these bytes, safe for a terminal.
    Asking(&'s str, &'s str),
    /// That came of it.
    Asked(&'s Asked),
}

/// Examines a device; `tell` hears each step as it happens.
pub async fn examine<C: Connect>(patient: &Patient, connect: &C, tell: &mut dyn FnMut(&Step<'_>)) -> Seen {
    let deadline = Instant::now() + LONGEST;
    let mut examination = Examination { patient, connect, tell, deadline, line: None, seen: Seen::default() };
    examination.carry_out().await;
    examination.log_out().await;
    if let Some(line) = examination.line.take() {
        line.close();
    }
    examination.seen.out_of_time = Instant::now() >= deadline;
    examination.seen
}

/// An examination under way.
pub(super) struct Examination<'e, C: Connect> {
    pub(super) patient: &'e Patient,
    connect: &'e C,
    pub(super) tell: &'e mut dyn FnMut(&Step<'_>),
    pub(super) deadline: Instant,
    pub(super) line: Option<Line<C::Stream>>,
    pub(super) seen: Seen,
}

/// What is written and how an answer to it is known.
pub(super) struct Inquiry<'i> {
    pub(super) question: Question,
    pub(super) payload: &'i Payload,
    /// Judges the replies.
    pub(super) request: &'i Request,
    /// Whether our side is closed behind it.
    pub(super) half_close: bool,
    pub(super) patience: Duration,
}

impl<C: Connect> Examination<'_, C> {
    async fn carry_out(&mut self) {
        self.open().await;
        self.listen().await;
        let patient = self.patient;
        if !self.log_in().await || !self.goes_on() {
            return;
        }
        let Some(query) = &patient.query else { return };
        let own = Inquiry {
            question: Question::Own,
            payload: query.request.payload(),
            request: &query.request,
            half_close: patient.link.half_close,
            patience: patient.reply_timeout.min(PATIENCE),
        };
        // Twice: the first may have been added to what an unfinished command left in the device.
        for _ in 0..2 {
            if self.ask(&own, query).await {
                return;
            }
            if !self.goes_on() {
                break;
            }
        }
        // Some devices take the early end of our side for a client that has left, and hang up.
        if (patient.link.half_close || patient.device_type.link.half_close) && self.may_ask() {
            let half_close = !patient.link.half_close;
            if self.ask(&Inquiry { question: Question::HalfClosed(half_close), half_close, ..own }, query).await {
                return;
            }
        }
        if !self.goes_on() || self.ask_units(query).await || !self.goes_on() {
            return;
        }
        if self.ask_dialects(query).await || !self.goes_on() {
            return;
        }
        self.ask_endings(query).await;
    }

    /// Whether another question makes sense.
    pub(super) fn goes_on(&self) -> bool {
        let hung_up = |heard: &Heard| matches!(heard.end, LineEnd::Closed | LineEnd::Broken);
        let repeatedly = self.seen.asked.iter().rev().take_while(|asked| hung_up(&asked.heard)).count() >= 2;
        let at_once = self.seen.asked.is_empty() && hung_up(&self.seen.greeting);
        !at_once && !repeatedly && self.may_ask()
    }

    /// Whether nobody stands in the way of another question.
    fn may_ask(&self) -> bool {
        let last = self.seen.asked.last().map_or(&self.seen.greeting, |asked| &asked.heard);
        self.seen.opened == Opened::Yes
            && last.end != LineEnd::Babbling
            && self.patient.link.busy_text(&last.data).is_none()
            && Instant::now() < self.deadline
    }

    async fn open(&mut self) {
        (self.tell)(&Step::Connecting(&self.patient.address));
        let start = Instant::now();
        let until = (start + self.patient.connect_timeout).min(self.deadline);
        self.seen.opened = match self.connect.connect(&self.patient.address, until).await {
            Ok(stream) => {
                self.line = Some(Line::new(stream, self.patient.link.telnet));
                Opened::Yes
            }
            // The peer took the connection and was rid of it again before anybody could look.
            Err(ConnectError::Io(error)) if is_hang_up(&error) => {
                self.seen.greeting.end = LineEnd::Broken;
                Opened::Yes
            }
            Err(error) => failed(error, start.elapsed()),
        };
        (self.tell)(&Step::Connected(&self.seen.opened, start.elapsed()));
    }

    /// Hears what the gateway says before it is asked.
    async fn listen(&mut self) {
        if self.seen.opened != Opened::Yes {
            return;
        }
        (self.tell)(&Step::Listening(GREETING));
        if let Some(line) = &mut self.line {
            let mut so_far = Vec::new();
            let link = &self.patient.link;
            let is_enough = |bytes: &[u8]| {
                so_far.extend_from_slice(bytes);
                link.busy_text(&so_far).is_some()
            };
            self.seen.greeting = line.hear((Instant::now() + GREETING).min(self.deadline), is_enough).await;
            line.switch_on(&mut self.seen.greeting);
            self.seen.serial = line.serial().cloned();
        }
        (self.tell)(&Step::Listened(&self.seen.greeting));
    }

    /// Asks one question; whether it was answered.
    pub(super) async fn ask(&mut self, inquiry: &Inquiry<'_>, query: &Query) -> bool {
        let Some(framing) = inquiry.request.framing() else { return false };
        if self.line.as_ref().is_none_or(|line| !line.is_open()) {
            self.reopen().await;
        }
        let Some(line) = &mut self.line else { return false };
        // What a late answer to the question before would spoil.
        let quiet = Instant::now() + self.patient.link.quiet.max(self.patient.link.gap);
        let late = line.hear(quiet.min(self.deadline), |_| false).await;
        let mut asked = Asked {
            question: inquiry.question,
            sent: written(inquiry.payload, self.patient.device_type.is_text),
            heard: Heard::default(),
            echoed: false,
            garbled: false,
            answer: None,
            after: Duration::ZERO,
        };
        (self.tell)(&Step::Asking(&variant(asked.question, self.patient.query.as_ref()), &asked.sent));
        let start = Instant::now();
        let until = (start + inquiry.patience).min(self.deadline);
        line.write(inquiry.payload, until).await;
        if inquiry.half_close {
            line.half_close(until).await;
        }
        let mut replies = Replies::new(framing, inquiry.request, query);
        asked.heard = line.hear(until, |bytes| replies.take(bytes)).await;
        if asked.heard.end == LineEnd::Closed {
            replies.end();
        }
        let came_back = asked.heard.data == inquiry.payload.bytes();
        asked.garbled = !came_back && replies.is_garbled(&asked.heard.data, inquiry.payload);
        asked.heard.units = replies.units;
        // A late answer belongs to nobody's question, but it names its unit.
        asked.heard.units.extend(Replies::new(framing, inquiry.request, query).units_in(&late.data));
        asked.after = start.elapsed();
        let written = inquiry.payload.bytes();
        asked.answer = replies.answer.filter(|answer| !self.seen.is_mirror(answer, written.len()));
        asked.echoed = is_echoed(written, &asked.heard.data) || (asked.answer.is_none() && came_back);
        (self.tell)(&Step::Asked(&asked));
        let is_answered = asked.is_answered();
        self.seen.asked.push(asked);
        is_answered
    }

    /// Opens another connection in the place of the one that there is, logged in like it.
    pub(super) async fn reopen(&mut self) {
        if let Some(line) = self.line.take() {
            line.close();
        }
        let until = (Instant::now() + self.patient.connect_timeout).min(self.deadline);
        if let Ok(stream) = self.connect.connect(&self.patient.address, until).await {
            let is_telnet = self.seen.speaks_telnet();
            let mode = self.patient.link.telnet;
            let mode = if is_telnet && mode == TelnetMode::Never { TelnetMode::Always } else { mode };
            self.line = Some(Line::new(stream, mode));
            self.log_in_again().await;
        }
    }
}

/// Whether a question came back: one of a few bytes could do so by chance.
fn is_echoed(sent: &[u8], heard: &[u8]) -> bool {
    let sent = sent.trim_ascii();
    sent.len() >= 3 && heard.windows(sent.len()).any(|window| window == sent)
}

fn is_hang_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted)
}

fn failed(error: ConnectError, after: Duration) -> Opened {
    match error {
        ConnectError::Dns(reason) => Opened::NoName(reason),
        ConnectError::TimedOut => Opened::TimedOut(after),
        ConnectError::Exhausted(_) | ConnectError::Denied(_) => Opened::OwnFault(printable(&error.to_string())),
        ConnectError::Io(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => Opened::Refused,
            io::ErrorKind::TimedOut => Opened::TimedOut(after),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
                Opened::NoRoute(printable(&error.to_string()))
            }
            _ => Opened::Failed(printable(&error.to_string())),
        },
    }
}
