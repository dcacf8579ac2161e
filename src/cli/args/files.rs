//! The commands about files: inventories and device types.

use std::path::PathBuf;

use super::InventoryArg;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum InventoryCommand {
    /// Report every mistake of an inventory, or that there is none
    #[command(after_help = "\
Examples:
  fleetctl inventory check
  fleetctl inventory check -i fleet.toml --types my-types")]
    Check {
        #[command(flatten)]
        inventory: InventoryArg,
    },
    /// Print what a selector matches
    #[command(after_help = "\
Examples:
  fleetctl inventory list -i fleet.toml --select 'site:hq and not tag:maintenance'
  fleetctl inventory list -i fleet.toml --format json")]
    List {
        #[command(flatten)]
        inventory: InventoryArg,
        /// Which devices; without it all
        #[arg(short, long, value_name = "EXPR")]
        select: Option<String>,
        /// table or json
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: String,
    },
    /// Turn a spreadsheet into an inventory on stdout
    #[command(after_help = "\
Examples:
  fleetctl inventory import displays.csv > fleet.toml")]
    Import {
        /// A CSV file with a header row: name, address, type, site, tags; every other column is a parameter
        file: PathBuf,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum TypesCommand {
    /// List the device types
    #[command(after_help = "\
Examples:
  fleetctl types list
  fleetctl types list --types my-types --format json")]
    List {
        #[command(flatten)]
        inventory: InventoryArg,
        /// table or json
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: String,
    },
    /// Show one device type: its parameters, actions and framing
    #[command(after_help = "\
Examples:
  fleetctl types show lg-rs232")]
    Show {
        /// The device type
        name: String,
        #[command(flatten)]
        inventory: InventoryArg,
    },
    /// Check a device-type file of your own and run its vectors
    #[command(after_help = "\
Examples:
  fleetctl types check device-types/matrix.toml")]
    Check {
        /// The file
        file: PathBuf,
    },
}
