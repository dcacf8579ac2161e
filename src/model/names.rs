//! Many names as few words: `tv-[001-003,007], wall-1`, in the notation that the inventory and `--select` read.

use std::collections::HashMap;

/// One name cut at its last number.
struct Numbered<'a> {
    number: u64,
    digits: &'a str,
}

/// The names that share what stands before and after the number.
struct Family<'a> {
    before: &'a str,
    after: &'a str,
    members: Vec<Numbered<'a>>,
}

/// Folds names into ranges; families stand in the order in which their first name came, doubles are left out.
pub fn fold_names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut families: Vec<Family<'a>> = Vec::new();
    let mut places: HashMap<(&str, &str, usize), usize> = HashMap::new();
    for name in names {
        let (before, numbered, after) = cut(name);
        // Numbers that are padded with zeros fold only with numbers of the same width.
        let padded = numbered.as_ref().filter(|n| n.digits.starts_with('0')).map_or(0, |n| n.digits.len());
        let place = match places.get(&(before, after, padded)) {
            Some(&place) => place,
            None => {
                // `099` and `100` are one family although only the first shows its padding.
                let unpadded = numbered.as_ref().filter(|_| padded == 0).map(|n| n.digits.len());
                let wide = unpadded.and_then(|width| places.get(&(before, after, width)).copied());
                let place = wide.unwrap_or(families.len());
                if place == families.len() {
                    families.push(Family { before, after, members: Vec::new() });
                    places.insert((before, after, padded), place);
                }
                place
            }
        };
        if let (Some(family), Some(numbered)) = (families.get_mut(place), numbered) {
            family.members.push(numbered);
        }
    }
    let mut text = String::new();
    for family in &mut families {
        if !text.is_empty() {
            text.push_str(", ");
        }
        write_family(&mut text, family);
    }
    text
}

fn cut(name: &str) -> (&str, Option<Numbered<'_>>, &str) {
    let end = name.rfind(|c: char| c.is_ascii_digit()).map_or(0, |at| at + 1);
    let (front, after) = name.split_at_checked(end).unwrap_or((name, ""));
    let start = front.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + last_char_len(front, at));
    match front.split_at_checked(start) {
        Some((before, digits)) => match digits.parse() {
            Ok(number) => (before, Some(Numbered { number, digits }), after),
            Err(_) => (name, None, ""),
        },
        None => (name, None, ""),
    }
}

fn last_char_len(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
}

fn write_family(text: &mut String, family: &mut Family<'_>) {
    text.push_str(family.before);
    family.members.sort_by_key(|member| member.number);
    family.members.dedup_by_key(|member| member.number);
    if let [one] = family.members.as_slice() {
        text.push_str(one.digits);
    } else if !family.members.is_empty() {
        text.push('[');
        let runs = family.members.chunk_by(|a, b| a.number.checked_add(1) == Some(b.number));
        for (place, run) in runs.enumerate() {
            if place > 0 {
                text.push(',');
            }
            if let (Some(first), Some(last)) = (run.first(), run.last()) {
                text.push_str(first.digits);
                if run.len() > 1 {
                    text.push('-');
                    text.push_str(last.digits);
                }
            }
        }
        text.push(']');
    }
    text.push_str(family.after);
}

#[cfg(test)]
mod tests {
    use super::fold_names;

    #[test]
    fn names_fold_into_the_ranges_they_came_from() {
        for (names, folded) in [
            (vec!["tv-001", "tv-002", "tv-003", "tv-007", "wall-1"], "tv-[001-003,007], wall-1"),
            (vec!["wall-9", "wall-10", "wall-11"], "wall-[9-11]"),
            (vec!["tv-099", "tv-100"], "tv-[099-100]"),
            (vec!["a1b", "a2b", "pump"], "a[1-2]b, pump"),
            (vec!["pump", "pump"], "pump"),
            (vec!["ü7", "ü8"], "ü[7-8]"),
            (vec![], ""),
        ] {
            assert_eq!(fold_names(names), folded);
        }
    }
}
