//! Every argument of the program, with its help.

mod daemon;
mod deferred;
mod files;
mod notify;
mod output;
mod pacing;
mod past;
mod schedule;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};
use clap_complete::Shell;

use crate::diagnostic::parse_duration;
use crate::inventory::select::SampleSize;
use crate::model::TimingOverrides;

pub(super) use daemon::DaemonArgs;
pub(super) use deferred::{Deferred, whole};
pub(super) use files::{InventoryCommand, TypesCommand};
pub(super) use notify::NotifyCommand;
pub(super) use output::{ManArgs, OutputArgs, ReportArgs};
pub(super) use pacing::PacingArgs;
pub(super) use past::{HealthArgs, HistoryArg, HistoryCommand, HoldArgs, RecordArgs, ReleaseArgs, RerunArgs};
pub(super) use schedule::{ScheduleCommand, ScheduledRunArgs};

/// Sends a command to a whole fleet of field devices at once and says, device by device, what really happened
#[derive(Debug, Parser)]
#[command(
    name = "fleetctl",
    version,
    max_term_width = 100,
    after_help = "\
Exit status: 0 every device obeyed; 1 some did not; 2 a mistake, nothing was sent; 3 stopped by --deadline or --max-failures;
4 a report or notification could not be delivered; 130, 143, 129 stopped by SIGINT, SIGTERM, SIGHUP
(the report is complete).

Examples:
  fleetctl run -i fleet.example.toml --do power-on --simulate
  fleetctl run -i fleet.toml --do power-on --report json=night.json
  fleetctl report night.json --format html > night.html
`fleetctl COMMAND --help` has more of each."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Subcommand,
    /// Say more on stderr; twice: what happens to each device
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(super) verbose: u8,
    /// Say only errors on stderr; the document on stdout stays
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Whether to colour what people read; `NO_COLOR` is honoured
    #[arg(long, value_enum, default_value = "auto", global = true)]
    pub(super) color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Subcommand {
    /// Send a command or an action to the selected devices
    Run(Deferred<Box<RunArgs>>),
    /// Check, list or make an inventory
    #[command(
        subcommand,
        after_help = "\
Examples:
  fleetctl inventory check -i fleet.toml
  fleetctl inventory list -i fleet.toml --select 'tag:lobby and not tv-007'
  fleetctl inventory import displays.csv > fleet.toml"
    )]
    Inventory(Deferred<InventoryCommand>),
    /// The device types: how to talk to each kind of device
    #[command(
        subcommand,
        after_help = "\
Examples:
  fleetctl types list
  fleetctl types show lg-rs232
  fleetctl types check device-types/matrix.toml"
    )]
    Types(Deferred<TypesCommand>),
    /// Keep a simulated fleet up on loopback, for other programs
    Simulate(Deferred<SimulateArgs>),
    /// Talk to one device step by step, and explain what is wrong
    Doctor(Deferred<DoctorArgs>),
    /// Who is told of a night: send a test
    #[command(
        subcommand,
        after_help = "\
Examples:
  fleetctl notify test ops-mail -i fleet.toml"
    )]
    Notify(Deferred<NotifyCommand>),
    /// Write the report of an earlier run again, in any format
    Report(Deferred<ReportArgs>),
    /// Take what failed or never started in an earlier run
    Rerun(Deferred<Box<RerunArgs>>),
    /// The schedules of an inventory: when they run, one now, units for systemd
    #[command(
        subcommand,
        after_help = "\
Examples:
  fleetctl schedule list -i fleet.toml
  fleetctl schedule preview morning --days 400
  fleetctl schedule install morning --output units"
    )]
    Schedule(Deferred<ScheduleCommand>),
    /// Run all schedules, and serve /metrics and /healthz
    Daemon(Deferred<DaemonArgs>),
    /// What earlier runs came to
    #[command(
        subcommand,
        after_help = "\
Examples:
  fleetctl history list
  fleetctl history show last
  fleetctl history diff"
    )]
    History(Deferred<HistoryCommand>),
    /// How devices behave over runs: streaks, shares, reply times
    Health(Deferred<HealthArgs>),
    /// Keep devices out of runs until a day
    Hold(Deferred<HoldArgs>),
    /// Let held devices take part in runs again
    Release(Deferred<ReleaseArgs>),
    /// Print the JSON Schema of a file or document
    #[command(after_help = "\
Examples:
  fleetctl schema report > report.schema.json
  fleetctl schema inventory > inventory.schema.json")]
    Schema {
        /// report, event, plan, devices, types, runs, health, changes, schedule, inventory or device-type
        name: String,
    },
    /// Print the man page of the program or of a command
    Man(Deferred<ManArgs>),
    /// Print a script that completes this program's arguments in a shell
    #[command(after_help = "\
Examples:
  fleetctl completions bash > ~/.local/share/bash-completion/completions/fleetctl
  fleetctl completions zsh > ~/.zfunc/_fleetctl
  fleetctl completions fish > ~/.config/fish/completions/fleetctl.fish")]
    Completions {
        /// Whose language
        shell: Shell,
    },
}

/// Where the devices are described.
#[derive(Debug, Args)]
pub(super) struct InventoryArg {
    /// The inventory
    #[arg(short, long, value_name = "FILE", env = "FLEETCTL_INVENTORY", default_value = "fleet.toml")]
    pub(super) inventory: PathBuf,
    /// A folder with device types of your own; may be given several times
    #[arg(long, value_name = "DIR")]
    pub(super) types: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetctl run -i fleet.toml --cmd \"ka {set_id} 01\"
  fleetctl run -i fleet.toml --do power-on --select 'tag:lobby and not tv-007' --report json=night.json
  fleetctl run -i fleet.toml --do power-on --failed-from night.json
  fleetctl run -i fleet.toml --do power-on --verify --until 06:30 --rate 5/s
  fleetctl run -i fleet.toml --do power-off --batch 10% --pause 30s --max-failures 2%
  fleetctl run -i fleet.toml --do power-status --by reply
  fleetctl run -i fleet.toml --do power-status --format nagios --warn 1% --crit 5%
  fleetctl run -i fleet.example.toml --do power-on --simulate --faults silent=5%,refuse=2%")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) inventory: InventoryArg,
    #[command(flatten)]
    pub(super) what: What,
    /// An argument of the action, or a parameter in the place of the devices' own; may be given several times
    #[arg(long = "arg", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) args: Vec<(String, String)>,
    /// Where a transfer's files go, such as db/{name}.db; {name}, {type} and {site} are the device's
    #[arg(long, value_name = "PATTERN", requires = "action")]
    pub(super) save: Option<String>,
    /// Answers what `confirm_above` of the inventory would ask
    #[arg(long)]
    pub(super) yes: bool,
    /// Asks each device for its state afterwards, until it shows the effect
    #[arg(
        long,
        long_help = "Asks each device for its state after it has acknowledged, as often and as long as its type says (a display boots \
                     for up to 45 s), and compares; one that never shows the wanted state is a `mismatch`"
    )]
    pub(super) verify: bool,
    /// Asks each device first, and leaves alone what is already right
    #[arg(long)]
    pub(super) if_needed: bool,
    /// The raw command may be sent twice: after an unanswered attempt it is tried again
    #[arg(long, requires = "cmd")]
    pub(super) idempotent: bool,
    /// Which devices; without it all
    #[arg(
        short,
        long,
        value_name = "EXPR",
        long_help = "Which devices: a name, a glob (tv-*), a range (tv-[001-050]), @group, type:NAME, site:NAME, tag:NAME, \
                     joined by `and`, `or` (or a comma), `not` and parentheses. Without it every device is meant."
    )]
    pub(super) select: Option<String>,
    /// A random part of the selected devices: a number or a percentage
    #[arg(long, value_name = "N|N%")]
    pub(super) sample: Option<SampleSize>,
    /// The devices of an earlier JSON report that are not a success
    #[arg(long, value_name = "REPORT.json")]
    pub(super) failed_from: Option<PathBuf>,
    /// Gateways talked to at once [default: 256, or what the inventory says]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) concurrency: Option<u32>,
    #[command(flatten)]
    pub(super) timing: TimingArgs,
    /// Start nothing new after this time; what is in flight gets --grace
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    pub(super) deadline: Option<Duration>,
    /// What is in flight when the run stops gets this long
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "5s")]
    pub(super) grace: Duration,
    /// How long another run over the inventory is waited for [default: not at all]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) wait_lock: Option<Duration>,
    #[command(flatten)]
    pub(super) record: RecordArgs,
    #[command(flatten)]
    pub(super) pacing: PacingArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    /// Connect to nothing: print the exact bytes for each device, and how many lanes there are
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) simulation: SimulationArgs,
    /// Play the devices on loopback instead of reaching real ones
    #[arg(long)]
    pub(super) simulate: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct What {
    /// A command in the devices' own language, text or hex; {name} is a parameter
    #[arg(long, value_name = "TEXT")]
    pub(super) cmd: Option<String>,
    /// An action that every device type translates for itself, such as power-on
    #[arg(long = "do", id = "action", value_name = "ACTION")]
    pub(super) action: Option<String>,
}

/// The `[run]` keys that concern one device, as flags.
#[derive(Debug, Args)]
pub(super) struct TimingArgs {
    /// Further attempts after the first [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(super) retries: Option<u32>,
    /// From the start of connecting to an open connection [default: 3s]
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    pub(super) connect_timeout: Option<Duration>,
    /// From the write of the command to its whole reply [default: 2s, or what the device type says]
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    pub(super) reply_timeout: Option<Duration>,
    /// Everything for one device, attempts and waits included [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    pub(super) device_deadline: Option<Duration>,
    /// The longest wait before the second attempt [default: 250ms]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) retry_backoff_initial: Option<Duration>,
    /// The longest wait before any attempt [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) retry_backoff_max: Option<Duration>,
}

impl TimingArgs {
    pub(super) fn overrides(&self) -> TimingOverrides {
        TimingOverrides {
            connect_timeout: self.connect_timeout,
            reply_timeout: self.reply_timeout,
            device_deadline: self.device_deadline,
            retries: self.retries,
            backoff_initial: self.retry_backoff_initial,
            backoff_max: self.retry_backoff_max,
            backoff_jitter: None,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct SimulationArgs {
    /// Faults that simulated devices have, such as silent=5%,refuse=2%,reject=1%,slow=10%,cut=1%,boot=38s
    #[arg(long, value_name = "LIST")]
    pub(super) faults: Option<String>,
    /// Draws the same faults again
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetctl simulate -i fleet.toml --write-inventory sim.toml
  fleetctl simulate -i fleet.toml --write-inventory sim.toml --faults silent=5%,boot=38s --seed 7")]
pub(super) struct SimulateArgs {
    #[command(flatten)]
    pub(super) inventory: InventoryArg,
    /// Where to write the same inventory with loopback addresses
    #[arg(long, value_name = "FILE")]
    pub(super) write_inventory: PathBuf,
    #[command(flatten)]
    pub(super) simulation: SimulationArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetctl doctor 10.20.0.7 --type lg-rs232
  fleetctl doctor 10.20.0.7:4001 --type lg-rs232 --param set_id=3 --write tv.toml
  fleetctl doctor tv-007 -i fleet.toml

Only the device type's harmless query is sent. Exit status: 0 healthy; 1 a problem was found; 2 a mistake, nothing was sent.")]
pub(super) struct DoctorArgs {
    /// An address with --type (HOST, HOST:PORT or [IPV6]:PORT), else the name of a device of the inventory
    pub(super) target: String,
    /// The device type at the address
    #[arg(long = "type", value_name = "NAME")]
    pub(super) device_type: Option<String>,
    /// A parameter of the device at the address; may be given several times
    #[arg(long = "param", value_name = "KEY=VALUE", requires = "device_type", value_parser = key_value)]
    pub(super) params: Vec<(String, String)>,
    #[command(flatten)]
    pub(super) inventory: InventoryArg,
    /// Ask all units of the line at once too, when none answers by itself
    #[arg(
        long,
        long_help = "Ask all units of the line at once too, when none answers by itself. It is the harmless query to unit \
                     0; it finds a unit whose number is unknown, but where several units answer, their replies collide."
    )]
    pub(super) active: bool,
    /// Write an inventory entry that works into this file; it must not exist yet
    #[arg(long, value_name = "FILE")]
    pub(super) write: Option<PathBuf>,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text)
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("must be more than nothing".to_owned()),
        duration => Ok(duration),
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}
