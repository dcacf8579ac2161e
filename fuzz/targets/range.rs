//! Ranges in names, addresses and parameters: members are what a second, simple expansion gives, and folded names select.

use fleetctl::inventory::select;
use fleetctl::inventory::{MOST_DEVICES, Pattern, Place};
use fleetctl::model::fold_names;

use super::place::is_in;

/// So many members are compared one by one.
const COMPARED: u64 = 200;

/// The target.
pub(super) fn range(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for place in [Place::Name, Place::Address, Place::Param] {
        match Pattern::parse(text, place) {
            Err(error) => {
                is_in(&error.at, text, &error.message);
                assert!(text.contains(['[', ']']), "{text:?} has no bracket: {error}");
            }
            Ok(pattern) => members(text, &pattern, place),
        }
    }
    names(text);
}

fn members(text: &str, pattern: &Pattern, place: Place) {
    let count = pattern.count();
    assert!((1..=MOST_DEVICES).contains(&count), "{text:?} has {count} members");
    let all: Vec<String> = (0..count.min(COMPARED)).map(|index| pattern.member(index)).collect();
    let mut last = "at ".to_owned();
    pattern.write(count - 1, &mut last);
    assert_eq!(last, format!("at {}", pattern.member(count - 1)));
    assert_eq!(pattern.member(count), pattern.member(0), "a member more is the first again");
    // A number has at most 18 digits more than it is written with.
    let most = text.len() + 18 * text.matches('[').count();
    assert!(all.iter().all(|member| member.len() <= most), "{text:?} grows: {all:?}");
    let is_plain = place == Place::Name && !text.contains(':') && !text.contains("[[");
    if is_plain
        && count <= COMPARED
        && let Some(expected) = expanded(text)
    {
        assert_eq!(all, expected, "{text:?}");
    }
    if !text.contains('[') {
        assert_eq!(all, [text]);
    }
}

/// All members by counting; `None` where a bracket holds no numbers.
fn expanded(text: &str) -> Option<Vec<String>> {
    let Some((before, rest)) = text.split_once('[') else { return Some(vec![text.to_owned()]) };
    let (inside, after) = rest.split_once(']')?;
    let after = expanded(after)?;
    let mut all = Vec::new();
    for item in inside.split(',') {
        let (span, step) = item.split_once('/').unwrap_or((item, "1"));
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let [first, last, step] = [first, last, step].map(str::trim);
        let (from, to, step): (u64, u64, u64) = (first.parse().ok()?, last.parse().ok()?, step.parse().ok()?);
        let is_padded = |digits: &str| digits.len() > 1 && digits.starts_with('0');
        let padded = [first, last].into_iter().find(|digits| is_padded(digits)).map_or(0, str::len);
        for number in (from..=to).step_by(usize::try_from(step).ok()?) {
            all.extend(after.iter().map(|after| format!("{before}{number:0padded$}{after}")));
        }
    }
    Some(all)
}

/// Names folded into ranges are a selector, whatever the names; each of their numbers is in there.
fn names(text: &str) {
    let names: Vec<&str> = text.split('\n').filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return;
    }
    let folded = fold_names(names.iter().copied());
    if let Err(error) = select::parse(&folded) {
        panic!("{names:?} fold to {folded:?}: {error}");
    }
    assert_eq!(fold_names(names.iter().rev().copied()), folded, "the order of names does not matter");
}
