//! A simulated fleet: gateways with loopback addresses, and the way to them.
//!
//! One listener on all addresses plays every gateway, each at a 127.a.b.c of its own: the address that a connection was
//! made to says which gateway is meant. So 100,000 gateways need one listening socket, and an inventory with loopback
//! addresses can tell them apart. Only Linux answers on all of 127.0.0.0/8 without being asked to.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use socket2::{Domain, Socket, Type};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::night::Night;
use super::server::{Gateway, serve};
use crate::inventory::Member;
use crate::model::{Address, Device};
use crate::transport::{Connect, ConnectError, TcpLine, connect_to};

/// The first gateway's address; the others follow.
const FIRST: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 1);

/// Connections that wait to be accepted.
const BACKLOG: i32 = 4096;

/// A fleet that is up until it is dropped.
pub struct SimulatedFleet {
    addresses: Arc<HashMap<Address, SocketAddr>>,
    end: CancellationToken,
    server: Option<JoinHandle<()>>,
    /// Holds a port that nobody listens on: what connects there is refused.
    _refusing: Socket,
}

/// Reaches the gateways of a simulated fleet by the addresses that the inventory gives them.
pub struct SimulatedConnect {
    addresses: Arc<HashMap<Address, SocketAddr>>,
}

impl SimulatedFleet {
    /// Brings the devices up; `members` stand beside them.
    ///
    /// # Errors
    /// When no listener can be opened, or a device's type cannot be simulated.
    pub fn start(devices: &[Device], members: &[Arc<Member>], night: &Night) -> io::Result<Self> {
        let listener = TcpListener::from(listening()?);
        let port = listener.local_addr()?.port();
        let refusing = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        refusing.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into())?;
        let refused_port = refusing.local_addr()?.as_socket().map_or(1, |address| address.port());

        let mut addresses: HashMap<Address, SocketAddr> = HashMap::with_capacity(devices.len());
        let mut gateways: HashMap<Ipv4Addr, Gateway> = HashMap::with_capacity(devices.len());
        for (device, member) in devices.iter().zip(members) {
            let number = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
            let gateway = device.address.to_string();
            let to = *addresses.entry(device.address.clone()).or_insert_with(|| {
                let ip = Ipv4Addr::from(u32::from(FIRST).saturating_add(number));
                SocketAddr::from((ip, if night.refuses(&gateway) { refused_port } else { port }))
            });
            let IpAddr::V4(ip) = to.ip() else { continue };
            gateways.entry(ip).or_default().add(device, member, &gateway, night).map_err(io::Error::other)?;
        }
        let gateways: HashMap<Ipv4Addr, Arc<Gateway>> =
            gateways.into_iter().map(|(ip, gateway)| (ip, Arc::new(gateway))).collect();
        let end = CancellationToken::new();
        let server = serve(listener, gateways, night.boot(), end.clone())?;
        Ok(Self { addresses: Arc::new(addresses), end, server: Some(server), _refusing: refusing })
    }

    /// The way to its gateways.
    pub fn connect(&self) -> SimulatedConnect {
        SimulatedConnect { addresses: self.addresses.clone() }
    }

    /// Where a gateway of the inventory is played.
    pub fn address_of(&self, address: &Address) -> Option<SocketAddr> {
        self.addresses.get(address).copied()
    }
}

impl Drop for SimulatedFleet {
    fn drop(&mut self) {
        self.end.cancel();
        if let Some(server) = self.server.take() {
            // A panic of the server has been seen as silence already.
            _ = server.join();
        }
    }
}

impl Connect for SimulatedConnect {
    type Stream = TcpLine;

    async fn connect(&self, address: &Address, deadline: Instant) -> Result<TcpLine, ConnectError> {
        match self.addresses.get(address) {
            Some(to) => connect_to(*to, deadline).await,
            None => Err(ConnectError::Dns("not part of the simulated fleet".to_owned())),
        }
    }

    fn is_raw(&self) -> bool {
        true
    }
}

fn listening() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}
