//! The Telnet layer and RFC 2217: however the bytes are cut, data and answers are the same, bounded, and said once.
//!
//! The first byte says whether a serial line is to be set, and which.

use fleetctl::codec::{LineState, Parity, SerialLine, TelnetCodec, encode_telnet};

use super::stream::Pieces;

/// The most bytes of answers: 600 of three bytes, the offer of a line and its four settings with every byte doubled.
const ANSWERS_MAX: usize = 600 * 3 + 6 + 4 * 14;

const LINES: [Option<SerialLine>; 4] = [
    None,
    Some(SerialLine { baud: 9600, data_bits: 8, parity: Parity::None, stop_bits: 1 }),
    // A baud rate with the byte FF in it.
    Some(SerialLine { baud: 0xFF00, data_bits: 7, parity: Parity::Even, stop_bits: 2 }),
    Some(SerialLine { baud: 115_200, data_bits: 8, parity: Parity::Odd, stop_bits: 1 }),
];

/// What one end made of a stream.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    data: Vec<u8>,
    answers: Vec<u8>,
    line: Option<LineState>,
}

fn decode<'p>(line: Option<SerialLine>, pieces: impl Iterator<Item = &'p [u8]>) -> Told {
    let mut codec = TelnetCodec::new(line);
    let (mut data, mut answers) = (Vec::new(), Vec::new());
    for piece in pieces {
        let mut bytes = piece.to_vec();
        let kept = codec.decode(&mut bytes);
        data.extend_from_slice(bytes.get(..kept).unwrap());
        answers.extend(codec.answers().drain(..));
    }
    answers.extend(codec.answers().drain(..));
    Told { data, answers, line: codec.line().cloned() }
}

/// The target.
pub(super) fn telnet(data: &[u8]) {
    let Some((&choice, raw)) = data.split_first() else { return };
    let line = LINES.get(usize::from(choice) % LINES.len()).copied().flatten();
    let whole = decode(line, std::iter::once(raw));
    assert!(whole.data.len() <= raw.len(), "{} bytes of data in {}", whole.data.len(), raw.len());
    assert!(whole.answers.len() <= ANSWERS_MAX, "{} bytes of answers", whole.answers.len());
    assert_eq!(decode(line, raw.chunks(1)), whole, "byte by byte");
    for seed in 1..=4 {
        assert_eq!(decode(line, Pieces { rest: raw, state: seed }), whole, "in random pieces");
    }
    assert_eq!(line.is_some(), whole.line.is_some());
    if !raw.contains(&0xFF) {
        assert_eq!(whole.data, raw, "there is no Telnet in it");
    }
    two_of_us_end(raw);

    // What we send as data comes out at another end as it was, and is taken for nothing else.
    let mut wire = Vec::new();
    encode_telnet(raw, &mut wire);
    let back = decode(None, Pieces { rest: &wire, state: 5 });
    assert_eq!((back.data.as_slice(), back.answers.as_slice()), (raw, &[][..]));
}

/// Two ends like ours, one of which has heard this, do not keep each other talking.
fn two_of_us_end(raw: &[u8]) {
    let mut ends = [TelnetCodec::new(None), TelnetCodec::new(None)];
    let mut said = raw.to_vec();
    let mut all = 0;
    for turn in 0.. {
        let end = ends.get_mut(turn % 2).unwrap();
        end.decode(&mut said);
        said = end.answers().drain(..).collect();
        all += said.len();
        assert!(all <= 2 * ANSWERS_MAX, "{all} bytes were said");
        if said.is_empty() {
            break;
        }
    }
}
