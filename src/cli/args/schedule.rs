//! The commands about schedules.

use std::path::PathBuf;

use clap::Args;

use super::{InventoryArg, OutputArgs, RecordArgs};

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum ScheduleCommand {
    /// List the schedules with their next times
    #[command(after_help = "\
Examples:
  fleetctl schedule list -i fleet.toml
  fleetctl schedule list --format json")]
    List {
        #[command(flatten)]
        inventory: InventoryArg,
        /// table or json
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: String,
    },
    /// Show the next times, clock changes included
    #[command(after_help = "\
Examples:
  fleetctl schedule preview
  fleetctl schedule preview morning -n 5
  fleetctl schedule preview morning --days 400 --format json")]
    Preview {
        /// One schedule; without it all
        name: Option<String>,
        /// So many times [default: 10]
        #[arg(short = 'n', long, value_name = "N", conflicts_with = "days", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        count: Option<u32>,
        /// All times of so many days
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
        days: Option<u32>,
        #[command(flatten)]
        inventory: InventoryArg,
        /// table or json
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: String,
    },
    /// Run one schedule now, with all that it says
    #[command(after_help = "\
Examples:
  fleetctl schedule run morning -i fleet.toml
  fleetctl schedule run morning --due
  fleetctl schedule run morning --no-notify --format json

It never asks for confirmation. Exit status as of `run`.")]
    Run(Box<ScheduledRunArgs>),
    /// Write a service and a timer for systemd, or a task for Windows
    #[command(after_help = "\
Examples:
  fleetctl schedule install morning -i fleet.toml
  fleetctl schedule install morning --output units
  fleetctl schedule install morning --windows

They run `fleetctl schedule run NAME --due`, as whom the inventory belongs to.")]
    Install {
        /// The schedule
        name: String,
        /// Where to write [default: /etc/systemd/system; with --windows the current folder]
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
        /// A task for the Task Scheduler of Windows instead
        #[arg(long)]
        windows: bool,
        #[command(flatten)]
        inventory: InventoryArg,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ScheduledRunArgs {
    /// The schedule
    pub(in crate::cli) name: String,
    /// Do nothing unless a run is due: for timers
    #[arg(
        long,
        long_help = "Do nothing unless a run is due: not on a date of `except`, and no later after its time than `missed` \
                     allows. Timers of other programs know neither."
    )]
    pub(in crate::cli) due: bool,
    /// Tell nobody of this run
    #[arg(long)]
    pub(in crate::cli) no_notify: bool,
    #[command(flatten)]
    pub(in crate::cli) inventory: InventoryArg,
    #[command(flatten)]
    pub(in crate::cli) record: RecordArgs,
    #[command(flatten)]
    pub(in crate::cli) output: OutputArgs,
}
