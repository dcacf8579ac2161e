//! Replies of the built-in types: whatever bytes come, the frames are those of any cut, and the verdict is what a second
//! reading of the frame says that the maker's sheet knows (`said.rs`). The first byte chooses the command.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use fleetctl::codec::Frame;
use fleetctl::device_type::{Catalog, CommandSource, Request, Verdict};
use fleetctl::diagnostic::{Diagnostics, Sources};
use fleetctl::model::{ParamValue, Params};

use super::stream::read;

/// What a frame says, read a second time; `None` where the second reading has no opinion.
type Said = fn(&str, &[u8]) -> Option<Kind>;

/// A verdict without its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ok,
    Refused,
    Busy,
    Stray,
    Malformed,
}

/// A command that was sent, and what it waits for.
struct Asked {
    text: &'static str,
    request: Request,
    params: Params,
}

pub(super) static BUILT_IN: LazyLock<Catalog> = LazyLock::new(|| {
    let mut found = Diagnostics::default();
    let catalog = Catalog::load(&[] as &[&str], &mut Sources::default(), &mut found);
    assert!(!found.has_errors(), "the built-in types have mistakes");
    catalog
});

fn asked(name: &str, params: &[(&str, ParamValue)], commands: &[&'static str]) -> Vec<Asked> {
    let params: Params = params.iter().map(|(name, value)| (Arc::from(*name), value.clone())).collect();
    let device_type = BUILT_IN.get(name).unwrap().effective(&params);
    let ask = |text: &'static str| {
        let source = CommandSource::Raw(device_type.template(text).unwrap());
        let body = device_type.body(&source, &params).unwrap();
        Asked { text, request: device_type.request(&source, body, false).unwrap(), params: params.clone() }
    };
    commands.iter().map(|text| ask(text)).collect()
}

fn judge(asked: &[Asked], data: &[u8], said: Said) {
    let Some((&choice, stream)) = data.split_first() else { return };
    let Some(asked) = asked.get(usize::from(choice) % asked.len()) else { return };
    let Some(framing) = asked.request.framing() else { panic!("{} waits for a reply", asked.text) };
    for bytes in read(framing, stream).frames {
        let frame = Frame { bytes: Bytes::from(bytes) };
        let verdict = asked.request.judge(&frame, &asked.params);
        assert_eq!(asked.request.judge(&frame, &asked.params), verdict, "asked twice: {frame:?}");
        let kind = match verdict {
            Verdict::Ok { .. } => Kind::Ok,
            Verdict::Refused { .. } => Kind::Refused,
            Verdict::Busy { .. } => Kind::Busy,
            Verdict::Stray => Kind::Stray,
            Verdict::Malformed { .. } => Kind::Malformed,
            Verdict::Auth { .. } | Verdict::TooLong { .. } => panic!("{frame:?} is {verdict:?}"),
        };
        if let Some(wanted) = said(asked.text, &frame.bytes) {
            assert_eq!(kind, wanted, "{frame:?} for `{}`: {verdict:?}", asked.text);
        }
    }
}

/// LG displays: `a 01 OK01x`.
pub(super) fn lg(data: &[u8]) {
    static ASKED: LazyLock<Vec<Asked>> = LazyLock::new(|| {
        asked("lg-rs232", &[("set_id", ParamValue::Int(10))], &["ka 0a 01", "ka 0a ff", "kf 0a 1e", "dx 0a ff"])
    });
    judge(&ASKED, data, |command, frame| Some(said_by_display(command, frame)));
}

/// Letter, blanks, set ID in hex, blanks, `OK` or `NG`, data, `x`.
fn said_by_display(command: &str, frame: &[u8]) -> Kind {
    let text = std::str::from_utf8(frame).unwrap();
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let &[letter, id, answer] = words.as_slice() else { panic!("{text} has {} words", words.len()) };
    let sent = command.split(' ').next_back().unwrap();
    let is_ours = Some(letter) == command.get(1..2) && u32::from_str_radix(id, 16) == Ok(10);
    let data = answer.get(2..).unwrap().strip_suffix('x').unwrap();
    assert!(!data.contains('x'), "{text} goes on after its end");
    if !is_ours {
        return Kind::Stray;
    }
    match answer.get(..2) {
        Some("NG") if data == "03" => Kind::Busy,
        Some("NG") => Kind::Refused,
        // A set command is acknowledged with the value that was sent; a question with any.
        _ if sent == "ff" => Kind::Ok,
        _ if number(data).is_some_and(|value| Some(value) == number(sent)) => Kind::Ok,
        _ => Kind::Stray,
    }
}

/// A number in hex digits, however many zeros it begins with.
fn number(digits: &str) -> Option<&str> {
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bare = digits.trim_start_matches('0');
    is_hex.then_some(bare)
}

/// `ESC command CR`: a text up to NUL or the close.
pub(super) fn esc_cr(data: &[u8]) {
    static ASKED: LazyLock<Vec<Asked>> = LazyLock::new(|| asked("esc-cr", &[], &["status"]));
    judge(&ASKED, data, |_, frame| {
        let end = frame.iter().position(|byte| *byte == 0);
        assert!(end.is_none_or(|end| end + 1 == frame.len()), "{}", frame.escape_ascii());
        Some(Kind::Ok)
    });
}

/// Devantech boards: one byte, or as many as the question asks for.
pub(super) fn devantech(data: &[u8]) {
    static ASKED: LazyLock<Vec<Asked>> = LazyLock::new(|| {
        asked("devantech-eth008", &[("relay", ParamValue::Int(3))], &["20 03 00", "20 03 05", "24", "10", "78"])
    });
    judge(&ASKED, data, |command, frame| {
        Some(match (command, frame) {
            ("20 03 00" | "20 03 05", [0]) => Kind::Ok,
            ("20 03 00" | "20 03 05", [1]) => Kind::Refused,
            ("20 03 00" | "20 03 05", [_]) => Kind::Malformed,
            ("24" | "78", [_]) | ("10", [_, _, _]) => Kind::Ok,
            _ => panic!("{frame:?} is no reply to {command}"),
        })
    });
}

/// NCD boards: `AA length body sum`.
pub(super) fn ncd(data: &[u8]) {
    static ASKED: LazyLock<Vec<Asked>> =
        LazyLock::new(|| asked("ncd-proxr", &[("relay", ParamValue::Int(1))], &["FE 6C 01", "FE 21", "FE 74 01"]));
    judge(&ASKED, data, |command, frame| {
        let [0xAA, len, body @ .., sum] = frame else { panic!("{frame:?} is no packet") };
        assert_eq!(usize::from(*len), body.len(), "{frame:?}");
        let before = frame.iter().take(frame.len() - 1);
        assert_eq!(before.fold(0_u8, |sum, byte| sum.wrapping_add(*byte)), *sum, "{frame:?}");
        Some(match body {
            // Events of the board come between; a question's own answer is one byte.
            [0xAB, _, ..] if command != "FE 74 01" || body.len() > 2 => Kind::Stray,
            [0x55] if command != "FE 74 01" => Kind::Ok,
            [0x56] if command != "FE 74 01" => Kind::Refused,
            _ => return None,
        })
    });
}

/// Smart-home hubs: a command word and a length, 32 bits each, least byte first.
pub(super) fn hub(data: &[u8]) {
    static ASKED: LazyLock<Vec<Asked>> = LazyLock::new(|| asked("smart-home-hub", &[], &["4C 00 00 00"]));
    judge(&ASKED, data, |_, frame| match frame {
        [0x43, 0, 0, 0, _, _, _, _] => None,
        [_, _, _, _, _, _, _, _] => Some(Kind::Refused),
        _ => panic!("{frame:?} has not eight bytes"),
    });
}
