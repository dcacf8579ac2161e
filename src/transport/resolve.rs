//! Host names, each looked up once and with a deadline.
//!
//! The system's resolver (`getaddrinfo`) blocks a thread per name and holds the process at its end until it gives up;
//! with hundreds of dead names that is minutes. `hickory-resolver` reads the same `resolv.conf` and `hosts` and can be
//! cancelled. It is started with the first name, so that a fleet of IP addresses never pays for it.
//!
//! All lookups run on the runtime that the resolver was made in, whoever asks: its sockets belong to that runtime and to
//! the table of open files of its thread (`open_files.rs`).

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use socket2::{Domain, Socket, Type};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use super::ConnectError;
use super::connect::is_exhausted;
use crate::model::escape::printable;
use crate::model::{Address, Host};

/// What is said of a name that was not resolved before its deadline.
const LATE: &str = "no answer from the name server in time";

/// What a lookup came to: good for a whole pass.
type Lookup = Result<Arc<[IpAddr]>, Arc<str>>;

/// The gateways of a run, as far as names may turn out to lead to one of them.
#[derive(Default)]
pub(super) struct Gateways {
    /// On which ports gateways are reached by a name.
    ports: HashMap<Arc<str>, BTreeSet<u16>>,
    /// Those that are written as IP addresses, sorted.
    literal: Vec<SocketAddr>,
}

impl Gateways {
    /// Those of these addresses. Where none is a name, no name leads anywhere, and nothing is kept.
    pub(super) fn of<'a>(addresses: impl Iterator<Item = &'a Address> + Clone) -> Self {
        let mut gateways = Self::default();
        for address in addresses.clone() {
            if let Host::Name(name) = &address.host {
                gateways.ports.entry(name.clone()).or_default().insert(address.port);
            }
        }
        if !gateways.ports.is_empty() {
            gateways.literal = addresses
                .filter_map(|address| match &address.host {
                    Host::Ip(ip) => Some(SocketAddr::new(*ip, address.port)),
                    Host::Name(_) => None,
                })
                .collect();
            gateways.literal.sort_unstable();
            gateways.literal.dedup();
        }
        gateways
    }

    /// Where gateways are reached by this name, if it has these addresses.
    fn reached_by<'a>(&'a self, name: &str, ips: &'a [IpAddr]) -> impl Iterator<Item = SocketAddr> + 'a {
        let ports = self.ports.get(name).into_iter().flatten();
        ports.flat_map(move |port| ips.iter().map(move |ip| SocketAddr::new(*ip, *port)))
    }
}

/// Looks names up and remembers what came of it.
pub struct Resolver {
    runtime: Handle,
    lookups: Arc<Lookups>,
}

#[derive(Default)]
struct Lookups {
    system: OnceCell<Result<TokioResolver, Arc<str>>>,
    names: Mutex<HashMap<Arc<str>, Arc<OnceCell<Lookup>>>>,
    gateways: Gateways,
    /// The name that was first seen to lead to an address.
    owners: Mutex<HashMap<SocketAddr, Arc<str>>>,
}

impl Resolver {
    /// A resolver whose lookups run on `runtime`, for a run over these gateways.
    pub(super) fn new(runtime: Handle, gateways: Gateways) -> Self {
        Self { runtime, lookups: Arc::new(Lookups { gateways, ..Lookups::default() }) }
    }

    /// The addresses of a name; the first to ask looks it up, everyone else gets the same result.
    ///
    /// # Errors
    /// `ConnectError::Dns` when it does not resolve before `deadline`.
    pub async fn resolve(&self, name: &Arc<str>, deadline: Instant) -> Result<Arc<[IpAddr]>, ConnectError> {
        let cell = {
            let mut names = self.lookups.names.lock().unwrap_or_else(PoisonError::into_inner);
            names.entry(name.clone()).or_default().clone()
        };
        // Who waits for another's lookup has a deadline too; the lookup itself ends a moment before this wait.
        let found = match timeout_at(deadline, cell.get_or_try_init(|| self.look_up(name.clone(), deadline))).await {
            Ok(found) => found?.clone(),
            Err(_) => Err(LATE.into()),
        };
        found.map_err(|reason| ConnectError::Dns(reason.to_string()))
    }

    /// Forgets what names resolved to: they are looked up anew.
    pub fn forget(&self) {
        self.lookups.names.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn look_up(&self, name: Arc<str>, deadline: Instant) -> Result<Lookup, ConnectError> {
        let lookups = self.lookups.clone();
        let looking = self.runtime.spawn(async move { lookups.look_up(&name, deadline).await });
        looking.await.unwrap_or_else(|fault| Ok(Err(printable(&format!("the lookup failed: {fault}")).into())))
    }
}

impl Lookups {
    /// Fails only where this machine has nothing to ask with, which is no result.
    async fn look_up(&self, name: &Arc<str>, deadline: Instant) -> Result<Lookup, ConnectError> {
        let system = self
            .system
            .get_or_init(|| async {
                TokioResolver::builder_tokio()
                    .and_then(|mut builder| {
                        // The order in which a dual-stack host is tried: IPv4 first, the field's devices speak it.
                        builder.options_mut().ip_strategy = hickory_resolver::config::LookupIpStrategy::Ipv4AndIpv6;
                        builder.build()
                    })
                    .map_err(|error| Arc::from(printable(&format!("no resolver: {error}"))))
            })
            .await;
        let system = match system {
            Ok(system) => system,
            Err(reason) => return Ok(Err(reason.clone())),
        };
        match timeout_at(deadline, system.lookup_ip(&**name)).await {
            Err(_) => Ok(Err(LATE.into())),
            // The resolver tells a lack of files as a lack of name servers: a socket of our own shows which it was.
            Ok(Err(error)) if matches!(error, NetError::NoConnections | NetError::Io(_)) => {
                match Socket::new(Domain::IPV4, Type::DGRAM, None) {
                    Err(none) if is_exhausted(&none) => Err(ConnectError::Exhausted(none)),
                    _ => Ok(Err(printable(&error.to_string()).into())),
                }
            }
            Ok(Err(error)) if error.is_nx_domain() => Ok(Err("there is no such name".into())),
            Ok(Err(error)) if error.is_no_records_found() => Ok(Err("the name has no address".into())),
            Ok(Err(error)) => Ok(Err(printable(&error.to_string()).into())),
            Ok(Ok(found)) => {
                let mut ips: Vec<IpAddr> = found.iter().collect();
                ips.sort_by_key(IpAddr::is_ipv6);
                self.warn_of_shared(name, &ips);
                Ok(Ok(ips.into()))
            }
        }
    }

    /// Two names of one address and port are two gateways to us, but perhaps one serial line: that is worth a warning.
    fn warn_of_shared(&self, name: &Arc<str>, ips: &[IpAddr]) {
        for (other, to) in self.shared(name, ips) {
            warn!("`{name}` and `{other}` are both {to}: they are treated as two gateways");
        }
    }

    /// What else leads where this name does.
    fn shared(&self, name: &Arc<str>, ips: &[IpAddr]) -> Vec<(String, SocketAddr)> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shared = Vec::new();
        for to in self.gateways.reached_by(name, ips) {
            if self.gateways.literal.binary_search(&to).is_ok() {
                shared.push((to.ip().to_string(), to));
            }
            let owner = owners.entry(to).or_insert_with(|| name.clone());
            if owner != name {
                shared.push((owner.to_string(), to));
            }
        }
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_that_lead_to_one_address_and_port_share_a_gateway() {
        let written = ["vm:4998", "localhost:4999", "vm:4999", "127.0.0.1:4999", "127.0.0.1:5000", "[::1]:4999"];
        let written = written.map(|text| Address::parse(text, None).unwrap());
        let lookups = Lookups { gateways: Gateways::of(written.iter()), ..Lookups::default() };
        let shared = |name: &str, ips: &[&str]| {
            let ips: Vec<IpAddr> = ips.iter().map(|ip| ip.parse().unwrap()).collect();
            let found = lookups.shared(&name.into(), &ips);
            found.into_iter().map(|(other, to)| format!("{other} at {to}")).collect::<Vec<_>>()
        };
        assert_eq!(shared("localhost", &["127.0.0.1"]), ["127.0.0.1 at 127.0.0.1:4999"]);
        let both = ["127.0.0.1 at 127.0.0.1:4999", "localhost at 127.0.0.1:4999"];
        assert_eq!(shared("vm", &["127.0.0.1"]), both, "not where only vm has a gateway: on port 4998");
        assert_eq!(shared("vm", &["::1"]), ["::1 at [::1]:4999"]);
        assert!(shared("elsewhere", &["127.0.0.1"]).is_empty(), "no gateway is reached by it");
        assert!(Gateways::of(written[3..].iter()).literal.is_empty(), "without a name nothing is kept");
    }
}
