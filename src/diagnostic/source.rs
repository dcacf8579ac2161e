//! The files that mistakes point into.

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

    /// The file of a place.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.0.get(id.0 as usize)
    }
}
