//! Named intents, and what the value of their reply means.

use std::sync::Arc;

use super::command::CommandTraits;
use super::format::Format;
use super::param::ParamSpec;
use super::template::Template;
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
    Map(Vec<(Arc<str>, Arc<str>)>),
    /// A number.
    As(Format),
}

impl Decoding {
    /// The value of what a reply carried; what has no meaning here is shown as it came.
    pub fn decode(&self, raw: &[u8]) -> Value {
        match self {
            Self::Map(words) => match words.iter().find(|(text, _)| text.as_bytes() == raw) {
                Some((_, word)) => Value::Text((**word).into()),
                None => Self::as_it_came(raw),
            },
            Self::As(format) => format.read(raw).map_or_else(|| Self::as_it_came(raw), Value::Int),
        }
    }

    /// The value where nothing says what it means.
    pub fn as_it_came(raw: &[u8]) -> Value {
        Value::Text(escape::shown(raw).into())
    }
}
