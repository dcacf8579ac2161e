//! Templates make bytes: text with the escapes of `--cmd`, or hex, and holes that fields fill, `ka {set_id} 01\r`.
//!
//! Read once, filled in per device. A brace itself is written `\x7b`. In `--cmd` a hole holds only a name; in a type
//! file an expression, and it may say a format: `{level:hex2}`, `{0x20 + inverted}`.

use std::borrow::Cow;
use std::sync::Arc;

use super::expression::{EvaluationError, Expression, Operand};
use super::format::Format;
use super::hex::{HexWord, words};
use crate::diagnostic::nearest;
use crate::model::escape;

/// A text with holes, read and ready to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Box<[Piece]>,
    is_text: bool,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Literal(Box<[u8]>),
    /// The value of an expression, most often of a field.
    Hole {
        /// The field, or what is computed of fields.
        value: Expression,
        /// How it stands in the template, for messages.
        text: Arc<str>,
        /// How it is written; as its declaration says where the template says nothing.
        format: Option<Format>,
    },
}

/// What is wrong with the text of a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// Byte offset in the text.
    pub at: usize,
    /// How many bytes of the text are meant.
    pub len: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

/// What a hole may hold.
#[derive(Clone, Copy)]
pub(super) struct Holes<'a> {
    /// The names that there are.
    pub(super) known: &'a [&'a str],
    /// What they are, for messages: "parameter".
    pub(super) what: &'a str,
    /// Whether an expression may stand there and a format may follow it.
    pub(super) formats: bool,
    /// Whether the template is text with escapes, not hex.
    pub(super) is_text: bool,
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// At the first wrong escape, hole or name.
    pub(super) fn parse(text: &str, holes: Holes<'_>) -> Result<Self, TemplateError> {
        if !holes.is_text {
            return Self::parse_hex(text, holes);
        }
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        let mut at = 0;
        while let Some(&byte) = text.as_bytes().get(at) {
            match byte {
                b'\\' => {
                    let (byte, len) = escape::read_escape(text, at).map_err(|error| TemplateError {
                        at: error.at,
                        len: error.found.len(),
                        message: error.to_string(),
                        help: None,
                    })?;
                    literal.push(byte);
                    at += len;
                }
                b'{' => {
                    let rest = text.get(at + 1..).unwrap_or_default();
                    let Some((inside, _)) = rest.split_once('}') else {
                        return Err(TemplateError {
                            at,
                            len: text.len() - at,
                            message: "this brace is never closed".to_owned(),
                            help: Some("a brace that is meant as such is written `\\x7b`".to_owned()),
                        });
                    };
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal).into()));
                    }
                    pieces.push(hole(inside, at, holes)?);
                    at += inside.len() + 2;
                }
                _ => {
                    literal.push(byte);
                    at += 1;
                }
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.into()));
        }
        Ok(Self { pieces: pieces.into(), is_text: true })
    }

    fn parse_hex(text: &str, holes: Holes<'_>) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        for (at, word) in words(text)? {
            let inside = match word {
                HexWord::Byte(byte) => {
                    literal.push(byte);
                    continue;
                }
                HexWord::Braces(inside) => inside,
                HexWord::Any | HexWord::Range(..) => {
                    let message = "`??` and ranges take bytes apart; here bytes are made".to_owned();
                    return Err(TemplateError { at, len: 1, message, help: None });
                }
            };
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal).into()));
            }
            pieces.push(hole(inside, at, holes)?);
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.into()));
        }
        Ok(Self { pieces: pieces.into(), is_text: false })
    }

    /// The parts, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The bytes, when each name is filled with what `value` gives for it, or with nothing.
    ///
    /// # Errors
    /// When something that is computed has no value, or a value does not fit.
    pub(super) fn fill<'v>(&self, value: &dyn Fn(&str) -> Option<Operand<'v>>) -> Result<Vec<u8>, FillError> {
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => bytes.extend_from_slice(literal),
                Piece::Hole { value: expression, format, .. } => {
                    let found = match expression.as_name() {
                        Some(name) => value(name).unwrap_or(Operand::Bytes(Cow::Borrowed(&[]))),
                        None => expression.evaluate(value)?,
                    };
                    match (format, found) {
                        (None, Operand::Bytes(found) | Operand::Text(found)) => bytes.extend_from_slice(&found),
                        (Some(Format::Ascii | Format::Text), Operand::Bytes(found) | Operand::Text(found)) => {
                            bytes.extend_from_slice(&found);
                        }
                        (format, found) => {
                            let plain = if self.is_text { Format::Text } else { Format::U8 };
                            let format = format.as_ref().unwrap_or(&plain);
                            let number = found.number().ok_or_else(|| FillError("this is no number".to_owned()))?;
                            let width = |name: &Arc<str>| Err(format!("`{name}` is no width here"));
                            bytes.extend_from_slice(&format.write(number, width).map_err(FillError)?);
                        }
                    }
                }
            }
        }
        Ok(bytes)
    }
}

/// Why a template makes no bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct FillError(String);

impl From<EvaluationError> for FillError {
    fn from(error: EvaluationError) -> Self {
        Self(error.to_string())
    }
}

fn hole(inside: &str, at: usize, holes: Holes<'_>) -> Result<Piece, TemplateError> {
    let error = |message, help| TemplateError { at, len: inside.len() + 2, message, help };
    let (text, format) = match inside.split_once(':') {
        Some((text, format)) if holes.formats => {
            (text, Some(Format::parse(format).map_err(|message| error(message, None))?))
        }
        _ => (inside, None),
    };
    let expression = match text {
        name if holes.known.contains(&name) => Expression::name(name),
        _ if holes.formats => Expression::parse(text).map_err(|wrong| {
            let TemplateError { message, help, .. } = unknown(text, at, inside, holes);
            if wrong.at == 0 || is_name(text) { error(message, help) } else { error(wrong.message, None) }
        })?,
        _ => return Err(unknown(text, at, inside, holes)),
    };
    match expression.names().into_iter().find(|name| !holes.known.contains(&&***name)) {
        Some(name) => Err(unknown(name, at, inside, holes)),
        None => Ok(Piece::Hole { value: expression, text: text.into(), format }),
    }
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// A name that there is none of.
fn unknown(name: &str, at: usize, inside: &str, holes: Holes<'_>) -> TemplateError {
    let what = holes.what;
    let literal = if holes.is_text { "; a brace itself is written `\\x7b`" } else { "" };
    let help = match nearest(name, holes.known.iter().copied()) {
        Some(near) => format!("did you mean `{{{near}}}`?"),
        None if holes.known.is_empty() => format!("there is no {what} here{literal}"),
        None => format!("known here: {}{literal}", holes.known.join(", ")),
    };
    TemplateError { at, len: inside.len() + 2, message: format!("there is no {what} `{name}`"), help: Some(help) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLES: Holes<'_> = Holes { known: &["set_id", "level"], what: "parameter", formats: false, is_text: true };

    #[test]
    fn a_template_is_text_escapes_and_holes() {
        let read = Template::parse(r"ka {set_id} \x7b\r}", HOLES).unwrap();
        assert_eq!(
            read.pieces(),
            [
                Piece::Literal(b"ka ".as_slice().into()),
                Piece::Hole { value: Expression::name("set_id"), text: "set_id".into(), format: None },
                Piece::Literal(b" {\r}".as_slice().into()),
            ]
        );
        let with_format = Template::parse("{level:hex2}", Holes { formats: true, ..HOLES }).unwrap();
        assert_eq!(
            with_format.pieces(),
            [Piece::Hole {
                value: Expression::name("level"),
                text: "level".into(),
                format: Some(Format::parse("hex2").unwrap()),
            }]
        );
    }

    #[test]
    fn a_mistake_in_a_template_has_its_place_and_its_cure() {
        for (text, at, len, message, help) in [
            ("ka {setid} 01", 3, 7, "there is no parameter `setid`", "did you mean `{set_id}`?"),
            ("ka {set_id", 3, 7, "this brace is never closed", "a brace that is meant as such is written `\\x7b`"),
            (
                "{colour}",
                0,
                8,
                "there is no parameter `colour`",
                "known here: set_id, level; a brace itself is written `\\x7b`",
            ),
            (
                "{set_id:hex2}",
                0,
                13,
                "there is no parameter `set_id:hex2`",
                "known here: set_id, level; a brace itself is written `\\x7b`",
            ),
        ] {
            let error = Template::parse(text, HOLES).unwrap_err();
            assert_eq!((error.at, error.len, &*error.message), (at, len, message), "{text}");
            assert_eq!(error.help.as_deref(), Some(help), "{text}");
        }
        assert_eq!(Template::parse(r"ka\q", HOLES).unwrap_err().at, 2);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "(\\PC|[{}:\\\\rx7b])*") {
            _ = Template::parse(&text, Holes { formats: true, ..HOLES });
        }
    }
}
