//! Host names, each looked up once and with a deadline.
//!
//! The system's resolver (`getaddrinfo`) blocks a thread per name and holds the process at its end until it gives up;
//! with hundreds of dead names that is minutes. `hickory-resolver` reads the same `resolv.conf` and `hosts` and can be
//! cancelled. It is started with the first name, so that a fleet of IP addresses never pays for it.
//!
//! All lookups run on the runtime that the resolver was made in, whoever asks: its sockets belong to that runtime and to
//! the table of open files of its thread (`open_files.rs`).

use std::collections::HashMap;
use std::net::IpAddr;
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

/// What is said of a name that was not resolved before its deadline.
const LATE: &str = "no answer from the name server in time";

/// What a lookup came to: good for a whole pass.
type Lookup = Result<Arc<[IpAddr]>, Arc<str>>;

/// Looks names up and remembers what came of it.
pub struct Resolver {
    runtime: Handle,
    lookups: Arc<Lookups>,
}

#[derive(Default)]
struct Lookups {
    system: OnceCell<Result<TokioResolver, Arc<str>>>,
    names: Mutex<HashMap<Arc<str>, Arc<OnceCell<Lookup>>>>,
    owners: Mutex<HashMap<IpAddr, Arc<str>>>,
}

impl Resolver {
    /// A resolver whose lookups run on `runtime`.
    pub fn new(runtime: Handle) -> Self {
        Self { runtime, lookups: Arc::default() }
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

    /// Two names of one address are two gateways to us, but perhaps one serial line: that is worth a warning.
    fn warn_of_shared(&self, name: &Arc<str>, ips: &[IpAddr]) {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        for ip in ips {
            let owner = owners.entry(*ip).or_insert_with(|| name.clone());
            if owner != name {
                warn!("`{name}` and `{owner}` are both {ip}: they are treated as two gateways");
            }
        }
    }
}
