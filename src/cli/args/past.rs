//! The commands about what earlier runs came to, and about who is kept out of the next.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::output::OutputArgs;
use super::{SimulationArgs, duration, key_value, positive_duration};

/// Where a run is recorded.
#[derive(Debug, Args)]
pub(in crate::cli) struct RecordArgs {
    /// Where the run is recorded [default: the platform's folder for state]
    #[arg(
        long,
        value_name = "PATH",
        long_help = "Where the run is recorded, and what earlier runs came to is found: an SQLite file. Without it \
                     $FLEETCTL_HISTORY, else fleetctl/history.db in the platform's folder for state. A run with \
                     --simulate is recorded only where this flag names a file."
    )]
    pub(in crate::cli) history: Option<PathBuf>,
    /// Record nothing, and know nothing of earlier runs and held devices
    #[arg(long, conflicts_with = "history")]
    pub(in crate::cli) no_history: bool,
}

/// Which history is asked.
#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryArg {
    /// The history [default: `$FLEETCTL_HISTORY`, else the one in the platform's folder for state]
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) history: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum HistoryCommand {
    /// List the runs, the newest first
    #[command(after_help = "\
Examples:
  fleetctl history list
  fleetctl history list -n 5 --inventory fleet.toml
  fleetctl history list --since 7d --format json")]
    List {
        #[command(flatten)]
        history: HistoryArg,
        /// Only the runs over this inventory
        #[arg(short, long, value_name = "FILE")]
        inventory: Option<PathBuf>,
        /// Only the runs that began so long ago or later
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        since: Option<Duration>,
        /// At most so many [default: 20 in the table, all in JSON]
        #[arg(short = 'n', long, value_name = "N")]
        limit: Option<usize>,
        /// table or json
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: String,
    },
    /// Show what is known of a run
    #[command(after_help = "\
Examples:
  fleetctl history show
  fleetctl history show 01JD2X7Q8Z --all")]
    Show {
        #[command(flatten)]
        history: HistoryArg,
        /// A run's id, or the beginning of it, or `last`
        #[arg(default_value = "last")]
        run: String,
        /// List every device, not only the failures
        #[arg(long)]
        all: bool,
    },
    /// What differs between two runs: new failures, recoveries, who still fails
    #[command(after_help = "\
Examples:
  fleetctl history diff
  fleetctl history diff 01JD2X7Q8Z last --format json")]
    Diff {
        #[command(flatten)]
        history: HistoryArg,
        /// The earlier run; where only one is given, or none, the run before it that was asked to do the same
        #[arg(num_args = 0..=2, value_name = "RUN")]
        runs: Vec<String>,
        /// table or json
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: String,
    },
    /// Write a report of every run into a folder
    #[command(after_help = "\
Examples:
  fleetctl history export reports
  fleetctl history export reports --since 30d --format csv")]
    Export {
        #[command(flatten)]
        history: HistoryArg,
        /// The folder; it must exist
        folder: PathBuf,
        /// Only the runs that began so long ago or later
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        since: Option<Duration>,
        /// The format of the reports: json, html, csv, junit, ndjson, prometheus, nagios or table
        #[arg(long, value_name = "FORMAT", default_value = "json")]
        format: String,
    },
    /// Forget old runs
    #[command(after_help = "\
Examples:
  fleetctl history prune
  fleetctl history prune --keep 90d")]
    Prune {
        #[command(flatten)]
        history: HistoryArg,
        /// How long runs are kept
        #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "400d")]
        keep: Duration,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetctl rerun
  fleetctl rerun 01JD2X7Q8Z --format json
  fleetctl rerun last --dry-run

A device that may have carried its command out already is told again only if the command may be sent twice, or with
--force. Exit status: as in `run`; 1 also when devices were refused.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(in crate::cli) struct RerunArgs {
    /// A run's id, or the beginning of it, or `last`
    #[arg(default_value = "last")]
    pub(in crate::cli) run: String,
    /// Send commands again too that must not be sent twice and may have been carried out
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// The inventory [default: the one of that run]
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) inventory: Option<PathBuf>,
    /// An argument of the action in place of the recorded one; secrets are not recorded
    #[arg(long = "arg", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(in crate::cli) args: Vec<(String, String)>,
    /// Answers what `confirm_above` of the inventory would ask
    #[arg(long)]
    pub(in crate::cli) yes: bool,
    /// Connect to nothing: print the exact bytes for each device
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// The run was simulated: simulate again
    #[arg(long)]
    pub(in crate::cli) simulate: bool,
    #[command(flatten)]
    pub(in crate::cli) simulation: SimulationArgs,
    /// How long another run over the inventory is waited for [default: not at all]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) wait_lock: Option<Duration>,
    #[command(flatten)]
    pub(in crate::cli) history: HistoryArg,
    #[command(flatten)]
    pub(in crate::cli) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetctl health
  fleetctl health -i fleet.toml --since 90d
  fleetctl health --format json

Devices that were skipped in a run, held ones too, count neither as success nor as failure.")]
pub(in crate::cli) struct HealthArgs {
    /// The inventory whose devices are meant [default: that of the last run]
    #[arg(short, long, value_name = "FILE", env = "FLEETCTL_INVENTORY")]
    pub(in crate::cli) inventory: Option<PathBuf>,
    /// Only runs that began so long ago or later
    #[arg(long, value_name = "DURATION", value_parser = positive_duration, default_value = "30d")]
    pub(in crate::cli) since: Duration,
    /// At most so many runs, the newest
    #[arg(long, value_name = "N")]
    pub(in crate::cli) runs: Option<usize>,
    /// table or json
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(in crate::cli) format: String,
    #[command(flatten)]
    pub(in crate::cli) history: HistoryArg,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetctl hold tv-007 --until 2026-12-24 --why 'screen is being replaced'
  fleetctl hold 'site:hq and tag:lobby' --until 2026-12-24 --why 'the lobby is painted'
  fleetctl hold

Without a selector the devices that are held are listed. A held device is `skipped`, `held` in every run, and counts
neither as success nor as failure.")]
pub(in crate::cli) struct HoldArgs {
    /// Which devices; as `run --select`
    #[arg(value_name = "SELECT", requires = "until", requires = "why")]
    pub(in crate::cli) select: Option<String>,
    /// The last day, such as 2026-12-24, in the time zone of the device's site, else of this machine
    #[arg(long, value_name = "DATE", requires = "select")]
    pub(in crate::cli) until: Option<String>,
    /// Why; stands where the device would
    #[arg(long, value_name = "TEXT", requires = "select")]
    pub(in crate::cli) why: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) inventory: super::InventoryArg,
    #[command(flatten)]
    pub(in crate::cli) history: HistoryArg,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetctl release tv-007
  fleetctl release 'tag:lobby'")]
pub(in crate::cli) struct ReleaseArgs {
    /// Which devices; as `run --select`
    #[arg(value_name = "SELECT")]
    pub(in crate::cli) select: String,
    #[command(flatten)]
    pub(in crate::cli) inventory: super::InventoryArg,
    #[command(flatten)]
    pub(in crate::cli) history: HistoryArg,
}
