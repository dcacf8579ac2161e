//! The match of a pattern that is complete first, as if bytes came one by one: where it ends, and the leftmost place at
//! which one that ends there starts.
//!
//! A plain search looks for something else, the match that starts first, and may take any way to it. So a framing that
//! asked it had to ask again and again. Here a lazy automaton is walked byte by byte up to the first match and from there
//! backwards: two passes over a reply, and none over what lies behind it.

use std::fmt;
use std::ops::Range;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use memchr::memchr;
use regex_automata::Input;
use regex_automata::hybrid::dfa;
use regex_automata::hybrid::regex::{Cache, Regex};
use regex_automata::nfa::thompson;
use regex_automata::util::pool::Pool;
use regex_automata::util::syntax;

use super::certain::needed_bytes;

/// The memory that the states of an automaton may take in one direction, in bytes; when it is full, they are built anew.
pub(super) const MEMORY_MAX: usize = 256 * 1024;

/// So many bytes are walked before anything else is asked of them.
const NEAR: usize = 64;

/// What an automaton writes while it is walked, one for each thread that walks it.
pub(super) type Caches<C> = Pool<C, Box<dyn Fn() -> C + Send + Sync + UnwindSafe + RefUnwindSafe>>;

/// Made when they are asked for.
pub(super) fn caches<C>(make: impl Fn() -> C + Send + Sync + UnwindSafe + RefUnwindSafe + 'static) -> Caches<C> {
    Pool::new(Box::new(make))
}

/// Finds the match that is complete first.
pub(super) struct FirstEnd {
    automaton: Arc<Regex>,
    caches: Caches<Cache>,
    /// Bytes without which nothing matches.
    needed: Box<[u8]>,
}

impl FirstEnd {
    /// For a pattern that holds no `^` or `$`; `None` when none can be built.
    pub(super) fn new(pattern: &str) -> Option<Self> {
        let automaton = Regex::builder()
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .thompson(thompson::Config::new().utf8(false))
            .dfa(dfa::Config::new().cache_capacity(MEMORY_MAX).skip_cache_capacity_check(true))
            .build(pattern)
            .ok()?;
        let automaton = Arc::new(automaton);
        let model = automaton.clone();
        let caches = caches(move || model.create_cache());
        Some(Self { automaton, caches, needed: needed_bytes(pattern) })
    }

    /// Where it is; `Err` when the automaton gave up, so that nothing is known.
    pub(super) fn find(&self, bytes: &[u8]) -> Result<Option<Range<usize>>, GaveUp> {
        // A reply at hand ends soon, and then nothing else need be asked. What is complete first depends on nothing behind it.
        let near = bytes.get(..NEAR).unwrap_or(bytes);
        let found = self.walk(near)?;
        let is_all = near.len() == bytes.len();
        if found.is_some() || is_all || self.needed.iter().any(|needed| memchr(*needed, bytes).is_none()) {
            return Ok(found);
        }
        self.walk(bytes)
    }

    fn walk(&self, bytes: &[u8]) -> Result<Option<Range<usize>>, GaveUp> {
        let input = Input::new(bytes).earliest(true);
        let found = self.automaton.try_search(&mut self.caches.get(), &input).map_err(|_| GaveUp)?;
        Ok(found.map(|found| found.range()))
    }
}

/// An automaton that did not search to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GaveUp;

impl fmt::Debug for FirstEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstEnd").field("needed", &self.needed.escape_ascii().to_string()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::engine::Engine;
    use crate::codec::pattern::compile;

    /// The same by its definition: as if bytes came one by one, and each time all that is there were searched.
    fn as_bytes_come(pattern: &regex::bytes::Regex, bytes: &[u8]) -> Option<Range<usize>> {
        (0..=bytes.len()).find_map(|end| Some(pattern.find(&bytes[..end])?.range()))
    }

    #[test]
    fn far_matches_are_found_too_and_not_without_the_bytes_that_each_holds() {
        let found = FirstEnd::new("a[0-9]+x").unwrap();
        assert_eq!(&*found.needed, b"ax");
        for len in [0, 1, NEAR - 4, NEAR - 3, NEAR - 1, NEAR, 500] {
            let stream = [&vec![b'.'; len][..], b"a12xa1x"].concat();
            assert_eq!(found.find(&stream).unwrap(), Some(len..len + 4));
            assert_eq!(found.find(&stream[..len + 3]).unwrap(), None);
            assert_eq!(found.find(&stream[len + 1..len + 4]).unwrap(), None);
        }
        let bare = FirstEnd { needed: Box::default(), ..FirstEnd::new("a[0-9]+x").unwrap() };
        assert_eq!(bare.find(&[&[b'x'; 300][..], b"a1"].concat()).unwrap(), None);
    }

    proptest! {
        #[test]
        fn it_is_the_match_that_is_there_first_when_bytes_come_one_by_one(
            text in r"((?:\(\?<a>)?[ab.]{1,2}\)?[*+?]{0,2}(\||[c ]|\\w)?){1,4}",
            haystack in "[abc \n]{0,12}",
            ahead in prop_oneof![Just(0_usize), 50..80_usize],
        ) {
            if let Ok(compiled) = compile(&text, false) {
                let haystack = "d".repeat(ahead) + &haystack;
                let expected = as_bytes_come(&compiled, haystack.as_bytes());
                let automaton = FirstEnd::new(&text).unwrap();
                prop_assert_eq!(automaton.find(haystack.as_bytes()).unwrap(), expected.clone());
                // While it is asked seldom, and then often.
                let engine = Engine::new(&text, false, None);
                for _ in 0..20 {
                    prop_assert_eq!(engine.find_first_end(haystack.as_bytes()), expected.clone());
                }
            }
        }
    }
}
