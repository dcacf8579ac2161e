//! The codec of one connection: bytes in, frames out, as a framing says; payloads go out as they are.
//!
//! Used through `tokio_util::codec::Framed`. Each exchange starts with `expect`, which names the framing of its reply
//! and starts the count of bytes that belong to no answer. A frame that was given counts as skipped as soon as another
//! one is asked for: had it been the answer, nobody would ask. What is dropped before a command is written, the owner
//! of the `Framed` drops from its read buffer.

use std::io;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use super::framing::{Found, Framing};
use crate::model::Payload;

/// How many bytes are kept while no reply is expected; what a gateway says fits, and what is beyond is dropped.
const UNASKED_MAX: usize = 4096;

/// Replies are shorter, with what comes before them, in bytes.
const USUAL: usize = 128;

/// The most room for a read once that has come, in bytes.
const MORE: usize = 8192;

/// A whole reply, noise around it left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The bytes as they came.
    pub bytes: Bytes,
}

/// Why no more frames come from a stream.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// A reply, or what was skipped on the way to it, is longer than the type allows.
    #[error("{received} bytes came, more than a reply and the noise around it may have")]
    TooLong {
        /// Bytes since the command was written, up to the first one too many.
        received: u64,
    },
    /// A reply's checksum does not hold.
    #[error("the checksum of the reply is wrong")]
    WrongChecksum {
        /// Bytes since the command was written, up to where that was seen.
        received: u64,
    },
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
}

/// Encoder and decoder of one connection.
#[derive(Debug, Default)]
pub struct FrameCodec {
    framing: Option<Arc<Framing>>,
    /// Bytes taken from the stream since `expect`.
    taken: u64,
    /// Those of them that belong to no answer.
    skipped: u64,
    /// The length of the last frame given, until it is known whether it was the answer.
    given: u64,
}

impl FrameCodec {
    /// A codec that expects nothing yet: it frames nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A new exchange begins: from here on replies are found by `framing`, and what is skipped counts from zero.
    pub fn expect(&mut self, framing: &Arc<Framing>) {
        *self = Self { framing: Some(framing.clone()), ..Self::default() };
    }

    /// Whether `rest`, bytes that made no frame, may be the beginning of a reply. Nothing, line ends, NULs and spaces
    /// are none, and no echo of `request` or of its beginning is (protocols.md §1.2, "Echo", "Tail"). In binary replies
    /// each byte counts.
    pub fn may_be_begun(&self, rest: &[u8], request: &[u8]) -> bool {
        if self.framing.as_ref().is_some_and(|framing| !framing.is_text()) {
            return !rest.is_empty();
        }
        let echo = trim(request);
        let mut rest = trim(rest);
        while let Some(after) = rest.strip_prefix(echo).filter(|_| !echo.is_empty()) {
            rest = trim(after);
        }
        !rest.is_empty() && !echo.starts_with(rest)
    }

    /// Passes over the frames at hand as long as `is_stray` says of their bytes that they answer another question: what
    /// [`Decoder::decode`] would give next is the first of which it does not. Counts and ends as if each had been given.
    ///
    /// # Errors
    /// When that is more than may be skipped.
    pub fn skip_strays(&mut self, stream: &mut BytesMut, is_stray: impl Fn(&[u8]) -> bool) -> Result<(), CodecError> {
        let Some(framing) = self.framing.clone() else { return Ok(()) };
        let (mut at, mut last) = (0, None);
        let skipped = loop {
            let rest = stream.get(at..).unwrap_or_default();
            // A framing looks at nothing behind a frame's end, so the same bytes are the same frame again.
            let (start, end) = match last {
                Some((place, start, end)) if rest.starts_with(stream.get(place..place + end).unwrap_or_default()) => {
                    (start, end)
                }
                _ => match framing.find(rest) {
                    Found::Frame { start, end } if is_stray(rest.get(start..end).unwrap_or_default()) => (start, end),
                    _ => break Ok(()),
                },
            };
            last = Some((at, start, end));
            at += end;
            self.skipped += std::mem::take(&mut self.given);
            if let Err(error) = self.give(start, end - start, framing.noise_max()) {
                break Err(error);
            }
        };
        stream.advance(at);
        skipped
    }

    /// Counts a frame that is given, and the noise before it.
    fn give(&mut self, noise: usize, len: usize, noise_max: usize) -> Result<(), CodecError> {
        self.skip(noise, noise_max)?;
        self.given = len as u64;
        self.taken += self.given;
        if self.skipped > noise_max as u64 {
            return Err(CodecError::TooLong { received: self.taken });
        }
        Ok(())
    }

    /// Takes noise. Where the cap is passed is counted to the byte: how much noise is seen at once depends on the cut.
    fn skip(&mut self, len: usize, noise_max: usize) -> Result<(), CodecError> {
        let (len, room) = (len as u64, (noise_max as u64).saturating_sub(self.skipped));
        if len > room {
            return Err(CodecError::TooLong { received: self.taken + room + 1 });
        }
        self.skipped += len;
        self.taken += len;
        Ok(())
    }
}

fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0 | b' ');
    let start = bytes.iter().position(|byte| !blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = CodecError;

    fn decode(&mut self, stream: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        let found = self.take(stream, Framing::find)?;
        if let (None, Some(framing)) = (&found, &self.framing) {
            let came = self.taken + stream.len() as u64;
            if came >= USUAL as u64 {
                // Whoever says more than most may babble, and that must not cost a call to the kernel for every few bytes:
                // in one go it may say all that it can before it is cut off.
                let most = framing.noise_max().saturating_add(framing.max().saturating_mul(2));
                let left = (most as u64).saturating_sub(came);
                stream.reserve(usize::try_from(left).map_or(MORE, |left| left.clamp(USUAL, MORE)));
            }
        }
        Ok(found)
    }

    /// The frames that are there, with the one that the close itself ends. What is left over is no error: whether it may
    /// be a reply cut short is asked of [`FrameCodec::may_be_begun`].
    fn decode_eof(&mut self, stream: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        self.take(stream, Framing::find_at_end)
    }
}

impl FrameCodec {
    fn take(
        &mut self,
        stream: &mut BytesMut,
        find: impl Fn(&Framing, &[u8]) -> Found,
    ) -> Result<Option<Frame>, CodecError> {
        let Some(framing) = self.framing.clone() else {
            stream.truncate(UNASKED_MAX);
            return Ok(None);
        };
        if stream.is_empty() {
            return Ok(None);
        }
        self.skipped += std::mem::take(&mut self.given);
        loop {
            match find(&framing, stream) {
                Found::Frame { start, end } => {
                    // Copied, not split off: the stream's buffer stays in one piece and is used again.
                    let bytes = Bytes::copy_from_slice(stream.get(start..end).unwrap_or_default());
                    stream.advance(end);
                    self.give(start, bytes.len(), framing.noise_max())?;
                    return Ok(Some(Frame { bytes }));
                }
                Found::Noise(len) => {
                    stream.advance(len);
                    self.skip(len, framing.noise_max())?;
                }
                Found::TooLong(end) => return Err(CodecError::TooLong { received: self.taken + end as u64 }),
                Found::WrongChecksum(end) => {
                    return Err(CodecError::WrongChecksum { received: self.taken + end as u64 });
                }
                Found::More => return Ok(None),
            }
        }
    }
}

impl<'a> Encoder<&'a Payload> for FrameCodec {
    type Error = CodecError;

    fn encode(&mut self, payload: &'a Payload, out: &mut BytesMut) -> Result<(), CodecError> {
        out.extend_from_slice(payload.bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
