//! What is to be written about a run, and of a report that was saved.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::model::Share;
use crate::report::{By, PerDevice};

/// Where a run is reported, and how.
#[derive(Debug, Args)]
pub(in crate::cli) struct OutputArgs {
    /// The run is a success when this share of the devices is
    #[arg(long, value_name = "SHARE", default_value = "100%")]
    pub(in crate::cli) ok_if: Share,
    /// What is printed on stdout: table, json, ndjson, junit, prometheus, nagios, html or csv
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(in crate::cli) format: String,
    /// A report into a file, put in place when the run is over; may be given several times
    #[arg(long = "report", value_name = "FORMAT=PATH")]
    pub(in crate::cli) reports: Vec<String>,
    /// List every device in the table, not only the failures
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// What the table groups devices by: their replies show who deviates [default: cause]
    #[arg(long, value_enum, value_name = "cause|reply", hide_possible_values = true)]
    pub(in crate::cli) by: Option<ByArg>,
    /// Nagios warns when more than this share of the devices has failed [default: 0%]
    #[arg(long, value_name = "SHARE")]
    pub(in crate::cli) warn: Option<Share>,
    /// For Nagios it is critical when more than this share of the devices has failed [default: 10%]
    #[arg(long, value_name = "SHARE")]
    pub(in crate::cli) crit: Option<Share>,
    /// Prometheus series for each device: always, never, or auto (up to 2,000 devices) [default: auto]
    #[arg(long, value_name = "always|never|auto")]
    pub(in crate::cli) metrics_per_device: Option<PerDevice>,
}

/// What the table groups devices by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ByArg {
    /// Failures by their cause
    Cause,
    /// All devices by what they answered
    Reply,
}

impl From<ByArg> for By {
    fn from(by: ByArg) -> Self {
        match by {
            ByArg::Cause => Self::Cause,
            ByArg::Reply => Self::Reply,
        }
    }
}

/// The report of an earlier run, again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetctl report last --format json
  fleetctl report 01JD2X7Q8Z --format csv
  fleetctl report night.json
  fleetctl report night.json --format html > night.html
  fleetctl report night.json --format nagios --warn 1% --crit 5%
  fleetctl report night.json --by reply --report junit=night.xml --report csv=night.csv

Exit status: 0 written; 2 there is no such run, or the file is no report; 4 a report could not be written. With --format nagios as in `run`:
0 ok, 1 warning, 2 critical, 3 unknown.")]
pub(in crate::cli) struct ReportArgs {
    /// A run's id, or the beginning of it, or `last`, or a JSON report that `--report json=PATH` has written
    #[arg(default_value = "last", value_name = "RUN|FILE")]
    pub(in crate::cli) what: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) history: super::HistoryArg,
    #[command(flatten)]
    pub(in crate::cli) output: OutputArgs,
}

/// Pages for `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetctl man | man -l -
  fleetctl man run | man -l -
  fleetctl man --output ~/.local/share/man/man1")]
pub(in crate::cli) struct ManArgs {
    /// The subcommand, such as `run` or `inventory list`; without it the program's own page
    pub(in crate::cli) command: Vec<String>,
    /// Write every page into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub(in crate::cli) output: Option<PathBuf>,
}
