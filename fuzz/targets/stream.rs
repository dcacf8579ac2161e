//! A stream of replies through the codec, in pieces: the frames, what is left, and the caps that must hold on the way.

use std::sync::Arc;

use bytes::BytesMut;
use fleetctl::codec::{CodecError, FrameCodec, Framing};
use tokio_util::codec::Decoder;

/// What a codec may hold beyond twice its longest reply: the longest end of a reply, or the length that a frame's own
/// byte of length can announce.
const HELD_BESIDE: usize = 600;

/// Streams up to this length are cut in two at every byte.
const CUT_EVERYWHERE: usize = 48;

/// How a stream of replies ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// More may come.
    Open,
    /// The peer closed.
    Closed,
    /// A cap was passed, seen at this byte.
    TooLong(u64),
    /// A checksum was wrong, seen at this byte.
    WrongChecksum(u64),
}

/// What a codec said of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) frames: Vec<Vec<u8>>,
    pub(super) end: End,
    /// What belongs to no frame; nothing where the stream was given up.
    pub(super) rest: Vec<u8>,
}

/// Feeds the pieces to a codec that expects `framing`; with `closes` the peer closes after the last.
fn feed<'p>(framing: &Arc<Framing>, pieces: impl Iterator<Item = &'p [u8]>, closes: bool) -> Told {
    let mut codec = FrameCodec::new();
    codec.expect(framing);
    let mut stream = BytesMut::new();
    let mut frames: Vec<Vec<u8>> = Vec::new();
    let mut drain = |stream: &mut BytesMut, is_end: bool| {
        loop {
            let decoded = if is_end { codec.decode_eof(stream) } else { codec.decode(stream) };
            match decoded {
                Ok(Some(frame)) => frames.push(frame.bytes.to_vec()),
                Ok(None) => return None,
                Err(CodecError::TooLong { received }) => return Some(End::TooLong(received)),
                Err(CodecError::WrongChecksum { received }) => return Some(End::WrongChecksum(received)),
                Err(CodecError::Io(error)) => panic!("a codec has no connection: {error}"),
            }
        }
    };
    let mut given_up = None;
    for piece in pieces {
        stream.extend_from_slice(piece);
        given_up = drain(&mut stream, false);
        if given_up.is_some() {
            break;
        }
        let held_max = 2 * framing.max() + HELD_BESIDE;
        assert!(stream.len() <= held_max, "{} bytes are held, at most {held_max} may be", stream.len());
    }
    if closes && given_up.is_none() {
        given_up = drain(&mut stream, true).or(Some(End::Closed));
    }
    let end = given_up.unwrap_or(End::Open);
    let rest = if matches!(end, End::Open | End::Closed) { stream.to_vec() } else { Vec::new() };
    Told { frames, end, rest }
}

/// Reads a stream in one piece, and asserts that no cut of it is read differently, and all caps.
pub(super) fn read(framing: &Arc<Framing>, stream: &[u8]) -> Told {
    let told = read_ending(framing, stream, false);
    let closed = read_ending(framing, stream, true);
    assert!(closed.frames.starts_with(&told.frames), "a close takes a frame back: {told:?}, then {closed:?}");
    assert!(closed.frames.len() <= told.frames.len() + 1, "a close makes several frames: {closed:?}");
    told
}

fn read_ending(framing: &Arc<Framing>, stream: &[u8], closes: bool) -> Told {
    let whole = feed(framing, std::iter::once(stream), closes);
    let same = |told: Told, how: &str| {
        assert_eq!(told, whole, "{how}: {} ({framing}, closes: {closes})", stream.escape_ascii());
    };
    same(feed(framing, stream.chunks(1), closes), "byte by byte");
    for seed in 1..=3 {
        same(feed(framing, Pieces { rest: stream, state: seed }, closes), "in random pieces");
    }
    if stream.len() <= CUT_EVERYWHERE {
        for (one, two) in (1..stream.len()).filter_map(|at| stream.split_at_checked(at)) {
            same(feed(framing, [one, two].into_iter(), closes), "in two pieces");
        }
    }
    let skipped: usize = whole.frames.iter().rev().skip(1).map(Vec::len).sum();
    assert!(skipped <= framing.noise_max(), "{skipped} bytes of frames are passed over: {whole:?}");
    let longest = framing.max() + HELD_BESIDE;
    assert!(whole.frames.iter().all(|frame| !frame.is_empty() && frame.len() <= longest), "{whole:?}");
    in_order(stream, &whole);
    whole
}

/// Frames and rest stand in the stream as they came, one after the other.
fn in_order(stream: &[u8], told: &Told) {
    let mut left = stream;
    for frame in &told.frames {
        let at = left.windows(frame.len()).position(|window| window == frame);
        let at = at.unwrap_or_else(|| panic!("{} is not in the stream", frame.escape_ascii()));
        left = left.get(at + frame.len()..).unwrap();
    }
    assert!(left.ends_with(&told.rest), "{} is not the end of the stream", told.rest.escape_ascii());
    if let End::TooLong(at) | End::WrongChecksum(at) = told.end {
        assert!(at <= stream.len() as u64, "given up at byte {at} of {}", stream.len());
    }
}

/// Cuts a stream into pieces of up to a few dozen bytes, the same for the same seed.
pub(super) struct Pieces<'s> {
    pub(super) rest: &'s [u8],
    pub(super) state: u64,
}

impl<'s> Iterator for Pieces<'s> {
    type Item = &'s [u8];

    fn next(&mut self) -> Option<&'s [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        // A linear congruential generator (Knuth, MMIX): its upper bits are random enough for cuts.
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let most = [1, 3, 9, 40].get(usize::from(self.state >> 62 > 1) + usize::from(self.state >> 61 & 1 == 1));
        let len = 1 + usize::try_from(self.state >> 33).unwrap() % most.unwrap();
        let (piece, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        Some(piece)
    }
}
