//! Stands between the program and a simulated fleet: hands every byte on, and writes down which came from whom, and when.
//!
//! One task looks at every socket in a fixed order, as in `sockets.rs`: what a client did before it opened its next connection
//! is written down before that one. It changes nothing that can be seen: an end of one side becomes one of the other, a port
//! that refuses one that refuses.

use std::cell::RefCell;
use std::future::poll_fn;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, Socket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::super::sockets::bound;
use crate::night::Millis;
use crate::world::World;

/// Something that happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// The program has connected to this gateway.
    Opened(usize),
    /// The program wrote this.
    Asked(Vec<u8>),
    /// The gateway wrote this.
    Said(Vec<u8>),
    /// The program has closed its side, or all of it.
    Left,
    /// The gateway has closed, or reset.
    Ended { resets: bool },
}

/// When what happened on which connection; their order is that of the list.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) at: Millis,
    pub(super) connection: usize,
    pub(super) what: What,
}

/// What the taps have written down.
#[derive(Debug, Clone, Default)]
pub(super) struct Book(Rc<RefCell<Vec<Entry>>>);

impl Book {
    /// Everything so far.
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.0.borrow().clone()
    }
}

/// The taps of a fleet, one before each gateway.
pub(super) struct Taps {
    gateways: Vec<Tap>,
    book: Book,
    count: usize,
}

struct Tap {
    to: SocketAddr,
    listener: Option<TcpListener>,
    /// Refuses, for as long as it is kept.
    _shut: Option<Socket>,
}

/// A connection and its other half.
struct Pair {
    number: usize,
    client: Half,
    gateway: Half,
}

struct Half {
    stream: TcpStream,
    /// What the other half said, and has not been handed on.
    unsent: Vec<u8>,
    /// Nothing more comes from here.
    is_over: bool,
    /// That has been handed on to the other half.
    is_told: bool,
}

impl Taps {
    /// Puts a tap on each of these hosts before the gateway at the address beside it; the ports that they have got. Needs a
    /// runtime.
    pub(super) fn before(gateways: &[(String, SocketAddr)]) -> (Self, Vec<u16>) {
        let (mut taps, mut ports) = (Vec::new(), Vec::new());
        for (host, to) in gateways {
            // Who connects here once and says nothing changes nothing there.
            let refuses = std::net::TcpStream::connect_timeout(to, Duration::from_secs(5)).is_err();
            let (socket, port) = bound(host, (!refuses).then_some(128));
            let (listener, shut) = if refuses {
                (None, Some(socket))
            } else {
                (Some(TcpListener::from_std(socket.into()).unwrap()), None)
            };
            taps.push(Tap { to: *to, listener, _shut: shut });
            ports.push(port);
        }
        (Self { gateways: taps, book: Book::default(), count: 0 }, ports)
    }

    /// Which of the gateways refuse.
    pub(super) fn refusing(&self) -> Vec<bool> {
        self.gateways.iter().map(|tap| tap.listener.is_none()).collect()
    }

    /// What is written down.
    pub(super) fn book(&self) -> Book {
        self.book.clone()
    }

    /// Hands on; never ends.
    pub(super) async fn serve(mut self, world: World) {
        let mut open: Vec<Pair> = Vec::new();
        poll_fn(|context| {
            loop {
                let began = self.book.0.borrow().len();
                let mut newcomers = Vec::new();
                for (number, tap) in self.gateways.iter().enumerate() {
                    while let Some(Poll::Ready(Ok((stream, _)))) =
                        tap.listener.as_ref().map(|one| one.poll_accept(context))
                    {
                        newcomers.push((number, stream));
                    }
                }
                open.retain_mut(|pair| pair.hand_on(context, &world, &self.book));
                for (gateway, client) in newcomers {
                    let to = std::net::TcpStream::connect(self.gateways[gateway].to).unwrap();
                    to.set_nonblocking(true).unwrap();
                    let number = self.count;
                    self.count += 1;
                    self.book.note(&world, number, What::Opened(gateway));
                    let (client, gateway) = (Half::new(client), Half::new(TcpStream::from_std(to).unwrap()));
                    let mut pair = Pair { number, client, gateway };
                    if pair.hand_on(context, &world, &self.book) {
                        open.push(pair);
                    }
                }
                if self.book.0.borrow().len() == began {
                    return Poll::<()>::Pending;
                }
            }
        })
        .await;
    }
}

impl Book {
    fn note(&self, world: &World, connection: usize, what: What) {
        let at = Instant::now().saturating_duration_since(world.started());
        let at = Millis::try_from(at.as_millis()).unwrap_or(Millis::MAX);
        self.0.borrow_mut().push(Entry { at, connection, what });
    }
}

impl Pair {
    /// Hands on what has come; false once both sides are done.
    fn hand_on(&mut self, context: &mut Context<'_>, world: &World, book: &Book) -> bool {
        let number = self.number;
        let came = self.client.listen(context, |bytes| book.note(world, number, What::Asked(bytes.to_vec())));
        if came.has_ended {
            book.note(world, number, What::Left);
        }
        let said = self.gateway.listen(context, |bytes| book.note(world, number, What::Said(bytes.to_vec())));
        if said.has_ended {
            book.note(world, number, What::Ended { resets: said.is_reset });
        }
        self.gateway.unsent.extend(came.bytes);
        self.client.unsent.extend(said.bytes);
        self.gateway.speak(context, self.client.is_over);
        self.client.speak(context, self.gateway.is_over && !said.is_reset);
        if said.is_reset {
            SockRef::from(&self.client.stream).set_linger(Some(Duration::ZERO)).ok();
        }
        let is_done = self.client.is_done(&self.gateway) && self.gateway.is_done(&self.client);
        !(is_done || said.is_reset || came.is_reset)
    }
}

/// What came from one side.
#[derive(Default)]
struct Came {
    bytes: Vec<u8>,
    has_ended: bool,
    is_reset: bool,
}

impl Half {
    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).ok();
        Self { stream, unsent: Vec::new(), is_over: false, is_told: false }
    }

    /// Whether nothing more comes from here, and all that the other half said has been handed on.
    fn is_done(&self, other: &Self) -> bool {
        self.is_over && self.unsent.is_empty() && (self.is_told || !other.is_over)
    }

    /// What has come, piece by piece.
    fn listen(&mut self, context: &mut Context<'_>, mut note: impl FnMut(&[u8])) -> Came {
        let (mut space, mut came) = ([0; 4096], Came::default());
        while !self.is_over {
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Pending => break,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    note(buffer.filled());
                    came.bytes.extend_from_slice(buffer.filled());
                }
                Poll::Ready(ended) => {
                    self.is_over = true;
                    (came.has_ended, came.is_reset) = (true, ended.is_err());
                }
            }
        }
        came
    }

    /// Says what is to be handed on, and that it was all. A side that takes nothing any more ends by itself, and that is read.
    fn speak(&mut self, context: &mut Context<'_>, is_all: bool) {
        while !self.unsent.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, &self.unsent) {
                Poll::Ready(Ok(count)) => drop(self.unsent.drain(..count)),
                Poll::Ready(Err(_)) => self.unsent.clear(),
                Poll::Pending => return,
            }
        }
        if is_all && !self.is_told {
            self.is_told = true;
            SockRef::from(&self.stream).shutdown(Shutdown::Write).ok();
        }
    }
}
