//! An entry as it is read, before its ranges are expanded.

use std::borrow::Cow;
use std::sync::Arc;

use super::fleet::Member;
use super::params::Given;
use super::range::{Pattern, Place, RangeError, Walk};
use crate::diagnostic::Span;

/// One entry, read but not expanded. What is `None` was a mistake.
pub(super) struct Ready<'t> {
    pub(super) name: Option<(Words<'t>, Span)>,
    pub(super) address: Option<(Words<'t>, Span)>,
    pub(super) member: Option<Arc<Member>>,
    pub(super) site: Option<Arc<str>>,
    pub(super) tags: Arc<[Arc<str>]>,
    pub(super) params: Arc<[Given]>,
    /// How many devices it stands for.
    pub(super) count: u64,
}

/// A text of an entry: as nearly always one for its one device, or one for each.
pub(super) enum Words<'t> {
    One(Cow<'t, str>),
    Ranged(Pattern),
}

impl<'t> Words<'t> {
    pub(super) fn read(text: &'t str, place: Place) -> Result<Self, RangeError> {
        if text.bytes().any(|byte| matches!(byte, b'[' | b']')) {
            return Pattern::parse(text, place).map(Self::Ranged);
        }
        Ok(Self::One(Cow::Borrowed(text)))
    }

    /// How many there are, at least 1.
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Ranged(pattern) => pattern.count(),
        }
    }

    /// The first of them.
    pub(super) fn first(&self) -> Cow<'_, str> {
        match self {
            Self::One(text) => Cow::Borrowed(text),
            Self::Ranged(pattern) => Cow::Owned(pattern.member(0)),
        }
    }

    /// All of them, one after the other.
    pub(super) fn each(&self) -> Each<'_> {
        match self {
            Self::One(text) => Each::One(text),
            Self::Ranged(pattern) => Each::Ranged(Walk::new(pattern)),
        }
    }

    fn into_owned(self) -> Words<'static> {
        match self {
            Self::One(text) => Words::One(Cow::Owned(text.into_owned())),
            Self::Ranged(pattern) => Words::Ranged(pattern),
        }
    }
}

/// The texts of an entry in the order of its devices.
pub(super) enum Each<'w> {
    One(&'w str),
    Ranged(Walk<'w>),
}

impl Each<'_> {
    /// The next one; where there is only one it is that for every device.
    pub(super) fn advance(&mut self) -> &str {
        match self {
            Self::One(text) => text,
            Self::Ranged(walk) => walk.advance(),
        }
    }
}

impl Ready<'_> {
    pub(super) fn into_owned(self) -> Ready<'static> {
        let owned = |text: Option<(Words<'_>, Span)>| text.map(|(words, span)| (words.into_owned(), span));
        let Self { name, address, member, site, tags, params, count } = self;
        Ready { name: owned(name), address: owned(address), member, site, tags, params, count }
    }
}
