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
    /// are none, and no echo of `request` or of its beginning is (protocols.md §1.2, "Echo", "Tail").
    pub fn may_be_begun(&self, rest: &[u8], request: &[u8]) -> bool {
        let echo = trim(request);
        let mut rest = trim(rest);
        while let Some(after) = rest.strip_prefix(echo).filter(|_| !echo.is_empty()) {
            rest = trim(after);
        }
        !rest.is_empty() && !echo.starts_with(rest)
    }

    fn skip(&mut self, len: usize, noise_max: usize) -> Result<(), CodecError> {
        self.skipped += len as u64;
        if self.skipped > noise_max as u64 { Err(CodecError::TooLong { received: self.taken }) } else { Ok(()) }
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
        let Some(framing) = self.framing.clone() else {
            stream.truncate(UNASKED_MAX);
            return Ok(None);
        };
        if stream.is_empty() {
            return Ok(None);
        }
        self.skipped += std::mem::take(&mut self.given);
        loop {
            match framing.find(stream) {
                Found::Frame { start, end } => {
                    self.taken += end as u64;
                    // Copied, not split off: the stream's buffer stays in one piece and is used again.
                    let bytes = Bytes::copy_from_slice(stream.get(start..end).unwrap_or_default());
                    stream.advance(end);
                    self.skip(start, framing.noise_max())?;
                    self.given = bytes.len() as u64;
                    return Ok(Some(Frame { bytes }));
                }
                Found::Noise(len) => {
                    self.taken += len as u64;
                    stream.advance(len);
                    self.skip(len, framing.noise_max())?;
                }
                Found::TooLong(end) => return Err(CodecError::TooLong { received: self.taken + end as u64 }),
                Found::More => return Ok(None),
            }
        }
    }

    /// The frames that are there. What is left over is no error: whether it may be a reply cut short is asked of
    /// [`FrameCodec::may_be_begun`].
    fn decode_eof(&mut self, stream: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        self.decode(stream)
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::PatternFraming;

    const LG: &str = "(?<c2>[A-Za-z$]) +(?<id>[0-9A-Fa-f]{1,3}) +(?<word>OK|NG)(?<data>[0-9A-Za-z]*?)x";

    fn lg(max: usize, noise_max: usize) -> Arc<Framing> {
        Arc::new(Framing::Pattern(PatternFraming::new(LG, max, noise_max).unwrap()))
    }

    /// All frames of a stream that comes in these pieces, and the error that ended it.
    fn frames(framing: &Arc<Framing>, pieces: &[&[u8]]) -> (Vec<String>, Option<u64>) {
        let mut codec = FrameCodec::new();
        codec.expect(framing);
        let mut stream = BytesMut::new();
        let mut found = Vec::new();
        for piece in pieces {
            stream.extend_from_slice(piece);
            loop {
                match codec.decode(&mut stream) {
                    Ok(Some(frame)) => found.push(frame.bytes.escape_ascii().to_string()),
                    Ok(None) => break,
                    Err(CodecError::TooLong { received }) => return (found, Some(received)),
                    Err(other) => panic!("{other}"),
                }
            }
            assert!(stream.len() < 2 * framing.max(), "{} bytes are held", stream.len());
        }
        (found, None)
    }

    /// Every way to cut a stream into two pieces, and into single bytes.
    fn cuts(stream: &[u8]) -> Vec<Vec<&[u8]>> {
        let mut all: Vec<Vec<&[u8]>> = (0..=stream.len()).map(|at| vec![&stream[..at], &stream[at..]]).collect();
        all.push(stream.chunks(1).collect());
        all
    }

    #[test]
    fn replies_are_found_among_echoes_line_ends_and_other_replies() {
        let cases: [(&[u8], &[&str]); 8] = [
            (b"a 01 OK01x", &["a 01 OK01x"]),
            (b"x 01 OK01x", &["x 01 OK01x"]),
            (b"ka 01 01\r\na 01 OK01x\r\n", &["a 01 OK01x"]),
            (b"a 01 OK01xx 01 OK01x", &["a 01 OK01x", "x 01 OK01x"]),
            (b"a 01 OK00xa 02 OK00x", &["a 01 OK00x", "a 02 OK00x"]),
            (b"\0\xff\x1b[2Ja  001  NG03x", &["a  001  NG03x"]),
            (b"y 01 OK608KCAB12345x", &["y 01 OK608KCAB12345x"]),
            (b"a 01 OK", &[]),
        ];
        let framing = lg(256, 4096);
        for (stream, expected) in cases {
            for pieces in cuts(stream) {
                assert_eq!(frames(&framing, &pieces), (expected.iter().map(|&s| s.to_owned()).collect(), None));
            }
        }
    }

    #[test]
    fn nothing_is_framed_before_something_is_expected() {
        let mut codec = FrameCodec::new();
        let mut stream = BytesMut::from(&b"a 01 OK01x"[..]);
        assert!(codec.decode(&mut stream).unwrap().is_none());
        assert_eq!(&stream[..], b"a 01 OK01x");
        stream.extend_from_slice(&[0; 10_000]);
        assert!(codec.decode(&mut stream).unwrap().is_none());
        assert_eq!(stream.len(), UNASKED_MAX);
    }

    #[test]
    fn noise_strays_and_long_replies_have_caps_and_a_new_exchange_counts_from_zero() {
        let framing = lg(16, 64);
        // A frame that nobody takes as the answer is skipped as noise is: with seven of 10 bytes the cap is passed.
        let strays = b"a 02 OK01x".repeat(8);
        let long = b"y 01 OK0123456789abcdefx".to_vec();
        let noise = [b'.'; 100].to_vec();
        for (stream, given, received) in [(strays, 7, Some(80)), (long, 0, Some(24)), (noise, 0, Some(80))] {
            for pieces in cuts(&stream) {
                let (found, error) = frames(&framing, &pieces);
                assert_eq!((found.len(), error), (given, received), "{}", stream.escape_ascii());
            }
        }
        let mut codec = FrameCodec::new();
        codec.expect(&framing);
        let mut stream = BytesMut::from(&[b'.'; 60][..]);
        assert!(codec.decode(&mut stream).unwrap().is_none());
        codec.expect(&framing);
        stream.extend_from_slice(&[b'.'; 20]);
        assert!(codec.decode(&mut stream).unwrap().is_none());
    }

    #[test]
    fn only_what_can_become_a_reply_is_the_beginning_of_one() {
        let codec = FrameCodec::new();
        for (rest, begun) in [
            (&b""[..], false),
            (b"\r\n\0 ", false),
            (b"ka 01", false),
            (b"ka 01 01\r\n", false),
            (b"\nka 01 01\r\nka 0", false),
            (b"a 01 OK", true),
            (b"ka 01 01\r\na", true),
            (b"Port already in use\r\n", true),
        ] {
            assert_eq!(codec.may_be_begun(rest, b"ka 01 01\r"), begun, "{}", rest.escape_ascii());
        }
        assert!(codec.may_be_begun(b"a", b"\r"));
    }

    #[test]
    fn what_is_left_when_the_peer_closes_stays_and_is_no_error() {
        let mut codec = FrameCodec::new();
        codec.expect(&lg(256, 4096));
        let mut stream = BytesMut::from(&b"a 01 OK01xb 01 O"[..]);
        assert!(codec.decode_eof(&mut stream).unwrap().is_some());
        assert!(codec.decode_eof(&mut stream).unwrap().is_none());
        assert_eq!(&stream[..], b"b 01 O");
    }

    #[test]
    fn a_payload_goes_out_as_it_is() {
        let mut out = BytesMut::new();
        FrameCodec::new().encode(&Payload::plain(b"ka 01 01\r"), &mut out).unwrap();
        assert_eq!(&out[..], b"ka 01 01\r");
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            "[a-z$] {1,2}[0-9a-f]{1,3} (OK|NG)[0-9A-Za-z]{0,14}x".prop_map(String::into_bytes),
            "k[a-m] [0-9a-f]{2} [0-9a-f]{2}\r\n?".prop_map(String::into_bytes),
            "[a-z$] [0-9]{2} (OK?|N)?".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..40),
        ]
    }

    proptest! {
        #[test]
        fn the_frames_are_the_same_however_the_stream_is_cut(
            stream in proptest::collection::vec(piece(), 0..12),
            cuts in proptest::collection::vec(1_usize..30, 1..20),
        ) {
            let stream = stream.concat();
            let framing = lg(16, 120);
            let whole = frames(&framing, &stream.chunks(1).collect::<Vec<_>>());
            let mut rest = &stream[..];
            let mut pieces = Vec::new();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            prop_assert_eq!(frames(&framing, &pieces), whole);
        }

        #[test]
        fn no_bytes_make_it_panic_or_hold_more_than_its_caps(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..600), 0..10),
        ) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            _ = frames(&lg(16, 2000), &pieces);
        }
    }
}
