//! How the effect of an action is asked for, and known when it shows.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::action::Action;
use super::definition::DeviceType;
use super::expression::Operand;
use super::template::Template;
use crate::model::escape::printable;
use crate::model::{Params, Value};

/// `verify`: the question that shows whether an action has had its effect.
#[derive(Debug)]
pub struct Verify {
    /// The action that asks.
    pub ask: Arc<str>,
    /// The value that its reply has then, in words, with parameters and arguments in braces.
    pub(super) expect: Template,
    /// The time from the acknowledgement to the first question.
    pub after: Duration,
    /// The time from one question to the next.
    pub every: Duration,
    /// How long the device may take; no question is asked later.
    pub within: Duration,
}

impl Verify {
    /// The wanted value for a device, as people write it: `on`, `30`, `hdmi1`.
    pub fn wanted(&self, device_type: &DeviceType, action: &Action, params: &Params) -> Box<str> {
        let word = |name: &str| {
            let (_, value) = device_type.value_of(&Arc::from(name), Some(action), params).ok()?;
            Some(Operand::Text(Cow::Owned(value.to_string().into_bytes())))
        };
        String::from_utf8_lossy(&self.expect.fill(&word).unwrap_or_default()).into()
    }
}

impl Value {
    /// The value as people write it, safe for a terminal.
    pub fn words(&self) -> String {
        match self {
            Self::Text(text) => printable(text),
            Self::Int(number) => number.to_string(),
            Self::Decimal { digits, places } => Self::decimal(*digits, *places),
            Self::List(numbers) => {
                let shown: Vec<String> = numbers.iter().map(i64::to_string).collect();
                shown.join(" ")
            }
        }
    }

    /// Whether this is what `wanted` says. Numbers are compared as numbers, words without regard to case: a reply may
    /// write `1E` for what the command wrote as `1e`.
    pub fn is(&self, wanted: &str) -> bool {
        match self {
            Self::Text(text) => text.eq_ignore_ascii_case(wanted),
            Self::Int(number) => wanted.parse() == Ok(*number),
            Self::Decimal { digits, places } => Self::decimal(*digits, *places) == wanted,
            Self::List(_) => self.words() == wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_is_wanted_as_a_number_or_as_a_word() {
        let (five, list) = (Value::Decimal { digits: 125, places: 1 }, Value::List([1, 3].into()));
        for (value, wanted, is) in [
            (Value::Text("ON".into()), "on", true),
            (Value::Text("on".into()), "off", false),
            (Value::Int(30), "30", true),
            (Value::Int(30), "030", true),
            (Value::Int(30), "3", false),
            (Value::Int(0), "off", false),
            (five.clone(), "12.5", true),
            (five, "125", false),
            (list.clone(), "1 3", true),
            (list, "1", false),
        ] {
            assert_eq!(value.is(wanted), is, "{value:?} {wanted}");
        }
    }
}
