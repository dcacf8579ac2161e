//! Bytes for people: text with escapes, or hex where the device's language is binary.

use crate::model::Payload;
use crate::model::escape::{hex, shown};

/// A text of fewer bytes may be chance among the bytes of a binary language.
const TEXT_MIN: usize = 4;

/// What came. A text is shown as one whatever the language: gateways and other services speak in words.
pub(super) fn readable(bytes: &[u8], is_text: bool) -> String {
    let is_word = |byte: &u8| matches!(byte, 0x20..=0x7e | b'\r' | b'\n' | b'\t');
    if is_text || (bytes.len() >= TEXT_MIN && bytes.iter().all(is_word)) { shown(bytes) } else { hex(bytes) }
}

/// What is written; a secret in it is `‹secret›`.
pub(super) fn written(payload: &Payload, is_text: bool) -> String {
    match (is_text, payload.has_secret()) {
        (true, _) => payload.shown(),
        (false, false) => payload.shown_hex(),
        (false, true) => format!("{} ‹secret›", payload.shown_hex()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PayloadBuilder;

    #[test]
    fn a_binary_language_is_shown_in_hex_but_words_stay_words() {
        for (bytes, is_text, text) in [
            (&b"$"[..], true, "$"),
            (b"$", false, "24"),
            (b"\x13\x01\x06", false, "13 01 06"),
            (b"Port already in use\r\n", false, "Port already in use\\r\\n"),
            (b"\x00", true, "\\0"),
        ] {
            assert_eq!(readable(bytes, is_text), text);
        }
    }

    #[test]
    fn a_secret_is_shown_in_no_language() {
        let mut payload = PayloadBuilder::default();
        payload.push(b"\x79");
        payload.push_secret(b"apple");
        let payload = payload.finish();
        assert_eq!(written(&payload, false), "79 ‹secret›");
        assert!(!written(&payload, true).contains("apple"));
    }
}
