//! Many device names in few words: `tv-[014-038], wall-1`.
//!
//! What comes out can be pasted into `--select`: names that a selector would misread stand in double quotes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A number that can be counted on: at most so many digits.
const MOST_DIGITS: usize = 18;

/// Names that differ in one number only: what stands before and after it, and its width where it has leading zeros.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Family<'n> {
    before: &'n str,
    after: &'n str,
    width: usize,
}

/// Folds names, in any order, into ranges over their last number; each name is in there once.
pub fn fold_names<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut families: BTreeMap<Family<'n>, Vec<u64>> = BTreeMap::new();
    let mut single: Vec<&str> = Vec::new();
    // A number without a leading zero (`tv-100`) belongs to a padded family (`tv-099`) when there is one of its width,
    // so the padded ones come first.
    let (padded, plain): (Vec<_>, Vec<_>) = names
        .into_iter()
        .map(|name| (name, cut(name)))
        .partition(|(_, cut)| cut.as_ref().is_some_and(|c| c.1.starts_with('0') && c.1.len() > 1));
    for (name, cut) in padded.into_iter().chain(plain) {
        match cut {
            Some((before, digits, after)) if !needs_quotes(name) => {
                let padded = Family { before, after, width: digits.len() };
                let is_padded = digits.len() > 1 && (digits.starts_with('0') || families.contains_key(&padded));
                let family = if is_padded { padded } else { Family { before, after, width: 0 } };
                families.entry(family).or_default().extend(digits.parse::<u64>());
            }
            _ => single.push(name),
        }
    }
    let mut parts: Vec<(&str, String)> = families
        .into_iter()
        .map(|(family, mut numbers)| {
            numbers.sort_unstable();
            numbers.dedup();
            (family.before, folded(&family, &numbers))
        })
        .collect();
    single.sort_unstable();
    single.dedup();
    parts.extend(single.into_iter().map(|name| (name, selector_name(name))));
    parts.sort_by(|a, b| a.0.cmp(b.0));
    parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>().join(", ")
}

/// A name as a selector takes it: in double quotes where it would be misread without.
pub fn selector_name(name: &str) -> String {
    if needs_quotes(name) {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        name.to_owned()
    }
}

fn needs_quotes(name: &str) -> bool {
    matches!(name, "" | "and" | "or" | "not")
        || ["@", "type:", "site:", "tag:"].iter().any(|start| name.starts_with(start))
        || name.chars().any(|c| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '[' | ']' | '"' | '*' | '?'))
}

/// Cuts a name at its last number.
fn cut(name: &str) -> Option<(&str, &str, &str)> {
    let end = name.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (head, after) = name.split_at_checked(end)?;
    let start = head
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + head.get(at..).and_then(|c| c.chars().next()).map_or(1, char::len_utf8));
    let (before, digits) = head.split_at_checked(start)?;
    (digits.len() <= MOST_DIGITS).then_some((before, digits, after))
}

fn folded(family: &Family<'_>, numbers: &[u64]) -> String {
    let width = family.width;
    let mut inside = String::new();
    let mut rest = numbers;
    while let Some(&first) = rest.first() {
        let run = rest.iter().zip(first..).take_while(|(number, counted)| *number == counted).count();
        let last = rest.get(run - 1).copied().unwrap_or(first);
        let comma = if inside.is_empty() { "" } else { "," };
        // Writing to a `String` cannot fail.
        _ = write!(inside, "{comma}{first:0width$}");
        if run > 1 {
            _ = write!(inside, "-{last:0width$}");
        }
        rest = rest.get(run..).unwrap_or_default();
    }
    if numbers.len() > 1 {
        format!("{}[{inside}]{}", family.before, family.after)
    } else {
        format!("{}{inside}{}", family.before, family.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_into_ranges() {
        for (names, expected) in [
            (&["tv-001", "tv-002", "tv-003", "tv-007", "wall-1"][..], "tv-[001-003,007], wall-1"),
            (&["tv-3", "tv-1", "tv-2", "tv-2"], "tv-[1-3]"),
            (&["tv-100", "tv-098", "tv-099", "tv-101"], "tv-[098-101]"),
            (&["tv-9", "tv-10", "tv-01"], "tv-9, tv-[01,10]"),
            (&["hall-1-tv-1", "hall-1-tv-2", "hall-2-tv-1"], "hall-1-tv-[1-2], hall-2-tv-1"),
            (&["tv-1-left", "tv-2-left", "pump"], "pump, tv-[1-2]-left"),
            (&["tv 1", "tv 2", "or", "tv[1]"], "\"or\", \"tv 1\", \"tv 2\", \"tv[1]\""),
            (&["1", "2", "0"], "[0-2]"),
            (&["ä1", "ä2", "x123456789012345678901"], "x123456789012345678901, ä[1-2]"),
            (&[], ""),
        ] {
            assert_eq!(fold_names(names.iter().copied()), expected, "{names:?}");
        }
    }
}
