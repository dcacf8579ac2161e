//! Vectors: proof that a type file describes its device, copied from manuals and field logs, run by `types check`.
//!
//! A vector is played through the codec and the judgement that a run uses, whole and cut at every byte.

use std::sync::Arc;

use bytes::BytesMut;
use tokio_util::codec::Decoder;

use super::body::CommandSource;
use super::conclude::{Conclusion, Progress, SENT, WaitEnd, conclude};
use super::definition::DeviceType;
use super::judge::Verdict;
use super::request::Request;
use super::simulated::Simulated;
use crate::codec::{CodecError, FrameCodec};
use crate::model::escape::shown;
use crate::model::{ErrorKind, Params, Status, Value};

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
    /// A request and what comes back.
    Exchange {
        /// What is asked for.
        source: CommandSource,
        /// The bytes that must go out.
        sends: Box<[u8]>,
        /// The bytes that come back, by segments.
        replies: Vec<Box<[u8]>>,
        /// What happens then.
        then: WaitEnd,
    },
    /// Bytes for the simulated device, which must stay silent.
    Wire(Box<[u8]>),
}

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
    let (source, sends, replies, then) = match &vector.script {
        Script::Exchange { source, sends, replies, then } => (source, sends, replies, *then),
        Script::Wire(bytes) => {
            stays_silent(device_type, &vector.params, bytes)?;
            return compare(vector, conclude(WaitEnd::Silence, Progress::Written), None);
        }
    };
    let body = device_type.body(source, &vector.params).map_err(|error| error.to_string())?;
    let request = device_type.request(source, body, false).map_err(|error| error.to_string())?;
    if request.payload().bytes() != &**sends {
        return Err(format!("sends `{}`, must send `{}`", request.payload().shown(), shown(sends)));
    }
    let whole = replies.concat();
    let given: Vec<&[u8]> = replies.iter().map(|segment| &**segment).collect();
    let (conclusion, value) = play(&request, &given, then);
    compare(vector, conclusion, value.as_ref())?;
    let cuts = (0..whole.len()).filter_map(|at| whole.split_at_checked(at)).map(|(one, two)| vec![one, two]);
    for segments in cuts.chain([whole.chunks(1).collect()]) {
        let (conclusion, value) = play(&request, &segments, then);
        compare(vector, conclusion, value.as_ref())
            .map_err(|why| format!("cut after {} bytes: {why}", segments.first().map_or(0, |one| one.len())))?;
    }
    Ok(())
}

/// Plays an exchange: what a session does, without a socket and without a clock.
fn play(request: &Request, segments: &[&[u8]], then: WaitEnd) -> (Conclusion, Option<Value>) {
    let Some(framing) = request.framing() else { return (SENT, None) };
    let mut codec = FrameCodec::new();
    codec.expect(framing);
    let mut stream = BytesMut::new();
    let mut end = then;
    for segment in segments {
        stream.extend_from_slice(segment);
        loop {
            match codec.decode(&mut stream) {
                Ok(Some(frame)) => {
                    let verdict = request.judge(&frame);
                    if let Some(conclusion) = verdict.conclusion() {
                        let value = if let Verdict::Ok { value } = verdict { value } else { None };
                        return (conclusion, value);
                    }
                }
                Ok(None) => break,
                Err(CodecError::TooLong { .. }) => end = WaitEnd::TooLong,
                Err(CodecError::Io(_)) => end = WaitEnd::Reset,
            }
            if end == WaitEnd::TooLong {
                return (conclude(end, Progress::Written), None);
            }
        }
    }
    let sent = request.payload().bytes();
    if let Some((start, _)) = request.device_type().link.busy_text(&stream)
        && !codec.may_be_begun(stream.get(..start).unwrap_or_default(), sent)
    {
        end = WaitEnd::GatewayBusy;
    }
    let begun = codec.may_be_begun(&stream, sent);
    (conclude(end, if begun { Progress::ReplyBegun } else { Progress::Written }), None)
}

fn stays_silent(device_type: &Arc<DeviceType>, params: &Params, wire: &[u8]) -> Result<(), String> {
    let mut gateway = Simulated::new(device_type, [params]).ok_or("the type cannot be simulated")?;
    let mut received = BytesMut::from(wire);
    while let Some(body) = device_type.send.cut(&mut received) {
        if let Some(reply) = gateway.answer(&body) {
            return Err(format!("the simulated device answers `{}`", shown(&reply)));
        }
    }
    Ok(())
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
        return Err(format!("carries {value:?}, must carry {:?}", vector.value));
    }
    Ok(())
}
