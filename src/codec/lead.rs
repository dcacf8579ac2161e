//! Where the fields are that each match of a pattern begins with, and often where it ends, without a search.
//!
//! Read off the pattern's syntax tree (`certain.rs`): parts that can be found in one way only are found by counting bytes.
//! Where a reply and its fields are, and so whether it answers another question, can often be told so; what the tree does
//! not make certain is left to a search.

use std::ops::Range;

use regex_syntax::hir::{ClassBytes, Hir, HirKind};

use super::certain::{class_of, first_byte, is_disjoint, is_one_byte};
use super::pattern::parse;

/// The fields that each match of a pattern begins with, as long as there is only one way to find them.
#[derive(Debug, Default)]
pub struct Lead {
    runs: Box<[Run]>,
    /// The byte with which each match ends, where the runs are the whole pattern.
    last: Option<u8>,
}

/// A part of a pattern that is found in one way.
#[derive(Debug)]
struct Run {
    bytes: Bytes,
    field: Option<Box<str>>,
}

#[derive(Debug)]
enum Bytes {
    /// One of these texts, which are of one length.
    Texts(Box<[Box<[u8]>]>),
    /// So many bytes of a class, as many as there are.
    Class { holds: Box<[bool; 256]>, min: usize, max: usize },
}

impl Lead {
    /// The lead of a pattern; of one that is none, or that does not say where its first field ends, an empty one.
    pub(super) fn of(pattern: &str) -> Self {
        let Ok(tree) = parse(pattern, false) else { return Self::default() };
        let parts = if let HirKind::Concat(parts) = tree.kind() { &parts[..] } else { std::slice::from_ref(&tree) };
        let mut runs = Vec::new();
        let mut rest = parts;
        while let Some((part, after)) = rest.split_first() {
            let Some(run) = Run::of(part, after) else { break };
            runs.push(run);
            rest = after;
        }
        let last = match parts.last().map(Hir::kind) {
            Some(HirKind::Literal(literal)) if rest.is_empty() => literal.0.last().copied(),
            _ => None,
        };
        if last.is_none() {
            runs.truncate(runs.iter().rposition(|run| run.field.is_some()).map_or(0, |last| last + 1));
        }
        Self { runs: runs.into(), last }
    }

    /// Where the match is that is complete first (`first_end.rs`), when it is the first thing in `bytes` that could be
    /// one; else `None`, and nothing is known.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<Range<usize>> {
        let (first, last) = (self.runs.first()?, self.last?);
        let start = bytes.iter().position(|byte| first.may_begin_with(*byte))?;
        let mut rest = bytes.get(start..)?;
        for run in &self.runs {
            (_, rest) = run.split(rest)?;
        }
        let end = bytes.len() - rest.len();
        // One that ended earlier would end with the same byte.
        (!bytes.get(start..end - 1)?.contains(&last)).then_some(start..end)
    }

    /// The names of its fields, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().filter_map(|run| run.field.as_deref())
    }

    /// The bytes of its fields in a frame, which must be a match; in the order of their names.
    pub fn fields<'l, 'f>(&'l self, frame: &'f [u8]) -> impl Iterator<Item = &'f [u8]> + use<'l, 'f> {
        let mut rest = frame;
        let piece = move |run: &'l Run| {
            let (piece, after) = run.split(rest)?;
            rest = after;
            Some((run, piece))
        };
        // A frame that is no match has no fields from there on.
        self.runs.iter().map_while(piece).filter_map(|(run, piece)| run.field.is_some().then_some(piece))
    }
}

impl Bytes {
    fn of(class: &ClassBytes, min: usize, max: usize) -> Self {
        let mut holds = Box::new([false; 256]);
        for (byte, holds) in (0..=u8::MAX).zip(holds.iter_mut()) {
            *holds = class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&byte));
        }
        Self::Class { holds, min, max }
    }
}

impl Run {
    /// A part of a pattern; `None` when there may be several ways to find it before what comes `after` it.
    fn of(part: &Hir, after: &[Hir]) -> Option<Self> {
        if let HirKind::Capture(group) = part.kind() {
            let run = Self::of(&group.sub, after)?;
            return Some(Self { field: group.name.clone(), ..run });
        }
        let HirKind::Repetition(repetition) = part.kind() else {
            let class = class_of(part).map(|class| Bytes::of(&class, 1, 1));
            return Some(Self { bytes: class.or_else(|| texts_of(part).map(Bytes::Texts))?, field: None });
        };
        let mut class = class_of(&repetition.sub)?;
        let (min, max) = (repetition.min as usize, repetition.max.map_or(usize::MAX, |max| max as usize));
        if min != max {
            let next = first_byte(after)?;
            // The first byte of what ends the whole also ends what takes as little as it can.
            if !repetition.greedy && is_one_byte(after) {
                class.difference(&next);
            }
            // It must be certain that what follows is none of its bytes.
            if !is_disjoint(&class, &next) {
                return None;
            }
        }
        Some(Self { bytes: Bytes::of(&class, min, max), field: None })
    }

    /// What of `bytes` it is, and what comes after it; `None` when they do not begin with it.
    #[inline]
    fn split<'b>(&self, bytes: &'b [u8]) -> Option<(&'b [u8], &'b [u8])> {
        let len = match &self.bytes {
            Bytes::Texts(texts) => texts.iter().find(|text| bytes.starts_with(text))?.len(),
            Bytes::Class { holds, min, max } => {
                let most = bytes.get(..*max).unwrap_or(bytes);
                let len = most.iter().position(|byte| !holds[usize::from(*byte)]).unwrap_or(most.len());
                (len >= *min).then_some(len)?
            }
        };
        bytes.split_at_checked(len)
    }

    /// Whether it can begin with a byte, or be empty.
    fn may_begin_with(&self, byte: u8) -> bool {
        match &self.bytes {
            Bytes::Texts(texts) => texts.iter().any(|text| text.first().is_none_or(|first| *first == byte)),
            Bytes::Class { holds, min, .. } => *min == 0 || holds[usize::from(byte)],
        }
    }
}

/// The texts that a part may be, when they are of one length, so that at most one of them is found at a place.
fn texts_of(part: &Hir) -> Option<Box<[Box<[u8]>]>> {
    let parts = if let HirKind::Alternation(parts) = part.kind() { &parts[..] } else { std::slice::from_ref(part) };
    let text = |part: &Hir| if let HirKind::Literal(literal) = part.kind() { Some(literal.0.clone()) } else { None };
    let texts: Box<[Box<[u8]>]> = parts.iter().map(text).collect::<Option<_>>()?;
    let len = texts.first()?.len();
    texts.iter().all(|text| text.len() == len).then_some(texts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::BytePattern;
    use crate::codec::certain::needed_bytes;

    const LG: &str = "(?<c2>[A-Za-z$]) +(?<id>[0-9A-Fa-f]{1,3}) +(?<word>OK|NG)(?<data>[0-9A-Za-z]*?)x";

    /// The fields of a pattern's lead in a frame, with their names.
    fn leading<'f>(lead: &Lead, frame: &'f [u8]) -> Vec<(String, &'f [u8])> {
        lead.names().map(str::to_owned).zip(lead.fields(frame)).collect()
    }

    #[test]
    fn the_first_fields_of_a_frame_are_counted_out() {
        let lead = Lead::of(LG);
        assert_eq!(lead.names().collect::<Vec<_>>(), ["c2", "id", "word", "data"]);
        assert_eq!(lead.fields(b"a  01 OK01x").collect::<Vec<_>>(), [&b"a"[..], b"01", b"OK", b"01"]);
        assert_eq!(lead.fields(b"a 3E8 NGx").collect::<Vec<_>>(), [&b"a"[..], b"3E8", b"NG", b""]);
        // No frames of this pattern: what is not there is not made up.
        assert_eq!(lead.fields(b"a-01 OK").collect::<Vec<_>>(), [&b"a"[..]]);
        assert_eq!(lead.fields(b"1").count(), 0);
    }

    #[test]
    fn fields_that_may_end_in_several_places_are_left_to_a_search() {
        for (pattern, names) in [
            ("AB(?<id>[0-9]+):(?<rest>.*?)x", &["id", "rest"][..]),
            ("AB(?<id>[0-9]+):(?<rest>.*?)x;", &["id"]),
            ("(?<id>[0-9]+)[0-9a-f]x", &[]),
            ("(?<id>[0-9]{2})(?<more>[0-9])x", &["id", "more"]),
            ("(?<id>[0-9]*)( |x)", &["id"]),
            ("(?<id>[0-9]+) ?[0-9]x", &[]),
            ("(?<first>a)?(?<id>b)x", &[]),
            ("(?<id>a[bc])x", &[]),
            ("(?<id>ab)x", &["id"]),
            ("(?<id>ab|cd)(?<more>e|fg)x", &["id"]),
            ("(?<id>[0-9x]*?)x", &["id"]),
            ("(?<id>[0-9x]*?)xy", &[]),
            ("(?<id>[0-9x]*)x", &[]),
            ("(?<id>a)|(?<other>b)", &[]),
        ] {
            assert_eq!(Lead::of(pattern).names().collect::<Vec<_>>(), names, "{pattern}");
        }
    }

    #[test]
    fn a_match_that_is_the_first_thing_that_may_be_one_is_found_without_a_search() {
        let lead = Lead::of(LG);
        for (stream, found) in [
            (&b"a 01 OK01xa 01 OK02x"[..], Some(0..10)),
            (b"\r\n a  3E8 NGx", Some(3..13)),
            (b"x 01 OKx", None),
            (b"a 01 OK01", None),
            (b"a 01 NO01x", None),
            (b"za 01 OK01x", None),
            (b"", None),
        ] {
            assert_eq!(lead.find(stream), found, "{}", stream.escape_ascii());
        }
        // These do not say where they end, or are not known to their end.
        for pattern in ["a[0-9]", "a(bc)?x", "a|bc"] {
            assert_eq!(Lead::of(pattern).find(b"a1"), None, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn what_is_certain_of_a_match_is_what_a_search_finds(
            text in r"((\(\?<[abc]>)?([ab]|\[ab\]|\[a-c\]|[ab]{2})(([*+?]|\{1,2\}|\{2\})\??)?\)?[ bc]?){1,4}(c|\(b\|c\)|\(ab\|cc\)c)?",
            haystack in "[abc ]{0,16}",
        ) {
            // Names that come twice are no pattern.
            if let Ok(pattern) = BytePattern::parse(&text, false)
                && let Some(found) = pattern.find_first_end(haystack.as_bytes()).filter(|found| !found.is_empty())
            {
                let frame = &haystack.as_bytes()[found.clone()];
                prop_assert!(needed_bytes(&text).iter().all(|byte| frame.contains(byte)));
                let searched: Vec<_> = pattern.pieces(frame).unwrap().collect();
                let lead = Lead::of(&text);
                for (name, piece) in leading(&lead, frame) {
                    prop_assert!(searched.contains(&(&name, piece)), "{name}: {piece:?} in {frame:?}, not {searched:?}");
                }
                if let Some(counted) = lead.find(haystack.as_bytes()) {
                    prop_assert_eq!(counted, found);
                }
            }
        }
    }
}
