//! Finds the answer to a question among the bytes that come, and the units that other replies name.

use std::sync::Arc;

use bytes::BytesMut;
use tokio_util::codec::Decoder as _;

use super::query::Query;
use super::readable::readable;
use super::seen::Answer;
use crate::codec::{Frame, FrameCodec, Framing};
use crate::device_type::{Request, Verdict};
use crate::model::Payload;

/// Finds replies in what comes.
pub(super) struct Replies<'r> {
    codec: FrameCodec,
    buffer: BytesMut,
    request: &'r Request,
    query: &'r Query,
    pub(super) answer: Option<Answer>,
    /// The units that other whole replies named.
    pub(super) units: Vec<i64>,
}

impl<'r> Replies<'r> {
    pub(super) fn new(framing: &Arc<Framing>, request: &'r Request, query: &'r Query) -> Self {
        let mut codec = FrameCodec::new();
        codec.expect(framing);
        Self { codec, buffer: BytesMut::new(), request, query, answer: None, units: Vec::new() }
    }

    /// Takes bytes that came; whether the answer is among them.
    pub(super) fn take(&mut self, bytes: &[u8]) -> bool {
        self.buffer.extend_from_slice(bytes);
        while let Ok(Some(frame)) = self.codec.decode(&mut self.buffer) {
            match self.request.judge(&frame, self.query.params()) {
                Verdict::Stray => self.units.extend(self.query.unit_named(&frame.bytes)),
                verdict => {
                    self.answer = Some(self.answer_of(&frame, verdict));
                    return true;
                }
            }
        }
        false
    }

    /// The peer has closed: that may be what ends the answer.
    pub(super) fn end(&mut self) {
        while self.answer.is_none()
            && let Ok(Some(frame)) = self.codec.decode_eof(&mut self.buffer)
        {
            match self.request.judge(&frame, self.query.params()) {
                Verdict::Stray => self.units.extend(self.query.unit_named(&frame.bytes)),
                verdict => self.answer = Some(self.answer_of(&frame, verdict)),
            }
        }
    }

    fn answer_of(&self, frame: &Frame, verdict: Verdict) -> Answer {
        Answer {
            shown: readable(&frame.bytes, self.request.device_type().is_text),
            announced: matches!(verdict, Verdict::Ok { .. }).then(|| self.request.announced(frame)).flatten(),
            verdict,
            is_all: self.buffer.is_empty(),
            is_mirror: frame.bytes == self.request.payload().bytes(),
        }
    }

    /// Whether what came makes no sense: it holds no whole reply, and something besides the echo of what was written.
    pub(super) fn is_garbled(&self, heard: &[u8], sent: &Payload) -> bool {
        let no_reply = self.answer.is_none() && self.units.is_empty();
        no_reply && self.codec.may_be_begun(heard, sent.bytes())
    }

    pub(super) fn units_in(mut self, bytes: &[u8]) -> Vec<i64> {
        self.buffer.extend_from_slice(bytes);
        while let Ok(Some(frame)) = self.codec.decode(&mut self.buffer) {
            self.units.extend(self.query.unit_named(&frame.bytes));
        }
        self.units
    }
}
