//! Expressions of type files: 64-bit integers, names of fields, Rust's operators with Rust's precedence.
//!
//! `(mask >> (relay - 1) & 1) ^ inverted`. A switch is 0 or 1. Overflow, a division by zero and a name without a value
//! are errors, never a wrong number. Bytes can be compared, and `body[1]` is one of them; as a number they are read
//! with the least byte first, in text types as decimal digits.

mod parse;

use std::borrow::Cow;
use std::sync::Arc;

/// An expression, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression(Node);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Number(i64),
    Name(Arc<str>),
    /// One byte of a name.
    Byte(Arc<str>, Box<Node>),
    /// Whether a name has a value.
    Has(Arc<str>),
    Binary(Operator, Box<Node>, Box<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Multiply,
    Divide,
    Remainder,
    Add,
    Subtract,
    ShiftLeft,
    ShiftRight,
    BitAnd,
    BitXor,
    BitOr,
    Equal,
    NotEqual,
    Less,
    Greater,
    And,
    Or,
}

/// A value in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operand<'v> {
    Int(i64),
    /// Bytes of a binary type.
    Bytes(Cow<'v, [u8]>),
    /// Bytes of a text type.
    Text(Cow<'v, [u8]>),
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// A name has no value.
    #[error("`{0}` is not given")]
    Missing(Arc<str>),
    /// A result needs more than 64 bits, or divides by zero.
    #[error("the result is no 64-bit number")]
    Overflow,
    /// Bytes stand where a number is needed.
    #[error("`{0}` is no number")]
    NoNumber(String),
}

impl Operand<'_> {
    /// The value as a number.
    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bytes(bytes) if bytes.len() <= 8 => {
                let number = bytes.iter().rev().fold(0, |all: u64, byte| all << 8 | u64::from(*byte));
                i64::try_from(number).ok()
            }
            Self::Bytes(_) => None,
            Self::Text(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Int(_) => None,
            Self::Bytes(bytes) | Self::Text(bytes) => Some(bytes),
        }
    }
}

impl Expression {
    /// The value of a name.
    pub(super) fn name(name: &str) -> Self {
        Self(Node::Name(name.into()))
    }

    /// The name, when it is only that.
    pub fn as_name(&self) -> Option<&Arc<str>> {
        if let Node::Name(name) = &self.0 { Some(name) } else { None }
    }

    /// The names in it, in order, with repetitions; those that may lack a value (`has`) included.
    pub(super) fn names(&self) -> Vec<&Arc<str>> {
        fn walk<'n>(node: &'n Node, names: &mut Vec<&'n Arc<str>>) {
            match node {
                Node::Number(_) => {}
                Node::Name(name) | Node::Has(name) => names.push(name),
                Node::Byte(name, place) => {
                    names.push(name);
                    walk(place, names);
                }
                Node::Binary(_, left, right) => {
                    walk(left, names);
                    walk(right, names);
                }
            }
        }
        let mut names = Vec::new();
        walk(&self.0, &mut names);
        names
    }

    /// Its value, when `value` gives that of each name.
    ///
    /// # Errors
    /// When a name has no value, or the result none.
    pub(super) fn evaluate<'v>(
        &self,
        value: &dyn Fn(&str) -> Option<Operand<'v>>,
    ) -> Result<Operand<'v>, EvaluationError> {
        evaluate(&self.0, value)
    }

    /// Its value as a number.
    ///
    /// # Errors
    /// As for `evaluate`, and when it is no number.
    pub(super) fn number<'v>(&self, value: &dyn Fn(&str) -> Option<Operand<'v>>) -> Result<i64, EvaluationError> {
        number(&self.0, value)
    }
}

fn evaluate<'v>(node: &Node, value: &dyn Fn(&str) -> Option<Operand<'v>>) -> Result<Operand<'v>, EvaluationError> {
    let missing = |name: &Arc<str>| EvaluationError::Missing(name.clone());
    Ok(match node {
        Node::Number(number) => Operand::Int(*number),
        Node::Name(name) => value(name).ok_or_else(|| missing(name))?,
        Node::Has(name) => Operand::Int(i64::from(value(name).is_some())),
        Node::Byte(name, place) => {
            let place = number(place, value)?;
            let whole = value(name).ok_or_else(|| missing(name))?;
            let byte = usize::try_from(place).ok().and_then(|place| whole.bytes()?.get(place).copied());
            Operand::Int(byte.ok_or_else(|| EvaluationError::Missing(format!("{name}[{place}]").into()))?.into())
        }
        Node::Binary(operator, left, right) => Operand::Int(binary(*operator, left, right, value)?),
    })
}

fn number<'v>(node: &Node, value: &dyn Fn(&str) -> Option<Operand<'v>>) -> Result<i64, EvaluationError> {
    let found = evaluate(node, value)?;
    found.number().ok_or_else(|| match node {
        Node::Name(name) => EvaluationError::NoNumber(name.to_string()),
        _ => EvaluationError::NoNumber("the value".to_owned()),
    })
}

fn binary<'v>(
    operator: Operator,
    left: &Node,
    right: &Node,
    value: &dyn Fn(&str) -> Option<Operand<'v>>,
) -> Result<i64, EvaluationError> {
    let side = |node: &Node| number(node, value);
    let shift = |by: i64| u32::try_from(by).ok().filter(|by| *by < 64);
    let result = match operator {
        Operator::And => Some(i64::from(side(left)? != 0 && side(right)? != 0)),
        Operator::Or => Some(i64::from(side(left)? != 0 || side(right)? != 0)),
        Operator::Equal | Operator::NotEqual => {
            let (left, right) = (evaluate(left, value)?, evaluate(right, value)?);
            let same = match (left.bytes(), right.bytes()) {
                (Some(one), Some(other)) => one == other,
                _ => left.number().is_some() && left.number() == right.number(),
            };
            Some(i64::from(same == (operator == Operator::Equal)))
        }
        Operator::Less => Some(i64::from(side(left)? < side(right)?)),
        Operator::Greater => Some(i64::from(side(left)? > side(right)?)),
        Operator::Multiply => side(left)?.checked_mul(side(right)?),
        Operator::Divide => side(left)?.checked_div(side(right)?),
        Operator::Remainder => side(left)?.checked_rem(side(right)?),
        Operator::Add => side(left)?.checked_add(side(right)?),
        Operator::Subtract => side(left)?.checked_sub(side(right)?),
        Operator::ShiftLeft => {
            let (number, by) = (side(left)?, side(right)?);
            shift(by).and_then(|by| number.checked_shl(by).filter(|shifted| shifted >> by == number))
        }
        Operator::ShiftRight => {
            let (number, by) = (side(left)?, side(right)?);
            shift(by).and_then(|by| number.checked_shr(by))
        }
        Operator::BitAnd => Some(side(left)? & side(right)?),
        Operator::BitXor => Some(side(left)? ^ side(right)?),
        Operator::BitOr => Some(side(left)? | side(right)?),
    };
    result.ok_or(EvaluationError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<i64, String> {
        let names = |name: &str| match name {
            "relay" => Some(Operand::Int(3)),
            "inverted" => Some(Operand::Int(1)),
            "body" => Some(Operand::Bytes(Cow::Borrowed(&[0xfe, 0x6c, 0x01][..]))),
            "same" => Some(Operand::Bytes(Cow::Borrowed(&[0xfe, 0x6c, 0x01][..]))),
            "digits" => Some(Operand::Text(Cow::Borrowed(&b"42"[..]))),
            "long" => Some(Operand::Bytes(Cow::Borrowed(&[0xff; 9][..]))),
            _ => None,
        };
        let read = Expression::parse(text).map_err(|error| format!("{} at {}", error.message, error.at))?;
        read.number(&names).map_err(|error| error.to_string())
    }

    #[test]
    fn operators_bind_as_in_rust() {
        for (text, expected) in [
            ("1 + 2 * 3", 7),
            ("(1 + 2) * 3", 9),
            ("10 - 3 - 2", 5),
            ("0x20 + inverted", 33),
            ("108 + (relay - 1) % 8", 110),
            ("5 >> (relay - 1) & 1", 1),
            ("(5 >> (relay - 1) & 1) ^ inverted", 0),
            ("1 << 2 + 1", 8),
            ("6 & 3 == 2", 1),
            ("1 | 6 & 2 ^ 4", 1 | (6 & 2) ^ 4),
            ("255 & (255 ^ 1 << 2)", 251),
            ("0 || 2 && 1", 1),
            ("1 != 2", 1),
            ("3 < 2", 0),
            ("3 > 2", 1),
            ("body[1] - 0x6c", 0),
            ("body == same", 1),
            ("body != same", 0),
            ("digits + 1", 43),
            ("body", 0x01_6c_fe),
            ("has(relay) + has(password)", 1),
            ("has(password) && password > 1", 0),
            ("long == 1", 0),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_has_no_value_says_so() {
        for (text, message) in [
            ("password", "`password` is not given"),
            ("body[9]", "`body[9]` is not given"),
            ("1 / 0", "the result is no 64-bit number"),
            ("1 << 64", "the result is no 64-bit number"),
            ("1 << 63", "the result is no 64-bit number"),
            ("9223372036854775807 + 1", "the result is no 64-bit number"),
            ("long + 1", "`long` is no number"),
            ("9223372036854775808", "this number has more than 64 bits at 0"),
            ("1 < 2 < 3", "comparisons need parentheses at 6"),
            ("1 +", "a number, a name or `(` is missing at 3"),
            ("(1", "`)` is missing at 2"),
            ("1 2", "`2` does not belong here at 2"),
            ("relay ? 1", "`?` does not belong here at 6"),
            ("", "a number, a name or `(` is missing at 0"),
            ("has(1)", "a name is missing at 4"),
        ] {
            assert_eq!(value(text), Err(message.to_owned()), "{text}");
        }
        let deep = "(".repeat(100);
        assert!(value(&deep).unwrap_err().starts_with("this is nested too deeply"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_or_the_result_panic(text in "([0-9]{1,19}|relay|body|[-+*/%&|^<>=!()\\[\\] ]){0,20}") {
            _ = value(&text);
        }
    }
}
