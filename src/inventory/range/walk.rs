//! The members of a range one after the other, each made of the one before: of most only the last digits differ.
//!
//! To make each by its position (`Pattern::write`) divides twice for every range of the text, which was a third of what
//! a large range took.

use super::{Pattern, Piece, push_item};

/// Gives the members of a pattern in their order; after the last it begins again.
pub(in crate::inventory) struct Walk<'p> {
    pattern: &'p Pattern,
    text: String,
    /// Of each piece: where it begins in the text, and which of its members stands there.
    places: Vec<(usize, u64)>,
    is_begun: bool,
}

impl<'p> Walk<'p> {
    pub(in crate::inventory) fn new(pattern: &'p Pattern) -> Self {
        Self { pattern, text: String::new(), places: vec![(0, 0); pattern.pieces.len()], is_begun: false }
    }

    /// The next member.
    pub(in crate::inventory) fn advance(&mut self) -> &str {
        let changed = if self.is_begun { self.count_on() } else { 0 };
        self.is_begun = true;
        let start = self.places.get(changed).map_or(0, |(start, _)| *start);
        self.text.truncate(start);
        for (piece, (start, position)) in self.pattern.pieces.iter().zip(&mut self.places).skip(changed) {
            *start = self.text.len();
            match piece {
                Piece::Text(text) => self.text.push_str(text),
                Piece::Range { progressions, .. } => push_item(progressions, *position, &mut self.text),
            }
        }
        &self.text
    }

    /// Counts the last range on, and those before it for as long as one has come around; the first piece that changes.
    fn count_on(&mut self) -> usize {
        for (place, (piece, (_, position))) in self.pattern.pieces.iter().zip(&mut self.places).enumerate().rev() {
            if let Piece::Range { count, .. } = piece {
                *position += 1;
                if *position < *count {
                    return place;
                }
                *position = 0;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Place;

    proptest::proptest! {
        #[test]
        fn who_walks_meets_the_members_in_their_order(
            text in "[a-z.]{0,3}(\\[(0?[0-9]{1,2}|[0-4]-[5-9]|0[0-8]-1[0-5]/3|7,[1-3]-4,012)\\][a-z.:]{0,2}){0,3}"
        ) {
            let pattern = Pattern::parse(&text, Place::Name).unwrap();
            let mut walk = Walk::new(&pattern);
            for index in 0..pattern.count() * 2 {
                proptest::prop_assert_eq!(walk.advance(), pattern.member(index), "{} {}", text, index);
            }
        }
    }
}
