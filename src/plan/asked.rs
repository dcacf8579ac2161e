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

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"cmd = "ka"
args = { input = "hdmi-1" }
save = "db/{name}.db"
"#;

    /// Where a text stands in the file.
    fn place(sources: &mut Sources, text: &str) -> Span {
        let start = FILE.find(text).unwrap();
        Span { source: sources.add("fleet.toml", FILE), range: start..start + text.len() }
    }

    /// The places of a schedule that writes everything, and the texts at two of them.
    fn places(sources: &mut Sources) -> CommandPlaces {
        let argument = (place(sources, "input"), place(sources, "\"hdmi-1\""));
        CommandPlaces {
            command: place(sources, "\"ka\""),
            args: [("input".to_owned(), argument)].into(),
            save: Some(place(sources, "\"db/{name}.db\"")),
        }
    }

    fn text(sources: &Sources, span: &Span) -> String {
        sources.get(span.source).unwrap().text.get(span.range.clone()).unwrap().to_owned()
    }

    /// Where a mistake was said to be.
    fn pointed(sources: &Sources, mistake: &Diagnostic) -> Vec<String> {
        mistake.labels.iter().map(|label| text(sources, &label.span)).collect()
    }

    #[test]
    fn mistakes_are_said_in_the_words_that_were_written() {
        let places = places(&mut Sources::default());
        let said = |asked: Asked<'_>| {
            let plain = [asked.cmd(), asked.action(), asked.save(), asked.saved(), asked.one_type()].join(" ");
            format!("{plain} {} {}", asked.arg("input"), asked.given("input"))
        };
        assert_eq!(
            said(Asked::CommandLine),
            "`--cmd` `--do` `--save` `--save \"db/{name}.db\"` `--select type:NAME` `--arg input` `--arg input=…`"
        );
        assert_eq!(
            said(Asked::Schedule(&places)),
            "`cmd` `do` `save` `save = \"db/{name}.db\"` `select = \"type:NAME\"` `args.input` `args = { input = … }`"
        );
    }

    #[test]
    fn mistakes_of_a_schedule_point_at_its_arguments_and_at_its_files() {
        let mut sources = Sources::default();
        let (places, mistake) = (places(&mut sources), || Diagnostic::error("wrong"));
        let schedule = Asked::Schedule(&places);
        assert_eq!(pointed(&sources, &schedule.at_arg(mistake(), "input", false)), ["input"]);
        assert_eq!(pointed(&sources, &schedule.at_arg(mistake(), "input", true)), ["\"hdmi-1\""]);
        assert_eq!(schedule.at_arg(mistake(), "nowhere", true), mistake());
        assert_eq!(pointed(&sources, &schedule.at_save(mistake())), ["\"db/{name}.db\""]);
        assert_eq!(Asked::CommandLine.at_save(mistake()), mistake());
        assert_eq!(Asked::CommandLine.at_arg(mistake(), "input", true), mistake());
    }

    #[test]
    fn parts_are_found_behind_the_quote_and_behind_the_folder_that_only_we_have_put_before() {
        let mut sources = Sources::default();
        let places = places(&mut sources);
        let schedule = Asked::Schedule(&places);
        for (asked, found) in [(schedule, "fleet.toml"), (Asked::CommandLine, "--cmd")] {
            let part = asked.in_cmd("ka", 1..2, &mut sources);
            assert_eq!((text(&sources, &part).as_str(), &*sources.get(part.source).unwrap().name), ("a", found));
        }
        let pattern = "/srv/fleet/db/{name}.db";
        for (asked, found) in [(schedule, "fleet.toml"), (Asked::CommandLine, "--save")] {
            let part = asked.in_save(pattern, 14..20, &mut sources);
            assert_eq!((text(&sources, &part).as_str(), &*sources.get(part.source).unwrap().name), ("{name}", found));
        }
        let folder = schedule.in_save(pattern, 1..4, &mut sources);
        assert_eq!(text(&sources, &folder), "\"db/{name}.db\"", "the folder stands nowhere in it");
    }
}
