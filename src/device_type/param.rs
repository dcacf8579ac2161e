//! What a device type or an action says about one of its parameters: kind, range, default.
//!
//! The same declaration serves `params` in the inventory and `--arg` on the command line, so a value is read from text
//! here whichever way it came; what is written as a TOML integer or switch arrives as its text.

use std::fmt;
use std::sync::Arc;

use super::format::Format;
use crate::model::{ParamValue, Secret};

/// A declared parameter.
#[derive(Debug, Clone)]
pub struct ParamSpec {
    /// `set_id`.
    pub name: Arc<str>,
    /// What values it takes.
    pub kind: ParamKind,
    /// The value where none is given; without one it must be given where it is used.
    pub default: Option<ParamValue>,
    /// How it is written on the wire where a template names no format.
    pub wire: Option<Format>,
}

/// What values a parameter takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamKind {
    /// An integer from `min` to `max` in steps of `step` from `min`.
    Int {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
        /// 1 where every integer fits.
        step: i64,
    },
    /// true or false.
    Bool,
    /// A text of at most `max_len` bytes.
    Text {
        /// In bytes.
        max_len: usize,
    },
    /// Exactly `len` bytes, written in hex.
    Bytes {
        /// How many.
        len: usize,
    },
    /// One of these words, each with what goes over the wire for it.
    Choice {
        /// Word and wire text.
        values: Vec<(Arc<str>, Arc<str>)>,
    },
    /// A password of at most `max_len` bytes.
    Secret {
        /// In bytes.
        max_len: usize,
    },
}

impl ParamSpec {
    /// Reads a value of this parameter from the text a user wrote.
    ///
    /// # Errors
    /// A sentence fragment that says what would be right; it never repeats a secret.
    pub fn read(&self, text: &str) -> Result<ParamValue, String> {
        match &self.kind {
            ParamKind::Int { min, max, step } => match text.trim().parse::<i64>() {
                Ok(value) if (*min..=*max).contains(&value) && value.abs_diff(*min) % step.unsigned_abs() == 0 => {
                    Ok(ParamValue::Int(value))
                }
                _ if *step == 1 => Err(format!("must be an integer from {min} to {max}, not `{text}`")),
                _ => Err(format!("must be an integer from {min} to {max} in steps of {step}, not `{text}`")),
            },
            ParamKind::Bool => match text.trim() {
                "true" => Ok(ParamValue::Bool(true)),
                "false" => Ok(ParamValue::Bool(false)),
                _ => Err(format!("must be true or false, not `{text}`")),
            },
            ParamKind::Text { max_len } if text.len() <= *max_len => Ok(ParamValue::Text(text.into())),
            ParamKind::Text { max_len } => Err(format!("is {} bytes long, at most {max_len} fit", text.len())),
            ParamKind::Bytes { len } => match read_hex(text) {
                Some(bytes) if bytes.len() == *len => Ok(ParamValue::Bytes(bytes.into())),
                _ => {
                    let noun = if *len == 1 { "byte" } else { "bytes" };
                    Err(format!("must be {len} {noun} in hex such as `{}`, not `{text}`", vec!["0f"; *len].join(" ")))
                }
            },
            ParamKind::Choice { values } => match values.iter().find(|(word, _)| &**word == text) {
                Some((word, _)) => Ok(ParamValue::Choice(word.clone())),
                None => {
                    let words: Vec<&str> = values.iter().map(|(word, _)| &**word).collect();
                    Err(format!("must be one of {}, not `{text}`", words.join(", ")))
                }
            },
            ParamKind::Secret { .. } if text.is_empty() => {
                Err("is empty: leave the parameter out where the device asks for none".to_owned())
            }
            ParamKind::Secret { max_len } if text.len() <= *max_len => {
                Ok(ParamValue::Secret(Secret::new(text.to_owned())))
            }
            ParamKind::Secret { max_len } => Err(format!("is {} bytes long, at most {max_len} fit", text.len())),
        }
    }
}

impl fmt::Display for ParamKind {
    /// What values it takes, in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int { min, max, step: 1 } => write!(f, "integer from {min} to {max}"),
            Self::Int { min, max, step } => write!(f, "integer from {min} to {max} in steps of {step}"),
            Self::Bool => f.write_str("true or false"),
            Self::Text { max_len } => write!(f, "text of at most {max_len} bytes"),
            Self::Bytes { len: 1 } => f.write_str("1 byte in hex"),
            Self::Bytes { len } => write!(f, "{len} bytes in hex"),
            Self::Choice { values } => {
                f.write_str("one of ")?;
                for (index, (word, _)) in values.iter().enumerate() {
                    write!(f, "{}{word}", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::Secret { max_len } => write!(f, "secret of at most {max_len} bytes"),
        }
    }
}

fn read_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| u8::try_from(pair.iter().fold(0, |all, digit| all * 16 + digit)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: ParamKind, text: &str) -> Result<ParamValue, String> {
        ParamSpec { name: "x".into(), kind, default: None, wire: None }.read(text)
    }

    #[test]
    fn a_value_fits_its_declaration_or_says_what_would() {
        let int = ParamKind::Int { min: 100, max: 25_500, step: 100 };
        assert_eq!(read(int.clone(), "300"), Ok(ParamValue::Int(300)));
        assert_eq!(read(int, "250"), Err("must be an integer from 100 to 25500 in steps of 100, not `250`".to_owned()));
        assert_eq!(read(ParamKind::Bool, "yes"), Err("must be true or false, not `yes`".to_owned()));
        assert_eq!(read(ParamKind::Bytes { len: 2 }, "FF 0f"), Ok(ParamValue::Bytes([0xff, 0x0f].as_slice().into())));
        assert_eq!(
            read(ParamKind::Bytes { len: 2 }, "ff"),
            Err("must be 2 bytes in hex such as `0f 0f`, not `ff`".to_owned())
        );
        assert_eq!(
            read(ParamKind::Bytes { len: 1 }, "ffff"),
            Err("must be 1 byte in hex such as `0f`, not `ffff`".to_owned())
        );
        let choice = ParamKind::Choice { values: vec![("hdmi1".into(), "90".into()), ("hdmi2".into(), "91".into())] };
        assert_eq!(read(choice.clone(), "hdmi2"), Ok(ParamValue::Choice("hdmi2".into())));
        assert_eq!(read(choice, "vga"), Err("must be one of hdmi1, hdmi2, not `vga`".to_owned()));
        let long = read(ParamKind::Secret { max_len: 3 }, "apple").unwrap_err();
        assert!(!long.contains("apple"), "{long}");
        let empty = read(ParamKind::Secret { max_len: 3 }, "").unwrap_err();
        assert!(empty.starts_with("is empty"), "{empty}");
    }
}
