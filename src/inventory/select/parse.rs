//! Reads `--select` expressions: `lobby-[1-9] or (site:hq and not tag:maintenance)`.
//!
//! `not` binds before `and`, `and` before `or`; a comma is `or`. Keywords are lower case. What stands in double quotes is
//! a name as it is (`\"` and `\\` inside), without globs or ranges. Globs work for names, types, sites and tags, ranges
//! for names. Whether a term matches something is judged in `matches.rs`.

use std::ops::Range;

use super::SelectError;
use crate::inventory::range::{Pattern, Place};

/// How deep parentheses and `not` may nest: deeper ones are a mistake, and would use up the stack.
const DEEPEST: usize = 100;

/// An expression that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    pub(in crate::inventory) expression: Expression,
}

/// A part of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::inventory) enum Expression {
    Any(Vec<Expression>),
    All(Vec<Expression>),
    Not(Box<Expression>),
    Term { term: Term, at: Range<usize> },
}

/// What can stand by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::inventory) enum Term {
    Name(Words),
    Range { text: String, pattern: Pattern },
    Group(String),
    Type(Words),
    Site(Words),
    Tag(Words),
}

/// A name, or a glob that several names may fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::inventory) struct Words {
    pub(in crate::inventory) text: String,
    quoted: bool,
}

impl Words {
    pub(in crate::inventory) fn is_glob(&self) -> bool {
        !self.quoted && self.text.contains(['*', '?'])
    }
}

impl Expression {
    /// All terms in it, with their places.
    pub(in crate::inventory) fn terms<'s>(&'s self, found: &mut Vec<(&'s Term, &'s Range<usize>)>) {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().for_each(|part| part.terms(found)),
            Self::Not(inner) => inner.terms(found),
            Self::Term { term, at } => found.push((term, at)),
        }
    }
}

/// Understands an expression.
///
/// # Errors
/// At the first place where it cannot be understood.
pub fn parse(text: &str) -> Result<Selector, SelectError> {
    let mut parser = Parser { text, tokens: tokens(text)?, next: 0, depth: 0 };
    if parser.tokens.is_empty() {
        return Err(wrong(0..text.len(), "the selector is empty").help("leave it out to mean every device"));
    }
    let expression = parser.any()?;
    match parser.tokens.get(parser.next) {
        None => Ok(Selector { expression }),
        Some((Token::Close, at)) => Err(wrong(at.clone(), "this parenthesis closes nothing")),
        Some((_, at)) => Err(wrong(at.clone(), "`and`, `or` or a comma is missing before this")
            .help("a name with spaces stands in double quotes")),
    }
}

fn wrong(at: Range<usize>, message: impl Into<String>) -> SelectError {
    SelectError { at, message: message.into(), help: None }
}

impl SelectError {
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Or,
    And,
    Not,
    Term(Term),
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(Token, Range<usize>)>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn accept(&mut self, token: &Token) -> bool {
        let found = self.tokens.get(self.next).is_some_and(|(next, _)| next == token);
        self.next += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Expression, SelectError> {
        let first = self.all()?;
        let mut parts = vec![first];
        while self.accept(&Token::Or) {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, SelectError> {
        let first = self.not()?;
        let mut parts = vec![first];
        while self.accept(&Token::And) {
            parts.push(self.not()?);
        }
        Ok(one_or(parts, Expression::All))
    }

    fn not(&mut self) -> Result<Expression, SelectError> {
        let Some((token, at)) = self.tokens.get(self.next).cloned() else {
            let end = self.text.len();
            return Err(wrong(end..end, "something to select is missing at the end"));
        };
        self.next += 1;
        if let Token::Term(term) = token {
            return Ok(Expression::Term { term, at });
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(wrong(at, format!("more than {DEEPEST} parentheses and `not` inside each other")));
        }
        let inner = match token {
            Token::Not => Expression::Not(Box::new(self.not()?)),
            Token::Open => {
                let inner = self.any()?;
                if !self.accept(&Token::Close) {
                    return Err(match self.tokens.get(self.next) {
                        None => wrong(at, "this parenthesis is not closed"),
                        Some((_, at)) => wrong(at.clone(), "`and`, `or` or a comma is missing before this"),
                    });
                }
                inner
            }
            _ => {
                let message = "something to select is missing before this";
                return Err(wrong(at, message).help("a name that is a keyword stands in double quotes"));
            }
        };
        self.depth -= 1;
        Ok(inner)
    }
}

fn one_or(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            many(parts)
        }
    }
}

/// Cuts a text into tokens.
fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, SelectError> {
    let mut tokens = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some(&(start, c)) = rest.peek() {
        let simple = match c {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            ',' => Some(Token::Or),
            _ => None,
        };
        if simple.is_some() || c.is_whitespace() {
            rest.next();
            tokens.extend(simple.map(|token| (token, start..start + 1)));
            continue;
        }
        let mut word = String::new();
        let mut quoted = None;
        let mut depth = 0_usize;
        let mut end = start;
        while let Some(&(at, c)) = rest.peek() {
            match c {
                '"' if word.is_empty() || matches!(word.as_str(), "@" | "type:" | "site:" | "tag:") => {
                    rest.next();
                    quoted = Some(read_quoted(&mut rest, at..text.len())?);
                    end = rest.peek().map_or(text.len(), |&(at, _)| at);
                    break;
                }
                '"' => return Err(wrong(at..at + 1, "a quote may only stand at the start of a name")),
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                '(' | ')' | ',' if depth == 0 => break,
                c if c.is_whitespace() && depth == 0 => break,
                _ => {}
            }
            word.push(c);
            rest.next();
            end = at + c.len_utf8();
        }
        let at = start..end;
        tokens.push((token(&word, quoted.as_deref(), &at)?, at));
    }
    Ok(tokens)
}

/// Reads up to the closing quote.
fn read_quoted(
    rest: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
    place: Range<usize>,
) -> Result<String, SelectError> {
    let mut name = String::new();
    while let Some((_, c)) = rest.next() {
        match c {
            '"' => return Ok(name),
            '\\' => name.extend(rest.next_if(|&(_, c)| matches!(c, '"' | '\\')).map_or(Some('\\'), |(_, c)| Some(c))),
            c => name.push(c),
        }
    }
    Err(wrong(place, "the quote is not closed"))
}

fn token(word: &str, quoted: Option<&str>, at: &Range<usize>) -> Result<Token, SelectError> {
    let is_quoted = quoted.is_some();
    let words = |text: &str| Words { text: quoted.unwrap_or(text).to_owned(), quoted: is_quoted };
    let term = match (word, word.split_once(':')) {
        ("and", _) => return Ok(Token::And),
        ("or", _) => return Ok(Token::Or),
        ("not", _) => return Ok(Token::Not),
        (_, Some(("type", name))) => Term::Type(words(name)),
        (_, Some(("site", name))) => Term::Site(words(name)),
        (_, Some(("tag", name))) => Term::Tag(words(name)),
        _ if word.starts_with('@') => Term::Group(words(word.strip_prefix('@').unwrap_or_default()).text),
        _ if !is_quoted && word.contains(['[', ']']) => return name_with_brackets(word, at).map(Token::Term),
        _ => Term::Name(words(word)),
    };
    match &term {
        Term::Name(Words { text, .. })
        | Term::Type(Words { text, .. })
        | Term::Site(Words { text, .. })
        | Term::Tag(Words { text, .. })
        | Term::Group(text)
            if text.is_empty() =>
        {
            Err(wrong(at.clone(), "a name is missing here"))
        }
        _ => Ok(Token::Term(term)),
    }
}

fn name_with_brackets(word: &str, at: &Range<usize>) -> Result<Term, SelectError> {
    let pattern = Pattern::parse(word, Place::Name).map_err(|error| {
        wrong(at.start + error.at.start..at.start + error.at.end, error.message)
            .help("a name with brackets stands in double quotes")
    })?;
    if word.contains(['*', '?']) {
        return Err(wrong(at.clone(), "a glob and a range do not go together")
            .help("write `tv-*` or `tv-[001-050]`; a name with brackets stands in double quotes"));
    }
    if pattern.count() == 1 {
        return Ok(Term::Name(Words { text: pattern.member(0), quoted: true }));
    }
    Ok(Term::Range { text: word.to_owned(), pattern })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(expression: &Expression) -> String {
        let list = |parts: &[Expression]| parts.iter().map(shown).collect::<Vec<_>>().join(" ");
        match expression {
            Expression::Any(parts) => format!("(or {})", list(parts)),
            Expression::All(parts) => format!("(and {})", list(parts)),
            Expression::Not(inner) => format!("(not {})", shown(inner)),
            Expression::Term { term, .. } => match term {
                Term::Name(name) => name.text.clone(),
                Term::Range { text, .. } => text.clone(),
                Term::Group(name) => format!("@{name}"),
                Term::Type(name) => format!("type:{}", name.text),
                Term::Site(name) => format!("site:{}", name.text),
                Term::Tag(name) => format!("tag:{}", name.text),
            },
        }
    }

    #[test]
    fn an_expression_is_read_by_its_precedence() {
        for (text, read) in [
            ("tv-001", "tv-001"),
            ("a or b and not c", "(or a (and b (not c)))"),
            ("not a and b", "(and (not a) b)"),
            ("(a or b) and c", "(and (or a b) c)"),
            ("a,b , c", "(or a b c)"),
            ("a, b and c", "(or a (and b c))"),
            ("not not a", "(not (not a))"),
            ("tv-[1,3,7-9],wall-*", "(or tv-[1,3,7-9] wall-*)"),
            ("tv-[ 1 - 3 ] or x", "(or tv-[ 1 - 3 ] x)"),
            ("@lobby and type:lg-rs232 and site:hq and tag:x", "(and @lobby type:lg-rs232 site:hq tag:x)"),
            (r#""tv one", "and", tag:"a b", @"x, y", "a\"b\\""#, r#"(or tv one and tag:a b @x, y a"b\)"#),
            ("android or notebook", "(or android notebook)"),
            ("(((a)))", "a"),
        ] {
            assert_eq!(parse(text).map(|s| shown(&s.expression)), Ok(read.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        for (text, at, message) in [
            ("", 0..0, "the selector is empty"),
            ("  ", 0..2, "the selector is empty"),
            ("a b", 2..3, "`and`, `or` or a comma is missing before this"),
            ("a and", 5..5, "something to select is missing at the end"),
            ("a or or b", 5..7, "something to select is missing before this"),
            ("(a", 0..1, "this parenthesis is not closed"),
            ("a)", 1..2, "this parenthesis closes nothing"),
            ("()", 1..2, "something to select is missing before this"),
            ("a,", 2..2, "something to select is missing at the end"),
            ("tv-[9-1]", 4..7, "the range `9-1` runs backward"),
            ("x or tv-[9", 8..10, "the bracket is not closed"),
            ("tv-*[1-2]", 0..9, "a glob and a range do not go together"),
            ("\"tv", 0..3, "the quote is not closed"),
            ("tag:", 0..4, "a name is missing here"),
            ("@", 0..1, "a name is missing here"),
            ("\"\"", 0..2, "a name is missing here"),
            ("tv\"x\"", 2..3, "a quote may only stand at the start of a name"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.at, error.message.as_str()), (at, message), "{text}");
        }
        assert!(parse(&"not ".repeat(200)).is_err());
        assert!(parse(&"(".repeat(100_000)).is_err());
    }

    #[test]
    fn parentheses_and_nots_count_inside_each_other_and_not_beside_each_other() {
        let inside = |depth: usize| parse(&format!("{}a{}", "(".repeat(depth), ")".repeat(depth)));
        assert_eq!(inside(DEEPEST).map(|found| shown(&found.expression)), Ok("a".to_owned()));
        let error = inside(DEEPEST + 1).unwrap_err();
        assert_eq!((error.at, &*error.message), (100..101, "more than 100 parentheses and `not` inside each other"));
        assert!(parse(&format!("{}a", "not ".repeat(DEEPEST))).is_ok());
        assert!(parse(&format!("{}a", "not ".repeat(DEEPEST + 1))).is_err());
        assert!(parse(&vec!["(not a)"; 5 * DEEPEST].join(" or ")).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,40}") {
            _ = parse(&text);
        }

        #[test]
        fn no_selector_like_text_makes_the_reader_panic(text in "([a-c@*?:\"\\\\()\\[\\], ]|and|or|not|tag:|1-3){0,20}") {
            _ = parse(&text);
        }
    }
}
