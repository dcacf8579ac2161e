//! Which of several patterns, tried in their order, is the first that is found in a text: in one pass over it.
//!
//! Asked of one text after the other, none of which comes again: one pass and no memory of the text cost a part of what
//! it costs to try the patterns one by one.

use std::fmt;

use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Input, MatchKind};

use super::first_end::{Caches, MEMORY_MAX, caches};
use super::pattern::BytePattern;

/// Patterns in an order.
pub struct FirstOf {
    automaton: DFA,
    caches: Caches<Cache>,
}

impl FirstOf {
    /// For these patterns; `None` when no automaton can be built of them.
    pub fn new<'p>(patterns: impl IntoIterator<Item = &'p BytePattern>) -> Option<Self> {
        let trees: Vec<_> = patterns.into_iter().map(BytePattern::tree).collect::<Result<_, _>>().ok()?;
        let compiler = thompson::Config::new().utf8(false).which_captures(WhichCaptures::None);
        let states = thompson::Compiler::new().configure(compiler).build_many_from_hir(&trees).ok()?;
        let config =
            Config::new().match_kind(MatchKind::All).cache_capacity(MEMORY_MAX).skip_cache_capacity_check(true);
        let automaton = DFA::builder().configure(config).build_from_nfa(states).ok()?;
        let model = automaton.clone();
        let caches = caches(move || model.create_cache());
        Some(Self { automaton, caches })
    }

    /// The place of the first one that is found in `bytes`; `None` when none is, or the automaton gave up.
    pub fn find(&self, bytes: &[u8]) -> Option<usize> {
        let (automaton, cache) = (&self.automaton, &mut *self.caches.get());
        let mut first = None;
        let mut note = |cache: &Cache, state| {
            let ends =
                (0..automaton.match_len(cache, state)).map(|one| automaton.match_pattern(cache, state, one).as_usize());
            first = first.into_iter().chain(ends).min();
        };
        let mut state = automaton.start_state_forward(cache, &Input::new(bytes)).ok()?;
        for byte in bytes {
            state = automaton.next_state(cache, state, *byte).ok()?;
            if state.is_match() {
                note(cache, state);
            }
        }
        state = automaton.next_eoi_state(cache, state).ok()?;
        if state.is_match() {
            note(cache, state);
        }
        first
    }
}

impl fmt::Debug for FirstOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstOf").field("patterns", &self.automaton.pattern_len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_in_their_order_is_found_wherever_each_of_them_stands() {
        let patterns = [" NG03x$", " NG.*x$", "^b", " OK.*x$"].map(|text| BytePattern::parse(text, false).unwrap());
        let first = FirstOf::new(&patterns).unwrap();
        for (text, place) in [
            ("a 01 NG03x", Some(0)),
            ("b 01 NG02x", Some(1)),
            ("b 01 OK01x", Some(2)),
            ("a 01 OK01x", Some(3)),
            ("a 01 OK01", None),
            ("", None),
        ] {
            assert_eq!(first.find(text.as_bytes()), place, "{text}");
        }
    }

    proptest! {
        #[test]
        fn one_pass_finds_what_trying_them_one_by_one_does(
            texts in proptest::collection::vec(r"(\^)?([ab.]{1,2}[*+?]{0,2}(\||[c ]|\\w)?){1,3}\$?", 1..5),
            haystacks in proptest::collection::vec("[abc \n]{0,10}", 1..5),
            any_line: bool,
        ) {
            let patterns: Vec<_> = texts.iter().filter_map(|text| BytePattern::parse(text, any_line).ok()).collect();
            let first = FirstOf::new(&patterns).unwrap();
            for haystack in &haystacks {
                let bytes = haystack.as_bytes();
                prop_assert_eq!(first.find(bytes), patterns.iter().position(|one| one.is_match(bytes)), "{}", haystack);
            }
        }
    }
}
