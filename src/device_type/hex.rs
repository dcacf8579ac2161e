//! The words of hex texts: bytes as two digits each, holes in braces, and in patterns `??` and `[64-73]`.

use super::template::TemplateError;

/// A word of a hex text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HexWord<'t> {
    Byte(u8),
    /// What stands between braces.
    Braces(&'t str),
    /// Any byte.
    Any,
    /// Any byte of a range.
    Range(u8, u8),
}

/// Takes a hex text apart; each word with its place.
///
/// # Errors
/// At the first thing that is no word.
pub(super) fn words(text: &str) -> Result<Vec<(usize, HexWord<'_>)>, TemplateError> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let (word, len) = match first {
            '{' => {
                let Some((inside, _)) = rest.get(1..).unwrap_or_default().split_once('}') else {
                    let message = "this brace is never closed".to_owned();
                    return Err(TemplateError { at, len: rest.len(), message, help: None });
                };
                (Some(HexWord::Braces(inside)), inside.len() + 2)
            }
            '?' => (rest.starts_with("??").then_some(HexWord::Any), 2),
            '[' => (range(rest), 7),
            _ => (rest.get(..2).and_then(byte).map(HexWord::Byte), 2),
        };
        let Some(word) = word else {
            let found: String = rest.chars().take_while(|c| !c.is_whitespace()).take(len).collect();
            let message = format!("`{found}` is no byte in hex");
            let help = Some("each byte is two hex digits, such as `21 01 00`".to_owned());
            return Err(TemplateError { at, len: found.len(), message, help });
        };
        words.push((at, word));
        at += len;
    }
    Ok(words)
}

fn byte(digits: &str) -> Option<u8> {
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok())?
}

fn range(text: &str) -> Option<HexWord<'_>> {
    let (low, high) = text.strip_prefix('[')?.split_once(']')?.0.split_once('-')?;
    let (low, high) = (byte(low).filter(|_| low.len() == 2)?, byte(high).filter(|_| high.len() == 2)?);
    (low <= high).then_some(HexWord::Range(low, high))
}

/// A hex text without holes, as bytes.
///
/// # Errors
/// At the first thing that is no byte.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>, TemplateError> {
    let only_bytes = |(at, word)| match word {
        HexWord::Byte(byte) => Ok(byte),
        HexWord::Braces(_) | HexWord::Any | HexWord::Range(..) => Err(TemplateError {
            at,
            len: 1,
            message: "only bytes in hex can stand here".to_owned(),
            help: Some("each byte is two hex digits, such as `21 01 00`".to_owned()),
        }),
    };
    words(text)?.into_iter().map(only_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_may_stand_apart_or_together_and_what_is_none_has_its_place() {
        assert_eq!(bytes("7A 79aF\n00").unwrap(), [0x7a, 0x79, 0xaf, 0]);
        for (text, at, message) in [
            ("21 0", 3, "`0` is no byte in hex"),
            ("21 0g 00", 3, "`0g` is no byte in hex"),
            ("hello", 0, "`he` is no byte in hex"),
            ("+1", 0, "`+1` is no byte in hex"),
            ("ü1", 0, "`ü1` is no byte in hex"),
            ("21 {x", 3, "this brace is never closed"),
            ("21 ?x", 3, "`?x` is no byte in hex"),
            ("[73-64]", 0, "`[73-64]` is no byte in hex"),
            ("[6-73]0", 0, "`[6-73]0` is no byte in hex"),
            ("21 ??", 3, "only bytes in hex can stand here"),
        ] {
            let error = bytes(text).unwrap_err();
            assert_eq!((error.at, &*error.message), (at, message), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "(\\PC|[{}?\\[\\]0-9a-f -])*") {
            _ = words(&text);
        }
    }
}
