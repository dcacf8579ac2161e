//! Framings as a type file may describe them, over streams of any bytes: the description comes first, then the stream.
//!
//! `p PATTERN` a pattern, `u END,END` ends (a leading `!`: the close ends, too), `l` and a byte a length, `t` and two
//! bytes a template; a line end parts the description from the stream.

use std::sync::Arc;

use fleetctl::codec::{BytePattern, Cut, EndFraming, Framing, Layout, LayoutPiece, PatternFraming, TemplateFraming};

use super::stream::{End, read};

/// Caps that streams of a fuzzer reach.
const MAX: usize = 24;
const NOISE_MAX: usize = 150;

/// The target.
pub(super) fn framing(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (head, rest) = data.split_at(at);
    let stream = rest.get(1..).unwrap_or_default();
    match head.split_first() {
        Some((b'p', pattern)) => by_pattern(pattern, stream),
        Some((b'u', ends)) => by_end(ends, stream),
        Some((b'l', &[len, ..])) => {
            read(&Arc::new(Framing::Length(usize::from(len % 16) + 1)), stream);
        }
        Some((b't', &[kind, add, ..])) => by_template(kind, add, stream),
        _ => {}
    }
}

fn by_pattern(pattern: &[u8], stream: &[u8]) {
    let Ok(text) = std::str::from_utf8(pattern) else { return };
    // A pattern of hundreds of states costs the fuzzer its speed and shows nothing else.
    if text.len() > 60 {
        return;
    }
    let Ok(framing) = PatternFraming::new(text, MAX, NOISE_MAX) else { return };
    let told = read(&Arc::new(Framing::Pattern(framing)), stream);
    // The first frame is what a plain search of the whole stream finds, too: an accepted pattern has one meaning.
    let plain = BytePattern::parse(text, false).unwrap();
    if let Some(found) = plain.find(stream)
        && found.end <= MAX
    {
        assert_eq!(told.frames.first().map(Vec::as_slice), stream.get(found), "{text}: {}", stream.escape_ascii());
    }
}

fn by_end(ends: &[u8], stream: &[u8]) {
    let (or_eof, ends) = ends.strip_prefix(b"!").map_or((false, ends), |ends| (true, ends));
    let ends: Vec<Box<[u8]>> =
        ends.split(|byte| *byte == b',').filter(|end| !end.is_empty()).take(4).map(Box::from).collect();
    if ends.iter().any(|end| end.len() > 16) || (ends.is_empty() && !or_eof) {
        return;
    }
    let framing = Framing::End(EndFraming::new(ends.clone(), or_eof, true, MAX));
    let framing = Arc::new(framing);
    for frame in read(&framing, stream).frames {
        assert!(ends.iter().any(|end| frame.ends_with(end)), "{} has no end", frame.escape_ascii());
        let body = framing.body(&frame);
        assert!(body.len() <= MAX && body.trim_ascii() == body, "{}", body.escape_ascii());
    }
}

/// Layouts as devices of `protocols.md` have them, with a constant at the length.
fn by_template(kind: u8, add: u8, stream: &[u8]) {
    let add = i64::from(add % 16) - 8;
    let literal = |bytes: &[u8]| LayoutPiece::Literal(bytes.into());
    let pieces = match kind % 4 {
        0 => vec![literal(&[0xAA]), LayoutPiece::Len(add), LayoutPiece::Body(0, None), LayoutPiece::Sum8(0)],
        1 => vec![LayoutPiece::Len(add), LayoutPiece::Body(0, None), LayoutPiece::Xor8(0)],
        2 => vec![literal(b"$ab"), LayoutPiece::Len(add), literal(&[1]), LayoutPiece::Body(0, None), literal(b"\r")],
        _ => vec![
            literal(b"aa"),
            LayoutPiece::Len(add),
            LayoutPiece::Xor8(1),
            LayoutPiece::Body(0, None),
            LayoutPiece::Sum8(2),
        ],
    };
    let layout = Layout::new(pieces).unwrap();
    let framing = Arc::new(Framing::Template(TemplateFraming::new(layout.clone(), 64, NOISE_MAX).unwrap()));
    let told = read(&framing, stream);
    for frame in &told.frames {
        // Taken apart and put together again it is the same frame.
        let mut again = Vec::new();
        layout.write(framing.body(frame), |piece, _| again.extend_from_slice(piece)).unwrap();
        assert_eq!(&again, frame);
        assert_eq!(layout.cut(frame), Cut::Whole(frame.len()));
    }
    // What is sent is found, whatever the body.
    let body = stream.get(..stream.len().min(40)).unwrap_or_default();
    let mut sent = Vec::new();
    if layout.write(body, |piece, _| sent.extend_from_slice(piece)).is_ok() {
        let found = read(&framing, &sent);
        assert_eq!((found.frames.as_slice(), found.end), ([sent.clone()].as_slice(), End::Open), "{sent:02X?}");
    }
    // A simulated device that cuts requests goes on at every step, and never beyond what is there.
    let mut left = stream;
    while let Cut::Whole(len) | Cut::Drop(len) = layout.cut(left) {
        assert!((1..=left.len()).contains(&len), "{len} of {}", left.len());
        left = left.get(len..).unwrap();
    }
}
