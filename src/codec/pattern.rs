//! Regular expressions over bytes, as all patterns of type files are: ASCII classes, linear time, bounded size.
//!
//! A pattern is read when its file is, and compiled when it is first asked (`engine.rs`): most runs ask few of a type's
//! patterns. What it says of a text is remembered (`memo.rs`).

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};

use super::engine::Engine;
use super::memo::Memo;

/// How large a compiled pattern may be, in bytes; a larger one is a mistake in its file.
const COMPILED_MAX: usize = 64 * 1024;

/// A pattern of at most so many states and byte ranges is certainly smaller than that, so it need not be compiled to
/// know. Each takes less than 64 bytes.
const CERTAINLY_SMALL: u64 = 500;

/// Why a text is no usable pattern, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

/// Where the named pieces of a match are; `None`: that one takes no part in it.
type Pieces = Arc<[Option<Range<usize>>]>;

/// A regular expression over bytes.
pub struct BytePattern {
    engine: Engine,
    /// The names of its named groups, in their order.
    names: Box<[Box<str>]>,
    matches: Memo<Option<Pieces>>,
}

impl fmt::Debug for BytePattern {
    /// What it is, not what it has been asked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BytePattern").field(&self.engine.text()).field(&self.names).finish()
    }
}

impl BytePattern {
    /// Reads a pattern. With `any_line`, `^` and `$` hold at each line, else only at the ends of the whole.
    ///
    /// # Errors
    /// The reason, in one line.
    pub fn parse(text: &str, any_line: bool) -> Result<Self, PatternError> {
        let tree = parse(text, any_line)?;
        let mut names = Vec::new();
        group_names(&tree, &mut names);
        let is_small = weight(&tree) <= CERTAINLY_SMALL;
        let compiled = if is_small { None } else { Some(compile(text, any_line)?) };
        Ok(Self { engine: Engine::new(text, any_line, compiled), names: names.into(), matches: Memo::default() })
    }

    /// The same for a pattern that is known to be one: it is not read before it is asked.
    pub fn proven(text: &str, any_line: bool) -> Self {
        let names = written_names(text).map(Box::from).collect();
        Self { engine: Engine::new(text, any_line, None), names, matches: Memo::default() }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        self.engine.text()
    }

    /// Its syntax tree.
    pub(super) fn tree(&self) -> Result<Hir, PatternError> {
        parse(self.engine.text(), self.engine.any_line())
    }

    /// The names of its pieces.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// Whether it is found in `bytes`.
    pub fn is_match(&self, bytes: &[u8]) -> bool {
        self.engine.is_match(bytes)
    }

    /// Where it is found first.
    pub fn find(&self, bytes: &[u8]) -> Option<Range<usize>> {
        self.engine.find(bytes)
    }

    /// Where the match is that is complete first; the pattern must hold no `^` or `$`.
    pub(super) fn find_first_end(&self, bytes: &[u8]) -> Option<Range<usize>> {
        self.engine.find_first_end(bytes)
    }

    /// The named pieces that take part in a match; `None` when nothing matches.
    pub fn pieces<'p, 'b>(&'p self, bytes: &'b [u8]) -> Option<impl Iterator<Item = (&'p str, &'b [u8])>> {
        let search = || match &*self.names {
            // Whether it matches is found out far sooner than where its groups are.
            [] => self.engine.is_match(bytes).then(|| Arc::from([])),
            _ => self.engine.groups(bytes, self.names()).map(Into::into),
        };
        let pieces = self.matches.get(bytes, search)?;
        let mut place = 0;
        Some(std::iter::from_fn(move || {
            while let (Some(name), Some(range)) = (self.names.get(place), pieces.get(place)) {
                place += 1;
                if let Some(piece) = range.clone().and_then(|range| bytes.get(range)) {
                    return Some((&**name, piece));
                }
            }
            None
        }))
    }
}

/// The syntax tree of a pattern.
///
/// # Errors
/// The reason, in one line.
pub(super) fn parse(text: &str, any_line: bool) -> Result<Hir, PatternError> {
    let mut parser = ParserBuilder::new().unicode(false).utf8(false).multi_line(any_line).build();
    parser.parse(text).map_err(|error| PatternError(last_line(&error.to_string())))
}

pub(super) fn compile(text: &str, any_line: bool) -> Result<Regex, PatternError> {
    RegexBuilder::new(text).unicode(false).multi_line(any_line).size_limit(COMPILED_MAX).build().map_err(|error| {
        PatternError(match error {
            regex::Error::Syntax(picture) => last_line(&picture),
            regex::Error::CompiledTooBig(limit) => format!("compiled it is larger than {limit} bytes"),
            other => other.to_string().replace('\n', " "),
        })
    })
}

/// The crate draws a picture of several lines; its last one holds the reason.
fn last_line(picture: &str) -> String {
    let reason = picture.lines().last().unwrap_or_default();
    reason.strip_prefix("error: ").unwrap_or(reason).to_owned()
}

fn group_names(tree: &Hir, names: &mut Vec<Box<str>>) {
    match tree.kind() {
        HirKind::Capture(group) => {
            names.extend(group.name.clone());
            group_names(&group.sub, names);
        }
        HirKind::Repetition(repetition) => group_names(&repetition.sub, names),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            for part in parts {
                group_names(part, names);
            }
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

/// The names of the groups of a proven pattern, as they are written: `(?<name>`.
fn written_names(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    text.split("(?<").skip(1).filter_map(|rest| Some(rest.split_once('>')?.0)).filter(is_name)
}

/// At least as many as the compiled pattern has states and byte ranges.
fn weight(tree: &Hir) -> u64 {
    match tree.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(class) => match class {
            regex_syntax::hir::Class::Bytes(class) => 1 + class.ranges().len() as u64,
            // Several bytes a range, and states between them.
            regex_syntax::hir::Class::Unicode(class) => 16 * (1 + class.ranges().len() as u64),
        },
        HirKind::Repetition(repetition) => {
            let times = u64::from(repetition.max.unwrap_or(repetition.min).max(repetition.min).max(1)) + 1;
            times.saturating_mul(weight(&repetition.sub).saturating_add(1))
        }
        HirKind::Capture(group) => weight(&group.sub).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().map(weight).fold(1, u64::saturating_add),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_wrong_pattern_says_why_in_one_line() {
        let reason = |text| BytePattern::parse(text, false).unwrap_err().to_string();
        assert_eq!(reason("a(b"), "unclosed group");
        assert_eq!(reason("(a{1000}){100}"), "compiled it is larger than 65536 bytes");
    }

    #[test]
    fn pieces_are_those_that_take_part_in_the_match() {
        let pattern = BytePattern::parse("(?<unit>[0-9]+)( (?<word>OK|NG)(?<data>.*))?x", false).unwrap();
        assert_eq!(pattern.names().collect::<Vec<_>>(), ["unit", "word", "data"]);
        for _ in 0..2 {
            let pieces = |text: &'static [u8]| pattern.pieces(text).map(Iterator::collect::<Vec<_>>);
            let all = [("unit", &b"01"[..]), ("word", b"OK"), ("data", b"")];
            assert_eq!(pieces(b"a 01 OKx").unwrap(), all);
            assert_eq!(pieces(b"7x").unwrap(), [("unit", &b"7"[..])]);
            assert_eq!(pieces(b"nothing"), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_called_small_compiles(text in r"[a-c.\\dw\[\]^()?*+{}0-9|$<>]{1,24}") {
            if let Ok(tree) = parse(&text, false)
                && weight(&tree) <= CERTAINLY_SMALL
            {
                prop_assert!(compile(&text, false).is_ok(), "{}", text);
            }
        }
    }
}
