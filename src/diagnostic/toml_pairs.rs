//! What a table holds, however it was read: the map of a tree, or the short list that a plain table of a cut document is.
//!
//! A map is a block of its own for each table and is searched by comparing texts; most tables of an inventory have five
//! keys, which a list holds and finds in a third of the time.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// A key and its value, with their places.
pub(super) type Pair<'i> = (Spanned<DeString<'i>>, Spanned<DeValue<'i>>);

/// A map with at most so many keys is looked through by the length of its keys.
const SMALL: usize = 8;

/// A table of a cut document.
pub struct CutTable<'i> {
    /// The place of its header.
    pub(super) header: Range<usize>,
    pub(super) held: Held<'i>,
}

/// What it holds.
pub(super) enum Held<'i> {
    List(List<'i>),
    Map(DeTable<'i>),
}

/// A few keys and their values.
pub struct List<'i> {
    /// In the order of the file; no key comes twice.
    pub(super) pairs: Vec<Pair<'i>>,
    /// A bit for each key, by which most keys that are not there are known not to be: three of four that a table is asked
    /// for are not.
    marks: u64,
}

impl<'i> List<'i> {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self { pairs: Vec::with_capacity(count), marks: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Adds a key with its value; whether it is a new one.
    pub(super) fn push(&mut self, pair: Pair<'i>) -> bool {
        let is_new = self.find(pair.0.get_ref()).is_none();
        self.marks |= mark(pair.0.get_ref());
        self.pairs.push(pair);
        is_new
    }

    fn find(&self, key: &str) -> Option<&Pair<'i>> {
        if self.marks & mark(key) == 0 {
            return None;
        }
        self.pairs.iter().find(|(known, _)| is_same(known, key))
    }
}

/// The bit of a key: any would do that differs for most keys.
fn mark(key: &str) -> u64 {
    let end = |byte: Option<&u8>| byte.copied().map_or(0, usize::from);
    let bytes = key.as_bytes();
    1 << ((bytes.len() * 5 + end(bytes.first()) * 3 + end(bytes.last())) % 64)
}

fn is_same(known: &Spanned<DeString<'_>>, key: &str) -> bool {
    known.get_ref().len() == key.len() && **known.get_ref() == *key
}

impl<'i> CutTable<'i> {
    /// The table that a value is; `None` for any other value.
    pub(super) fn of(value: Spanned<DeValue<'i>>) -> Option<Self> {
        let header = value.span();
        let DeValue::Table(table) = value.into_inner() else { return None };
        Some(Self { header, held: Held::Map(table) })
    }

    /// What it holds.
    pub fn pairs(&self) -> Pairs<'_, 'i> {
        match &self.held {
            Held::List(list) => Pairs::Listed(list),
            Held::Map(map) => Pairs::Mapped(map),
        }
    }
}

/// Keys and values of a table.
#[derive(Clone, Copy)]
pub enum Pairs<'t, 'i> {
    /// Of a plain table.
    Listed(&'t List<'i>),
    /// Of a tree.
    Mapped(&'t DeTable<'i>),
}

impl<'t, 'i> Pairs<'t, 'i> {
    pub(super) fn len(self) -> usize {
        match self {
            Self::Listed(list) => list.len(),
            Self::Mapped(map) => map.len(),
        }
    }

    /// A key and its value.
    pub(super) fn find(self, key: &str) -> Option<(&'t str, &'t Spanned<DeValue<'i>>)> {
        let found = match self {
            Self::Listed(list) => list.find(key).map(|(key, value)| (key, value)),
            Self::Mapped(map) if map.len() <= SMALL => map.iter().find(|(known, _)| is_same(known, key)),
            Self::Mapped(map) => map.get_key_value(key),
        };
        found.map(|(key, value)| (&**key.get_ref(), value))
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = (&'t Spanned<DeString<'i>>, &'t Spanned<DeValue<'i>>)> {
        let (list, map) = match self {
            Self::Listed(list) => (Some(&list.pairs), None),
            Self::Mapped(map) => (None, Some(map)),
        };
        list.into_iter().flatten().map(|(key, value)| (key, value)).chain(map.into_iter().flatten())
    }

    /// All of them by their keys: the order in which mistakes are reported, whatever the table was read into.
    pub(super) fn sorted(self) -> Vec<(&'t Spanned<DeString<'i>>, &'t Spanned<DeValue<'i>>)> {
        let mut all: Vec<_> = self.iter().collect();
        if let Self::Listed(_) = self {
            all.sort_by(|(one, _), (other, _)| one.get_ref().cmp(other.get_ref()));
        }
        all
    }
}
