//! Colour, only where it was asked for.

use std::fmt::Display;

use anstyle::{AnsiColor, Style as Ansi};

/// Whether text is coloured. Who may be asked (`--color`, `NO_COLOR`, the terminal) is known to `cli`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// No escape sequence at all.
    #[default]
    Plain,
    /// ANSI colours.
    Coloured,
}

impl Style {
    /// What went wrong.
    pub(in crate::report) fn failure(self, text: impl Display) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    /// What went well.
    pub(in crate::report) fn success(self, text: impl Display) -> String {
        self.paint(AnsiColor::Green.on_default().bold(), text)
    }

    /// What deserves a look.
    pub(in crate::report) fn notice(self, text: impl Display) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    /// What is there for those who look closer.
    pub(in crate::report) fn quiet(self, text: impl Display) -> String {
        self.paint(Ansi::new().dimmed(), text)
    }

    /// Names and headings.
    pub(in crate::report) fn strong(self, text: impl Display) -> String {
        self.paint(Ansi::new().bold(), text)
    }

    fn paint(self, style: Ansi, text: impl Display) -> String {
        match self {
            Self::Plain => text.to_string(),
            Self::Coloured => format!("{style}{text}{style:#}"),
        }
    }
}
