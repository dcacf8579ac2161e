//! Named intents, and what the value of their reply means.

use std::sync::Arc;

use super::command::CommandTraits;
use super::expression::{Expression, Operand};
use super::format::{Field, Fields, Format, named};
use super::param::ParamSpec;
use super::template::Template;
use super::transfer::Transfer;
use super::verify::Verify;
use crate::model::Value;
use crate::model::escape;

/// A named intent (`power-on`), translated into the device's language.
#[derive(Debug)]
pub struct Action {
    /// `power-on`.
    pub name: Arc<str>,
    /// Its arguments, in the order of the file.
    pub args: Vec<ParamSpec>,
    /// Its body as it is written in the type file.
    pub text: Arc<str>,
    /// Its body.
    pub send: Template,
    /// What the value of its reply means; without one the value is shown as it came.
    pub value: Option<Decoding>,
    /// What follows its reply, when that is a file.
    pub transfer: Option<Transfer>,
    /// How its effect can be asked for.
    pub verify: Option<Verify>,
    /// What overrules the type's command patterns.
    pub traits: CommandTraits,
}

impl Action {
    /// The declaration of an argument.
    pub fn arg(&self, name: &str) -> Option<&ParamSpec> {
        self.args.iter().find(|arg| &*arg.name == name)
    }
}

/// What the value of a reply means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoding {
    /// These words for these texts.
    Map(Words),
    /// A number.
    As(Format),
    /// A number computed of the reply's fields and the device's parameters.
    Computed {
        /// How.
        expression: Expression,
        /// What it is multiplied by: so many units, each a tenth to the power of so many places.
        scale: Option<Scale>,
        /// Words for numbers.
        words: Words,
    },
    /// The places, from 1, of the bits that are set in this field.
    Bits(Arc<str>),
}

/// Texts with the words that stand for them.
pub type Words = Vec<(Arc<str>, Arc<str>)>;

/// A factor in decimal digits: 0.1 is one with one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// The digits without the point.
    pub factor: i64,
    /// How many of them stand behind the point.
    pub places: u32,
}

impl Scale {
    /// Reads `0.1` or `60`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let places = u32::try_from(part.len()).ok().filter(|places| *places <= 9)?;
        Some(Self { factor: format!("{whole}{part}").parse().ok()?, places })
    }

    /// A number of such units.
    fn of(self, number: i64) -> Option<Value> {
        let digits = number.checked_mul(self.factor)?;
        Some(if self.places == 0 { Value::Int(digits) } else { Value::Decimal { digits, places: self.places } })
    }
}

impl Decoding {
    /// Whether the value may depend on the device too, and not on the reply alone.
    pub(super) fn asks_the_device(&self) -> bool {
        matches!(self, Self::Computed { .. })
    }

    /// The value of what a reply carried: `raw` is the field that is shown, `value` gives the rest by name. What has no
    /// meaning here is shown as it came.
    pub(super) fn decode<'v>(
        &self,
        raw: Option<&Field<'v>>,
        fields: &Fields<'v>,
        param: &dyn Fn(&str) -> Option<Operand<'v>>,
    ) -> Option<Value> {
        let decoded = match self {
            Self::Map(words) => raw.and_then(|raw| word(words, raw.bytes)),
            Self::As(format) => raw.and_then(|raw| format.read(raw.bytes)).map(Value::Int),
            Self::Computed { expression, scale, words } => {
                let value = |name: &str| named(fields, name).map(Field::operand).or_else(|| param(name));
                expression.number(&value).ok().and_then(|number| {
                    word(words, number.to_string().as_bytes()).or_else(|| match scale {
                        Some(scale) => scale.of(number),
                        None => Some(Value::Int(number)),
                    })
                })
            }
            Self::Bits(name) => named(fields, name).map(|field| Value::List(bits(field).into())),
        };
        decoded.or_else(|| raw.map(Self::as_it_came))
    }

    /// The value where nothing says what it means: text as it came, with escapes only where it is no UTF-8; bytes in hex.
    pub(super) fn as_it_came(raw: &Field<'_>) -> Value {
        let text = match str::from_utf8(raw.bytes) {
            _ if raw.format != Format::Text => escape::hex(raw.bytes),
            Ok(text) => text.to_owned(),
            Err(_) => escape::shown(raw.bytes),
        };
        Value::Text(text.into())
    }
}

fn word(words: &Words, raw: &[u8]) -> Option<Value> {
    words.iter().find(|(text, _)| text.as_bytes() == raw).map(|(_, word)| Value::Text((**word).into()))
}

/// The places of the bits that are set: of a number as it is read, of other bytes with the least first.
fn bits(field: &Field<'_>) -> Vec<i64> {
    let number = field.format.read(field.bytes).map(i64::to_le_bytes);
    let bytes = number.as_ref().map_or(field.bytes, |bytes| bytes.as_slice());
    let of_byte = |(place, byte): (usize, &u8)| {
        let byte = *byte;
        (0..8).filter(move |bit| byte >> bit & 1 == 1).filter_map(move |bit| i64::try_from(place * 8 + bit + 1).ok())
    };
    bytes.iter().enumerate().flat_map(of_byte).collect()
}
