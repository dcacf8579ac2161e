//! How a pattern is searched: by walking its states while it is asked seldom, by automata once it is asked often.
//!
//! Automata are built in advance and grow while they search. That pays for itself in a fleet whose replies differ, but a
//! run over one device asks ten patterns once, and automata were a fifth of what it computed. Both are of the same
//! library and find the same.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use regex::bytes::Regex;
use regex_automata::Input;
use regex_automata::nfa::thompson;
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::util::syntax;

use super::first_end::FirstEnd;
use super::pattern::compile;

/// So many searches are walks.
const WALKS: u32 = 16;

/// A pattern as it is searched; made when it is first asked.
pub(super) struct Engine {
    text: Box<str>,
    any_line: bool,
    searches: AtomicU32,
    walk: OnceLock<Option<Box<PikeVM>>>,
    automata: OnceLock<Option<Regex>>,
    first_end: OnceLock<Option<Box<FirstEnd>>>,
}

/// Who searches this time.
enum Searcher<'e> {
    Walk(&'e PikeVM),
    Automata(&'e Regex),
}

impl Engine {
    /// An engine for a pattern that certainly compiles, or has been compiled.
    pub(super) fn new(text: &str, any_line: bool, compiled: Option<Regex>) -> Self {
        let automata = compiled.map_or_else(OnceLock::new, |regex| Some(regex).into());
        let (walk, first_end) = (OnceLock::new(), OnceLock::new());
        Self { text: text.into(), any_line, searches: AtomicU32::new(0), walk, automata, first_end }
    }

    /// The pattern's text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether `^` and `$` hold at each line.
    pub(super) fn any_line(&self) -> bool {
        self.any_line
    }

    pub(super) fn is_match(&self, bytes: &[u8]) -> bool {
        match self.searcher() {
            Some(Searcher::Walk(walk)) => walk.is_match(&mut walk.create_cache(), bytes),
            Some(Searcher::Automata(regex)) => regex.is_match(bytes),
            None => false,
        }
    }

    /// Where it is found first.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<Range<usize>> {
        match self.searcher()? {
            Searcher::Walk(walk) => Some(walk.find(&mut walk.create_cache(), bytes)?.range()),
            Searcher::Automata(regex) => Some(regex.find(bytes)?.range()),
        }
    }

    /// Where the match is that is complete first (`first_end.rs`). The pattern must hold no `^` or `$`.
    pub(super) fn find_first_end(&self, bytes: &[u8]) -> Option<Range<usize>> {
        let is_seldom = || self.searches.fetch_add(1, Ordering::Relaxed) < WALKS;
        if (self.first_end.get().is_some() || !is_seldom())
            && let Some(automaton) = self.first_end.get_or_init(|| FirstEnd::new(&self.text).map(Box::new))
            && let Ok(found) = automaton.find(bytes)
        {
            return found;
        }
        let walk = self.walk.get_or_init(|| self.walk()).as_ref()?;
        Some(walk.find(&mut walk.create_cache(), Input::new(bytes).earliest(true))?.range())
    }

    /// Where each of the named groups is in the first match; `None` when nothing matches.
    pub(super) fn groups<'n>(
        &self,
        bytes: &[u8],
        names: impl Iterator<Item = &'n str>,
    ) -> Option<Vec<Option<Range<usize>>>> {
        match self.searcher()? {
            Searcher::Walk(walk) => {
                let mut captures = walk.create_captures();
                walk.captures(&mut walk.create_cache(), bytes, &mut captures);
                let group = |name| captures.get_group_by_name(name).map(|span| span.range());
                captures.is_match().then(|| names.map(group).collect())
            }
            Searcher::Automata(regex) => {
                let captures = regex.captures(bytes)?;
                Some(names.map(|name| Some(captures.name(name)?.range())).collect())
            }
        }
    }

    /// What is certainly small compiles: the syntax was checked, and only size is left to fail.
    fn searcher(&self) -> Option<Searcher<'_>> {
        let is_seldom = || self.automata.get().is_none() && self.searches.fetch_add(1, Ordering::Relaxed) < WALKS;
        if is_seldom()
            && let Some(walk) = self.walk.get_or_init(|| self.walk())
        {
            return Some(Searcher::Walk(walk));
        }
        let automata = self.automata.get_or_init(|| compile(&self.text, self.any_line).ok());
        automata.as_ref().map(Searcher::Automata)
    }

    fn walk(&self) -> Option<Box<PikeVM>> {
        let syntax = syntax::Config::new().unicode(false).utf8(false).multi_line(self.any_line);
        PikeVM::builder()
            .syntax(syntax)
            .thompson(thompson::Config::new().utf8(false))
            .build(&self.text)
            .ok()
            .map(Box::new)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn walks_and_automata_find_the_same(
            text in r"(\^)?((?:\(\?<a>)?[ab.]{1,2}\)?[*+?]{0,2}(\||[c ]|\\w)?){1,4}\$?",
            haystack in "[abc \n]{0,12}",
            any_line: bool,
        ) {
            if let Ok(compiled) = compile(&text, any_line) {
                let walks = Engine::new(&text, any_line, None);
                let automata = Engine::new(&text, any_line, Some(compiled));
                let bytes = haystack.as_bytes();
                prop_assert_eq!(walks.is_match(bytes), automata.is_match(bytes));
                prop_assert_eq!(walks.find(bytes), automata.find(bytes));
                prop_assert_eq!(walks.groups(bytes, ["a"].into_iter()), automata.groups(bytes, ["a"].into_iter()));
            }
        }
    }
}
