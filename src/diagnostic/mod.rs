//! A mistake in a user's file: what, where, what would be right.
//!
//! Mistakes are values. Readers collect them all instead of stopping at the first, and only `cli` renders them
//! (`render.rs` draws rustc's own look). `toml_reader.rs` walks a spanned TOML tree, so that every key and value that a
//! reader asks for comes with its place; keys nobody asked for are mistakes too. `toml_cut.rs` gives such trees piece by
//! piece where one for all would be too large.

mod nearest;
mod render;
mod source;
mod toml_cut;
mod toml_pairs;
mod toml_piece;
mod toml_plain;
mod toml_reader;

pub use nearest::nearest;
pub use render::{render, render_all};
pub use source::{Source, SourceId, Sources};
pub use toml_cut::TomlCut;
pub use toml_pairs::{CutTable, Pairs};
pub use toml_reader::{TomlTable, TomlValue, parse_duration, parse_toml};

use std::ops::Range;

/// A place in one of the files that were read: a byte range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Which file.
    pub source: SourceId,
    /// Which bytes of it.
    pub range: Range<usize>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing will be sent.
    Error,
    /// Worth a look; the run goes on.
    Warning,
}

/// A place with a remark, underlined in the rendering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is remarkable about it; may be empty.
    pub text: String,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: a lower-case fragment, names in backticks.
    pub message: String,
    /// The place, first; then other places that belong to it.
    pub labels: Vec<Label>,
    /// What would be right.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), labels: Vec::new(), help: None }
    }

    /// A warning without a place yet.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// The same with a place (the first one is the place of the mistake).
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// The same with what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Everything that was found wrong or worth a warning, in the order in which it was found.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
    errors: usize,
    /// Whether nothing can be found: the text is part of the program.
    proven: bool,
}

impl Diagnostics {
    /// Of a text that tests have proven to have no mistakes: what takes long to check need not be.
    pub fn of_proven() -> Self {
        Self { proven: true, ..Self::default() }
    }

    /// Whether they are of a text that is known to have no mistakes.
    pub fn is_proven(&self) -> bool {
        self.proven
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(diagnostic.severity == Severity::Error);
        self.found.push(diagnostic);
    }

    /// Adds all of another collection.
    pub fn extend(&mut self, other: Self) {
        self.errors += other.errors;
        self.found.extend(other.found);
    }

    /// Whether at least one error is among them.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors are among them.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.found.iter()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}
