//! What is certain of every match of a pattern before it is searched: bytes that it holds, and where the fields are that
//! it begins with.
//!
//! Both are read off the pattern's syntax tree. A stream without one of those bytes holds no match; and whether a frame
//! answers another question can often be told from its first fields, which are found by counting bytes. What the tree does
//! not make certain is left to a search.

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind};

use super::pattern::parse;

/// The bytes that every match of a pattern holds, as far as they are certain.
pub(super) fn needed_bytes(pattern: &str) -> Box<[u8]> {
    let mut needed = parse(pattern, false).map(|tree| needed_by(&tree)).unwrap_or_default();
    needed.sort_unstable();
    needed.dedup();
    needed.into()
}

fn needed_by(tree: &Hir) -> Vec<u8> {
    match tree.kind() {
        HirKind::Literal(literal) => literal.0.to_vec(),
        HirKind::Repetition(repetition) if repetition.min > 0 => needed_by(&repetition.sub),
        HirKind::Capture(group) => needed_by(&group.sub),
        HirKind::Concat(parts) => parts.iter().flat_map(needed_by).collect(),
        HirKind::Alternation(parts) => {
            let mut parts = parts.iter().map(needed_by);
            let first = parts.next().unwrap_or_default();
            parts.fold(first, |all, one| all.into_iter().filter(|byte| one.contains(byte)).collect())
        }
        HirKind::Repetition(_) | HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) => Vec::new(),
    }
}

/// The fields that each match of a pattern begins with, as long as there is only one way to find them.
#[derive(Debug, Default)]
pub struct Lead {
    runs: Box<[Run]>,
}

/// So many bytes of a class, as many as there are.
#[derive(Debug)]
struct Run {
    class: ClassBytes,
    /// The same, to be asked byte by byte.
    holds: Box<[bool; 256]>,
    min: usize,
    max: usize,
    field: Option<Box<str>>,
}

impl Lead {
    /// The lead of a pattern; of one that is none, or that does not say where its first field ends, an empty one.
    pub(super) fn of(pattern: &str) -> Self {
        let Ok(tree) = parse(pattern, false) else { return Self::default() };
        let parts = if let HirKind::Concat(parts) = tree.kind() { &parts[..] } else { std::slice::from_ref(&tree) };
        let mut runs = Vec::new();
        let mut rest = parts;
        while let Some((part, after)) = rest.split_first() {
            if let HirKind::Literal(literal) = part.kind() {
                runs.extend(literal.0.iter().map(|byte| Run::new(only(*byte), 1, 1)));
            } else {
                let Some(run) = Run::of(part) else { break };
                // It must be certain how many bytes it has, or that what follows is none of them.
                let ends = || first_byte(after).is_some_and(|next| is_disjoint(&run.class, &next));
                if run.min != run.max && !ends() {
                    break;
                }
                runs.push(run);
            }
            rest = after;
        }
        runs.truncate(runs.iter().rposition(|run| run.field.is_some()).map_or(0, |last| last + 1));
        Self { runs: runs.into() }
    }

    /// The names of its fields, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().filter_map(|run| run.field.as_deref())
    }

    /// The bytes of its fields in a frame, which must be a match; in the order of their names.
    pub fn fields<'l, 'f>(&'l self, frame: &'f [u8]) -> impl Iterator<Item = &'f [u8]> + use<'l, 'f> {
        let mut rest = frame;
        let piece = move |run: &'l Run| {
            let holds = |byte: &&u8| run.holds.get(usize::from(**byte)).copied().unwrap_or_default();
            let len = rest.iter().take(run.max).take_while(holds).count();
            let (piece, after) = rest.split_at_checked(len)?;
            rest = after;
            Some((len >= run.min).then_some((run, piece)))
        };
        // A frame that is no match has no fields from there on.
        let pieces = self.runs.iter().map_while(piece).map_while(|piece| piece);
        pieces.filter_map(|(run, piece)| run.field.is_some().then_some(piece))
    }
}

impl Run {
    fn new(class: ClassBytes, min: usize, max: usize) -> Self {
        let mut holds = Box::new([false; 256]);
        for (byte, holds) in (0..=u8::MAX).zip(holds.iter_mut()) {
            *holds = class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&byte));
        }
        Self { class, holds, min, max, field: None }
    }

    fn of(part: &Hir) -> Option<Self> {
        match part.kind() {
            HirKind::Capture(group) => {
                let run = Self::of(&group.sub)?;
                Some(Self { field: group.name.clone(), ..run })
            }
            HirKind::Repetition(repetition) => {
                let class = class_of(&repetition.sub)?;
                let max = repetition.max.map_or(usize::MAX, |max| max as usize);
                Some(Self::new(class, repetition.min as usize, max))
            }
            _ => Some(Self::new(class_of(part)?, 1, 1)),
        }
    }
}

/// The bytes of a part that is exactly one byte long.
fn class_of(part: &Hir) -> Option<ClassBytes> {
    match part.kind() {
        HirKind::Class(class) => of_bytes(class),
        HirKind::Literal(literal) => match *literal.0 {
            [byte] => Some(only(byte)),
            _ => None,
        },
        _ => None,
    }
}

/// Of ASCII alternatives, `a|b`, the parser makes a class of characters.
fn of_bytes(class: &Class) -> Option<ClassBytes> {
    match class {
        Class::Bytes(class) => Some(class.clone()),
        Class::Unicode(class) => class.to_byte_class(),
    }
}

fn only(byte: u8) -> ClassBytes {
    ClassBytes::new([ClassBytesRange::new(byte, byte)])
}

/// The bytes with which these parts may begin; `None` when they may be empty, or that is not certain.
fn first_byte(parts: &[Hir]) -> Option<ClassBytes> {
    let (part, after) = parts.split_first()?;
    match part.kind() {
        HirKind::Literal(literal) => literal.0.first().copied().map(only),
        HirKind::Class(class) => of_bytes(class),
        HirKind::Capture(group) => first_byte(std::slice::from_ref(&*group.sub)),
        HirKind::Concat(parts) => first_byte(parts),
        HirKind::Alternation(parts) => {
            let mut all = ClassBytes::empty();
            for part in parts {
                all.union(&first_byte(std::slice::from_ref(part))?);
            }
            Some(all)
        }
        HirKind::Repetition(repetition) => {
            let mut first = first_byte(std::slice::from_ref(&*repetition.sub))?;
            if repetition.min == 0 {
                first.union(&first_byte(after)?);
            }
            Some(first)
        }
        HirKind::Empty | HirKind::Look(_) => None,
    }
}

fn is_disjoint(one: &ClassBytes, other: &ClassBytes) -> bool {
    let mut both = one.clone();
    both.intersect(other);
    both.ranges().is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::BytePattern;

    const LG: &str = "(?<c2>[A-Za-z$]) +(?<id>[0-9A-Fa-f]{1,3}) +(?<word>OK|NG)(?<data>[0-9A-Za-z]*?)x";

    /// The fields of a pattern's lead in a frame, with their names.
    fn leading<'f>(lead: &Lead, frame: &'f [u8]) -> Vec<(String, &'f [u8])> {
        lead.names().map(str::to_owned).zip(lead.fields(frame)).collect()
    }

    #[test]
    fn what_every_match_holds_is_needed_and_nothing_else() {
        for (pattern, needed) in [
            (LG, " x"),
            ("~[0-9]*@?[^~\\r\\n]*\\r\\n", "\n\r~"),
            ("ab+(c|dc)(e|f)g*", "abc"),
            ("(ab){0,3}[c]", "c"),
            ("[ab]|c", ""),
            ("(", ""),
        ] {
            assert_eq!(
                needed_bytes(pattern).escape_ascii().to_string(),
                needed.escape_default().to_string(),
                "{pattern}"
            );
        }
    }

    #[test]
    fn the_first_fields_of_a_frame_are_counted_out() {
        let lead = Lead::of(LG);
        assert_eq!(lead.names().collect::<Vec<_>>(), ["c2", "id"]);
        assert_eq!(lead.fields(b"a  01 OK01x").collect::<Vec<_>>(), [&b"a"[..], b"01"]);
        assert_eq!(lead.fields(b"a 3E8 NGx").collect::<Vec<_>>(), [&b"a"[..], b"3E8"]);
        // No frames of this pattern: what is not there is not made up.
        assert_eq!(lead.fields(b"a-01 OK").collect::<Vec<_>>(), [&b"a"[..]]);
        assert_eq!(lead.fields(b"1").count(), 0);
    }

    #[test]
    fn fields_that_may_end_in_several_places_are_left_to_a_search() {
        for (pattern, names) in [
            ("AB(?<id>[0-9]+):(?<rest>.*?)x", &["id"][..]),
            ("(?<id>[0-9]+)[0-9a-f]x", &[]),
            ("(?<id>[0-9]{2})(?<more>[0-9])x", &["id", "more"]),
            ("(?<id>[0-9]*)( |x)", &["id"]),
            ("(?<id>[0-9]+) ?[0-9]x", &[]),
            ("(?<first>a)?(?<id>b)x", &[]),
            ("(?<id>ab)x", &[]),
            ("(?<id>a)|(?<other>b)", &[]),
        ] {
            assert_eq!(Lead::of(pattern).names().collect::<Vec<_>>(), names, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn what_is_certain_of_a_match_is_what_a_search_finds(
            text in r"((\(\?<[abc]>)?([ab]|\[ab\]|\[a-c\]|[ab]{2})([*+?]|\{1,2\}|\{2\}){0,1}\)?[ bc]?){1,4}(c|\(b\|c\))?",
            haystack in "[abc ]{0,16}",
        ) {
            // Names that come twice are no pattern.
            if let Ok(pattern) = BytePattern::parse(&text, false)
                && let Some(found) = pattern.find_first_end(haystack.as_bytes()).filter(|found| !found.is_empty())
            {
                let frame = &haystack.as_bytes()[found];
                prop_assert!(needed_bytes(&text).iter().all(|byte| frame.contains(byte)));
                let searched: Vec<_> = pattern.pieces(frame).unwrap().collect();
                for (name, piece) in leading(&Lead::of(&text), frame) {
                    prop_assert!(searched.contains(&(&name, piece)), "{name}: {piece:?} in {frame:?}, not {searched:?}");
                }
            }
        }
    }
}
