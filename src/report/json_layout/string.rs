//! A text as a JSON string that is safe on a terminal.
//!
//! Most texts need no escape: that is found out with one look over their bytes, and then they are copied whole.

use crate::model::escape::{is_plain, steers};

/// Appends `text` in quotes.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_within(out, text);
    out.push(b'"');
}

/// Appends `text` as it stands between quotes.
pub(super) fn push_within(out: &mut Vec<u8>, text: &str) {
    if is_plain(text) {
        out.extend_from_slice(text.as_bytes());
    } else {
        push_escaped(out, text);
    }
}

fn push_escaped(out: &mut Vec<u8>, text: &str) {
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            ' '..='~' => out.push(u8::try_from(c).unwrap_or(b'?')),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\r' => out.extend_from_slice(b"\\r"),
            // Every other control character, and what changes the direction of text.
            _ if steers(c) => push_unicode(out, c),
            _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// `\u001b`; the characters that steer are all below U+10000, so one escape is enough.
fn push_unicode(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        let digit = (u32::from(c) >> shift) & 15;
        out.push(char::from_digit(digit, 16).map_or(b'0', |digit| digit as u8));
    }
}
