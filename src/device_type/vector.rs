//! Vectors: proof that a type file describes its device, copied from manuals and field logs, run by `types check`.
//!
//! A vector is played through the codec and the judgement that a run uses, whole and cut at every byte.

mod stream;

use std::iter::Peekable;
use std::sync::Arc;

use bytes::BytesMut;

use super::body::CommandSource;
use super::conclude::{Conclusion, Progress, SENT, WaitEnd, conclude};
use super::definition::DeviceType;
use super::judge::Verdict;
use super::login::{Login, LoginVerdict};
use super::request::Request;
use super::simulated::Simulated;
use crate::codec::Frame;
use crate::model::escape::printable;
use crate::model::{Delivery, ErrorKind, Params, Status, Value};
use stream::{Waited, frames};

/// A vector of a type file.
#[derive(Debug)]
pub struct Vector {
    /// `LG-01`.
    pub id: Arc<str>,
    /// The device's parameters, with the action's arguments.
    pub params: Params,
    /// What happens.
    pub script: Script,
    /// What it must come to.
    pub status: Status,
    /// The kind it must come to, where the vector names one.
    pub kind: Option<ErrorKind>,
    /// What the reply must carry, where the vector says so.
    pub value: Option<Value>,
}

/// What happens in a vector.
#[derive(Debug)]
pub enum Script {
    /// Requests and what comes back: those of the log-in, the command, and those of the log-out where it names them.
    Exchange {
        /// What is asked for.
        source: CommandSource,
        /// In order; the last of them may be the log-out's.
        steps: Vec<VectorStep>,
        /// What happens then.
        then: WaitEnd,
    },
    /// Bytes for the simulated device, which must stay silent.
    Wire(Box<[u8]>),
}

/// A request and what comes back.
#[derive(Debug)]
pub struct VectorStep {
    /// The bytes that must go out.
    pub sends: Box<[u8]>,
    /// The bytes that come back, by segments.
    pub replies: Vec<Box<[u8]>>,
}

/// Streams up to this length are cut at every byte; longer ones at so many bytes from either end, as a cut in the
/// middle of a long payload is like any other.
const CUT_MAX: usize = 2048;
const CUT_ENDS: usize = 256;

/// How long the pieces of a long stream are that is cut all over.
const LONG_PIECE: usize = 997;

/// What became of a vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorResult {
    /// Which one.
    pub id: Arc<str>,
    /// Whether it came to what it must.
    pub passed: bool,
    /// Where not, what differs, safe for a terminal; else empty.
    pub detail: String,
}

/// Runs all vectors of a type, in the order of its file.
pub fn run_vectors(device_type: &Arc<DeviceType>) -> Vec<VectorResult> {
    let run = |vector: &Vector| {
        let failed = run_vector(device_type, vector).err();
        VectorResult { id: vector.id.clone(), passed: failed.is_none(), detail: failed.unwrap_or_default() }
    };
    device_type.vectors.iter().map(run).collect()
}

fn run_vector(device_type: &Arc<DeviceType>, vector: &Vector) -> Result<(), String> {
    let device_type = &device_type.effective(&vector.params);
    let (source, steps, then) = match &vector.script {
        Script::Exchange { source, steps, then } => (source, steps, *then),
        Script::Wire(bytes) => {
            stays_silent(device_type, &vector.params, bytes)?;
            return compare(vector, conclude(WaitEnd::Silence, Progress::Written), None);
        }
    };
    let body = device_type.body(source, &vector.params).map_err(|error| error.to_string())?;
    device_type.check(source, &body, &vector.params).map_err(|error| error.to_string())?;
    let request = device_type.request(source, body, false).map_err(|error| error.to_string())?;
    let login = device_type.login(&vector.params).map_err(|error| error.to_string())?;
    let play = |segments: &[Vec<&[u8]>]| {
        let player = Player { device_type, request: &request, params: &vector.params, then };
        let mut script = steps.iter().zip(segments).peekable();
        let (conclusion, value) = player.play(login.as_deref(), &mut script)?;
        compare(vector, conclusion, value.as_ref())?;
        match script.next() {
            None => Ok(()),
            Some((said, _)) => Err(format!("`{}` is never sent", device_type.readable(&said.sends))),
        }
    };
    let given: Vec<Vec<&[u8]>> =
        steps.iter().map(|step| step.replies.iter().map(|segment| &**segment).collect()).collect();
    play(&given)?;
    for (place, step) in steps.iter().enumerate() {
        let whole = step.replies.concat();
        let piece = if whole.len() > CUT_MAX { LONG_PIECE } else { 1 };
        let near_end = |at: &usize| whole.len() <= CUT_MAX || *at < CUT_ENDS || *at > whole.len() - CUT_ENDS;
        let cuts = (0..whole.len()).filter(near_end).filter_map(|at| whole.split_at_checked(at));
        for segments in cuts.map(|(one, two)| vec![one, two]).chain([whole.chunks(piece).collect()]) {
            let cut = segments.first().map_or(0, |one| one.len());
            let mut all = given.clone();
            if let Some(of_step) = all.get_mut(place) {
                *of_step = segments;
            }
            play(&all).map_err(|why| format!("cut after {cut} bytes: {why}"))?;
        }
    }
    Ok(())
}

/// Plays an exchange: what a session does, without a socket and without a clock.
struct Player<'p> {
    device_type: &'p DeviceType,
    request: &'p Request,
    params: &'p Params,
    then: WaitEnd,
}

type Played = (Conclusion, Option<Value>);

impl Player<'_> {
    fn play<'s>(
        &self,
        login: Option<&Login>,
        steps: &mut Peekable<impl Iterator<Item = (&'s VectorStep, &'s Vec<&'s [u8]>)>>,
    ) -> Result<Played, String> {
        let mut logouts = Vec::new();
        for step in login.iter().flat_map(|login| &login.steps) {
            let Some((said, segments)) = steps.next() else { return Err("the log-in is not played to its end".into()) };
            self.same(step.send.as_ref().map_or(&[][..], |send| send.bytes()), &said.sends)?;
            let end = if steps.peek().is_none() { self.then } else { WaitEnd::Silence };
            let judged = frames(&step.framing, segments, end, |frame| Some(step.judge(frame)));
            let unanswered = |end, begun: bool| {
                let conclusion = conclude(end, if begun { Progress::ReplyBegun } else { Progress::Written });
                Ok((Conclusion { delivery: Delivery::None, ..conclusion }, None))
            };
            let verdict = match judged {
                Waited::Judged(verdict, _) => verdict,
                Waited::Ended(end, rest) => return unanswered(end, rest.begun(&said.sends)),
            };
            logouts.extend(step.logout.clone());
            match verdict {
                LoginVerdict::Next { .. } => {}
                LoginVerdict::Done { .. } => break,
                LoginVerdict::Auth { message } => return Ok((concluded(&Verdict::Auth { message }), None)),
                LoginVerdict::Malformed { message } => return Ok((concluded(&Verdict::Malformed { message }), None)),
            }
        }
        let Some((said, segments)) = steps.next() else { return Err("the command is not played".into()) };
        self.same(self.request.payload().bytes(), &said.sends)?;
        let played = self.command(said, segments);
        for (logout, (said, _)) in logouts.into_iter().zip(steps) {
            self.same(logout.payload.bytes(), &said.sends)?;
        }
        Ok(played)
    }

    fn same(&self, sends: &[u8], must: &[u8]) -> Result<(), String> {
        let shown = |bytes| self.device_type.readable(bytes);
        if sends == must { Ok(()) } else { Err(format!("sends `{}`, must send `{}`", shown(sends), shown(must))) }
    }

    fn command(&self, said: &VectorStep, segments: &[&[u8]]) -> Played {
        let Some(framing) = self.request.framing() else { return (SENT, None) };
        let judge = |frame: &Frame| {
            let verdict = self.request.judge(frame, self.params);
            (verdict != Verdict::Stray).then(|| (verdict, self.request.announced(frame)))
        };
        match frames(framing, segments, self.then, judge) {
            Waited::Judged((Verdict::Ok { .. }, Some(announced)), rest) => self.transfer(announced, &rest.stream),
            Waited::Judged((verdict, _), _) => {
                let conclusion = concluded(&verdict);
                (conclusion, if let Verdict::Ok { value } = verdict { value } else { None })
            }
            Waited::Ended(end, rest) => {
                let said_busy = self.device_type.link.busy_text(&rest.stream).is_some();
                let end = if said_busy { WaitEnd::GatewayBusy } else { end };
                let begun = rest.begun(&said.sends);
                (conclude(end, if begun { Progress::ReplyBegun } else { Progress::Written }), None)
            }
        }
    }

    /// What comes of the bytes that follow a reply.
    fn transfer(&self, announced: u64, came: &[u8]) -> Played {
        let Some(transfer) = self.request.transfer() else { return (SENT, None) };
        let len = usize::try_from(announced).unwrap_or(usize::MAX);
        let file = came.get(..len).unwrap_or(came);
        let is_magic = transfer.may_begin_with(file);
        let conclusion = if !is_magic || (file.len() == len && len < transfer.magic.len()) {
            concluded(&Verdict::Malformed { message: String::new() })
        } else if file.len() < len {
            conclude(self.then, Progress::ReplyBegun)
        } else {
            concluded(&Verdict::Ok { value: None })
        };
        (conclusion, None)
    }
}

/// What a verdict that ends an exchange comes to.
fn concluded(verdict: &Verdict) -> Conclusion {
    verdict.conclusion().unwrap_or(SENT)
}

fn stays_silent(device_type: &Arc<DeviceType>, params: &Params, wire: &[u8]) -> Result<(), String> {
    let mut gateway = Simulated::new(device_type, [params]).ok_or("the type cannot be simulated")?;
    let mut received = BytesMut::from(wire);
    while let Some(body) = device_type.send.cut(&mut received) {
        if let Some(reply) = gateway.answer(&body) {
            return Err(format!("the simulated device answers `{}`", device_type.readable(&reply)));
        }
    }
    Ok(())
}

/// A value as the file writes it, so that a text is told from a number.
fn in_words(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::Text(text)) => format!("\"{}\"", printable(text)),
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Decimal { digits, places }) => Value::decimal(*digits, *places),
        Some(Value::List(numbers)) => format!("{numbers:?}"),
    }
}

fn compare(vector: &Vector, conclusion: Conclusion, value: Option<&Value>) -> Result<(), String> {
    let words = |status: Status, kind: Option<ErrorKind>| match kind {
        Some(kind) => format!("{} ({})", status.as_str(), kind.as_str()),
        None => status.as_str().to_owned(),
    };
    if conclusion.status != vector.status || (vector.kind.is_some() && conclusion.kind != vector.kind) {
        let came = words(conclusion.status, conclusion.kind);
        return Err(format!("comes to {came}, must come to {}", words(vector.status, vector.kind)));
    }
    if vector.value.is_some() && value != vector.value.as_ref() {
        return Err(format!("carries {}, must carry {}", in_words(value), in_words(vector.value.as_ref())));
    }
    Ok(())
}
