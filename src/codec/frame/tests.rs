//! The same frames however a stream is cut, within the caps.

mod babble;

use futures::{SinkExt, StreamExt};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::codec::Framed;

use super::*;
use crate::codec::{EndFraming, Layout, LayoutPiece, PatternFraming, TemplateFraming};

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
                Err(CodecError::WrongChecksum { received }) => return (found, Some(received)),
                Err(CodecError::Io(error)) => panic!("{error}"),
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
fn no_length_of_noise_before_a_reply_hides_it() {
    let framing = lg(16, 4096);
    for len in 0..100 {
        let stream = [&vec![b'.'; len][..], b"a 01 OK01x"].concat();
        for pieces in cuts(&stream) {
            assert_eq!(frames(&framing, &pieces), (vec!["a 01 OK01x".to_owned()], None), "after {len} bytes");
        }
    }
}

/// `AA {len} {body} {sum8}`.
fn ncd() -> Arc<Framing> {
    let pieces = vec![
        LayoutPiece::Literal([0xaa].into()),
        LayoutPiece::Len(0),
        LayoutPiece::Body(0, None),
        LayoutPiece::Sum8(0),
    ];
    Arc::new(Framing::Template(TemplateFraming::new(Layout::new(pieces).unwrap(), 258, 4096).unwrap()))
}

#[test]
fn frames_of_every_kind_are_the_same_in_every_cut() {
    let until = Arc::new(Framing::End(EndFraming::new(vec![b"\0".as_slice().into()], true, true, 8)));
    for (framing, stream, expected, error) in [
        (ncd(), &b"\r\xaa\x01\x55\0\xaa\x01\x56\x01"[..], &[r"\xaaU\x00", r"\xaaV"][..], None),
        (ncd(), b"\xaa\x01\x55\x01", &[], Some(4)),
        (ncd(), b"\xaa\x01\x55", &[], None),
        (until.clone(), b"re\0ady\0x", &[r"re\x00", r"ady\x00"], None),
        (until, b"123456789", &[], Some(9)),
        (Arc::new(Framing::Length(2)), b"abcde", &["ab", "cd"], None),
    ] {
        let expected: Vec<String> = expected.iter().map(|one| (*one).to_owned()).collect();
        for pieces in cuts(stream) {
            let (found, failed) = frames(&framing, &pieces);
            let found: Vec<String> = found.iter().map(|one| one.replace(r"\x01", "")).collect();
            assert_eq!((found, failed), (expected.clone(), error), "{}", stream.escape_ascii());
        }
    }
}

#[test]
fn where_noise_was_too_much_is_the_same_byte_in_every_cut() {
    let pieces = vec![
        LayoutPiece::Literal([0xaa].into()),
        LayoutPiece::Len(0),
        LayoutPiece::Body(0, None),
        LayoutPiece::Sum8(0),
    ];
    let template = TemplateFraming::new(Layout::new(pieces).unwrap(), 16, 8).unwrap();
    let framing = Arc::new(Framing::Template(template));
    // Noise alone, noise before a frame, before one whose checksum is wrong, and behind a frame that nobody took.
    for (stream, given, received) in [
        (&b"............"[..], 0, 9),
        (b"...........\xaa\x01A\xec", 0, 9),
        (b"...........\xaa\x01A\0", 0, 9),
        (b"\xaa\x08ABCDEFGH\xd6.....", 1, 12),
    ] {
        for pieces in cuts(stream) {
            let (found, failed) = frames(&framing, &pieces);
            assert_eq!((found.len(), failed), (given, Some(received)), "{}", stream.escape_ascii());
        }
    }
}

#[test]
fn a_close_ends_what_it_may_end_and_each_binary_byte_begins_a_reply() {
    let until = Arc::new(Framing::End(EndFraming::new(vec![b"\0".as_slice().into()], true, true, 8)));
    let mut codec = FrameCodec::new();
    codec.expect(&until);
    let mut stream = BytesMut::from(&b"OK"[..]);
    assert!(codec.decode(&mut stream).unwrap().is_none());
    assert_eq!(&codec.decode_eof(&mut stream).unwrap().unwrap().bytes[..], b"OK");
    assert!(codec.decode_eof(&mut stream).unwrap().is_none());
    codec.expect(&ncd());
    assert!(codec.may_be_begun(b"\xaa", b"\xaa\x01\x55\0"));
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
    for (stream, given, received) in [(strays, 7, Some(80)), (long, 0, Some(24)), (noise, 0, Some(65))] {
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

#[tokio::test]
async fn through_framed_frames_come_and_what_is_left_at_the_end_can_be_read() {
    let (near, mut far) = tokio::io::duplex(64);
    let mut framed = Framed::with_capacity(near, FrameCodec::new(), 256);
    framed.codec_mut().expect(&lg(256, 4096));
    framed.send(&Payload::plain(b"ka 01 01\r")).await.unwrap();
    let mut request = [0; 9];
    far.read_exact(&mut request).await.unwrap();
    assert_eq!(&request, b"ka 01 01\r");
    for piece in ["a 01 O", "K01xb 0", "1 O"] {
        far.write_all(piece.as_bytes()).await.unwrap();
    }
    drop(far);
    assert_eq!(&framed.next().await.unwrap().unwrap().bytes[..], b"a 01 OK01x");
    assert!(framed.next().await.is_none());
    assert!(framed.codec().may_be_begun(framed.read_buffer(), &request));
    assert_eq!(&framed.read_buffer()[..], b"b 01 O");
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
        _ = frames(&ncd(), &pieces);
        _ = frames(&lg(16, 2000), &pieces);
    }
}
