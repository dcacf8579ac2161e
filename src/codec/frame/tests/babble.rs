//! Who says more than an answer: it is read in large pieces, passed over, and cut off at the same byte however it came.

use super::*;

#[test]
fn who_says_more_than_most_is_read_in_large_pieces_and_nobody_else_has_the_room_for_it() {
    let room = |count: usize| {
        let mut codec = FrameCodec::new();
        codec.expect(&lg(64, 4096));
        let mut stream = BytesMut::with_capacity(128);
        stream.extend_from_slice(&vec![b'z'; count]);
        assert_eq!(codec.decode(&mut stream).unwrap(), None);
        stream.capacity() - stream.len()
    };
    assert!(room(20) < 256, "{}", room(20));
    assert!(room(128) >= 4000, "{}", room(128));
    assert!(room(300) < 16 * 1024, "{}", room(300));
}

/// How many reads of as many bytes as there is room for it takes until a babbling device is cut off.
fn reads(babble: &[u8]) -> usize {
    let mut codec = FrameCodec::new();
    codec.expect(&lg(256, 4096));
    let mut stream = BytesMut::with_capacity(128);
    let mut source = babble.iter().cycle().copied();
    for read in 1.. {
        stream.reserve(1);
        let room = stream.capacity() - stream.len();
        stream.extend(source.by_ref().take(room));
        loop {
            match codec.decode(&mut stream) {
                Ok(Some(_)) if codec.skip_strays(&mut stream, |_| true).is_err() => return read,
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return read,
            }
        }
    }
    unreachable!("it goes on for ever")
}

#[test]
fn who_babbles_is_cut_off_within_three_reads() {
    for babble in [&b"z"[..], b"z\r\n", b"a 01 OK01x", b"a 01 OK01x\r\n"] {
        assert!((2..=3).contains(&reads(babble)), "{}: {} reads", babble.escape_ascii(), reads(babble));
    }
}

#[test]
fn strays_that_come_again_and_again_are_looked_at_once_and_others_once_each() {
    let (asked, mut codec) = (std::cell::Cell::new(0), FrameCodec::new());
    let is_stray = |frame: &[u8]| {
        asked.set(asked.get() + 1);
        !frame.starts_with(b"b ")
    };
    codec.expect(&lg(256, 4096));
    let mut stream = BytesMut::from(&[&b"\r\na 01 OK01x".repeat(300)[..], b"b 01 OK01x"].concat()[..]);
    codec.skip_strays(&mut stream, is_stray).unwrap();
    assert_eq!((asked.get(), &stream[..]), (2, &b"b 01 OK01x"[..]));
    asked.set(0);
    codec.expect(&lg(256, 4096));
    let mut stream: BytesMut = (0..300).flat_map(|number| format!("a 01 OK{number:03}x").into_bytes()).collect();
    codec.skip_strays(&mut stream, is_stray).unwrap();
    assert_eq!((asked.get(), stream.len()), (300, 0));
}

#[test]
fn strays_that_all_differ_are_cut_off_at_the_same_byte_however_they_are_found() {
    for is_led in [false, true] {
        let (framing, mut codec) = (lg(256, 4096), FrameCodec::new());
        if is_led {
            _ = framing.lead();
        }
        codec.expect(&framing);
        let mut stream: BytesMut = (0..400).flat_map(|number| format!("a 01 OK{number:03}x").into_bytes()).collect();
        let cut_off = codec.skip_strays(&mut stream, |_| true).unwrap_err();
        // 373 of 11 bytes are more than 4096: the next one shows that none of them was the answer.
        assert!(matches!(cut_off, CodecError::TooLong { received: 4114 }), "{cut_off:?}");
        assert!(stream.starts_with(b"a 01 OK374x"), "{}", stream.escape_ascii());
    }
}

/// What is given of a stream that comes in these pieces but for the strays, and the error that ended it; with `skips`
/// strays behind a stray are passed over where they lie.
fn answers(framing: &Arc<Framing>, pieces: &[Vec<u8>], skips: bool) -> (Vec<Bytes>, Option<u64>) {
    let is_stray = |frame: &[u8]| frame.contains(&b'2');
    let mut codec = FrameCodec::new();
    codec.expect(framing);
    let (mut stream, mut found) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        stream.extend_from_slice(piece);
        loop {
            let given = match codec.decode(&mut stream) {
                Ok(Some(frame)) if is_stray(&frame.bytes) => {
                    if skips {
                        codec.skip_strays(&mut stream, is_stray)
                    } else {
                        Ok(())
                    }
                }
                Ok(Some(frame)) => {
                    found.push(frame.bytes);
                    Ok(())
                }
                Ok(None) => break,
                Err(error) => Err(error),
            };
            if let Err(CodecError::TooLong { received } | CodecError::WrongChecksum { received }) = given {
                return (found, Some(received));
            }
        }
    }
    (found, None)
}

proptest! {
    #[test]
    fn strays_that_are_passed_over_count_as_if_they_had_been_given(
        pieces in proptest::collection::vec(
            prop_oneof![piece(), Just(b"a 02 OK01x".repeat(3)), Just(b"\r\na 02 OKx".repeat(3)), Just(b"\xaa\x012\xdd".repeat(4))],
            0..16,
        ),
        most in 20_usize..200,
    ) {
        let length = Arc::new(Framing::Length(2));
        for framing in [lg(16, most), ncd(), length] {
            let given = answers(&framing, &pieces, false);
            prop_assert_eq!(&answers(&framing, &pieces, true), &given);
            // From the first stray on frames are found without a search where they can be.
            _ = framing.lead();
            prop_assert_eq!(&answers(&framing, &pieces, true), &given);
            prop_assert_eq!(&answers(&framing, &pieces, false), &given);
        }
    }
}
