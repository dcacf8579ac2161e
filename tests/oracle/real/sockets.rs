//! The gateways of a night on sockets of their own: one task that owns all of them and asks the world what they do.
//!
//! This world adds to the one in memory: FIN and RST as the kernel sends them (`SO_LINGER` 0), ends that close only their
//! side, receive buffers of the least size, backlogs that are full. One task looks at every socket in a fixed order, so that
//! a connection that the program has closed before it opened the next is seen to have ended before.

use std::future::poll_fn;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep_until};

use crate::night::{LinkFault, Night};
use crate::world::{Heard, Next, World};

/// The doors of a night's gateways.
pub(crate) struct Doors {
    listeners: Vec<Option<TcpListener>>,
    /// Ports that refuse or do not answer, for as long as they are kept.
    shut: Vec<Socket>,
}

/// Our end of an open connection.
struct End {
    stream: TcpStream,
    connection: usize,
    unsent: Vec<u8>,
    /// It hears nothing any more.
    is_deaf: bool,
    /// It has closed its side, and hears the other.
    has_ended: bool,
    /// The other side has closed.
    has_heard_all: bool,
}

/// A listening socket there; the kernel chooses the port where it is 0.
pub(crate) fn bound(host: &str, backlog: Option<i32>) -> (Socket, u16) {
    let address: SocketAddr = format!("{host}:0").parse().unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::from(address)).unwrap();
    if let Some(backlog) = backlog {
        // The least that the kernel gives: what the program writes lies in buffers of the least size.
        socket.set_recv_buffer_size(1).unwrap();
        socket.listen(backlog).unwrap();
        socket.set_nonblocking(true).unwrap();
    }
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    (socket, port)
}

impl Doors {
    /// Opens the doors of a night, and writes into it on which ports. Needs a runtime.
    pub(crate) fn open(night: &mut Night) -> Self {
        let mut doors = Self { listeners: Vec::new(), shut: Vec::new() };
        for gateway in &mut night.gateways {
            let backlog = match gateway.always {
                Some(LinkFault::Refused) => None,
                Some(LinkFault::Hangs) => Some(0),
                _ => Some(128),
            };
            let (socket, port) = bound(&gateway.host, backlog);
            gateway.port = port;
            let listener = match backlog {
                Some(1..) => Some(TcpListener::from_std(socket.into()).unwrap()),
                Some(_) => {
                    doors.fill(&gateway.host, port);
                    doors.shut.push(socket);
                    None
                }
                None => {
                    doors.shut.push(socket);
                    None
                }
            };
            doors.listeners.push(listener);
        }
        doors
    }

    /// Fills the queue of a door that nobody opens.
    fn fill(&mut self, host: &str, port: u16) {
        let target = SockAddr::from(format!("{host}:{port}").parse::<SocketAddr>().unwrap());
        for _ in 0..20 {
            let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            let is_full = client.connect_timeout(&target, Duration::from_millis(100)).is_err();
            self.shut.push(client);
            if is_full {
                return;
            }
        }
        panic!("this kernel accepts without end");
    }

    /// Serves every gateway; never ends.
    pub(crate) async fn serve(self, world: World) {
        let mut open: Vec<End> = Vec::new();
        let mut alarm = Box::pin(sleep_until(world.started()));
        poll_fn(|context| {
            loop {
                let mut is_busy = false;
                // Taken in first and opened last: whatever the program closed before is read in between.
                let mut newcomers = Vec::new();
                for (gateway, listener) in self.listeners.iter().enumerate() {
                    while let Some(Poll::Ready(Ok((stream, _)))) = listener.as_ref().map(|one| one.poll_accept(context))
                    {
                        stream.set_nodelay(true).ok();
                        newcomers.push((gateway, stream));
                    }
                }
                open.retain_mut(|end| end.listen(&world, context));
                for (gateway, stream) in newcomers {
                    let connection = world.accept(gateway);
                    let (unsent, is_deaf) = (Vec::new(), false);
                    open.push(End { stream, connection, unsent, is_deaf, has_ended: false, has_heard_all: false });
                    is_busy = true;
                }
                let mut next = None;
                open.retain_mut(|end| end.speak(&world, context, &mut next));
                if is_busy {
                    continue;
                }
                let Some(at) = next else { return Poll::<()>::Pending };
                let at = world.started() + Duration::from_millis(at);
                let timer: Pin<&mut Sleep> = alarm.as_mut();
                timer.reset(at);
                if alarm.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await;
    }
}

impl End {
    /// Takes what has come; false once the connection is over.
    fn listen(&mut self, world: &World, context: &mut Context<'_>) -> bool {
        let mut space = [0; 4096];
        while !self.has_heard_all {
            let mut buffer = ReadBuf::new(&mut space);
            let Poll::Ready(came) = Pin::new(&mut self.stream).poll_read(context, &mut buffer) else { return true };
            let bytes = buffer.filled();
            if came.is_err() {
                return self.over(world);
            }
            if bytes.is_empty() {
                self.has_heard_all = true;
                world.leave(self.connection);
            } else if self.has_ended {
                world.overhear(self.connection, bytes);
            } else if self.is_deaf {
                world.goes_deaf(self.connection);
            } else {
                match world.hear(self.connection, bytes) {
                    Heard::All => {}
                    Heard::Part => self.is_deaf = true,
                    Heard::Reset => return self.reset(world),
                }
            }
        }
        (!self.has_ended && world.may_owe(self.connection)) || self.over(world)
    }

    /// Says what is due; false once the connection is over.
    fn speak(&mut self, world: &World, context: &mut Context<'_>, next: &mut Option<u64>) -> bool {
        let mut space = [0; 4096];
        loop {
            while !self.unsent.is_empty() {
                match Pin::new(&mut self.stream).poll_write(context, &self.unsent) {
                    Poll::Ready(Ok(count)) => drop(self.unsent.drain(..count)),
                    Poll::Ready(Err(_)) => return self.over(world),
                    Poll::Pending => return true,
                }
            }
            if self.has_ended {
                return true;
            }
            match world.next(self.connection, &mut space) {
                Next::Bytes(count) => self.unsent.extend_from_slice(&space[..count]),
                Next::Reset => return self.reset(world),
                Next::Close if self.connection.is_multiple_of(2) && !self.has_heard_all => {
                    // Every other gateway closes its side alone, and waits for ours.
                    SockRef::from(&self.stream).shutdown(Shutdown::Write).ok();
                    self.has_ended = true;
                    return true;
                }
                Next::Close => {
                    world.goes_deaf(self.connection);
                    return self.over(world);
                }
                Next::Wait(at) => {
                    *next = [*next, at].into_iter().flatten().min();
                    return true;
                }
            }
        }
    }

    fn reset(&mut self, world: &World) -> bool {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).ok();
        world.goes_deaf(self.connection);
        self.over(world)
    }

    /// The connection is over: false.
    fn over(&mut self, world: &World) -> bool {
        if !self.has_heard_all {
            world.leave(self.connection);
        }
        world.close(self.connection);
        false
    }
}
