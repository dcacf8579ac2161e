//! Mistakes that a reader of a user's file reports: each points into the file, between characters, and can be drawn.

use std::ops::Range;

use fleetctl::diagnostic::{Diagnostics, Sources, render_all};

/// A file has at most so many mistakes for each of its bytes, and a few about what it lacks.
const LACKING: usize = 40;

/// Asserts that a range stands in a text, between characters.
pub(super) fn is_in(range: &Range<usize>, text: &str, what: &str) {
    let stands = text.is_char_boundary(range.start) && text.is_char_boundary(range.end) && range.start <= range.end;
    assert!(stands, "{what} is at {range:?} of {} bytes: {text:?}", text.len());
}

/// Asserts that all mistakes of a text have their place in it; the text as it was read stands in `sources`.
pub(super) fn are_sound(found: &Diagnostics, sources: &Sources, text: &str) {
    assert!(found.iter().count() <= text.len() + LACKING, "{} mistakes in {text:?}", found.iter().count());
    for one in found.iter() {
        assert!(!one.message.is_empty(), "{one:?}");
        for label in &one.labels {
            let source = sources.get(label.span.source).unwrap();
            is_in(&label.span.range, &source.text, &one.message);
        }
    }
    let drawn = render_all(found, sources, false);
    let steers = |c: char| c != '\n' && fleetctl::model::escape::steers(c);
    assert!(!drawn.contains(steers), "a terminal is steered by {drawn:?}");
}
