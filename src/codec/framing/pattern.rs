//! Framing by pattern: a reply is whatever a regular expression matches, wherever it stands; the rest is noise.
//!
//! A frame ends at the first byte at which any match is complete: the same as if bytes came one by one, so how a stream
//! is cut cannot matter. (The leftmost match of everything that happens to be there could be another one, and a greedy
//! piece would take more the more there is.) A pattern for which the two differ does not say what its author meant and is
//! refused (`one_end.rs`). Nor may a pattern look beyond its own bytes: no `^`, `$` or `\b`.
//!
//! Search is over a region that starts where the last frame or noise ended and grows to twice `max`; if it is full
//! without a match, its older half is noise and goes. So no match of up to `max` bytes is lost, one of up to twice `max`
//! is seen and told as too long, and each byte of noise is scanned a bounded number of times.

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use super::Found;
use crate::codec::lead::Lead;
use crate::codec::memo::Memo;
use crate::codec::one_end::find_two_ends;
use crate::codec::pattern::{BytePattern, PatternError, parse};
use crate::model::escape::shown;

/// Framing by pattern.
#[derive(Debug)]
pub struct PatternFraming {
    pattern: BytePattern,
    max: usize,
    noise_max: usize,
    found: Memo<Found>,
    /// Made when it is first asked, after the first stray.
    lead: OnceLock<Lead>,
}

/// Why a pattern cannot frame replies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// It is no pattern.
    #[error("{0}")]
    Pattern(PatternError),
    /// It matches where nothing is.
    #[error("the pattern also matches nothing at all, so every byte would end a reply")]
    Empty,
    /// It looks beyond the reply.
    #[error("the pattern of a frame is searched anywhere: it cannot hold `^`, `$` or `\\b`")]
    Looks,
    /// A whole reply becomes another one when more bytes come.
    #[error("its frames depend on where the stream is cut: `{first}` ends a reply, and so does `{second}`")]
    TwoEnds {
        /// A stream that ends with a reply.
        first: String,
        /// The same stream with more bytes, at the end of which a plain search sees the reply end.
        second: String,
    },
}

impl FramingError {
    /// What would be right, where that can be said.
    pub fn help(&self) -> Option<&'static str> {
        let help = "let it end with the byte that ends a reply, and let nothing before that take this byte: \
                    `[^x]*x`, or `.*?x`, not `.*x`";
        matches!(self, Self::TwoEnds { .. }).then_some(help)
    }
}

impl PatternFraming {
    /// A framing by `pattern`; a frame has at most `max` bytes, and at most `noise_max` bytes of an exchange may belong
    /// to none that answers it.
    ///
    /// # Errors
    /// When `pattern` is none, or could not find the same frames in every cut of a stream.
    pub fn new(pattern: &str, max: usize, noise_max: usize) -> Result<Self, FramingError> {
        let tree = parse(pattern, false).map_err(FramingError::Pattern)?;
        if !tree.properties().look_set().is_empty() {
            return Err(FramingError::Looks);
        }
        if tree.properties().minimum_len() == Some(0) {
            return Err(FramingError::Empty);
        }
        if let Some(two) = find_two_ends(pattern) {
            return Err(FramingError::TwoEnds { first: shown(&two.first), second: shown(&two.second) });
        }
        let pattern = BytePattern::parse(pattern, false).map_err(FramingError::Pattern)?;
        Ok(Self { pattern, max, noise_max, found: Memo::default(), lead: OnceLock::new() })
    }

    /// The same for a pattern that is known to frame replies: it is not read before it is asked.
    pub fn proven(pattern: &str, max: usize, noise_max: usize) -> Self {
        Self {
            pattern: BytePattern::proven(pattern, false),
            max,
            noise_max,
            found: Memo::default(),
            lead: OnceLock::new(),
        }
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn noise_max(&self) -> usize {
        self.noise_max
    }

    pub(super) fn find(&self, bytes: &[u8]) -> Found {
        let full = self.max.saturating_mul(2);
        let region = bytes.get(..full).unwrap_or(bytes);
        // The lead is made at the first stray: whoever sends one may send hundreds, no two alike.
        if let Some(found) = self.lead.get().and_then(|lead| lead.find(region)) {
            return self.complete(&found);
        }
        self.found.get(region, || match self.pattern.find_first_end(region) {
            Some(found) => self.complete(&found),
            None if region.len() == full => Found::Noise(self.max),
            None => Found::More,
        })
    }

    fn complete(&self, found: &Range<usize>) -> Found {
        let Range { start, end } = *found;
        if end - start <= self.max { Found::Frame { start, end } } else { Found::TooLong(end) }
    }

    pub(super) fn lead(&self) -> &Lead {
        self.lead.get_or_init(|| Lead::of(self.pattern.as_str()))
    }

    pub(super) fn field_names(&self) -> impl Iterator<Item = &str> {
        self.pattern.names()
    }

    pub(super) fn fields<'f>(&self, frame: &'f [u8]) -> Vec<(&str, &'f [u8])> {
        self.pattern.pieces(frame).map(Iterator::collect).unwrap_or_default()
    }
}

impl fmt::Display for PatternFraming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what matches {} anywhere, at most {} bytes", self.pattern.as_str(), self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_ends_where_its_first_match_is_complete() {
        let framing = PatternFraming::proven("a[0-9 a]*x|1x", 8, 100);
        for (stream, found) in [
            (&b"zza 1xx"[..], Found::Frame { start: 2, end: 6 }),
            (b"a 1 1", Found::More),
            (b"zz1xx", Found::Frame { start: 2, end: 4 }),
            (b"a 0123456x", Found::TooLong(10)),
            (b"................", Found::Noise(8)),
        ] {
            assert_eq!(framing.find(stream), found, "{}", stream.escape_ascii());
        }
    }

    #[test]
    fn what_comes_after_a_complete_match_does_not_change_it() {
        // Searched in all that is there, the greedy piece would take both x, and the long alternative would win.
        for (pattern, stream, end) in [("ax+", &b"axx"[..], 2), ("ab.*y|bx", b"abx..y", 3)] {
            let framing = PatternFraming::proven(pattern, 8, 100);
            assert!(matches!(framing.find(stream), Found::Frame { end: found, .. } if found == end), "{pattern}");
            assert_eq!(framing.find(stream.get(..end).unwrap()), framing.find(stream), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_depends_on_the_cut_is_refused() {
        for (pattern, error) in [
            ("^a", FramingError::Looks),
            ("a$", FramingError::Looks),
            (r"a\b", FramingError::Looks),
            ("a*", FramingError::Empty),
            ("a.*x", FramingError::TwoEnds { first: "ax".to_owned(), second: "axx".to_owned() }),
        ] {
            assert_eq!(PatternFraming::new(pattern, 8, 8).unwrap_err(), error, "{pattern}");
        }
        assert!(matches!(PatternFraming::new("(", 8, 8), Err(FramingError::Pattern(_))));
        assert!(PatternFraming::new("[a$]x", 8, 8).is_ok());
    }
}
