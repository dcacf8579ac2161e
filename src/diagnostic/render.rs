//! Draws mistakes the way rustc draws them: message, <file:line:column>, the line and a caret, what would be right.
//!
//! Only `cli` calls this, and `notify` for the mail that says that an inventory is broken. What stands in users' files is
//! shown as it is but for characters that steer whoever reads it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Label, Severity, Sources};
use crate::model::escape::{printable, steers};

/// At most so many errors are drawn, which is more than anybody reads; the rest is counted.
const MOST_ERRORS: usize = 1000;

/// At most so many warnings are drawn; the rest is counted.
const MOST_WARNINGS: usize = 20;

/// Places of one mistake that are more bytes apart stand in pictures of their own.
const NEAR: usize = 65_536;

/// One mistake, without a trailing newline. With `colour` it carries terminal escapes.
pub fn render(diagnostic: &Diagnostic, sources: &Sources, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = printable(&diagnostic.message);
    let mut group = Group::with_title(level.primary_title(message.as_str()));
    // Labels of one file share a snippet, so that two places stand in one picture, but for places so far apart that what
    // lies between would be read in vain.
    let mut drawn: Vec<&Label> = Vec::new();
    for label in &diagnostic.labels {
        if drawn.contains(&label) {
            continue;
        }
        let (place, begin) = (label.span.source, label.span.range.start);
        let is_near = |other: &Label| other.span.source == place && other.span.range.start.abs_diff(begin) <= NEAR;
        let Some(source) = sources.get(label.span.source) else { continue };
        let here = || diagnostic.labels.iter().enumerate().filter(|(_, other)| is_near(other));
        drawn.extend(here().map(|(_, other)| other));
        let shown = lines_around(&source.text, here().map(|(_, other)| &other.span.range));
        let text = source.text.get(shown.clone()).unwrap_or_default();
        let line = source.line_of(shown.start);
        let mut snippet = Snippet::source(tamed(text)).line_start(line).path(printable(&source.name));
        for (index, other) in here() {
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let end = other.span.range.end.saturating_sub(shown.start).min(text.len());
            let start = other.span.range.start.saturating_sub(shown.start).min(end);
            snippet = snippet.annotation(kind.span(start..end).label(printable(&other.text)));
        }
        group = group.element(snippet);
    }
    let help = diagnostic.help.as_deref().map(printable);
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// A text in which no character changes the direction of what is read, of the same length so that places stay where they
/// are. Control characters of one byte are drawn as pictures of themselves by `annotate-snippets`.
fn tamed(text: &str) -> Cow<'_, str> {
    let is_wild = |c: char| steers(c) && c.len_utf8() > 1;
    if !text.contains(is_wild) {
        return Cow::Borrowed(text);
    }
    let tame = |c: char| match c.len_utf8() {
        _ if !is_wild(c) => c,
        2 => '\u{b7}',
        _ => char::REPLACEMENT_CHARACTER,
    };
    Cow::Owned(text.chars().map(tame).collect())
}

/// The whole lines that places of a text are in, and those between: a large file is not read again for each mistake. A
/// byte order mark is no part of the first line, so that columns count from what people see.
fn lines_around<'r>(text: &str, places: impl Iterator<Item = &'r Range<usize>>) -> Range<usize> {
    let all = places.fold(text.len()..0, |all, one| all.start.min(one.start)..all.end.max(one.end).max(one.start));
    let begin = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let bytes = text.as_bytes();
    let before = bytes.get(begin..all.start).unwrap_or_default();
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(begin, |newline| begin + newline + 1);
    let end = all.end.clamp(start, text.len());
    // One byte before the end: a place may end with its line.
    let last = end.saturating_sub(1).max(start);
    let after = bytes.get(last..).unwrap_or_default();
    let rest = after.iter().position(|&byte| byte == b'\n').map_or(text.len(), |newline| last + newline + 1);
    start..rest.max(end)
}

/// All errors and the first warnings in the order of the file, with an empty line between, and a count of those left out.
pub fn render_all(diagnostics: &Diagnostics, sources: &Sources, colour: bool) -> String {
    let mut text = String::new();
    let (mut errors, mut warnings) = (0_usize, 0_usize);
    let mut in_order: Vec<&Diagnostic> = diagnostics.iter().collect();
    // Those without a place stay in front, in the order in which they were found.
    in_order.sort_by_key(|one| one.labels.first().map(|label| (label.span.source, label.span.range.start)));
    for diagnostic in in_order {
        let (count, most) = match diagnostic.severity {
            Severity::Error => (&mut errors, MOST_ERRORS),
            Severity::Warning => (&mut warnings, MOST_WARNINGS),
        };
        *count += 1;
        if *count <= most {
            text.push_str(&render(diagnostic, sources, colour));
            text.push_str("\n\n");
        }
    }
    for (count, most, what) in [(errors, MOST_ERRORS, "error"), (warnings, MOST_WARNINGS, "warning")] {
        // Writing to a `String` cannot fail.
        _ = match count.saturating_sub(most) {
            0 => Ok(()),
            1 => write!(text, "and 1 more {what}\n\n"),
            rest => write!(text, "and {rest} more {what}s\n\n"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;

    #[test]
    fn a_mistake_looks_like_rustcs() {
        let mut sources = Sources::default();
        let text = "[[device]]\nname = \"tv\"\naddress = \"10.20.0.[1-200]\"\n";
        let id = sources.add("fleet.toml", text);
        let start = text.find("\"10").unwrap_or(0);
        let mistake = Diagnostic::error("`name` expands to 300 devices, `address` to 200")
            .at(Span { source: id, range: start..start + 17 }, "200 addresses")
            .help("give both ranges the same count, or fix one value");
        let drawn = render(&mistake, &sources, false);
        let expected = "\
error: `name` expands to 300 devices, `address` to 200
 --> fleet.toml:3:11
  |
3 | address = \"10.20.0.[1-200]\"
  |           ^^^^^^^^^^^^^^^^^ 200 addresses
  |
  = help: give both ranges the same count, or fix one value";
        assert_eq!(drawn, expected);
    }

    /// A picture of places in a text, without its colours.
    fn drawn(text: &str, places: &[Range<usize>]) -> String {
        let mut sources = Sources::default();
        let source = sources.add("x.toml", text);
        let mistake = places
            .iter()
            .fold(Diagnostic::error("wrong"), |all, range| all.at(Span { source, range: range.clone() }, ""));
        render(&mistake, &sources, false)
    }

    #[test]
    fn a_place_is_the_same_wherever_the_picture_begins() {
        let text = "\u{feff}ä = 1\r\nöö = 'ü'\r\n\r\nc = 3";
        for (part, place) in [("ä", "1:1"), ("1", "1:5"), ("öö", "2:1"), ("'ü'", "2:6"), ("c", "4:1"), ("3", "4:5")]
        {
            let at = text.find(part).unwrap();
            let picture = drawn(text, std::slice::from_ref(&(at..at + part.len())));
            assert!(picture.contains(&format!("x.toml:{place}\n")) && picture.contains(part), "{picture}");
            assert!(picture.contains(&"^".repeat(part.chars().count())) && !picture.contains('\u{feff}'), "{picture}");
        }
        let end = text.len();
        for (text, at, place) in [
            (text, 0..0, "1:1"),
            (text, end..end, "4:6"),
            (text, end + 5..end + 9, "4:6"),
            ("a\n", 2..2, "2:1"),
            ("", 0..0, "1:1"),
        ] {
            assert!(drawn(text, std::slice::from_ref(&at)).contains(&format!("x.toml:{place}\n")), "{at:?}");
        }
        let both = drawn("a\nb\nc\nd\n", &[6..7, 2..3]);
        assert!(both.contains("x.toml:4:1\n") && both.contains("2 | b") && both.contains("4 | d"), "{both}");
    }

    #[test]
    fn a_picture_steers_nobody_and_its_places_stay_where_they_are() {
        let every = (0..0x2100).filter_map(char::from_u32).filter(|c| steers(*c) && !matches!(c, '\n' | '\r' | '\t'));
        for c in every {
            let text = format!("a{c}b = wrong\n");
            let start = text.find("wrong").unwrap();
            let mut sources = Sources::default();
            let source = sources.add(format!("x{c}.toml"), text);
            let mistake = Diagnostic::error("m").at(Span { source, range: start..start + 5 }, format!("l{c}"));
            let picture = render(&mistake, &sources, false);
            assert!(!picture.contains(|c| steers(c) && c != '\n'), "{picture:?}");
            let [wrong, caret] = ["wrong", "^"].map(|part| {
                let line = picture.lines().find(|line| line.contains(part)).unwrap();
                line.split(part).next().unwrap().chars().count()
            });
            assert_eq!(wrong, caret, "{picture}");
        }
    }

    #[test]
    fn places_far_apart_are_both_drawn() {
        let text = format!("first = 1\n{}second = 2\n", "# ...\n".repeat(20_000));
        let second = text.find("second").unwrap();
        let picture = drawn(&text, &[second..second + 6, 0..5]);
        assert!(picture.contains("x.toml:20002:1\n") && picture.contains("x.toml:1:1\n"), "{picture}");
        assert!(picture.contains("second = 2") && picture.contains("first = 1"), "{picture}");
    }

    #[test]
    fn no_error_is_hidden_by_many_others_or_by_warnings() {
        let mut all = Diagnostics::default();
        (0..25).for_each(|n| all.push(Diagnostic::warning(format!("careful {n}"))));
        (0..50).for_each(|n| all.push(Diagnostic::error(format!("wrong {n}"))));
        let text = render_all(&all, &Sources::default(), false);
        assert_eq!((text.matches("error: wrong").count(), text.matches("warning: careful").count()), (50, 20));
        assert!(text.ends_with("and 5 more warnings\n\n"), "{text}");
    }
}
