//! How a command was asked for: on the command line, or by a schedule in the inventory. Mistakes are said in the words that
//! were written, and point at the place where they were.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Sources, Span};
use crate::inventory::CommandPlaces;

/// Where a command was written.
#[derive(Debug, Clone, Copy, Default)]
pub enum Asked<'a> {
    /// As arguments of the program.
    #[default]
    CommandLine,
    /// As keys of a `[[schedule]]`.
    Schedule(&'a CommandPlaces),
}

impl Asked<'_> {
    /// One of two wordings.
    fn either(self, on_the_line: &str, in_the_file: &str) -> String {
        match self {
            Self::CommandLine => on_the_line.to_owned(),
            Self::Schedule(_) => in_the_file.to_owned(),
        }
    }

    pub(super) fn cmd(self) -> String {
        self.either("`--cmd`", "`cmd`")
    }

    pub(super) fn action(self) -> String {
        self.either("`--do`", "`do`")
    }

    pub(super) fn save(self) -> String {
        self.either("`--save`", "`save`")
    }

    /// How a file's place would be given.
    pub(super) fn saved(self) -> String {
        self.either("`--save \"db/{name}.db\"`", "`save = \"db/{name}.db\"`")
    }

    /// How devices of one type would be selected.
    pub(super) fn one_type(self) -> String {
        self.either("`--select type:NAME`", "`select = \"type:NAME\"`")
    }

    /// An argument that is given.
    pub(super) fn arg(self, key: &str) -> String {
        self.either(&format!("`--arg {key}`"), &format!("`args.{key}`"))
    }

    /// How an argument would be given.
    pub(super) fn given(self, key: &str) -> String {
        self.either(&format!("`--arg {key}=…`"), &format!("`args = {{ {key} = … }}`"))
    }

    /// Points at an argument: at its name, or at its value.
    pub(super) fn at_arg(self, mistake: Diagnostic, key: &str, at_value: bool) -> Diagnostic {
        let Self::Schedule(places) = self else { return mistake };
        match places.args.get(key) {
            Some((_, value)) if at_value => mistake.at(value.clone(), ""),
            Some((name, _)) => mistake.at(name.clone(), ""),
            None => mistake,
        }
    }

    /// Points at the place for files.
    pub(super) fn at_save(self, mistake: Diagnostic) -> Diagnostic {
        match self {
            Self::Schedule(CommandPlaces { save: Some(save), .. }) => mistake.at(save.clone(), ""),
            Self::Schedule(_) | Self::CommandLine => mistake,
        }
    }

    /// The place of a part of the raw command.
    pub(super) fn in_cmd(self, text: &str, part: Range<usize>, sources: &mut Sources) -> Span {
        match self {
            Self::CommandLine => Span { source: sources.add("--cmd", text), range: part },
            Self::Schedule(places) => sources.inside(&places.command, text, part),
        }
    }

    /// The place of a part of the pattern for files. A schedule's begins with the inventory's folder, which the file does
    /// not write.
    pub(super) fn in_save(self, pattern: &str, part: Range<usize>, sources: &mut Sources) -> Span {
        let Self::Schedule(CommandPlaces { save: Some(save), .. }) = self else {
            return Span { source: sources.add("--save", pattern), range: part };
        };
        let written = save.range.len().saturating_sub(2);
        let folder = pattern.len().saturating_sub(written);
        match (pattern.get(folder..), part.start.checked_sub(folder), part.end.checked_sub(folder)) {
            (Some(own), Some(start), Some(end)) => sources.inside(save, own, start..end),
            _ => save.clone(),
        }
    }
}
