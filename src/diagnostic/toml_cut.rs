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

use super::toml_piece::{Piece, moved};

/// A document without the tables of one array, and where those are.
pub struct TomlCut<'i> {
    text: &'i str,
    key: &'static str,
    /// Everything else, put together.
    rest: String,
    /// Where a part of `rest` begins in it, and where in the document.
    parts: Vec<(usize, usize)>,
    /// A table each, with the sub-tables that follow it.
    tables: Vec<Range<usize>>,
}

/// What a header means for the cuts.
enum Header {
    /// `[[KEY]]`
    Table,
    /// `[KEY.…]`, `[[KEY.…]]`
    Inside,
    /// `[KEY]`
    Same,
    Other,
}

impl<'i> TomlCut<'i> {
    /// Cuts `text` at its `[[key]]` tables; `None` when there are none, or when they have to be read with the rest.
    pub fn new(text: &'i str, key: &'static str) -> Option<Self> {
        let mut cut = Self { text, key, rest: String::new(), parts: Vec::new(), tables: Vec::new() };
        let mut tokens = Source::new(text).lex();
        let mut start = 0;
        let mut is_table = false;
        while let Some(first) = statement(&mut tokens) {
            if first.kind() != TokenKind::LeftSquareBracket {
                skip_value(&mut tokens, first);
                continue;
            }
            match cut.header(&mut tokens) {
                Header::Inside if is_table => continue,
                Header::Other if !is_table => continue,
                // It would belong to a table further up, or is a second meaning of the key.
                Header::Inside | Header::Same => return None,
                header => {
                    cut.part(start..first.span().start(), is_table);
                    start = first.span().start();
                    is_table = matches!(header, Header::Table);
                }
            }
        }
        cut.part(start..text.len(), is_table);
        (!cut.tables.is_empty()).then_some(cut)
    }

    /// Takes a part of the document.
    fn part(&mut self, range: Range<usize>, is_table: bool) {
        if is_table {
            self.tables.push(range);
        } else {
            self.parts.push((self.rest.len(), range.start));
            self.rest.push_str(self.text.get(range).unwrap_or_default());
        }
    }

    /// Reads a header to the end of its line.
    fn header(&self, tokens: &mut Lexer<'i>) -> Header {
        let mut line = tokens.by_ref().take_while(|token| !is_end(token));
        let mut solid = line.by_ref().filter(|token| token.kind() != TokenKind::Whitespace);
        let mut next = solid.next();
        let is_array = next.is_some_and(|token| token.kind() == TokenKind::LeftSquareBracket);
        if is_array {
            next = solid.next();
        }
        // A key in quotes is left to the reader of the rest, who sees what it means.
        let key = next.filter(|token| token.kind() == TokenKind::Atom).map(|token| token.span());
        let is_ours = key.and_then(|span| self.text.get(span.start()..span.end())) == Some(self.key);
        let is_dotted = solid.next().is_some_and(|token| token.kind() == TokenKind::Dot);
        line.for_each(drop);
        match (is_ours, is_dotted, is_array) {
            (false, ..) => Header::Other,
            (true, true, _) => Header::Inside,
            (true, false, true) => Header::Table,
            (true, false, false) => Header::Same,
        }
    }

    /// How many tables there are.
    pub fn len(&self) -> usize {
        self.tables.len()
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
    pub fn tables(&self) -> impl Iterator<Item = Option<Spanned<DeValue<'i>>>> {
        let mut tokens = Vec::new();
        self.tables.iter().map(move |range| {
            let text = self.text.get(range.clone())?;
            Piece::read(text, range.start, &mut tokens).or_else(|| self.read_any(text, range.start))
        })
    }

    /// Reads a table with whatever TOML allows in one: dotted keys, sub-tables.
    fn read_any(&self, text: &'i str, offset: usize) -> Option<Spanned<DeValue<'i>>> {
        let mut tree = DeTable::parse(text).ok()?.into_inner();
        let DeValue::Array(array) = tree.remove(self.key)?.into_inner() else { return None };
        let table = array.into_iter().next()?;
        let range = table.span();
        let DeValue::Table(inner) = table.into_inner() else { return None };
        let inner = moved(inner, &|at| at + offset);
        Some(Spanned::new(range.start + offset..range.end + offset, DeValue::Table(inner)))
    }
}

fn is_end(token: &Token) -> bool {
    matches!(token.kind(), TokenKind::Newline | TokenKind::Eof)
}

/// The first token of the next statement.
fn statement(tokens: &mut Lexer<'_>) -> Option<Token> {
    tokens.find(|token| {
        !matches!(token.kind(), TokenKind::Whitespace | TokenKind::Newline | TokenKind::Comment | TokenKind::Eof)
    })
}

/// Skips `key = value` to the end of its last line.
fn skip_value(tokens: &mut Lexer<'_>, first: Token) {
    let mut depth = 0_usize;
    for token in std::iter::once(first).chain(tokens) {
        match token.kind() {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => depth += 1,
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => depth = depth.saturating_sub(1),
            TokenKind::Newline if depth == 0 => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
