//! From text to an expression, by binding powers (Pratt).

use super::{Expression, Node, Operator};

/// How deeply parentheses may nest.
const DEPTH_MAX: usize = 32;

/// The longest expression, in bytes.
const LEN_MAX: usize = 500;

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(in crate::device_type) struct ExpressionError {
    /// Byte offset in the text.
    pub(in crate::device_type) at: usize,
    /// What is wrong.
    pub(in crate::device_type) message: String,
}

/// Operators with how tightly they bind, longest first where one begins with another.
const OPERATORS: [(&str, Operator, u8); 16] = [
    ("<<", Operator::ShiftLeft, 8),
    (">>", Operator::ShiftRight, 8),
    ("==", Operator::Equal, COMPARISON),
    ("!=", Operator::NotEqual, COMPARISON),
    ("&&", Operator::And, 3),
    ("||", Operator::Or, 2),
    ("*", Operator::Multiply, 10),
    ("/", Operator::Divide, 10),
    ("%", Operator::Remainder, 10),
    ("+", Operator::Add, 9),
    ("-", Operator::Subtract, 9),
    ("&", Operator::BitAnd, 7),
    ("^", Operator::BitXor, 6),
    ("|", Operator::BitOr, 5),
    ("<", Operator::Less, COMPARISON),
    (">", Operator::Greater, COMPARISON),
];

/// How tightly comparisons bind; two in a row mean nothing.
const COMPARISON: u8 = 4;

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// At the first thing that does not belong there.
    pub(in crate::device_type) fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        if text.len() > LEN_MAX {
            return Err(parser.error(format!("an expression has at most {LEN_MAX} bytes")));
        }
        let node = parser.expression(0)?;
        parser.skip_spaces();
        match parser.rest().chars().next() {
            None => Ok(Self(node)),
            Some(found) => Err(parser.error(format!("`{found}` does not belong here"))),
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, message: String) -> ExpressionError {
        ExpressionError { at: self.at, message }
    }

    fn skip_spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip_spaces();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn word(&mut self) -> &'t str {
        self.skip_spaces();
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_');
        let len = self.rest().find(|c| !is_word(c)).unwrap_or(self.rest().len());
        let word = self.rest().get(..len).unwrap_or_default();
        self.at += len;
        word
    }

    fn expression(&mut self, least: u8) -> Result<Node, ExpressionError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("this is nested too deeply".to_owned()));
        }
        let mut left = self.operand()?;
        let mut compared = false;
        loop {
            self.skip_spaces();
            let found = OPERATORS.iter().find(|(token, ..)| self.rest().starts_with(token));
            let Some(&(token, operator, power)) = found.filter(|(_, _, power)| *power > least) else { break };
            if power == COMPARISON {
                if compared {
                    return Err(self.error("comparisons need parentheses".to_owned()));
                }
                compared = true;
            }
            self.at += token.len();
            let right = self.expression(power)?;
            left = Node::Binary(operator, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Node, ExpressionError> {
        if self.take("(") {
            let inside = self.expression(0)?;
            return if self.take(")") { Ok(inside) } else { Err(self.error("`)` is missing".to_owned())) };
        }
        self.skip_spaces();
        let start = self.at;
        let word = self.word();
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            let number = match word.strip_prefix("0x") {
                Some(digits) => i64::from_str_radix(digits, 16),
                None => word.parse(),
            };
            return number.map(Node::Number).map_err(|error| {
                use std::num::IntErrorKind::PosOverflow;
                let message = match error.kind() {
                    PosOverflow => "this number has more than 64 bits".to_owned(),
                    _ => format!("`{word}` is no number"),
                };
                ExpressionError { at: start, message }
            });
        }
        if word.is_empty() {
            return Err(self.error("a number, a name or `(` is missing".to_owned()));
        }
        if word == "has" && self.take("(") {
            self.skip_spaces();
            let start = self.at;
            let name = self.word();
            if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(ExpressionError { at: start, message: "a name is missing".to_owned() });
            }
            return if self.take(")") {
                Ok(Node::Has(name.into()))
            } else {
                Err(self.error("`)` is missing".to_owned()))
            };
        }
        if self.take("[") {
            let place = self.expression(0)?;
            return if self.take("]") {
                Ok(Node::Byte(word.into(), Box::new(place)))
            } else {
                Err(self.error("`]` is missing".to_owned()))
            };
        }
        Ok(Node::Name(word.into()))
    }
}
