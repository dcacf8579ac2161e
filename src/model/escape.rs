//! Bytes as people write and read them: printable ASCII as it is, everything else as an escape.
//!
//! The same form stands in `--cmd`, in reports and in type files, so what a report shows can be pasted into a command.
//! What comes out is safe on a terminal: no control byte, no byte above 0x7E survives.

use std::fmt::Write as _;

/// Appends `bytes` as text with escapes: `\r \n \t \0 \\`, other unprintable bytes as `\xNN`.
pub fn push_shown(text: &mut String, bytes: &[u8]) {
    for &byte in bytes {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            0 => text.push_str("\\0"),
            b'\\' => text.push_str("\\\\"),
            0x20..=0x7e => text.push(char::from(byte)),
            _ => push_format(text, format_args!("\\x{byte:02x}")),
        }
    }
}

/// `bytes` as text with escapes.
pub fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    push_shown(&mut text, bytes);
    text
}

/// Appends `bytes` as two lower-case hex digits each, with spaces between.
pub fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push(hex_digit(byte >> 4));
        text.push(hex_digit(byte & 15));
    }
}

/// The lower-case digit of a number below 16.
fn hex_digit(number: u8) -> char {
    char::from(if number < 10 { b'0' + number } else { b'a' - 10 + number })
}

/// `bytes` as two lower-case hex digits each, with spaces between.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    push_hex(&mut text, bytes);
    text
}

fn push_format(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    _ = text.write_fmt(arguments);
}

/// Whether a character steers a terminal instead of standing on it: control characters, line separators, and those that
/// change the direction of text.
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a text is printable ASCII without quotes and backslashes: it stands as it is in JSON, CSV and on a terminal.
pub fn is_plain(text: &str) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH_BITS: u64 = ONES << 7;
    // Eight bytes at a time, for a report asks this of every text in it: the high bit of a byte is set when it is less
    // than the limit, or equal to the one looked for. A borrow from the byte below can set it too, but only where that
    // byte has been found already.
    let less = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let equal = |word: u64, byte: u8| less(word ^ (ONES * u64::from(byte)), 1);
    let finds_none = |word: u64| {
        let found = word | less(word, b' ') | equal(word, b'"') | equal(word, b'\\') | equal(word, 0x7f);
        found & HIGH_BITS == 0
    };
    let bytes = text.as_bytes();
    match bytes.last_chunk() {
        // The last eight are looked at whole, though some of them may have been before.
        Some(last) => {
            let (chunks, _) = bytes.as_chunks();
            finds_none(u64::from_le_bytes(*last)) && chunks.iter().all(|chunk| finds_none(u64::from_le_bytes(*chunk)))
        }
        None => bytes.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')),
    }
}

/// A piece of foreign text (a name, a message of the system) made safe for a terminal: control characters and those
/// that change the direction of text become `\u{…}`; everything else, accents included, stays.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// A wrong escape in a text that a user wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no escape: use \\r \\n \\t \\0 \\\\ or \\xNN with two hex digits")]
pub struct EscapeError {
    /// Byte offset of the backslash.
    pub at: usize,
    /// The escape as it was written.
    pub found: String,
}

/// Reads the escape that starts with the backslash at byte `at` of `text`; gives the byte and the escape's length.
///
/// # Errors
/// When what follows the backslash is no escape.
pub fn read_escape(text: &str, at: usize) -> Result<(u8, usize), EscapeError> {
    let rest = text.as_bytes().get(at + 1..).unwrap_or_default();
    let simple = match rest.first() {
        Some(b'r') => Some(b'\r'),
        Some(b'n') => Some(b'\n'),
        Some(b't') => Some(b'\t'),
        Some(b'0') => Some(0),
        Some(b'\\') => Some(b'\\'),
        _ => None,
    };
    if let Some(byte) = simple {
        return Ok((byte, 2));
    }
    if let [b'x', high, low, ..] = rest
        && let (Some(high), Some(low)) = (char::from(*high).to_digit(16), char::from(*low).to_digit(16))
        && let Ok(byte) = u8::try_from(high * 16 + low)
    {
        return Ok((byte, 4));
    }
    let shown = if rest.first() == Some(&b'x') { 4 } else { 2 };
    Err(EscapeError {
        at,
        found: text.chars().skip(text.get(..at).map_or(0, |t| t.chars().count())).take(shown).collect(),
    })
}

/// Reads a text with escapes into bytes; characters outside ASCII stand for their UTF-8 bytes.
///
/// # Errors
/// At the first wrong escape.
pub fn parse(text: &str) -> Result<Vec<u8>, EscapeError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.as_bytes().get(at) {
        if byte == b'\\' {
            let (byte, len) = read_escape(text, at)?;
            bytes.push(byte);
            at += len;
        } else {
            bytes.push(byte);
            at += 1;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_shown_can_be_written_again(bytes: Vec<u8>) {
            let text = shown(&bytes);
            proptest::prop_assert!(text.bytes().all(|b| (0x20..=0x7e).contains(&b)));
            proptest::prop_assert_eq!(parse(&text).unwrap(), bytes);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text: String) {
            _ = parse(&text);
        }
    }

    #[test]
    fn a_plain_text_is_known_wherever_the_other_character_stands() {
        let others = (0..=0xff).chain([0x0fff, 0x1_0000]).filter_map(char::from_u32);
        let (plain, other): (Vec<char>, Vec<char>) =
            others.partition(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\'));
        for len in 0..20 {
            for place in 0..=len {
                for (c, is) in plain.iter().map(|c| (c, true)).chain(other.iter().map(|c| (c, false))) {
                    let text = format!("{}{c}{}", "a".repeat(place), "~".repeat(len - place));
                    assert_eq!(is_plain(&text), is, "{text:?}");
                }
            }
        }
        assert!(is_plain(""));
    }

    #[test]
    fn a_wrong_escape_is_named_with_its_place() {
        assert_eq!(parse(r"ka\q 01").unwrap_err(), EscapeError { at: 2, found: r"\q".to_owned() });
        assert_eq!(parse(r"\xg0").unwrap_err().found, r"\xg0");
        assert_eq!(parse("\\").unwrap_err().found, "\\");
        assert_eq!(parse(r"ü\é").unwrap_err(), EscapeError { at: 2, found: r"\é".to_owned() });
    }

    #[test]
    fn bytes_are_shown_as_the_contract_says() {
        assert_eq!(shown(b"ka 01 01\r"), "ka 01 01\\r");
        assert_eq!(shown(b"\x1b[31m\n\0\t\\\xff"), "\\x1b[31m\\n\\0\\t\\\\\\xff");
        assert_eq!(hex(b"ka\r"), "6b 61 0d");
    }

    #[test]
    fn foreign_text_cannot_steer_a_terminal() {
        assert_eq!(printable("tür\u{1b}[2J\u{202e}x"), "tür\\u{1b}[2J\\u{202e}x");
    }
}
