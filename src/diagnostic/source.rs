//! The files that mistakes point into.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::Span;

/// Which of the files that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(u32);

/// A file's name as the user gave it, and its text.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as it is shown.
    pub name: String,
    /// The whole text, as it was read from its file: a large one is not copied.
    pub text: Arc<String>,
    /// Where its lines end, found when the first mistake is drawn.
    line_ends: OnceLock<Vec<usize>>,
}

impl Source {
    /// The line that a byte is in, from 1. To look it up costs the same wherever it is.
    pub(super) fn line_of(&self, byte: usize) -> usize {
        let ends = self.line_ends.get_or_init(|| self.text.match_indices('\n').map(|(at, _)| at).collect());
        1 + ends.partition_point(|&end| end < byte)
    }
}

/// All files that were read.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds a file.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.add_shared(name, Arc::new(text.into()))
    }

    /// Adds a file whose text somebody else holds too.
    pub fn add_shared(&mut self, name: impl Into<String>, text: Arc<String>) -> SourceId {
        let id = SourceId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(Source { name: name.into(), text, line_ends: OnceLock::new() });
        id
    }

    /// Blots out parts of a file, so that no picture of it shows them; places stay where they are.
    pub fn blot_out(&mut self, id: SourceId, parts: &[Range<usize>]) {
        let Some(source) = self.0.get_mut(id.0 as usize) else { return };
        if parts.is_empty() {
            return;
        }
        // A character of the same length stands for each, so that byte places and columns both stay what they are.
        let blot = |c: char| match c.len_utf8() {
            _ if matches!(c, '\n' | '\r' | '"' | '\'') => c,
            1 => '*',
            2 => '·',
            3 => '•',
            _ => '𝟎',
        };
        let mut parts = parts.to_vec();
        parts.sort_by_key(|part| part.start);
        let mut blotted = String::with_capacity(source.text.len());
        for part in parts {
            let start = part.start.max(blotted.len());
            blotted.push_str(source.text.get(blotted.len()..start).unwrap_or_default());
            blotted.extend(source.text.get(start..part.end).unwrap_or_default().chars().map(blot));
        }
        blotted.push_str(source.text.get(blotted.len()..).unwrap_or_default());
        source.text = Arc::new(blotted);
    }

    /// The place of a part of a text that a file has as its value; of the whole where the file writes it with escapes.
    pub fn inside(&self, value: &Span, text: &str, part: Range<usize>) -> Span {
        let start = value.range.start + 1;
        let written = self.get(value.source).and_then(|source| source.text.get(start..start + text.len()));
        if written == Some(text) {
            return Span { source: value.source, range: start + part.start..start + part.end };
        }
        value.clone()
    }

    /// The file of a place.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.0.get(id.0 as usize)
    }
}
