//! Fake gateways with LG displays behind them: one listener on all of 127.0.0.0/8, a gateway for each local address.
//!
//! An address that no test has spoken of is a gateway with one healthy display, set ID 1. Owns the gateways' state and
//! journals; what happens on a connection is in `connection.rs`. Linux only (there the whole of 127/8 is local).

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::connection;
use super::display::{Display, Request};
use super::journal::{Command, Connection, Journal};
use super::script::{Script, Step};

/// Gateways on loopback; they vanish when this is dropped.
pub(crate) struct FakeFleet {
    port: u16,
    shared: Arc<Shared>,
}

/// What the accepting thread, the connections and the test look at together.
#[derive(Default)]
pub(crate) struct Shared {
    stopping: AtomicBool,
    gateways: Mutex<HashMap<IpAddr, Gateway>>,
}

/// One address: what it was told to do, who lives behind it, what it saw.
#[derive(Default)]
struct Gateway {
    script: Script,
    /// The set IDs that answer; none given: only 1.
    set_ids: Vec<u16>,
    displays: HashMap<u16, Display>,
    commands_by_unit: HashMap<u16, usize>,
    journal: Journal,
    open: HashMap<usize, TcpStream>,
}

impl FakeFleet {
    /// Listens on a free port of every loopback address.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        // The backlog of std is 128; 300 displays are connected to at once.
        SockRef::from(&listener).listen(4096).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.stopping.load(Ordering::SeqCst) {
                    return;
                }
                connection::accept(&accepting, stream);
            }
        });
        Self { port, shared }
    }

    /// The port on which every gateway listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What the n-th connection to a gateway meets; the last entry holds for all that follow.
    pub(crate) fn on_accept(&self, gateway: &str, steps: Vec<Vec<Step>>) {
        self.shared.with(address(gateway), |gateway| gateway.script.on_accept = steps);
    }

    /// What the n-th command to a set ID meets; the last entry holds for all that follow.
    pub(crate) fn on_command(&self, gateway: &str, set_id: u16, steps: Vec<Vec<Step>>) {
        self.shared.with(address(gateway), |gateway| gateway.script.on_command.push((set_id, steps)));
    }

    /// The set IDs of the displays behind a gateway.
    pub(crate) fn daisy_chain(&self, gateway: &str, set_ids: impl IntoIterator<Item = u16>) {
        self.shared.with(address(gateway), |gateway| gateway.set_ids = set_ids.into_iter().collect());
    }

    /// What a gateway has seen so far.
    pub(crate) fn journal(&self, gateway: &str) -> Journal {
        self.shared.with(address(gateway), |gateway| gateway.journal.clone())
    }

    /// The commands that one set ID was sent, in order.
    pub(crate) fn commands_seen_by(&self, gateway: &str, set_id: u16) -> Vec<String> {
        let journal = self.journal(gateway);
        let own = |text: &&str| Request::parse(text).is_some_and(|request| request.set_id == set_id);
        journal.texts().into_iter().filter(own).map(str::to_owned).collect()
    }

    /// How many connections all gateways together have accepted.
    pub(crate) fn connections(&self) -> usize {
        self.shared.lock().values().map(|gateway| gateway.journal.connections.len()).sum()
    }

    /// How many commands all gateways together have received.
    pub(crate) fn commands(&self) -> usize {
        self.shared.lock().values().map(|gateway| gateway.journal.commands.len()).sum()
    }

    /// Waits until the fleet has seen enough; panics when that takes unreasonably long.
    pub(crate) fn wait_until(&self, what: &str, seen: impl Fn(&Self) -> bool) {
        let limit = Instant::now() + Duration::from_secs(30);
        while !seen(self) {
            assert!(Instant::now() < limit, "the displays never saw {what}");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for FakeFleet {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for gateway in self.shared.lock().values() {
            for stream in gateway.open.values() {
                // One that has just ended by itself is as good.
                stream.shutdown(Shutdown::Both).ok();
            }
        }
        // Wakes the accepting thread, which then sees the flag. A network that a test has broken may lead nowhere.
        let own = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        drop(TcpStream::connect_timeout(&own, Duration::from_secs(1)));
    }
}

impl Shared {
    /// Registers a connection; its number at the gateway and what to do first.
    pub(super) fn accepted(&self, gateway: IpAddr, stream: &TcpStream) -> (usize, Vec<Step>) {
        self.with(gateway, |gateway| {
            let number = gateway.journal.connections.len();
            gateway.journal.connections.push(Connection::default());
            let alive = gateway.open.values().filter(|other| !peer_has_closed(other)).count();
            gateway.journal.most_open = gateway.journal.most_open.max(alive + 1);
            gateway.open.insert(number, stream.try_clone().unwrap());
            (number, gateway.script.at_accept(number))
        })
    }

    /// Notes bytes as they came in.
    pub(super) fn received(&self, gateway: IpAddr, connection: usize, bytes: &[u8]) {
        self.with(gateway, |gateway| gateway.journal.connections[connection].bytes.extend_from_slice(bytes));
    }

    /// Notes a whole command; its number in the journal, what to do, and what a healthy display answers.
    pub(super) fn commanded(&self, gateway: IpAddr, text: &str) -> (usize, Vec<Step>, String) {
        self.with(gateway, |gateway| {
            let command = gateway.journal.commands.len();
            gateway.journal.commands.push(Command { text: text.to_owned(), received: Instant::now(), answered: None });
            let Some(request) = Request::parse(text) else { return (command, Vec::new(), String::new()) };
            let count = gateway.commands_by_unit.entry(request.set_id).or_default();
            let steps = gateway.script.at_command(request.set_id, *count);
            *count += 1;
            let present = |id: u16| if gateway.set_ids.is_empty() { id == 1 } else { gateway.set_ids.contains(&id) };
            if !present(request.set_id) {
                return (command, steps, String::new());
            }
            let reply = gateway.displays.entry(request.set_id).or_default().answer(&request);
            (command, steps, reply)
        })
    }

    /// Notes that an answer is about to be written.
    pub(super) fn answering(&self, gateway: IpAddr, command: usize) {
        self.with(gateway, |gateway| {
            gateway.journal.commands[command].answered.get_or_insert_with(Instant::now).to_owned()
        });
    }

    /// Forgets the second handle of a connection, so that closing the first one really closes it.
    pub(super) fn ending(&self, gateway: IpAddr, connection: usize) {
        self.with(gateway, |gateway| drop(gateway.open.remove(&connection)));
    }

    fn with<T>(&self, address: IpAddr, act: impl FnOnce(&mut Gateway) -> T) -> T {
        act(self.lock().entry(address).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Gateway>> {
        self.gateways.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Whether the other side's FIN or RST has arrived, as the kernel knows it, without taking a byte from the reader.
fn peer_has_closed(stream: &TcpStream) -> bool {
    const MSG_PEEK: i32 = 0x2;
    const MSG_DONTWAIT: i32 = 0x40;
    let mut byte = [MaybeUninit::uninit()];
    match SockRef::from(stream).recv_with_flags(&mut byte, MSG_PEEK | MSG_DONTWAIT) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

/// A port on 127.0.0.1 that refuses connections for as long as the socket is kept: bound, but not listened on.
pub(crate) fn closed_port(ip: &str) -> (Socket, u16) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::from(SocketAddr::new(address(ip), 0))).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    (socket, port)
}

/// A port that neither accepts nor refuses, for as long as the sockets are kept: its backlog is full.
pub(crate) fn deaf_port(ip: &str) -> (Vec<Socket>, u16) {
    let (listener, port) = closed_port(ip);
    listener.listen(0).unwrap();
    let target = SockAddr::from(SocketAddr::new(address(ip), port));
    let mut sockets = vec![listener];
    loop {
        let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let connected = client.connect_timeout(&target, Duration::from_millis(300)).is_ok();
        sockets.push(client);
        if !connected {
            return (sockets, port);
        }
        assert!(sockets.len() < 100, "this kernel accepts without end");
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}
