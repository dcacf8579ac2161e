//! The network: connections that open or do not, and our end of them. What comes over them is `stream.rs`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use fleetctl::model::Address;
use fleetctl::transport::{Connect, ConnectError, LastLook};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::World;
use crate::night::LinkFault;

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
            state.leaves(self.gateway);
            state.truth.tries[self.number].is_given_up = !self.is_decided;
        });
    }
}

impl Lane {
    fn new(world: &World, gateway: usize) -> Self {
        let number = world.with(|state| state.wants(gateway));
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
