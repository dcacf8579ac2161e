//! The files that mistakes point into.

use std::ops::Range;
use std::sync::Arc;

/// Which of the files that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceId(u32);

/// A file's name as the user gave it, and its text.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as it is shown.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
}

/// All files that were read.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds a file.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> SourceId {
        let id = SourceId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(Source { name: name.into(), text: text.into() });
        id
    }

    /// Blots out parts of a file, so that no picture of it shows them; places stay where they are.
    pub fn blot_out(&mut self, id: SourceId, parts: &[Range<usize>]) {
        let Some(source) = self.0.get_mut(id.0 as usize) else { return };
        if parts.is_empty() {
            return;
        }
        let mut bytes = source.text.as_bytes().to_vec();
        for part in parts {
            for byte in bytes.get_mut(part.clone()).unwrap_or_default() {
                if !matches!(byte, b'\n' | b'\r' | b'"' | b'\'') {
                    *byte = b'*';
                }
            }
        }
        // A part that cut a character in half would leave no text; then nothing of the file is shown.
        source.text = String::from_utf8(bytes).unwrap_or_default().into();
    }

    /// The file of a place.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.0.get(id.0 as usize)
    }
}
