//! Where a run is reported: arguments become open reports, and what they came to an exit status.
//!
//! Shared by `run`, which reports what happens, and `report`, which does so again from a file.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use ulid::Ulid;

use super::args::OutputArgs;
use super::exit_status::ExitStatus;
use super::terminal::{Terminal, print, say, write};
use crate::model::{Command, Ended, RunEvent, RunId, RunInfo, Share, SharedDevices, StopReason, Summary, UnixMillis};
use crate::notify::NotifyError;
use crate::report::{
    By, Format, NagiosState, PlanView, ReportError, ReportOptions, ReportTarget, Reporters, Sink, TableOptions,
    Thresholds, is_same_file, reporter, write_plan_json,
};
use crate::run::{RunRequest, ask_past, taken};

/// A run that has nothing to do.
pub(super) struct Nothing<'r> {
    /// What it was to be.
    pub(super) request: &'r RunRequest,
    /// `[fleet] name`.
    pub(super) fleet: String,
    /// What it would have done, without secrets.
    pub(super) command: Command,
    pub(super) is_simulated: bool,
    /// Only its plan is asked for.
    pub(super) is_dry: bool,
}

impl Nothing<'_> {
    /// The run from its beginning to its end: no device is concerned.
    fn events(self) -> [RunEvent; 2] {
        let at = UnixMillis(Timestamp::now().as_millisecond());
        let run = RunInfo {
            id: RunId(Ulid::generate().to_string().into()),
            fleet: self.fleet,
            command: self.command,
            schedule: None,
            verify: self.request.verify,
            if_needed: self.request.if_needed,
            started_at: at,
            simulated: self.is_simulated,
            held: BTreeMap::new(),
        };
        [
            RunEvent::RunStarted { run: run.into(), devices: SharedDevices::default() },
            RunEvent::RunFinished { ended: Ended::Completed, elapsed: Duration::ZERO, at },
        ]
    }
}

/// Where a run is reported.
pub(super) struct Outputs {
    /// What goes to stdout.
    pub(super) format: Format,
    targets: Vec<ReportTarget>,
    by: By,
    all: bool,
    options: ReportOptions,
}

impl Outputs {
    /// What the arguments ask for.
    ///
    /// # Errors
    /// In words, when they cannot be meant so.
    pub(super) fn understand(args: &OutputArgs) -> Result<Self, String> {
        let format: Format = args.format.parse().map_err(|error| format!("`--format`: {error}"))?;
        let mut targets: Vec<ReportTarget> = Vec::new();
        for text in &args.reports {
            let target: ReportTarget = text.parse().map_err(|error| format!("`--report {text}`: {error}"))?;
            if targets.iter().any(|other| is_same_file(&other.path, &target.path)) {
                return Err(format!("`--report {text}`: two reports cannot be the same file"));
            }
            targets.push(target);
        }
        // A flag that changes nothing would be a promise that is not kept.
        let writes = |wanted: Format| format == wanted || targets.iter().any(|target| target.format == wanted);
        for (flag, is_given, wanted) in [
            ("--by", args.by.is_some(), Format::Table),
            ("--warn", args.warn.is_some(), Format::Nagios),
            ("--crit", args.crit.is_some(), Format::Nagios),
            ("--metrics-per-device", args.metrics_per_device.is_some(), Format::Prometheus),
        ] {
            if is_given && !writes(wanted) {
                let wanted = wanted.as_str();
                return Err(format!("`{flag}` says how `{wanted}` is written: add `--format {wanted}`"));
            }
        }
        let default = Thresholds::default();
        let thresholds =
            Thresholds { warn: args.warn.unwrap_or(default.warn), crit: args.crit.unwrap_or(default.crit) };
        Ok(Self {
            format,
            targets,
            by: args.by.map(Into::into).unwrap_or_default(),
            all: args.all,
            options: ReportOptions {
                table: TableOptions::default(),
                ok_if: args.ok_if,
                thresholds,
                per_device: args.metrics_per_device.unwrap_or_default(),
            },
        })
    }

    /// Writes these reports too.
    ///
    /// # Errors
    /// In words, when one of them is the file of another.
    pub(super) fn add(&mut self, targets: Vec<ReportTarget>) -> Result<(), String> {
        for target in targets {
            if self.targets.iter().any(|other| is_same_file(&other.path, &target.path)) {
                return Err(format!("two reports cannot be the same file: {}", target.label()));
            }
            self.targets.push(target);
        }
        Ok(())
    }

    /// The reports that go to files.
    pub(super) fn targets(&self) -> impl Iterator<Item = &ReportTarget> {
        self.targets.iter()
    }

    /// Opens every report before anything else happens.
    ///
    /// # Errors
    /// In words, when a file cannot be written.
    pub(super) fn open(&self, terminal: &Terminal) -> Result<Reporters, String> {
        let mut reporters = self.open_files(terminal)?;
        self.add_stdout(&mut reporters, terminal);
        Ok(reporters)
    }

    fn open_files(&self, terminal: &Terminal) -> Result<Reporters, String> {
        let mut reporters = Reporters::default();
        for target in &self.targets {
            let sink = target.open().map_err(|error| format!("cannot write the report {}: {error}", target.label()))?;
            reporters.add(target.label(), reporter(target.format, sink, self.options_for(terminal, false)));
        }
        Ok(reporters)
    }

    fn add_stdout(&self, reporters: &mut Reporters, terminal: &Terminal) {
        let shown = reporter(self.format, Sink::stdout(), self.options_for(terminal, true));
        reporters.add(format!("{} to stdout", self.format.as_str()), shown);
    }

    fn options_for(&self, terminal: &Terminal, on_stdout: bool) -> ReportOptions {
        let table = TableOptions { by: self.by, ..terminal.table(self.all, on_stdout) };
        ReportOptions { table, ..self.options }
    }

    /// What the program says when an earlier run has left nothing to be done. Machines get a document all the same, and
    /// the files are those of this run: one over no device.
    pub(super) fn nothing_to_do(&self, text: &str, nothing: Nothing<'_>, terminal: &Terminal) -> ExitStatus {
        if !terminal.is_quiet {
            say(&format!("{text}\n"));
        }
        if nothing.is_dry {
            return match self.format {
                Format::Json => write(|out| write_plan_json(out, &PlanView::of_nobody())),
                _ => ExitStatus::Success,
            };
        }
        if let Some(message) = taken(nothing.request, &[], self.targets()) {
            return terminal.mistake(message, Some("name another file"));
        }
        let mut reporters = match self.open_files(terminal) {
            Ok(reporters) => reporters,
            Err(message) => return terminal.mistake(message, Some("name a file in a folder that exists")),
        };
        if !matches!(self.format, Format::Table | Format::Nagios) {
            self.add_stdout(&mut reporters, terminal);
        }
        if let Some(history) = &nothing.request.history {
            reporters.ask_past(ask_past(history.clone(), &nothing.request.inventory, nothing.request.ok_if));
        }
        reporters.events(nothing.events());
        let undelivered = reporters.finish().errors;
        say_undelivered(&undelivered);
        if self.format == Format::Nagios {
            let state = if undelivered.is_empty() { NagiosState::Ok } else { NagiosState::Unknown };
            let printed = print(&state.line(text));
            return if undelivered.is_empty() { printed } else { ExitStatus::Nagios(state) };
        }
        if undelivered.is_empty() { ExitStatus::Success } else { ExitStatus::Undelivered }
    }

    /// What the program says of a run that is over.
    pub(super) fn conclude(
        &self,
        ended: Ended,
        stop: Option<StopReason>,
        summary: &Summary,
        undelivered: &[ReportError],
        untold: &[NotifyError],
    ) -> ExitStatus {
        say_undelivered(undelivered);
        say_untold(untold);
        let is_delivered = undelivered.is_empty() && untold.is_empty();
        if self.format == Format::Nagios {
            return match NagiosState::of(ended, summary, self.options.thresholds) {
                // Nagios has no word for it but that nothing is known.
                NagiosState::Ok if !is_delivered => ExitStatus::Nagios(NagiosState::Unknown),
                state => ExitStatus::Nagios(state),
            };
        }
        ExitStatus::of_run(ended, stop, summary, self.options.ok_if, is_delivered)
    }

    /// What `report` says when it has written a report again: not how the run was, but with Nagios.
    pub(super) fn conclude_again(&self, ended: Ended, summary: &Summary, undelivered: &[ReportError]) -> ExitStatus {
        if self.format == Format::Nagios {
            return self.conclude(ended, None, summary, undelivered, &[]);
        }
        say_undelivered(undelivered);
        if undelivered.is_empty() { ExitStatus::Success } else { ExitStatus::Undelivered }
    }

    /// The share of successes that makes the run one.
    pub(super) fn ok_if(&self) -> Share {
        self.options.ok_if
    }
}

fn say_undelivered(undelivered: &[ReportError]) {
    for error in undelivered {
        say(&format!("error: {error}: {}\n", error.source));
    }
}

/// Who could not be told of a run.
pub(super) fn say_untold(untold: &[NotifyError]) {
    for error in untold {
        say(&format!("error: {error}\n"));
    }
}

/// The same exit status in the words of whoever reads stdout: for Nagios a mistake is a state of its own, with a line.
pub(super) fn for_reader(status: ExitStatus, format: &str) -> ExitStatus {
    if format != Format::Nagios.as_str() {
        return status;
    }
    match status {
        ExitStatus::Usage => {
            print(&NagiosState::Unknown.line("a mistake, nothing was sent: see stderr"));
            ExitStatus::Nagios(NagiosState::Unknown)
        }
        status => status,
    }
}
