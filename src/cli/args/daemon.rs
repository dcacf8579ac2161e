//! `fleetctl daemon`: its arguments.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::Args;

use super::{InventoryArg, RecordArgs};
use crate::report::PerDevice;

/// Where it is asked how all goes, unless told otherwise: only from this machine.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetctl daemon -i fleet.toml
  fleetctl daemon -i fleet.toml --listen 10.20.0.2:9464
  fleetctl daemon -i fleet.toml --metrics-per-device never

SIGHUP reads the inventory and the device types again; a broken one leaves the old one at work. SIGTERM and SIGINT let runs in
flight end, a second one cuts them. Exit status: 0 when no run was cut short, else 143 or 130; 2 when it could not begin.")]
pub(in crate::cli) struct DaemonArgs {
    #[command(flatten)]
    pub(in crate::cli) inventory: InventoryArg,
    #[command(flatten)]
    pub(in crate::cli) record: RecordArgs,
    /// Where /metrics and /healthz are served
    #[arg(
        long,
        value_name = "ADDR:PORT",
        default_value_t = LISTEN,
        long_help = "Where /metrics and /healthz are served. On an address that is not loopback everybody who reaches it can \
                     read the names of the devices and whether they obeyed. Requests must ask for localhost or for the IP \
                     address, not for another name."
    )]
    pub(in crate::cli) listen: SocketAddr,
    /// Series for each device in /metrics and in Prometheus reports: always, never, or auto (up to 2,000 devices) [default: auto]
    #[arg(long, value_name = "always|never|auto")]
    pub(in crate::cli) metrics_per_device: Option<PerDevice>,
}
