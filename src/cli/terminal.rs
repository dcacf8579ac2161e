//! What goes to stderr and in which colours: the one place besides the reports that writes for people.

use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write as _};
use std::path::Path;

use super::args::Color;
use super::exit_status::ExitStatus;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, Sources, render, render_all};
use crate::model::escape::printable;
use crate::report::{By, Style, TableOptions};

/// The streams' abilities and the user's wishes about them.
#[expect(clippy::struct_excessive_bools, reason = "independent facts about two streams")]
pub(super) struct Terminal {
    /// Colours on stdout.
    pub(super) colour_out: bool,
    /// Colours on stderr.
    pub(super) colour_err: bool,
    /// Stderr is a terminal.
    pub(super) is_interactive: bool,
    /// Only errors on stderr.
    pub(super) is_quiet: bool,
    /// Columns of stdout, where it is a terminal that says so.
    width: Option<u16>,
}

impl Terminal {
    pub(super) fn new(color: Color, is_quiet: bool) -> Self {
        let wanted = |is_terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        let is_interactive = std::io::stderr().is_terminal();
        Self {
            colour_out: wanted(std::io::stdout().is_terminal()),
            colour_err: wanted(is_interactive),
            is_interactive,
            is_quiet,
            width: terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0),
        }
    }

    /// Shows what was found in the user's files; when quiet, only the errors.
    pub(super) fn show(&self, diagnostics: &Diagnostics, sources: &Sources) {
        if self.is_quiet {
            let mut errors = Diagnostics::default();
            for one in diagnostics.iter().filter(|one| one.severity == Severity::Error) {
                errors.push(one.clone());
            }
            say(&render_all(&errors, sources, self.colour_err));
        } else {
            say(&render_all(diagnostics, sources, self.colour_err));
        }
    }

    /// A mistake outside of any file.
    pub(super) fn mistake(&self, message: impl Into<String>, help: Option<&str>) -> ExitStatus {
        let mistake = Diagnostic::error(message);
        let mistake = match help {
            Some(help) => mistake.help(help),
            None => mistake,
        };
        say(&render(&mistake, &Sources::default(), self.colour_err));
        say("\n");
        ExitStatus::Usage
    }

    /// How tables are shown: on stdout in its colours and width, in files plain.
    pub(super) fn table(&self, all: bool, on_stdout: bool) -> TableOptions {
        let style = if on_stdout && self.colour_out { Style::Coloured } else { Style::Plain };
        TableOptions { all, by: By::default(), style, width: self.width.filter(|_| on_stdout) }
    }
}

/// A path as it may stand in a message: its name may be anybody's.
pub(super) fn shown_path(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// Writes a document to stdout, piece by piece.
pub(super) fn write(write: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> io::Result<()>) -> ExitStatus {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => ExitStatus::Success,
        Err(error) => {
            // `| head` has seen enough, and knows it.
            if error.kind() != io::ErrorKind::BrokenPipe {
                say(&format!("error: stdout: {error}\n"));
            }
            ExitStatus::Undelivered
        }
    }
}

/// Writes a document to stdout.
pub(super) fn print(text: &str) -> ExitStatus {
    write(|out| out.write_all(text.as_bytes()))
}

/// Writes to stderr; a closed stderr is nobody's loss.
pub(super) fn say(text: &str) {
    _ = io::stderr().lock().write_all(text.as_bytes());
}
