//! One table of a cut document (`toml_cut.rs`) as nearly everybody writes it, read from its bytes without tokens.
//!
//! Knows a small part of the language: `key = value` lines of bare keys, with texts in double quotes and without
//! escapes, plain numbers, and lists and inline tables of those on one line. What it knows it reads as the whole language
//! does, place for place; of anything else it says nothing, and the table is read with tokens (`toml_piece.rs`). It is a
//! third of the work of reading an inventory with a table a device.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::toml_pairs::{CutTable, Held, List, Pair};

/// A table with more keys is not plain: they are looked through one after the other.
const MOST_KEYS: usize = 16;

/// Room for the keys of nearly every table.
const KEYS: usize = 6;

/// A table that has been read, and where the next one begins in the text; at its end when none follows.
pub(super) struct Plain<'i> {
    pub(super) table: CutTable<'i>,
    pub(super) end: usize,
}

/// Reads the `[[key]]` table with which `text` begins; `offset` is where the text begins in its document. `None` when it
/// is not plain.
pub(super) fn read<'i>(text: &'i str, key: &str, offset: usize) -> Option<Plain<'i>> {
    let mut reader = Reader { text, at: 0, offset };
    let header = reader.header(key)?;
    let header = reader.place(header);
    let mut list = List::with_capacity(KEYS);
    loop {
        reader.blanks();
        match reader.peek() {
            None => break,
            Some(b'\n' | b'\r') => reader.line_end()?,
            Some(b'[') => {
                let end = reader.at;
                reader.header(key)?;
                reader.at = end;
                break;
            }
            Some(_) => {
                if list.len() == MOST_KEYS || !list.push(reader.pair()?) {
                    return None;
                }
                reader.line_end()?;
            }
        }
    }
    Some(Plain { table: CutTable { header, held: Held::List(list) }, end: reader.at })
}

/// A place in a text.
struct Reader<'i> {
    text: &'i str,
    at: usize,
    offset: usize,
}

impl<'i> Reader<'i> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes past `byte`, if it is next.
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Goes past the bytes that `belongs` holds for; where they are.
    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> Range<usize> {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        self.at += rest.iter().position(|&byte| !belongs(byte)).unwrap_or(rest.len());
        start..self.at
    }

    fn blanks(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t'));
    }

    fn place(&self, range: Range<usize>) -> Range<usize> {
        self.offset + range.start..self.offset + range.end
    }

    /// `[[key]]` and the end of its line.
    fn header(&mut self, key: &str) -> Option<Range<usize>> {
        let rest = self.text.get(self.at..)?.strip_prefix("[[")?.strip_prefix(key)?.strip_prefix("]]")?;
        let start = self.at;
        self.at = self.text.len() - rest.len();
        let range = start..self.at;
        self.line_end()?;
        Some(range)
    }

    /// Nothing more on this line.
    fn line_end(&mut self) -> Option<()> {
        self.blanks();
        let is_return = self.takes(b'\r');
        let is_end = self.takes(b'\n') || (!is_return && self.at == self.text.len());
        is_end.then_some(())
    }

    /// `key = value`
    fn pair(&mut self) -> Option<Pair<'i>> {
        Some((self.key()?, self.value()?))
    }

    /// A key and what stands before its value.
    fn key(&mut self) -> Option<Spanned<Cow<'i, str>>> {
        let key = self.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let name = self.text.get(key.clone()).filter(|name| !name.is_empty())?;
        let key = Spanned::new(self.place(key), Cow::Borrowed(name));
        self.blanks();
        if !self.takes(b'=') {
            return None;
        }
        self.blanks();
        Some(key)
    }

    fn value(&mut self) -> Option<Spanned<DeValue<'i>>> {
        let start = self.at;
        let value = match self.peek()? {
            b'"' => DeValue::String(Cow::Borrowed(self.string()?)),
            b'1'..=b'9' => self.number()?,
            b'[' => DeValue::Array(self.list()?),
            b'{' => DeValue::Table(self.inline_table()?),
            _ => return None,
        };
        Some(Spanned::new(self.place(start..self.at), value))
    }

    /// A text that means itself: whatever may stand between double quotes but a backslash.
    fn string(&mut self) -> Option<&'i str> {
        self.at += 1;
        let inner = self.take_while(|byte| byte >= b' ' && !matches!(byte, b'"' | b'\\' | 0x7F));
        let is_closed = self.takes(b'"');
        // Three quotes begin a text of several lines.
        if !is_closed || (inner.is_empty() && self.peek() == Some(b'"')) {
            return None;
        }
        self.text.get(inner)
    }

    /// Digits; the tree's own numbers can be made by its own parser only.
    fn number(&mut self) -> Option<DeValue<'i>> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if !matches!(self.peek(), None | Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | b']' | b'}')) {
            return None;
        }
        DeValue::parse(self.text.get(digits)?).ok().map(Spanned::into_inner)
    }

    /// A list on one line, of texts and numbers.
    fn list(&mut self) -> Option<DeArray<'i>> {
        self.at += 1;
        let mut items = DeArray::new();
        loop {
            self.blanks();
            if self.takes(b']') {
                return Some(items);
            }
            items.push(self.single()?);
            self.blanks();
            if !self.takes(b',') {
                return self.takes(b']').then_some(items);
            }
        }
    }

    /// An inline table on one line, of texts and numbers.
    fn inline_table(&mut self) -> Option<DeTable<'i>> {
        self.at += 1;
        let mut table = DeTable::new();
        self.blanks();
        if self.takes(b'}') {
            return Some(table);
        }
        loop {
            self.blanks();
            // One within another is not even looked into: there may be as many as the file is long.
            let (key, value) = (self.key()?, self.single()?);
            if table.insert(key, value).is_some() {
                return None;
            }
            self.blanks();
            if !self.takes(b',') {
                return self.takes(b'}').then_some(table);
            }
        }
    }

    fn single(&mut self) -> Option<Spanned<DeValue<'i>>> {
        matches!(self.peek()?, b'"' | b'1'..=b'9').then(|| self.value()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_plain(text: &str) -> bool {
        read(text, "device", 0).is_some()
    }

    #[test]
    fn what_nearly_everybody_writes_is_plain() {
        for text in [
            "[[device]]",
            "[[device]]\r\nname = \"tv-ä\"\r\n\r\n",
            "[[device]]\nname=\"\"\n  tags = [ \"a\", \"b\" ,]\n",
            "[[device]]\nparams = { set_id = 12, name = \"x\" }\nretries = 3 \n[[device]]\n",
        ] {
            assert!(is_plain(text), "{text}");
        }
    }

    #[test]
    fn anything_else_is_left_to_those_who_know_the_language() {
        for text in [
            "[[device]] # first\n",
            "[device]\n",
            "[[device]]\nname = 'a'\n",
            "[[device]]\nname = \"a\\n\"\n",
            "[[device]]\nname = \"\"\"a\"\"\"\n",
            "[[device]]\nname = \"a\n",
            "[[device]]\nname = \"\u{7f}\"\n",
            "[[device]]\nname = \"a\" address = \"b\"\n",
            "[[device]]\na.b = 1\n",
            "[[device]]\na = 01\n",
            "[[device]]\na = 1.5\n",
            "[[device]]\na = 1_0\n",
            "[[device]]\na = 99999999999999999999999999 x\n",
            "[[device]]\na = 1\na = 2\n",
            "[[device]]\na = [\n1]\n",
            "[[device]]\na = { b = 1, b = 2 }\n",
            "[[device]]\na = { b = 1, }\n",
            "[[device]]\na = { b = [] }\n",
            "[[device]]\na = 1\r",
            "[[device]]\n[device.link]\n",
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }

    #[test]
    fn a_table_ends_where_the_next_begins() {
        let text = "[[device]]\nname = \"a\"\n\n[[device]]\nname = 'b'\n";
        assert_eq!(read(text, "device", 0).map(|plain| plain.end), Some(23));
    }
}
