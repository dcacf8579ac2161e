//! TCP: names resolved once, connections opened without trusting a timer over the kernel.
//!
//! `TcpStream::connect` cannot be asked, once its deadline has come, whether the kernel has finished meanwhile. So the
//! socket is made here, non-blocking, and at the deadline gets one last look like a reply does (`LastLook`): a process
//! that was stopped over the deadline calls no gateway unreachable that had answered.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use nix::errno::Errno;
use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use super::resolve::Gateways;
use super::{Connect, ConnectError, Resolver, TcpLine};
use crate::model::{Address, Host};

/// Reaches gateways over TCP.
pub struct TcpConnect {
    resolver: Resolver,
}

impl TcpConnect {
    /// Looks names up on `runtime`, which must live as long as anybody connects.
    pub fn new(runtime: Handle) -> Self {
        Self { resolver: Resolver::new(runtime, Gateways::default()) }
    }

    /// The same for a run over these gateways: names that lead to another of them are warned of.
    pub fn among<'a>(runtime: Handle, gateways: impl Iterator<Item = &'a Address> + Clone) -> Self {
        Self { resolver: Resolver::new(runtime, Gateways::of(gateways)) }
    }
}

impl Connect for TcpConnect {
    type Stream = TcpLine;

    async fn connect(&self, address: &Address, deadline: Instant) -> Result<TcpLine, ConnectError> {
        match &address.host {
            Host::Ip(ip) => connected(begin(SocketAddr::new(*ip, address.port))?, deadline).await,
            // Boxed: a fleet of IP addresses would else carry the room for lookups in every connection.
            Host::Name(name) => Box::pin(self.by_name(name, address.port, deadline)).await,
        }
    }

    fn begin_pass(&self) {
        self.resolver.forget();
    }
}

impl TcpConnect {
    /// One session per gateway, always: addresses are tried one after another, never side by side, and a dead one may use
    /// up only its share of the time.
    async fn by_name(&self, name: &Arc<str>, port: u16, deadline: Instant) -> Result<TcpLine, ConnectError> {
        let ips = self.resolver.resolve(name, deadline).await?;
        let mut last: Option<ConnectError> = None;
        for (tried, ip) in ips.iter().enumerate() {
            let left = u32::try_from(ips.len() - tried).unwrap_or(u32::MAX);
            let now = Instant::now();
            let share = now + deadline.saturating_duration_since(now) / left;
            match connect_to(SocketAddr::new(*ip, port), share).await {
                Ok(stream) => return Ok(stream),
                Err(error @ (ConnectError::Exhausted(_) | ConnectError::Denied(_))) => return Err(error),
                // That there is no way to a further address says less than what an earlier one did.
                Err(ConnectError::Io(error)) if is_no_route(&error) && last.is_some() => {}
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| ConnectError::Dns("the name has no address".to_owned())))
    }
}

/// Opens a connection to one socket address before `deadline`.
pub(crate) async fn connect_to(to: SocketAddr, deadline: Instant) -> Result<TcpLine, ConnectError> {
    connected(begin(to)?, deadline).await
}

/// Makes a socket that connects.
fn begin(to: SocketAddr) -> Result<TcpStream, ConnectError> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM.nonblocking(), None).map_err(ConnectError::of)?;
    match socket.connect(&to.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(Errno::EINPROGRESS as i32) => {}
        Err(error) if error.raw_os_error() == Some(Errno::EADDRNOTAVAIL as i32) && !has_source(to) => {
            return Err(ConnectError::Io(Errno::ENETUNREACH.into()));
        }
        Err(error) => return Err(ConnectError::of(error)),
    }
    TcpStream::from_std(socket.into()).map_err(ConnectError::of)
}

/// Waits until it is connected. One that is there already need not wait for the poller to say so, nor carry the room for
/// waiting, which is boxed: it is needed for a moment, and the connection stays.
async fn connected(stream: TcpStream, deadline: Instant) -> Result<TcpLine, ConnectError> {
    if is_connected(&stream) { Ok(TcpLine::new(stream)) } else { Box::pin(connects(stream, deadline)).await }
}

async fn connects(stream: TcpStream, deadline: Instant) -> Result<TcpLine, ConnectError> {
    let ready = tokio::select! {
        biased;
        ready = std::future::poll_fn(|context| stream.poll_write_ready(context)) => Some(ready),
        () = sleep_until(deadline) => None,
    };
    if let Some(Err(error)) = ready {
        return Err(ConnectError::of(error));
    }
    if let Some(error) = stream.take_error().map_err(ConnectError::of)? {
        return Err(ConnectError::of(error));
    }
    if ready.is_none() && !is_connected(&stream) {
        return Err(ConnectError::TimedOut);
    }
    Ok(TcpLine::new(stream))
}

/// Only a connected socket has a peer.
fn is_connected(stream: &TcpStream) -> bool {
    SockRef::from(stream).peer_addr().is_ok()
}

/// Whether this machine has an address of its own from which `to` could be spoken to. Without one (IPv6 is switched
/// off, say) the kernel gives the same error as without a free port; a datagram socket, which sends nothing here, tells
/// the two apart.
fn has_source(to: SocketAddr) -> bool {
    let asked = Socket::new(Domain::for_address(to), Type::DGRAM, None).and_then(|socket| socket.connect(&to.into()));
    !asked.is_err_and(|error| error.raw_os_error() == Some(Errno::EADDRNOTAVAIL as i32))
}

fn is_no_route(error: &io::Error) -> bool {
    use io::ErrorKind::{HostUnreachable, NetworkUnreachable};
    matches!(error.kind(), HostUnreachable | NetworkUnreachable)
        || error.raw_os_error() == Some(Errno::EAFNOSUPPORT as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::LastLook as _;
    use bytes::BytesMut;
    use std::io::Write as _;
    use std::time::Duration;

    fn in_a_second() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test]
    async fn a_closed_port_refuses_and_an_open_one_connects() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        assert!(connect_to(open, in_a_second()).await.is_ok());
        drop(listener);
        match connect_to(open, in_a_second()).await {
            Err(ConnectError::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_finished_connection_is_seen_even_when_the_deadline_has_passed() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let past = Instant::now().checked_sub(Duration::from_millis(1)).unwrap();
        assert!(connect_to(listener.local_addr().unwrap(), past).await.is_ok());
    }

    #[tokio::test]
    async fn the_last_look_sees_what_the_runtime_has_not_noticed() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = connect_to(listener.local_addr().unwrap(), in_a_second()).await.unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let mut buffer = BytesMut::new();
        assert_eq!(stream.read_now(&mut buffer, 100).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        // Blocking writes on this very thread: the runtime has no chance to poll its driver in between.
        peer.write_all(b"a 01 OK01x").unwrap();
        assert_eq!(stream.read_now(&mut buffer, 4).unwrap(), 4);
        assert_eq!(stream.read_now(&mut buffer, 100).unwrap(), 6);
        assert_eq!(&buffer[..], b"a 01 OK01x");
        drop(peer);
        assert_eq!(stream.read_now(&mut buffer, 100).unwrap(), 0);
    }

    #[tokio::test]
    async fn a_name_is_looked_up_and_an_unknown_one_is_a_dns_failure() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connect = TcpConnect::new(Handle::current());
        let localhost = Address::parse("localhost", Some(port)).unwrap();
        assert!(connect.connect(&localhost, in_a_second()).await.is_ok());
        let nowhere = Address::parse("no-such-host.invalid", Some(port)).unwrap();
        assert!(matches!(connect.connect(&nowhere, in_a_second()).await, Err(ConnectError::Dns(_))));
    }
}
