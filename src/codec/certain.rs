//! What is certain of every match of a pattern before it is searched: bytes that it holds, and those that its parts may be
//! or begin with.
//!
//! All is read off the pattern's syntax tree. A stream without one of the bytes that each match holds holds no match.

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

/// Whether these parts are one byte, the same in each match.
pub(super) fn is_one_byte(parts: &[Hir]) -> bool {
    let [part] = parts else { return false };
    matches!(part.kind(), HirKind::Literal(literal) if literal.0.len() == 1)
}

/// The bytes of a part that is exactly one byte long.
pub(super) fn class_of(part: &Hir) -> Option<ClassBytes> {
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
pub(super) fn first_byte(parts: &[Hir]) -> Option<ClassBytes> {
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

pub(super) fn is_disjoint(one: &ClassBytes, other: &ClassBytes) -> bool {
    let mut both = one.clone();
    both.intersect(other);
    both.ranges().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LG: &str = "(?<c2>[A-Za-z$]) +(?<id>[0-9A-Fa-f]{1,3}) +(?<word>OK|NG)(?<data>[0-9A-Za-z]*?)x";

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
}
