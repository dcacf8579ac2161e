//! Ranges in names, addresses and parameters: `tv-[001-300]`, `[0-8/2]`, `[1,3,7-9]`.
//!
//! A bracket holds decimal numbers: single ones, spans with an optional step, separated by commas. A number that starts
//! with a zero keeps its width. Several ranges in one text multiply, the leftmost slowest. Members are computed by their
//! position, never stored, so that a mistake is found before anything is expanded and a selector can ask for one.
//!
//! What is no range: brackets around words (`tv [left]`) are text, so that names may have them; brackets with a digit,
//! a hyphen, a comma or a slash in them are meant as ranges and must be right. Letters do not count up: `[a-f]` is a
//! mistake. In an address a bracket with a colon is an IPv6 address, whose ranges count in decimal as everywhere
//! (`[2001:db8::[9-10]]` is `::9` and `::10`). Parameters are foreign text: there only what can be nothing but a range
//! is one.

mod walk;

use std::ops::Range;

pub(super) use walk::Walk;

/// The most devices that an inventory may have, and the most members of a range.
pub const MOST_DEVICES: u64 = 10_000_000;

/// Where a text stands, which decides what its brackets mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A device's name, in the inventory or in a selector.
    Name,
    /// An address: brackets with a colon are IPv6.
    Address,
    /// The text of a parameter: brackets that are no range are text.
    Param,
}

/// Why a text with brackets cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RangeError {
    /// The bytes of the text that are wrong.
    pub at: Range<usize>,
    /// What is wrong.
    pub message: String,
}

/// A text with ranges: a list of texts whose members are computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<Piece>,
    count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Range {
        progressions: Vec<Progression>,
        count: u64,
        /// How many members pass before this range counts on.
        stride: u64,
    },
}

/// `first`, `first + step`, …: one item of a bracket.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Progression {
    first: u64,
    step: u64,
    width: usize,
    /// How many members the items before it have.
    before: u64,
}

impl Pattern {
    /// Reads a text and its ranges; nothing is expanded.
    ///
    /// # Errors
    /// At the first bracket that is not right, and when there are more than [`MOST_DEVICES`] members.
    pub fn parse(text: &str, place: Place) -> Result<Self, RangeError> {
        let mut pieces = Vec::new();
        scan(text, 0, place, &mut pieces)?;
        let mut count: u64 = 1;
        for piece in pieces.iter_mut().rev() {
            if let Piece::Range { count: members, stride, .. } = piece {
                *stride = count;
                count = count.saturating_mul(*members);
            }
        }
        if count > MOST_DEVICES {
            let message = "the range has more than 10 million members".to_owned();
            return Err(RangeError { at: 0..text.len(), message });
        }
        Ok(Self { pieces, count })
    }

    /// How many members it has: 1 without a range, never 0.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Appends the member at `index` (from 0); a pattern with one member gives it for every index.
    pub fn write(&self, index: u64, out: &mut String) {
        let index = index % self.count;
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Range { progressions, count, stride } => {
                    push_item(progressions, index / stride % count, out);
                }
            }
        }
    }

    /// The member at `index` as a text of its own.
    pub fn member(&self, index: u64) -> String {
        let mut text = String::new();
        self.write(index, &mut text);
        text
    }
}

/// Appends the member of a bracket at `position`.
fn push_item(progressions: &[Progression], position: u64, out: &mut String) {
    let item = progressions.partition_point(|one| one.before <= position).saturating_sub(1);
    if let Some(one) = progressions.get(item) {
        let number = one.first + (position - one.before) * one.step;
        push_number(number, one.width, out);
    }
}

/// Appends a number with at least `width` digits. It is done for every address of a large fleet, and `format!` takes
/// three times as long.
fn push_number(number: u64, width: usize, out: &mut String) {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        // A remainder of 10 fits a byte.
        *digit += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    for _ in used..width {
        out.push('0');
    }
    for digit in digits.iter().skip(digits.len() - used) {
        out.push(char::from(*digit));
    }
}

/// Cuts `text` into pieces; `offset` is where it stands in the whole.
fn scan(text: &str, offset: usize, place: Place, pieces: &mut Vec<Piece>) -> Result<(), RangeError> {
    let mut rest = text;
    let mut at = offset;
    while let Some(open) = rest.find(['[', ']']) {
        let (before, bracket) = rest.split_at(open);
        push_text(pieces, before);
        let start = at + open;
        let inside = match closing(bracket) {
            Some(close) => bracket.get(1..close).unwrap_or_default(),
            None if place == Place::Param => {
                push_text(pieces, bracket);
                return Ok(());
            }
            None => {
                let message =
                    if bracket.starts_with('[') { "the bracket is not closed" } else { "nothing to close here" };
                return Err(RangeError { at: start..offset + text.len(), message: message.to_owned() });
            }
        };
        let whole = start..start + inside.len() + 2;
        if place == Place::Address && inside.contains(':') {
            push_text(pieces, "[");
            scan(inside, start + 1, Place::Name, pieces)?;
            push_text(pieces, "]");
        } else if is_range(inside, place) {
            let (progressions, count) = read_range(inside, start + 1)?;
            pieces.push(Piece::Range { progressions, count, stride: 1 });
        } else {
            push_text(pieces, text.get(whole.start - offset..whole.end - offset).unwrap_or_default());
        }
        at = whole.end;
        rest = text.get(whole.end - offset..).unwrap_or_default();
    }
    push_text(pieces, rest);
    Ok(())
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// Where the bracket that `text` starts with is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

fn is_range(inside: &str, place: Place) -> bool {
    match place {
        Place::Name => inside.bytes().any(|b| b.is_ascii_digit() || matches!(b, b'-' | b',' | b'/' | b'[')),
        Place::Address => true,
        Place::Param => {
            inside.starts_with(|c: char| c.is_ascii_digit())
                && inside.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b',' | b'/' | b' '))
        }
    }
}

fn read_range(inside: &str, offset: usize) -> Result<(Vec<Progression>, u64), RangeError> {
    let mut progressions = Vec::new();
    let mut count: u64 = 0;
    let mut at = offset;
    for item in inside.split(',') {
        let place = at..at + item.len();
        at = place.end + 1;
        let wrong = |message: String| RangeError { at: place.clone(), message };
        let (span, step) = match item.split_once('/') {
            Some((span, step)) => (
                span,
                number(step).filter(|&step| step > 0).ok_or_else(|| {
                    wrong(format!("`{}` is no step: write a number from 1, as in `[0-8/2]`", step.trim()))
                })?,
            ),
            None => (item, 1),
        };
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let (Some(from), Some(to)) = (number(first), number(last)) else {
            let message =
                format!("`{}` is no range of numbers: write `[001-300]`, `[0-8/2]` or `[1,3,7-9]`", item.trim());
            return Err(wrong(message));
        };
        if from > to {
            return Err(wrong(format!("the range `{}` runs backward", item.trim())));
        }
        let width = padded_width(first).or_else(|| padded_width(last)).unwrap_or(0);
        progressions.push(Progression { first: from, step, width, before: count });
        count = count.saturating_add((to - from) / step + 1);
    }
    Ok((progressions, count))
}

/// A decimal number of at most 18 digits.
fn number(text: &str) -> Option<u64> {
    let digits = text.trim();
    let fits = (1..=18).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if fits { digits.parse().ok() } else { None }
}

fn padded_width(text: &str) -> Option<usize> {
    let digits = text.trim();
    (digits.len() > 1 && digits.starts_with('0')).then_some(digits.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, place: Place) -> Result<Vec<String>, String> {
        let pattern = Pattern::parse(text, place).map_err(|error| format!("{:?} {error}", error.at))?;
        Ok((0..pattern.count()).map(|index| pattern.member(index)).collect())
    }

    #[test]
    fn a_range_counts_as_it_is_written() {
        for (text, members) in [
            ("tv", "tv"),
            ("tv-[008-011]", "tv-008 tv-009 tv-010 tv-011"),
            ("[0-8/2]", "0 2 4 6 8"),
            ("[0-7/3]", "0 3 6"),
            ("[1,3,7-9]", "1 3 7 8 9"),
            ("[01,10,100]", "01 10 100"),
            ("[9-11]", "9 10 11"),
            ("a[1-2]b[1-3]", "a1b1 a1b2 a1b3 a2b1 a2b2 a2b3"),
            ("[5]", "5"),
            ("tv[left]", "tv[left]"),
            ("[1-2][]", "1[] 2[]"),
            ("[0-010/5]", "000 005 010"),
            ("[0-2/2]", "0 2"),
        ] {
            assert_eq!(all(text, Place::Name).unwrap().join(" "), members, "{text}");
        }
    }

    #[test]
    fn a_bracket_with_a_colon_is_an_ipv6_address() {
        assert_eq!(all("[2001:db8::1]:23", Place::Address).unwrap(), ["[2001:db8::1]:23"]);
        assert_eq!(all("[::[1-2]]:[23-24]", Place::Address).unwrap(), ["[::1]:23", "[::1]:24", "[::2]:23", "[::2]:24"]);
        assert_eq!(
            all("10.20.[0-1].[1-2]", Place::Address).unwrap(),
            ["10.20.0.1", "10.20.0.2", "10.20.1.1", "10.20.1.2"]
        );
        assert_eq!(all("[fe[1-2]::[8-9]:1]", Place::Address).unwrap().len(), 4, "what stands behind a range is kept");
        assert_eq!(all("[::[1-2]:5]:23", Place::Address).unwrap(), ["[::1:5]:23", "[::2:5]:23"]);
        assert_eq!(
            all("[::[9-1]]:23", Place::Address).unwrap_err(),
            "4..7 the range `9-1` runs backward",
            "counted from the whole address"
        );
        assert_eq!(all("[fe80::1%[eth]x]:23", Place::Address).unwrap(), ["[fe80::1%[eth]x]:23"]);
    }

    #[test]
    fn brackets_of_a_parameter_that_are_no_range_are_text() {
        for text in ["a[b-c]", "[x", "y]", "[-1]", "[1-x]"] {
            assert_eq!(all(text, Place::Param).unwrap(), [text]);
        }
        assert_eq!(all("[1-3]", Place::Param).unwrap(), ["1", "2", "3"]);
    }

    #[test]
    fn what_is_no_range_is_named_with_its_place() {
        for (text, why) in [
            ("tv-[9-1]", "4..7 the range `9-1` runs backward"),
            ("tv-[1,9-1]", "6..9 the range `9-1` runs backward"),
            ("a[1-2]b[9-1]", "8..11 the range `9-1` runs backward"),
            (
                "[1-1000000000000000000]",
                "1..22 `1-1000000000000000000` is no range of numbers: write `[001-300]`, `[0-8/2]` or `[1,3,7-9]`",
            ),
            ("[1-9/0]", "1..6 `0` is no step: write a number from 1, as in `[0-8/2]`"),
            ("[a-f]", "1..4 `a-f` is no range of numbers: write `[001-300]`, `[0-8/2]` or `[1,3,7-9]`"),
            ("[1,]", "3..3 `` is no range of numbers: write `[001-300]`, `[0-8/2]` or `[1,3,7-9]`"),
            ("tv-[1-3", "3..7 the bracket is not closed"),
            ("tv-1]", "4..5 nothing to close here"),
            ("[1-10000001]", "0..12 the range has more than 10 million members"),
            ("[1-9999999][1-9999999][1-9999999]", "0..33 the range has more than 10 million members"),
        ] {
            assert_eq!(all(text, Place::Name).unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn a_range_may_have_as_many_members_as_an_inventory_devices() {
        let most = Pattern::parse("[1-10000000]", Place::Name).unwrap();
        assert_eq!((most.count(), &*most.member(MOST_DEVICES - 1)), (MOST_DEVICES, "10000000"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[\\[\\]0-9a:,/-]{0,24}") {
            for place in [Place::Name, Place::Address, Place::Param] {
                if let Ok(pattern) = Pattern::parse(&text, place) {
                    proptest::prop_assert!(pattern.count() >= 1);
                    _ = pattern.member(pattern.count() - 1);
                }
            }
        }

        #[test]
        fn a_span_has_all_its_numbers(from in 0_u64..2000, more in 0_u64..50, step in 1_u64..7) {
            let members = all(&format!("[{from}-{}/{step}]", from + more), Place::Name).unwrap();
            let expected: Vec<String> = (from..=from + more).step_by(usize::try_from(step).unwrap()).map(|n| n.to_string()).collect();
            proptest::prop_assert_eq!(members, expected);
        }
    }
}
