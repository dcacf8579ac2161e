//! How a field is written into a template and compared between request and reply: `dec`, `hex2`, `hex{id_digits}`.
//!
//! Text formats only; those of binary types (`u8`, `u16be`) are further variants of [`Format`].

use std::fmt;
use std::sync::Arc;

/// How a field is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// As it is.
    Text,
    /// A number in decimal digits.
    Dec(Width),
    /// A number in lower-case hex digits.
    Hex(Width),
}

/// How many digits a number gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Width {
    /// As many as it needs.
    Free,
    /// Exactly so many, with zeros on the left.
    Digits(usize),
    /// Exactly so many as the named field says.
    Field(Arc<str>),
}

/// The greatest number of digits: that of a 64-bit number in decimal.
const DIGITS_MAX: usize = 20;

impl Format {
    /// Reads a format as it stands after a colon or in `wire`.
    ///
    /// # Errors
    /// A sentence fragment that says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no format: use text, dec, dec4, hex, hex2 or hex{{parameter}}");
        if text == "text" {
            return Ok(Self::Text);
        }
        let (make, width): (fn(Width) -> Self, &str) = if let Some(width) = text.strip_prefix("dec") {
            (Self::Dec, width)
        } else if let Some(width) = text.strip_prefix("hex") {
            (Self::Hex, width)
        } else {
            return Err(wrong());
        };
        let width = if width.is_empty() {
            Width::Free
        } else if let Some(name) = width.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Width::Field(name.into())
        } else {
            match width.parse::<usize>() {
                Ok(digits @ 1..=DIGITS_MAX) => Width::Digits(digits),
                _ => return Err(wrong()),
            }
        };
        Ok(make(width))
    }

    /// The field that says how many digits there are, when one does.
    pub fn width_field(&self) -> Option<&Arc<str>> {
        match self {
            Self::Dec(Width::Field(name)) | Self::Hex(Width::Field(name)) => Some(name),
            _ => None,
        }
    }

    /// Writes a number; `width_of` gives the value of a field that says how many digits there are.
    ///
    /// # Errors
    /// A sentence fragment, when the number does not fit.
    pub fn write(
        &self,
        number: i64,
        width_of: impl FnOnce(&Arc<str>) -> Result<usize, String>,
    ) -> Result<String, String> {
        let (width, kind) = match self {
            Self::Text => return Ok(number.to_string()),
            Self::Dec(width) => (width, "digits"),
            Self::Hex(width) => (width, "hex digits"),
        };
        if number < 0 {
            return Err(format!("{number} is negative and has no {kind}"));
        }
        let width = match width {
            Width::Free => 0,
            Width::Digits(digits) => *digits,
            Width::Field(name) => width_of(name)?.min(DIGITS_MAX),
        };
        let digits = match self {
            Self::Hex(_) => format!("{number:0width$x}"),
            _ => format!("{number:0width$}"),
        };
        if width > 0 && digits.len() > width {
            return Err(format!("{number} does not fit into {width} {kind}"));
        }
        Ok(digits)
    }

    /// The number that a device wrote in this format; `None` when it is none, or is a text.
    pub fn read(&self, bytes: &[u8]) -> Option<i64> {
        let radix = match self {
            Self::Text => return None,
            Self::Dec(_) => 10,
            Self::Hex(_) => 16,
        };
        let digits = std::str::from_utf8(bytes).ok().filter(|text| !text.starts_with(['+', '-']))?;
        i64::from_str_radix(digits, radix).ok()
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, width) = match self {
            Self::Text => return f.write_str("text"),
            Self::Dec(width) => ("dec", width),
            Self::Hex(width) => ("hex", width),
        };
        match width {
            Width::Free => f.write_str(name),
            Width::Digits(digits) => write!(f, "{name}{digits}"),
            Width::Field(field) => write!(f, "{name}{{{field}}}"),
        }
    }
}

/// A field that two sides share, and how its values are compared: `id:hex`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRef {
    /// The field's name.
    pub name: Arc<str>,
    /// By value in this format; where a side is no number in it, byte by byte.
    pub format: Format,
}

impl FieldRef {
    /// Reads `name` or `name:format`.
    ///
    /// # Errors
    /// What is wrong with the format.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, format) = match text.split_once(':') {
            Some((name, format)) => (name, Format::parse(format)?),
            None => (text, Format::Text),
        };
        Ok(Self { name: name.into(), format })
    }

    /// Whether both sides mean the same value.
    pub fn agree(&self, one: &[u8], other: &[u8]) -> bool {
        match (self.format.read(one), self.format.read(other)) {
            (Some(one), Some(other)) => one == other,
            _ => one == other,
        }
    }
}

/// Names with their bytes: the groups of a pattern.
pub(super) type Fields<'a> = [(&'a str, &'a [u8])];

/// The bytes of a name.
pub(super) fn field<'a>(fields: &Fields<'a>, name: &str) -> Option<&'a [u8]> {
    fields.iter().find(|(known, _)| *known == name).map(|&(_, bytes)| bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_its_format_says_or_does_not_fit() {
        for (format, number, written) in [
            ("hex2", 10, Ok("0a")),
            ("hex{digits}", 1000, Ok("3e8")),
            ("hex", 255, Ok("ff")),
            ("dec4", 42, Ok("0042")),
            ("text", -3, Ok("-3")),
            ("hex2", 256, Err("256 does not fit into 2 hex digits")),
            ("dec", -1, Err("-1 is negative and has no digits")),
        ] {
            let format = Format::parse(format).unwrap();
            let found = format.write(number, |_| Ok(3));
            assert_eq!(found.as_deref().map_err(String::as_str), written, "{format}");
        }
    }

    #[test]
    fn what_is_no_format_says_what_one_is() {
        for text in ["hxe", "hex0", "hex21", "dec-1", "hex{", ""] {
            assert!(Format::parse(text).unwrap_err().contains("is no format"), "{text}");
        }
        assert_eq!(Format::parse("hex{id_digits}").unwrap().to_string(), "hex{id_digits}");
    }

    #[test]
    fn fields_agree_by_value_where_they_are_numbers() {
        for (how, one, other, agree) in [
            ("id:hex", "0A", "a", true),
            ("id:hex", "001", "1", true),
            ("id:hex", "01", "02", false),
            ("id:hex", "zz", "zz", true),
            ("id", "0A", "0a", false),
        ] {
            let found = FieldRef::parse(how).unwrap().agree(one.as_bytes(), other.as_bytes());
            assert_eq!(found, agree, "{how} {one} {other}");
        }
    }
}
