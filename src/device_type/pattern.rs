//! Patterns take bytes apart: regular expressions in text types, hex texts in binary ones, `20 {relay} ??`.

use super::format::{Field, Format};
use super::hex::{HexWord, words};
use super::template::TemplateError;
use crate::codec::BytePattern;

/// A pattern of a type file.
#[derive(Debug)]
pub enum Pattern {
    /// A regular expression, found anywhere.
    Text(BytePattern),
    /// Hex, the whole input.
    Hex(HexPattern),
}

/// A pattern of a binary type: it matches the whole input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HexPattern {
    parts: Box<[HexPart]>,
    /// The name of all the rest, where it ends so.
    rest: Option<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HexPart {
    /// One byte of a range.
    Byte(u8, u8),
    /// A named piece of fixed length.
    Named { name: Box<str>, len: usize, format: Format },
}

impl HexPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// At the first thing that is none of its words.
    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = None;
        for (at, word) in words(text)? {
            let error = |len, message| TemplateError { at, len, message, help: None };
            if rest.is_some() {
                return Err(error(1, "nothing can follow `{name*}`, which takes all the rest".to_owned()));
            }
            parts.push(match word {
                HexWord::Byte(byte) => HexPart::Byte(byte, byte),
                HexWord::Any => HexPart::Byte(0, 0xff),
                HexWord::Range(low, high) => HexPart::Byte(low, high),
                HexWord::Braces(inside) => {
                    let len = inside.len() + 2;
                    let (name, format) = inside.split_once(':').unwrap_or((inside, "u8"));
                    let bare = name.strip_suffix('*').unwrap_or(name);
                    let fits = bare.starts_with(|c: char| c.is_ascii_lowercase())
                        && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                    if !fits {
                        return Err(error(len, format!("`{bare}` is no name of a field")));
                    }
                    if bare != name {
                        rest = Some(bare.into());
                        continue;
                    }
                    match Format::parse(format).map_err(|message| error(len, message))? {
                        format @ Format::Bytes { len, .. } => HexPart::Named { name: name.into(), len, format },
                        other => return Err(error(len, format!("`{other}` has no fixed number of bytes"))),
                    }
                }
            });
        }
        Ok(Self { parts: parts.into(), rest })
    }

    fn fields<'p, 'b>(&'p self, mut bytes: &'b [u8]) -> Option<Vec<Field<'p>>>
    where
        'b: 'p,
    {
        let mut fields = Vec::new();
        for part in &self.parts {
            match part {
                HexPart::Byte(low, high) => {
                    let (byte, after) = bytes.split_first()?;
                    if !(low..=high).contains(&byte) {
                        return None;
                    }
                    bytes = after;
                }
                HexPart::Named { name, len, format } => {
                    let (piece, after) = bytes.split_at_checked(*len)?;
                    fields.push(Field { name, bytes: piece, format: format.clone() });
                    bytes = after;
                }
            }
        }
        match &self.rest {
            Some(name) => fields.push(Field { name, bytes, format: Format::Ascii }),
            None if !bytes.is_empty() => return None,
            None => {}
        }
        Some(fields)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let named = self.parts.iter().filter_map(|part| match part {
            HexPart::Byte(..) => None,
            HexPart::Named { name, .. } => Some(&**name),
        });
        named.chain(self.rest.as_deref())
    }
}

impl Pattern {
    /// Whether it matches.
    pub fn is_match(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Text(regex) => regex.is_match(bytes),
            Self::Hex(hex) => hex.fields(bytes).is_some(),
        }
    }

    /// The names of its pieces.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let (text, hex) = match self {
            Self::Text(regex) => (Some(regex.names()), None),
            Self::Hex(hex) => (None, Some(hex.names())),
        };
        text.into_iter().flatten().chain(hex.into_iter().flatten())
    }

    /// The regular expression that it is.
    pub(super) fn text(&self) -> Option<&BytePattern> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The named pieces that take part in a match; `None` when nothing matches.
    pub(super) fn fields<'b>(&'b self, bytes: &'b [u8]) -> Option<Vec<Field<'b>>> {
        match self {
            Self::Text(regex) => Some(regex.pieces(bytes)?.map(|(name, piece)| Field::text(name, piece)).collect()),
            Self::Hex(hex) => hex.fields(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pattern: &str, bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
        let pattern = Pattern::Hex(HexPattern::parse(pattern).unwrap());
        let own = |field: &Field<'_>| (field.name.to_owned(), field.bytes.to_vec());
        Some(pattern.fields(bytes)?.iter().map(own).collect())
    }

    #[test]
    fn a_hex_pattern_matches_the_whole_input() {
        let one = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
        for (pattern, bytes, found) in [
            ("20 {relay} ??", &[0x20, 3, 9][..], Some(vec![one("relay", &[3])])),
            ("20 {relay} ??", &[0x20, 3], None),
            ("20 {relay} ??", &[0x20, 3, 9, 9], None),
            ("[64-73] 00", &[0x73, 0], Some(vec![])),
            ("[64-73] 00", &[0x74, 0], None),
            ("43 {size:u32le}", &[0x43, 1, 0, 0, 0], Some(vec![one("size", &[1, 0, 0, 0])])),
            ("79 {given*}", &[0x79, 1, 2], Some(vec![one("given", &[1, 2])])),
            ("79 {given*}", &[0x79], Some(vec![one("given", &[])])),
            ("", &[], Some(vec![])),
        ] {
            assert_eq!(fields(pattern, bytes), found, "{pattern} {bytes:?}");
        }
    }

    #[test]
    fn what_is_no_hex_pattern_says_why() {
        for (text, message) in [
            ("20 {x*} 00", "nothing can follow `{name*}`, which takes all the rest"),
            ("{1}", "`1` is no name of a field"),
            ("{x:dec}", "`dec` has no fixed number of bytes"),
            ("{x:ascii}", "`ascii` has no fixed number of bytes"),
            ("2", "`2` is no byte in hex"),
        ] {
            assert_eq!(HexPattern::parse(text).unwrap_err().message, message, "{text}");
        }
    }
}
