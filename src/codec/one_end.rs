//! Whether a pattern says where a reply ends, however the stream is cut.
//!
//! A reply that is whole must not become another one when more bytes have come: `OK.*x` finds `OKx` in `OKx1x` if the
//! stream is cut after the first `x`, and all of it if not. Exact: the pattern's automaton is walked from its beginning,
//! and after a match nothing that a plain search would rather have may be left to find. Automata can be very large, so
//! only so many states are looked at, shortest streams first; what is beyond them shows in no short reply, and is framed
//! at its first end all the same (`framing/pattern.rs`).

use std::collections::HashSet;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind};

/// So many states of an automaton are looked at.
const MOST_STATES: usize = 4000;

/// The memory of an automaton, in bytes; one that grows beyond it is looked at no further.
const MEMORY_MAX: usize = 4 * 1024 * 1024;

/// A stream in which a pattern finds one reply when it is cut, and another one when it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TwoEnds {
    /// Its beginning, at the end of which a reply is whole.
    pub(super) first: Vec<u8>,
    /// All of it, in which a plain search finds a reply that ends with it.
    pub(super) second: Vec<u8>,
}

/// A step from one state to the next.
struct Step {
    from: usize,
    byte: u8,
    state: LazyStateID,
    depth: usize,
    /// Where the first reply ended, once it has.
    end: Option<usize>,
}

/// A short stream in which `pattern` has two ends; `None` when there is none, or it is no pattern.
pub(super) fn find_two_ends(pattern: &str) -> Option<TwoEnds> {
    let dfa = automaton(pattern)?;
    let mut cache = dfa.create_cache();
    let start = dfa.start_state_forward(&mut cache, &Input::new(b"")).ok()?;
    let bytes = one_of_each_class(&dfa);
    let mut seen = HashSet::from([(start, false)]);
    let mut steps = vec![Step { from: 0, byte: 0, state: start, depth: 0, end: None }];
    let mut place = 0;
    while let Some(&Step { state, depth, end, .. }) = steps.get(place)
        && steps.len() < MOST_STATES
    {
        for &byte in &bytes {
            let next = dfa.next_state(&mut cache, state, byte).ok()?;
            // The automaton tells a match one byte later.
            let end = end.or_else(|| next.is_match().then_some(depth));
            if next.is_dead() || !seen.insert((next, end.is_some())) {
                continue;
            }
            steps.push(Step { from: place, byte, state: next, depth: depth + 1, end });
            if let Some(end) = end
                && is_at_end(&dfa, &mut cache, next)
            {
                let second = path(&steps, steps.len() - 1);
                return Some(TwoEnds { first: second.get(..end)?.to_vec(), second });
            }
        }
        place += 1;
    }
    None
}

fn automaton(pattern: &str) -> Option<DFA> {
    let config = DFA::config()
        .match_kind(MatchKind::LeftmostFirst)
        .cache_capacity(MEMORY_MAX)
        .skip_cache_capacity_check(true)
        // States keep their names: a full memory ends the walk.
        .minimum_cache_clear_count(Some(0));
    DFA::builder()
        .configure(config)
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(thompson::Config::new().utf8(false))
        .build(pattern)
        .ok()
}

/// Whether a match ends where this state is reached.
fn is_at_end(dfa: &DFA, cache: &mut Cache, state: LazyStateID) -> bool {
    dfa.next_eoi_state(cache, state).is_ok_and(|end| end.is_match())
}

/// Of bytes that the pattern does not tell apart the one that reads best.
fn one_of_each_class(dfa: &DFA) -> Vec<u8> {
    let rank = |byte: &u8| match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        b' '..=b'~' => 3,
        _ => 4,
    };
    let mut bytes: Vec<u8> = (0..=u8::MAX).collect();
    bytes.sort_by_key(rank);
    let mut seen = HashSet::new();
    bytes.retain(|byte| seen.insert(dfa.byte_classes().get(*byte)));
    bytes
}

/// The bytes that lead to a step.
fn path(steps: &[Step], last: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut place = last;
    while let Some(step) = steps.get(place).filter(|step| step.depth > 0) {
        bytes.push(step.byte);
        place = step.from;
    }
    bytes.reverse();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_ends(pattern: &str) -> Option<(String, String)> {
        let found = find_two_ends(pattern)?;
        Some((found.first.escape_ascii().to_string(), found.second.escape_ascii().to_string()))
    }

    #[test]
    fn a_pattern_that_takes_more_the_more_there_is_has_two_ends() {
        for (pattern, first, second) in [
            ("(OK|NG)([0-9a-zA-Z]*)x", "NGx", "NGxx"),
            ("~.*\\r", "~\\r", "~\\r\\r"),
            ("[0-9]+", "0", "00"),
            ("OK\\r?", "OK", "OK\\r"),
            ("OKAY|OK", "OK", "OKAY"),
            ("!{1,3}", "!", "!!"),
            // Begun earlier, done later.
            ("ab.*?y|bx", "abx", "abxy"),
        ] {
            assert_eq!(two_ends(pattern), Some((first.to_owned(), second.to_owned())), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_ends_with_what_ends_a_reply_has_one_end() {
        for pattern in [
            "(?<c2>[A-Za-z$]) +(?<id>[0-9A-Fa-f]{1,3}) +(?<word>OK|NG)(?<data>[0-9A-Za-z]*?)x",
            "~[0-9]*@?[^~\\r\\n]*\\r\\n",
            "~[^\\r]*\\r|OK\\r",
            "[0-9]+ ",
            "OK|OKAY",
            ".{3}",
            "(?s).*?\\x00",
        ] {
            assert_eq!(two_ends(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn an_automaton_that_is_too_large_ends_the_search() {
        assert_eq!(two_ends("a[^y]{0,60}x.{0,60}?y"), None);
    }
}
