//! The network: connections that open or do not, and streams whose other end is the world.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use fleetctl::model::Address;
use fleetctl::transport::{Connect, ConnectError, LastLook};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::truth::{Connection, Try};
use super::{Coming, State, What, World};
use crate::night::{Family, LinkFault, Millis};

/// The way to the gateways of a night.
pub(crate) struct Network(pub(crate) World);

/// Our end of a connection.
pub(crate) struct Line {
    world: World,
    connection: usize,
    _lane: Lane,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// A lane that has a connection or is about to; counts for as long as it lives.
struct Lane {
    world: World,
    gateway: usize,
    /// Which try it is.
    number: usize,
    is_decided: bool,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.world.with(|state| {
            state.lanes -= 1;
            state.places[self.gateway].lanes -= 1;
            if let Some(site) = state.night.gateways[self.gateway].site {
                state.at_site[site] -= 1;
            }
            state.truth.tries[self.number].is_given_up = !self.is_decided;
        });
    }
}

impl Lane {
    fn new(world: &World, gateway: usize) -> Self {
        let number = world.with(|state| {
            let is_over = state.is_over();
            let place = &mut state.places[gateway];
            let planned = &state.night.gateways[gateway];
            let fault = planned.faults.get(place.tries).copied().unwrap_or(planned.always).filter(|_| !is_over);
            place.tries += 1;
            place.lanes += 1;
            let truth = &mut state.truth;
            truth.most_of_gateway = truth.most_of_gateway.max(place.lanes);
            state.lanes += 1;
            truth.most_lanes = truth.most_lanes.max(state.lanes);
            if let Some(site) = planned.site {
                state.at_site[site] += 1;
                truth.most_at_site[site] = truth.most_at_site[site].max(state.at_site[site]);
            }
            truth.tries.push(Try { gateway, fault, opened: None, is_given_up: false });
            truth.tries.len() - 1
        });
        Self { world: world.clone(), gateway, number, is_decided: false }
    }
}

impl Connect for Network {
    type Stream = Line;

    async fn connect(&self, address: &Address, deadline: Instant) -> Result<Line, ConnectError> {
        let wanted = address.to_string();
        let gateway = self.0.with(|state| state.night.gateways.iter().position(|one| one.address() == wanted));
        let Some(gateway) = gateway else { panic!("the inventory has no `{wanted}`") };
        let mut lane = Lane::new(&self.0, gateway);
        let fault = self.0.with(|state| state.truth.tries[lane.number].fault);
        let failed = |kind: io::ErrorKind| Err(ConnectError::Io(kind.into()));
        // The network takes its time.
        sleep(Duration::from_millis(1)).await;
        if let Some(LinkFault::SlowOpen { by }) = fault {
            sleep(Duration::from_millis(by).min(deadline - Instant::now())).await;
        }
        if fault == Some(LinkFault::Hangs) {
            sleep_until(deadline).await;
        }
        lane.is_decided = true;
        match fault {
            Some(LinkFault::Refused) => return failed(io::ErrorKind::ConnectionRefused),
            Some(LinkFault::ResetInConnect) => return failed(io::ErrorKind::ConnectionReset),
            Some(LinkFault::NoRoute) => return failed(io::ErrorKind::HostUnreachable),
            Some(LinkFault::Dns) => return Err(ConnectError::Dns("no such host".to_owned())),
            Some(LinkFault::NoFiles) => return Err(ConnectError::Exhausted(io::ErrorKind::Other.into())),
            Some(LinkFault::Denied) => return Err(ConnectError::Denied(io::ErrorKind::PermissionDenied.into())),
            Some(LinkFault::Panics) => std::panic::panic_any(crate::play::PLANTED),
            _ if Instant::now() >= deadline => return Err(ConnectError::TimedOut),
            _ => {}
        }
        let connection = self.0.with(|state| state.open(lane.number));
        Ok(Line { world: self.0.clone(), connection, _lane: lane, alarm: None })
    }
}

impl State {
    /// Opens the connection that a try has come to.
    fn open(&mut self, number: usize) -> usize {
        let now = self.now();
        let (gateway, fault) = (self.truth.tries[number].gateway, self.truth.tries[number].fault);
        let connection = self.truth.connections.len();
        self.truth.tries[number].opened = Some(connection);
        self.truth.connections.push(Connection {
            gateway,
            fault,
            closed: None,
            ends_at: None,
            tail: Vec::new(),
            tail_at: None,
            taken: Vec::new(),
            read: Vec::new(),
            is_told_occupied: false,
            is_noisy: false,
        });
        let place = &mut self.places[gateway];
        // What came while nobody listened is lost.
        place.coming.retain(|coming| coming.at >= now && coming.connection.is_none());
        let mut comes = |at: Millis, what: What| {
            place.coming.push(Coming { at, connection: Some(connection), what });
        };
        match fault {
            Some(LinkFault::Occupied { after }) => {
                comes(now + after, What::Occupied(b"Port already in use\r\n".to_vec()));
                self.end(connection, now + after + 1, false);
            }
            Some(LinkFault::Noise { after }) => comes(now + after, What::Bytes(b"\r\nboot v2.1\r\n".to_vec(), None)),
            Some(LinkFault::Closes { after }) => self.end(connection, now + after, false),
            Some(LinkFault::Resets { after }) => self.end(connection, now + after, true),
            _ => {}
        }
        self.places[gateway].coming.sort_by_key(|coming| coming.at);
        connection
    }

    /// Reads what has come by now: how many bytes, or how the connection ended; `None`: nothing yet, and when more comes.
    fn read(&mut self, connection: usize, space: &mut [u8]) -> Result<io::Result<usize>, Option<Millis>> {
        let now = self.now();
        let gateway = self.truth.connections[connection].gateway;
        let mine = |coming: &Coming| coming.connection.is_none_or(|only| only == connection);
        let (mut filled, mut next) = (0, None);
        while filled < space.len() {
            let place = &mut self.places[gateway];
            let Some(first) = place.coming.iter().position(mine) else { break };
            if place.coming[first].at > now {
                next = Some(place.coming[first].at);
                break;
            }
            let rest = &mut space[filled..];
            match &mut place.coming[first].what {
                What::End { .. } if filled > 0 => break,
                What::End { resets } => {
                    let ended = if *resets { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(0) };
                    return Ok(ended);
                }
                What::Babble => {
                    rest.fill(b'z');
                    filled = space.len();
                    place.coming[first].at = now + 1;
                }
                What::Bytes(bytes, _) | What::Occupied(bytes) => {
                    let count = bytes.len().min(rest.len());
                    rest[..count].copy_from_slice(&bytes[..count]);
                    bytes.drain(..count);
                    filled += count;
                    let is_done = bytes.is_empty();
                    match &place.coming[first].what {
                        What::Bytes(_, Some(message)) => {
                            let seq = self.truth.next();
                            let message = &mut self.truth.messages[*message];
                            if message.read == 0 {
                                message.read_from = seq;
                            }
                            message.read += count;
                            (message.read_at, message.read_seq, message.read_on) = (now, seq, connection);
                        }
                        What::Occupied(_) if is_done => self.truth.connections[connection].is_told_occupied = true,
                        _ => {}
                    }
                    if is_done {
                        place.coming.remove(first);
                    }
                }
            }
        }
        if filled == 0 && !space.is_empty() {
            return Err(next);
        }
        self.truth.connections[connection].read.extend_from_slice(&space[..filled]);
        Ok(Ok(filled))
    }

    /// Takes bytes that the program writes; `None`: the stream takes nothing now.
    fn write(&mut self, connection: usize, bytes: &[u8]) -> Option<io::Result<usize>> {
        let (now, seq) = (self.now(), self.truth.next());
        let gateway = self.truth.connections[connection].gateway;
        let has_ended = |coming: &Coming| {
            coming.at <= now && coming.connection == Some(connection) && matches!(coming.what, What::End { .. })
        };
        if self.places[gateway].coming.iter().any(has_ended) {
            return Some(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let open = &mut self.truth.connections[connection];
        let mut taken = bytes.len();
        if let Some(LinkFault::TakesPart { bytes: most, resets }) = open.fault {
            taken = taken.min(most.saturating_sub(open.taken.len()));
            if taken == 0 {
                return resets.then(|| Err(io::ErrorKind::ConnectionReset.into()));
            }
        }
        open.taken.extend_from_slice(&bytes[..taken]);
        open.tail_at.get_or_insert((seq, now));
        open.tail.extend_from_slice(&bytes[..taken]);
        let known = self.truth.requests.len();
        match self.night.gateways[gateway].family {
            Family::Display => self.displays_hear(gateway, connection),
            Family::Devantech => self.devantech_hears(gateway, connection),
            Family::Ncd => self.ncd_hears(gateway, connection),
            Family::Printer => self.printer_hears(gateway, connection),
        }
        if let Some(LinkFault::IdleClose { after }) = self.truth.connections[connection].fault
            && let Some(answer) = self.truth.requests.get(known).and_then(|request| request.answer)
        {
            let at = self.truth.messages[answer].last_at + 1 + after;
            self.end(connection, at, false);
        }
        self.places[gateway].coming.sort_by_key(|coming| coming.at);
        Some(Ok(taken))
    }

    fn close(&mut self, connection: usize) {
        let closed = (self.truth.next(), self.now());
        let open = &mut self.truth.connections[connection];
        open.closed = Some(closed);
        let place = &mut self.places[open.gateway];
        place.coming.retain(|coming| coming.connection != Some(connection));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.world.with(|state| state.close(self.connection));
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let fault = this.world.with(|state| state.truth.connections[this.connection].fault);
        if fault == Some(LinkFault::PanicsInRead) {
            std::panic::panic_any(crate::play::PLANTED);
        }
        loop {
            let space = buffer.initialize_unfilled();
            match this.world.with(|state| state.read(this.connection, space)) {
                Ok(Ok(count)) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(None) => return Poll::Pending,
                Err(Some(at)) => {
                    let at = this.world.with(|state| state.started) + Duration::from_millis(at);
                    let alarm = this.alarm.insert(Box::pin(sleep_until(at)));
                    if alarm.as_mut().poll(context).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match this.world.with(|state| state.write(this.connection, bytes)) {
            Some(taken) => Poll::Ready(taken),
            None => Poll::Pending,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl LastLook for Line {
    fn read_now(&mut self, buffer: &mut BytesMut, limit: usize) -> io::Result<usize> {
        let mut space = vec![0; limit.min(1024)];
        match self.world.with(|state| state.read(self.connection, &mut space)) {
            Ok(Ok(count)) => {
                buffer.extend_from_slice(&space[..count]);
                Ok(count)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}
