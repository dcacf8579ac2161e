//! One table of a cut document (`toml_cut.rs`): built straight from the parser's events, without a document around it.
//!
//! Knows the table that nearly everybody writes: a header, then keys with values. Dotted keys, sub-tables and all
//! mistakes are left to the `toml` crate: then there is no table here.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};
use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::lexer::Token;
use toml_parser::parser::{EventReceiver, RecursionGuard, parse_document};
use toml_parser::{ErrorSink, ParseError, Source, Span};

/// Values in values; deeper ones are left to the `toml` crate.
const MOST_OPEN: usize = 16;

/// Values within values, as deep as the document's own parser goes: each costs a piece of the stack.
const DEEPEST: u32 = 80;

/// What is being built, from the parser's events.
pub(super) struct Piece<'i> {
    source: Source<'i>,
    /// Where the text begins in its document.
    offset: usize,
    /// The table's own header; `None` before it.
    header: Option<Range<usize>>,
    in_header: bool,
    /// The table, and the values in it that are not closed.
    open: Vec<Open<'i>>,
    is_simple: bool,
}

enum Open<'i> {
    Table { start: usize, table: DeTable<'i>, key: Option<Spanned<DeString<'i>>> },
    Array { start: usize, items: DeArray<'i> },
}

impl<'i> Piece<'i> {
    /// Makes the table, with its header, that `tokens` of `text` are; `offset` is where the text begins in its document.
    /// `None` when it is not simple, or wrong.
    pub(super) fn read(text: &'i str, offset: usize, tokens: &[Token]) -> Option<Spanned<DeValue<'i>>> {
        let source = Source::new(text);
        let table = Open::Table { start: 0, table: DeTable::new(), key: None };
        let mut open = Vec::with_capacity(4);
        open.push(table);
        let mut piece = Self { source, offset, header: None, in_header: false, open, is_simple: true };
        let mut error: Option<ParseError> = None;
        parse_document(tokens, &mut RecursionGuard::new(&mut piece, DEEPEST), &mut error);
        if error.is_some() || !piece.is_simple {
            return None;
        }
        match (piece.open.pop(), piece.header) {
            (Some(Open::Table { table, .. }), Some(header)) if piece.open.is_empty() => {
                Some(Spanned::new(header, DeValue::Table(table)))
            }
            _ => None,
        }
    }

    fn place(&self, span: Span) -> Range<usize> {
        self.offset + span.start()..self.offset + span.end()
    }

    fn value(&mut self, place: Range<usize>, value: DeValue<'i>) {
        let value = Spanned::new(place, value);
        match self.open.last_mut() {
            Some(Open::Table { table, key, .. }) => match key.take() {
                Some(key) => self.is_simple &= table.insert(key, value).is_none(),
                None => self.is_simple = false,
            },
            Some(Open::Array { items, .. }) => items.push(value),
            None => self.is_simple = false,
        }
    }

    fn close(&mut self, span: Span) {
        let end = self.place(span).end;
        match self.open.pop() {
            Some(Open::Table { start, table, .. }) => self.value(start..end, DeValue::Table(table)),
            Some(Open::Array { start, items }) => self.value(start..end, DeValue::Array(items)),
            None => self.is_simple = false,
        }
    }

    fn open(&mut self, open: Open<'i>) -> bool {
        self.is_simple &= self.open.len() < MOST_OPEN;
        self.open.push(open);
        self.is_simple
    }
}

impl EventReceiver for Piece<'_> {
    fn array_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.is_simple &= self.header.is_none();
        self.header = Some(self.place(span));
        self.in_header = true;
    }

    fn array_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        let end = self.place(span).end;
        if let Some(header) = &mut self.header {
            header.end = end;
        }
        self.in_header = false;
    }

    fn std_table_open(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.is_simple = false;
    }

    fn key_sep(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.is_simple = false;
    }

    fn simple_key(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        if self.in_header {
            return;
        }
        let place = self.place(span);
        let mut decoded = Cow::Borrowed("");
        if let Some(raw) = self.source.get(span) {
            toml_parser::Raw::new_unchecked(raw.as_str(), encoding, span).decode_key(&mut decoded, error);
        }
        match self.open.last_mut() {
            Some(Open::Table { key, .. }) => *key = Some(Spanned::new(place, decoded)),
            _ => self.is_simple = false,
        }
    }

    fn scalar(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        let mut decoded = Cow::Borrowed("");
        let Some(raw) = self.source.get(span) else { return };
        let kind = toml_parser::Raw::new_unchecked(raw.as_str(), encoding, span).decode_scalar(&mut decoded, error);
        let value = match kind {
            ScalarKind::String => DeValue::String(decoded),
            ScalarKind::Boolean(value) => DeValue::Boolean(value),
            // The tree's own numbers and dates can be made by its own parser only.
            _ => match DeValue::parse(raw.as_str()) {
                Ok(value) => value.into_inner(),
                Err(_) => {
                    self.is_simple = false;
                    return;
                }
            },
        };
        self.value(self.place(span), value);
    }

    fn array_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        let start = self.place(span).start;
        self.open(Open::Array { start, items: DeArray::new() })
    }

    fn array_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close(span);
    }

    fn inline_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        let start = self.place(span).start;
        self.open(Open::Table { start, table: DeTable::new(), key: None })
    }

    fn inline_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close(span);
    }

    fn comment(&mut self, span: Span, error: &mut dyn ErrorSink) {
        if let Some(raw) = self.source.get(span) {
            raw.decode_comment(error);
        }
    }

    fn newline(&mut self, span: Span, error: &mut dyn ErrorSink) {
        if let Some(raw) = self.source.get(span) {
            raw.decode_newline(error);
        }
    }

    fn error(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.is_simple = false;
    }
}

/// The same tree, each of its places where `place` says that it begins.
pub(super) fn moved<'i>(table: DeTable<'i>, place: &dyn Fn(usize) -> usize) -> DeTable<'i> {
    let range = |range: Range<usize>| {
        let start = place(range.start);
        start..start + range.len()
    };
    table
        .into_iter()
        .map(|(key, value)| {
            let key = Spanned::new(range(key.span()), key.into_inner());
            (key, moved_value(value, place))
        })
        .collect()
}

fn moved_value<'i>(value: Spanned<DeValue<'i>>, place: &dyn Fn(usize) -> usize) -> Spanned<DeValue<'i>> {
    let range = value.span();
    let start = place(range.start);
    let inner = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(moved(table, place)),
        DeValue::Array(array) => DeValue::Array(array.into_iter().map(|one| moved_value(one, place)).collect()),
        other => other,
    };
    Spanned::new(start..start + range.len(), inner)
}
