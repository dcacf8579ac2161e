//! Templates make bytes: text with the escapes of `--cmd`, and holes that fields fill, `ka {set_id} 01\r`.
//!
//! Read once, filled in per device. A brace itself is written `\x7b`. In `--cmd` a hole holds only a name; in a type
//! file it may say a format, `{level:hex2}`. Hex templates of binary types are to be read into the same pieces.

use std::sync::Arc;

use super::format::Format;
use crate::diagnostic::nearest;
use crate::model::escape;

/// A text with holes, read and ready to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Box<[Piece]>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Literal(Box<[u8]>),
    /// The value of a field.
    Hole {
        /// Its name.
        name: Arc<str>,
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
    /// Whether a format may follow the name.
    pub(super) formats: bool,
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// At the first wrong escape, hole or name.
    pub(super) fn parse(text: &str, holes: Holes<'_>) -> Result<Self, TemplateError> {
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
        Ok(Self { pieces: pieces.into() })
    }

    /// The parts, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The names in its holes, in order, with repetitions.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Hole { name, .. } => Some(name),
            Piece::Literal(_) => None,
        })
    }

    /// The bytes, when each hole is filled with what `value` gives for its name, or with nothing.
    pub(super) fn fill<'v>(&self, mut value: impl FnMut(&str) -> Option<&'v [u8]>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => bytes.extend_from_slice(literal),
                Piece::Hole { name, .. } => bytes.extend_from_slice(value(name).unwrap_or_default()),
            }
        }
        bytes
    }
}

fn hole(inside: &str, at: usize, holes: Holes<'_>) -> Result<Piece, TemplateError> {
    let error = |message, help| TemplateError { at, len: inside.len() + 2, message, help };
    let what = holes.what;
    let (name, format) = match inside.split_once(':') {
        Some((name, format)) if holes.formats => {
            (name, Some(Format::parse(format).map_err(|message| error(message, None))?))
        }
        _ => (inside, None),
    };
    if !holes.known.contains(&name) {
        let help = match nearest(name, holes.known.iter().copied()) {
            Some(near) => format!("did you mean `{{{near}}}`?"),
            None if holes.known.is_empty() => format!("there is no {what} here; a brace itself is written `\\x7b`"),
            None => format!("known here: {}; a brace itself is written `\\x7b`", holes.known.join(", ")),
        };
        return Err(error(format!("there is no {what} `{name}`"), Some(help)));
    }
    Ok(Piece::Hole { name: name.into(), format })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLES: Holes<'_> = Holes { known: &["set_id", "level"], what: "parameter", formats: false };

    #[test]
    fn a_template_is_text_escapes_and_holes() {
        let read = Template::parse(r"ka {set_id} \x7b\r}", HOLES).unwrap();
        assert_eq!(
            read.pieces(),
            [
                Piece::Literal(b"ka ".as_slice().into()),
                Piece::Hole { name: "set_id".into(), format: None },
                Piece::Literal(b" {\r}".as_slice().into()),
            ]
        );
        let with_format = Template::parse("{level:hex2}", Holes { formats: true, ..HOLES }).unwrap();
        assert_eq!(
            with_format.pieces(),
            [Piece::Hole { name: "level".into(), format: Some(Format::parse("hex2").unwrap()) }]
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
