//! `fleetctl notify`: its arguments.

use super::InventoryArg;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum NotifyCommand {
    /// Send a test through a notification, to see before the night that it arrives
    #[command(
        long_about = "Send a test through a notification, to see before the night that it arrives. No device is told \
                      anything, and `when` does not matter. A heartbeat gets a success. Exit status 0 when it was taken, 4 \
                      when not.",
        after_help = "\
Examples:
  fleetctl notify test ops-mail
  fleetctl notify test ops-mail -i fleet.toml"
    )]
    Test {
        /// The name in [notify.*]
        name: String,
        #[command(flatten)]
        inventory: InventoryArg,
    },
}
