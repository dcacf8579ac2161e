//! Cuts a TOML document at the tables of one long array (`[[device]]`), so that they can be read one at a time.
//!
//! A tree of 100,000 tables takes thirty times the memory of its text; a table by itself takes next to nothing. Where
//! the cuts are is decided by the tokens of the language, never by what a line looks like, so a string or an array may
//! hold what it likes. What a cut document says is what the whole one says: anything that could be read differently,
//! a syntax error first of all, makes the answer `None`, and the reader takes the whole document (`parse_toml`).

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_parser::Source;
use toml_parser::lexer::{Lexer, Token, TokenKind};

use super::toml_pairs::CutTable;
use super::toml_piece::{Piece, moved};
use super::toml_plain;

/// A document without the tables of one array, and where those are.
pub struct TomlCut<'i> {
    text: &'i str,
    key: &'static str,
    /// Everything else, put together.
    rest: String,
    /// Where a part of `rest` begins in it, and where in the document.
    parts: Vec<(usize, usize)>,
    /// Where one table follows the other, with the sub-tables of each.
    runs: Vec<Range<usize>>,
    headers: usize,
}

/// What a statement means for the cuts.
#[derive(PartialEq, Eq)]
enum Statement {
    /// `[[KEY]]`
    Table,
    /// `[KEY.…]`, `[[KEY.…]]`
    Inside,
    /// `[KEY]`
    Same,
    /// Another header.
    Other,
    /// `key = value`
    Value,
}

impl<'i> TomlCut<'i> {
    /// Cuts `text` at its `[[key]]` tables; `None` when there are none, or when they have to be read with the rest.
    pub fn new(text: &'i str, key: &'static str) -> Option<Self> {
        let mut cut = Self { text, key, rest: String::new(), parts: Vec::new(), runs: Vec::new(), headers: 0 };
        let mut tokens = Vec::new();
        let mut lexer = Source::new(text).lex();
        let (mut start, mut in_run) = (0, false);
        while let Some(first) = read_statement(&mut lexer, &mut tokens) {
            let at = tokens.get(first).map_or(text.len(), |token| token.span().start());
            let statement = meaning(text, key, tokens.get(first..).unwrap_or_default());
            tokens.clear();
            match statement {
                Statement::Table => {
                    cut.headers += 1;
                    if !in_run {
                        cut.take(start..at, false);
                        (start, in_run) = (at, true);
                        if let Some(headers) = cut.headers_to_the_end(at) {
                            cut.headers += headers;
                            break;
                        }
                    }
                }
                Statement::Other if in_run => {
                    cut.take(start..at, true);
                    (start, in_run) = (at, false);
                }
                // It would belong to a table further up, or is a second meaning of the key.
                Statement::Inside if !in_run => return None,
                Statement::Same => return None,
                Statement::Inside | Statement::Other | Statement::Value => {}
            }
        }
        cut.take(start..text.len(), in_run);
        (!cut.runs.is_empty()).then_some(cut)
    }

    /// Takes a part of the document.
    fn take(&mut self, range: Range<usize>, is_run: bool) {
        if is_run {
            self.runs.push(range);
        } else {
            self.parts.push((self.rest.len(), range.start));
            self.rest.push_str(self.text.get(range).unwrap_or_default());
        }
    }

    /// How many headers follow the one at `at`, if no table of another name does: then nothing has to be understood to
    /// know that the run goes on to the end. A header stands at the beginning of its line; what merely looks like one
    /// there does no harm.
    fn headers_to_the_end(&self, at: usize) -> Option<usize> {
        let is_blank = |byte: u8| matches!(byte, b' ' | b'\t');
        let after_blanks = |bytes: &'i [u8]| {
            let blanks = bytes.iter().position(|&byte| !is_blank(byte)).unwrap_or(bytes.len());
            bytes.get(blanks..).unwrap_or_default()
        };
        let mut headers = 0;
        let bytes = self.text.as_bytes().get(at + 1..)?;
        for bracket in memchr::memchr_iter(b'[', bytes) {
            let mut before = bytes.get(..bracket)?.iter().rev();
            if before.find(|&&byte| !is_blank(byte)) != Some(&b'\n') {
                continue;
            }
            let header = bytes.get(bracket + 1..)?;
            let header = after_blanks(header.strip_prefix(b"[").unwrap_or(header));
            let after = after_blanks(header.strip_prefix(self.key.as_bytes())?);
            if !matches!(after.first(), Some(b']' | b'.')) {
                return None;
            }
            headers += 1;
        }
        Some(headers)
    }

    /// About how many tables there are.
    pub fn about(&self) -> usize {
        self.headers
    }

    /// Everything but the tables, with its places in the document; `None` when it cannot be read by itself.
    pub fn rest(&self) -> Option<Spanned<DeTable<'_>>> {
        let (tree, errors) = DeTable::parse_recoverable(&self.rest);
        if !errors.is_empty() || tree.get_ref().contains_key(self.key) {
            return None;
        }
        let place = |at: usize| {
            let part = self.parts.partition_point(|(begin, _)| *begin <= at).saturating_sub(1);
            self.parts.get(part).map_or(at, |(begin, origin)| at - begin + origin)
        };
        Some(Spanned::new(tree.span(), moved(tree.into_inner(), &place)))
    }

    /// The tables in their order; `None` for one that cannot be read.
    pub fn tables(&self) -> impl Iterator<Item = Option<CutTable<'i>>> {
        self.runs.iter().flat_map(|run| {
            let text = self.text.get(run.clone()).unwrap_or_default();
            Run { text, key: self.key, offset: run.start, tokens: Vec::new() }
        })
    }
}

/// Tables that follow each other, being read.
struct Run<'i> {
    /// The run from its next table on.
    text: &'i str,
    key: &'static str,
    /// Where that begins in the document.
    offset: usize,
    /// Of a table that is not plain, and of the first statement behind it.
    tokens: Vec<Token>,
}

impl<'i> Iterator for Run<'i> {
    type Item = Option<CutTable<'i>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.text.is_empty() {
            return None;
        }
        if let Some(plain) = toml_plain::read(self.text, self.key, self.offset) {
            self.go_on_at(plain.end);
            return Some(Some(plain.table));
        }
        let text = self.text;
        let mut lexer = Source::new(text).lex();
        self.tokens.clear();
        let mut is_begun = false;
        loop {
            let Some(first) = read_statement(&mut lexer, &mut self.tokens) else {
                let table = self.table(self.tokens.len());
                self.go_on_at(text.len());
                return is_begun.then_some(table);
            };
            match meaning(text, self.key, self.tokens.get(first..).unwrap_or_default()) {
                Statement::Table if is_begun => {
                    let table = self.table(first);
                    self.go_on_at(self.tokens.get(first).map_or(text.len(), |token| token.span().start()));
                    return Some(table);
                }
                Statement::Same | Statement::Other => return Some(None),
                _ => is_begun = true,
            }
        }
    }
}

impl<'i> Run<'i> {
    fn go_on_at(&mut self, at: usize) {
        self.text = self.text.get(at..).unwrap_or_default();
        self.offset += at;
    }

    /// The table that the first `count` tokens are.
    fn table(&self, count: usize) -> Option<CutTable<'i>> {
        let tokens = self.tokens.get(..count)?;
        CutTable::of(Piece::read(self.text, self.offset, tokens).or_else(|| self.read_any(tokens))?)
    }

    /// Reads a table with whatever TOML allows in one: dotted keys, sub-tables.
    fn read_any(&self, tokens: &[Token]) -> Option<Spanned<DeValue<'i>>> {
        let start = tokens.first()?.span().start();
        let text = self.text.get(start..tokens.last()?.span().end())?;
        let offset = self.offset + start;
        let mut tree = DeTable::parse(text).ok()?.into_inner();
        let DeValue::Array(array) = tree.remove(self.key)?.into_inner() else { return None };
        let table = array.into_iter().next()?;
        let range = table.span();
        let DeValue::Table(inner) = table.into_inner() else { return None };
        let inner = moved(inner, &|at| at + offset);
        Some(Spanned::new(range.start + offset..range.end + offset, DeValue::Table(inner)))
    }
}

/// Appends the tokens of the next statement, to the end of its last line, and those before it. Gives the place of its
/// first token among all; `None` when none follows.
fn read_statement(lexer: &mut Lexer<'_>, tokens: &mut Vec<Token>) -> Option<usize> {
    let mut first = None;
    let mut depth = 0_usize;
    for token in lexer {
        let place = tokens.len();
        tokens.push(token);
        match token.kind() {
            TokenKind::Whitespace | TokenKind::Comment | TokenKind::Eof => continue,
            TokenKind::Newline if first.is_none() || depth > 0 => continue,
            TokenKind::Newline => break,
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => depth += 1,
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        first.get_or_insert(place);
    }
    first
}

/// What a statement means, by its tokens. A key in quotes is left to the reader of the rest, who sees what it means.
fn meaning(text: &str, key: &str, tokens: &[Token]) -> Statement {
    let mut solid = tokens.iter().filter(|token| token.kind() != TokenKind::Whitespace);
    if solid.next().is_none_or(|token| token.kind() != TokenKind::LeftSquareBracket) {
        return Statement::Value;
    }
    let mut next = solid.next();
    let is_array = next.is_some_and(|token| token.kind() == TokenKind::LeftSquareBracket);
    if is_array {
        next = solid.next();
    }
    let word = next.filter(|token| token.kind() == TokenKind::Atom).map(Token::span);
    if word.and_then(|span| text.get(span.start()..span.end())) != Some(key) {
        return Statement::Other;
    }
    match solid.next().map(Token::kind) {
        Some(TokenKind::Dot) => Statement::Inside,
        _ if is_array => Statement::Table,
        _ => Statement::Same,
    }
}

#[cfg(test)]
mod tests;
