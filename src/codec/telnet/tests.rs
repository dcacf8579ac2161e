//! The golden vectors of protocols.md §2.3, cut at every byte, and what holds for any bytes.

use proptest::prelude::*;

use super::super::serial_line::Parity;
use super::*;

const GREETING: &str = "FF FB 03 FF FD 03 FF FB 01 FF FE 01 FF FD 00 FF FB 00";
const ANSWER: &str = "FF FD 03 FF FB 03 FF FE 01 FF FB 00 FF FD 00";
const LINE: SerialLine = SerialLine { baud: 9600, data_bits: 8, parity: Parity::None, stop_bits: 1 };

/// GW-13 and GW-14, requests and answers.
const SETTINGS: [(&str, &str); 4] = [
    ("FF FA 2C 01 00 00 25 80 FF F0", "FF FA 2C 65 00 00 25 80 FF F0"),
    ("FF FA 2C 02 08 FF F0", "FF FA 2C 66 08 FF F0"),
    ("FF FA 2C 03 01 FF F0", "FF FA 2C 67 01 FF F0"),
    ("FF FA 2C 04 01 FF F0", "FF FA 2C 68 01 FF F0"),
];

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

/// The data and the answers that come of segments.
fn decode(codec: &mut TelnetCodec, segments: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
    let mut data = Vec::new();
    for segment in segments {
        let mut segment = segment.to_vec();
        let kept = codec.decode(&mut segment);
        data.extend(&segment[..kept]);
    }
    (data, codec.answers().drain(..).collect())
}

/// What comes of bytes, the same however they are cut in two, and byte by byte.
fn decode_every_cut(line: Option<SerialLine>, hex: &str) -> (Vec<u8>, Vec<u8>) {
    let all = bytes(hex);
    let whole = decode(&mut TelnetCodec::new(line), &[&all]);
    for cut in 1..all.len() {
        let (first, second) = all.split_at(cut);
        assert_eq!(decode(&mut TelnetCodec::new(line), &[first, second]), whole, "{hex} cut at {cut}");
    }
    let single: Vec<&[u8]> = all.chunks(1).collect();
    assert_eq!(decode(&mut TelnetCodec::new(line), &single), whole, "{hex} byte by byte");
    whole
}

#[test]
fn vectors_of_the_sheet_hold_at_every_cut() {
    for (id, comes, data, answers) in [
        ("GW-01, GW-03", GREETING.to_owned(), "", ANSWER.to_owned()),
        ("GW-02, GW-04", format!("{GREETING} FF FD 2C"), "", format!("{ANSWER} FF FC 2C")),
        (
            "GW-05",
            format!("{GREETING} 61 20 30 31 20 4F 4B 30 31 78"),
            "61 20 30 31 20 4F 4B 30 31 78",
            ANSWER.to_owned(),
        ),
        ("GW-07", "41 FF FF 42".to_owned(), "41 FF 42", String::new()),
        ("GW-09", "6B 63 20 30 31 20 30 31 0D 00".to_owned(), "6B 63 20 30 31 20 30 31 0D 00", String::new()),
        (
            "GW-10",
            "FF FD 2C 61 20 30 31 20 4F 4B 30 31 78".to_owned(),
            "61 20 30 31 20 4F 4B 30 31 78",
            "FF FC 2C".to_owned(),
        ),
        (
            "GW-11",
            "50 6F 72 74 20 61 6C 72 65 61 64 79 20 69 6E 20 75 73 65 0D 0A".to_owned(),
            "50 6F 72 74 20 61 6C 72 65 61 64 79 20 69 6E 20 75 73 65 0D 0A",
            String::new(),
        ),
    ] {
        assert_eq!(decode_every_cut(None, &comes), (bytes(data), bytes(&answers)), "{id}");
    }
}

#[test]
fn data_is_sent_with_iac_doubled_and_cr_bare() {
    for (id, data, wire) in [
        ("GW-05", "6B 61 20 30 31 20 30 31 0D", "6B 61 20 30 31 20 30 31 0D"),
        ("GW-06, GW-08", "41 FF 42", "41 FF FF 42"),
        ("GW-09", "0D", "0D"),
    ] {
        let mut sent = Vec::new();
        encode(&bytes(data), &mut sent);
        assert_eq!(sent, bytes(wire), "{id}");
    }
}

#[test]
fn a_serial_line_is_offered_set_and_confirmed() {
    let mut codec = TelnetCodec::new(Some(LINE));
    // GW-12, its COM-PORT part; the answer to the greeting follows, and the settings when the gateway has said DO.
    assert_eq!(decode(&mut codec, &[]).1, bytes("FF FD 2C FF FB 2C"));
    let greeting = bytes(&format!("{GREETING} FF FD 2C"));
    let settings = SETTINGS.map(|(request, _)| request).join(" ");
    assert_eq!(decode(&mut codec, &[&greeting]).1, bytes(&format!("{ANSWER} {settings}")));
    for (place, (_, answer)) in SETTINGS.iter().enumerate() {
        assert_eq!(codec.line(), Some(&LineState::Waiting), "{place}");
        let (data, answers) = decode(&mut codec, &[&bytes("FF FB 2C"), &bytes(answer)]);
        assert!(data.is_empty() && answers.is_empty(), "{place}");
    }
    assert_eq!(codec.line(), Some(&LineState::Set));
    // At every cut, with an answer that repeats and a note of the line's state (6B) between.
    let answers = SETTINGS.map(|(_, answer)| answer).join(" FF FA 2C 6B 30 FF F0 ");
    let all = format!("{GREETING} FF FD 2C {answers} 61");
    assert_eq!(
        decode_every_cut(Some(LINE), &all),
        (bytes("61"), bytes(&format!("FF FD 2C FF FB 2C {ANSWER} {settings}")))
    );
}

#[test]
fn a_line_that_is_not_set_is_refused_in_words() {
    let mut codec = TelnetCodec::new(Some(LINE));
    decode(&mut codec, &[&bytes("FF FC 2C")]);
    assert_eq!(codec.line(), Some(&LineState::Waiting), "WONT speaks of the peer's own side");
    decode(&mut codec, &[&bytes("FF FE 2C")]);
    let Some(LineState::Refused(why)) = codec.line() else { panic!("{:?}", codec.line()) };
    assert!(why.starts_with("the gateway refuses RFC 2217"), "{why}");

    let mut codec = TelnetCodec::new(Some(LINE));
    decode(&mut codec, &[&bytes("FF FD 2C FF FA 2C 65 00 00 4B 00 FF F0")]);
    let Some(LineState::Refused(why)) = codec.line() else { panic!("{:?}", codec.line()) };
    assert!(why.ends_with("`baud` is 19200, not 9600"), "{why}");
}

#[test]
fn a_setting_with_the_byte_iac_is_doubled_both_ways() {
    let line = SerialLine { baud: 0xFF00, ..LINE };
    let mut codec = TelnetCodec::new(Some(line));
    let sent = decode(&mut codec, &[&bytes("FF FD 2C")]).1;
    assert!(sent.starts_with(&bytes("FF FD 2C FF FB 2C FF FA 2C 01 00 00 FF FF 00 FF F0")), "{sent:02X?}");
    let rest = SETTINGS[1..].iter().map(|(_, answer)| *answer).collect::<Vec<_>>().join(" ");
    decode(&mut codec, &[&bytes(&format!("FF FA 2C 65 00 00 FF FF 00 FF F0 {rest}"))]);
    assert_eq!(codec.line(), Some(&LineState::Set));
}

#[test]
fn nothing_is_said_twice_and_a_change_is_answered_once() {
    for (comes, answers) in [
        ("FF FB 03 FF FB 03", "FF FD 03"),
        ("FF FD 01 FF FD 01", "FF FC 01"),
        // Never on, so off already.
        ("FF FC 03 FF FE 03 FF FC 01", ""),
        ("FF FB 03 FF FC 03 FF FC 03 FF FB 03", "FF FD 03 FF FE 03 FF FD 03"),
        ("FF FD 1F FF FE 1F", "FF FC 1F"),
        ("FF FB FF FF FD FF", "FF FE FF FF FC FF"),
    ] {
        assert_eq!(decode_every_cut(None, comes), (Vec::new(), bytes(answers)), "{comes}");
    }
}

#[test]
fn commands_and_subnegotiations_are_no_data() {
    for (comes, data) in [
        ("41 FF F1 42 FF F6 43", "41 42 43"),
        ("41 FF FA 1F 01 FF FF 02 FF F0 42", "41 42"),
        // Its end was lost: the next command ends it.
        ("41 FF FA 1F 01 FF F1 42", "41 42"),
        ("41 FF FA 1F FF FB 03 42", "41 42"),
        // No command: FF was a byte of noise.
        ("FF 61 20 30 31", "61 20 30 31"),
    ] {
        assert_eq!(decode_every_cut(None, comes).0, bytes(data), "{comes}");
    }
}

#[test]
fn a_peer_that_never_stops_is_not_answered_for_ever() {
    let mut codec = TelnetCodec::new(None);
    let flips = bytes("FF FB 03 FF FC 03").repeat(10_000);
    assert_eq!(decode(&mut codec, &[&flips]).1.len(), MOST_ANSWERS * 3);
    assert_eq!(decode(&mut codec, &[&flips, b"a 01"]), (b"a 01".to_vec(), Vec::new()));
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(data in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
        let mut wire = Vec::new();
        encode(&data, &mut wire);
        let (first, second) = wire.split_at(cut.min(wire.len()));
        prop_assert_eq!(decode(&mut TelnetCodec::new(None), &[first, second]), (data, Vec::new()));
    }

    #[test]
    fn any_bytes_are_taken_in_bounded_memory_and_the_same_at_any_cut(
        // Telnet's own bytes often: plain noise would hardly ever meet a sequence.
        raw in proptest::collection::vec(prop_oneof![Just(0xFF_u8), 0xEC_u8..=0xFF, Just(0x2C), any::<u8>()], 0..600),
        cut in 0_usize..600,
        is_line in any::<bool>(),
    ) {
        let line = is_line.then_some(LINE);
        let mut codec = TelnetCodec::new(line);
        let whole = decode(&mut codec, &[&raw]);
        prop_assert!(whole.0.len() <= raw.len());
        prop_assert!(whole.1.len() <= MOST_ANSWERS * 3 + 64);
        prop_assert!(codec.subnegotiation.len() <= SUBNEGOTIATION_MAX + 1);
        let (first, second) = raw.split_at(cut.min(raw.len()));
        prop_assert_eq!(decode(&mut TelnetCodec::new(line), &[first, second]), whole);
    }
}
