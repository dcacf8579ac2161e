//! How a field is written into a template and compared between request and reply: `dec`, `hex2`, `hex{id_digits}`.
//!
//! Text formats write digits, binary ones (`u8`, `u16be`) bytes.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::expression::Operand;

/// How a field is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// As it is.
    Text,
    /// A number in decimal digits.
    Dec(Width),
    /// A number in lower-case hex digits.
    Hex(Width),
    /// A number in decimal digits, with spaces on the right up to so many bytes.
    Pad(usize),
    /// The bytes of a text or a secret as they are; of a pattern's field: all the rest.
    Ascii,
    /// A number in so many bytes.
    Bytes {
        /// How many, at most four.
        len: usize,
        /// Whether the greatest byte comes first.
        big_endian: bool,
    },
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

/// The formats of binary types by name.
const BINARY: [(&str, Format); 7] = [
    ("u8", Format::U8),
    ("u16be", Format::Bytes { len: 2, big_endian: true }),
    ("u16le", Format::Bytes { len: 2, big_endian: false }),
    ("u24le", Format::Bytes { len: 3, big_endian: false }),
    ("u32be", Format::Bytes { len: 4, big_endian: true }),
    ("u32le", Format::Bytes { len: 4, big_endian: false }),
    ("ascii", Format::Ascii),
];

/// The greatest number of digits: that of a 64-bit number in decimal.
const DIGITS_MAX: usize = 20;

impl Format {
    /// One byte: what a number is in binary types where nothing says otherwise.
    pub const U8: Self = Self::Bytes { len: 1, big_endian: false };

    /// Reads a format as it stands after a colon or in `wire`.
    ///
    /// # Errors
    /// A sentence fragment that says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no format: use text, dec, dec4, hex, hex2, hex{{parameter}} or pad4, \
                 or u8, u16be, u16le, u24le, u32be, u32le or ascii"
            )
        };
        if let Some((_, format)) = BINARY.iter().find(|(name, _)| *name == text) {
            return Ok(format.clone());
        }
        if let Some(width) = text.strip_prefix("pad").and_then(|width| width.parse().ok()) {
            return if (1..=DIGITS_MAX).contains(&width) { Ok(Self::Pad(width)) } else { Err(wrong()) };
        }
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
    ) -> Result<Vec<u8>, String> {
        let (width, kind) = match self {
            Self::Text | Self::Ascii => return Ok(number.to_string().into_bytes()),
            Self::Bytes { len, big_endian } => return write_bytes(number, *len, *big_endian),
            Self::Pad(width) => {
                let padded = format!("{number:<width$}");
                return if padded.len() == *width {
                    Ok(padded.into_bytes())
                } else {
                    Err(format!("{number} does not fit into {width} characters"))
                };
            }
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
            let said_by = self.width_field().map_or_else(String::new, |name| format!(", as `{name}` says"));
            return Err(format!("{number} does not fit into {width} {kind}{said_by}"));
        }
        Ok(digits.into_bytes())
    }

    /// The number that a device wrote in this format; `None` when it is none, or is a text.
    pub fn read(&self, bytes: &[u8]) -> Option<i64> {
        let radix = match self {
            Self::Text | Self::Ascii => return None,
            Self::Bytes { len, big_endian } => return read_bytes(bytes, *len, *big_endian),
            Self::Dec(_) | Self::Pad(_) => 10_u8,
            Self::Hex(_) => 16,
        };
        let bytes = if let Self::Pad(_) = self { bytes.trim_ascii_end() } else { bytes };
        let digit = |byte: u8| char::from(byte).to_digit(radix.into()).map(i64::from);
        let push = |number: i64, byte: &u8| number.checked_mul(radix.into())?.checked_add(digit(*byte)?);
        if bytes.is_empty() { None } else { bytes.iter().try_fold(0, push) }
    }
}

fn write_bytes(number: i64, len: usize, big_endian: bool) -> Result<Vec<u8>, String> {
    let all = u64::try_from(number).map_err(|_| format!("{number} is negative and no byte"))?.to_le_bytes();
    let (bytes, rest) = all.split_at_checked(len).unwrap_or((&all, &[]));
    if rest.iter().any(|byte| *byte != 0) {
        let room = if len == 1 { "one byte".to_owned() } else { format!("{len} bytes") };
        return Err(format!("{number} does not fit into {room}"));
    }
    let mut bytes = bytes.to_vec();
    if big_endian {
        bytes.reverse();
    }
    Ok(bytes)
}

fn read_bytes(bytes: &[u8], len: usize, big_endian: bool) -> Option<i64> {
    if bytes.len() != len || len > 4 {
        return None;
    }
    let join = |all: i64, byte: &u8| all << 8 | i64::from(*byte);
    Some(if big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) })
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, width) = match self {
            Self::Text => return f.write_str("text"),
            Self::Dec(width) => ("dec", width),
            Self::Hex(width) => ("hex", width),
            Self::Pad(width) => return write!(f, "pad{width}"),
            Self::Ascii | Self::Bytes { .. } => {
                let name = BINARY.iter().find(|(_, format)| format == self).map_or("bytes", |(name, _)| name);
                return f.write_str(name);
            }
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

/// A named piece of a frame or a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its bytes.
    pub(super) bytes: &'a [u8],
    /// What they are: [`Format::Text`] in text types.
    pub(super) format: Format,
}

/// Named pieces.
pub(super) type Fields<'a> = [Field<'a>];

impl<'a> Field<'a> {
    /// A piece of a text.
    pub(super) fn text(name: &'a str, bytes: &'a [u8]) -> Self {
        Self { name, bytes, format: Format::Text }
    }

    /// The piece in an expression.
    pub(super) fn operand(&self) -> Operand<'a> {
        match (&self.format, self.format.read(self.bytes)) {
            (_, Some(number)) => Operand::Int(number),
            (Format::Ascii, None) => Operand::Bytes(Cow::Borrowed(self.bytes)),
            (_, None) => Operand::Text(Cow::Borrowed(self.bytes)),
        }
    }
}

/// The piece of a name.
pub(super) fn named<'f, 'a>(fields: &'f Fields<'a>, name: &str) -> Option<&'f Field<'a>> {
    fields.iter().find(|field| field.name == name)
}

/// The bytes of a name.
pub(super) fn field<'a>(fields: &Fields<'a>, name: &str) -> Option<&'a [u8]> {
    named(fields, name).map(|field| field.bytes)
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
            let found = found.map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(found.as_deref().map_err(String::as_str), written, "{format}");
        }
    }

    #[test]
    fn binary_formats_write_and_read_bytes() {
        for (format, number, written) in [
            ("u8", 255, &[255][..]),
            ("u16be", 600, &[0x02, 0x58]),
            ("u16le", 600, &[0x58, 0x02]),
            ("u24le", 0x08_0001, &[0x01, 0x00, 0x08]),
            ("u32be", 1000, &[0, 0, 0x03, 0xe8]),
            ("u32le", 11262, &[0xfe, 0x2b, 0, 0]),
            ("pad4", 42, b"42  "),
        ] {
            let format = Format::parse(format).unwrap();
            assert_eq!(format.write(number, |_| Ok(0)).unwrap(), written, "{format}");
            assert_eq!(format.read(written), Some(number), "{format}");
        }
        let refused = |format: &str, number| Format::parse(format).unwrap().write(number, |_| Ok(0)).unwrap_err();
        assert_eq!(refused("u8", 256), "256 does not fit into one byte");
        assert_eq!(refused("u16be", 65_536), "65536 does not fit into 2 bytes");
        assert_eq!(refused("u8", -1), "-1 is negative and no byte");
        assert_eq!(refused("pad1", 42), "42 does not fit into 1 characters");
    }

    #[test]
    fn only_digits_that_fit_are_a_number() {
        for (format, written, number) in [
            ("hex", &b"3E8"[..], Some(1000)),
            ("dec", b"9223372036854775807", Some(i64::MAX)),
            ("dec", b"9223372036854775808", None),
            ("hex", b"8000000000000000", None),
            ("dec", b"0a", None),
            ("dec", b"-1", None),
            ("hex", b"+1", None),
            ("hex", b"\xff", None),
            ("dec", b"1 ", None),
            ("dec", b"", None),
            ("pad4", b"    ", None),
        ] {
            assert_eq!(Format::parse(format).unwrap().read(written), number, "{format} {}", written.escape_ascii());
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
