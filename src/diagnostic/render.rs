//! Draws mistakes the way rustc draws them: message, <file:line:column>, the line and a caret, what would be right.
//!
//! Only `cli` calls this. What stands in users' files is shown as it is but for control characters, which
//! `annotate-snippets` replaces.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Severity, Sources};
use crate::model::escape::printable;

/// At most so many mistakes are drawn; the rest is counted.
const MOST_SHOWN: usize = 20;

/// One mistake, without a trailing newline. With `colour` it carries terminal escapes.
pub fn render(diagnostic: &Diagnostic, sources: &Sources, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = printable(&diagnostic.message);
    let mut group = Group::with_title(level.primary_title(message.as_str()));
    // Labels of one file share a snippet, so that two places stand in one picture.
    let mut drawn: Vec<_> = Vec::new();
    for label in &diagnostic.labels {
        if drawn.contains(&label.span.source) {
            continue;
        }
        drawn.push(label.span.source);
        let Some(source) = sources.get(label.span.source) else { continue };
        let mut snippet = Snippet::source(&*source.text).path(source.name.as_str());
        for (index, other) in diagnostic.labels.iter().enumerate() {
            if other.span.source != label.span.source {
                continue;
            }
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let end = other.span.range.end.min(source.text.len());
            let start = other.span.range.start.min(end);
            snippet = snippet.annotation(kind.span(start..end).label(other.text.as_str()));
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

/// All mistakes, one after another with an empty line between, and a count of those left out.
pub fn render_all(diagnostics: &Diagnostics, sources: &Sources, colour: bool) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(MOST_SHOWN) {
        text.push_str(&render(diagnostic, sources, colour));
        text.push_str("\n\n");
    }
    let rest = diagnostics.iter().count().saturating_sub(MOST_SHOWN);
    if rest > 0 {
        text.push_str("and ");
        text.push_str(&rest.to_string());
        text.push_str(" more\n\n");
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
}
