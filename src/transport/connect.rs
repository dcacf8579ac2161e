//! What a way to reach gateways must offer.

use std::future::Future;
use std::io;

use bytes::BytesMut;
use nix::errno::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::model::Address;

/// Opens connections to gateways.
pub trait Connect: Send + Sync + 'static {
    /// An open connection.
    type Stream: DeviceStream + Send + 'static;

    /// Opens a connection to a gateway, resolving its name if it has one, before `deadline`.
    ///
    /// Dropping the future gives the attempt up.
    fn connect(
        &self,
        address: &Address,
        deadline: Instant,
    ) -> impl Future<Output = Result<Self::Stream, ConnectError>> + Send;

    /// Another pass over the fleet begins: what names resolved to is good for one.
    fn begin_pass(&self) {}

    /// Whether its gateways pass every byte on as it is, whatever the inventory says of the real ones.
    fn is_raw(&self) -> bool {
        false
    }
}

/// What a connection must be able to do.
pub trait DeviceStream: AsyncRead + AsyncWrite + LastLook + Unpin {}

impl<S: AsyncRead + AsyncWrite + LastLook + Unpin> DeviceStream for S {}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The host name did not resolve; the reason, safe for a terminal.
    #[error("{0}")]
    Dns(String),
    /// The deadline came first.
    #[error("the deadline came first")]
    TimedOut,
    /// This machine has no file descriptor, port or memory left: our own fault, and one that passes.
    #[error("this machine ran out of files, ports or memory: {0}")]
    Exhausted(io::Error),
    /// This machine does not allow the connection: our own fault, and one that stays.
    #[error("this machine does not allow the connection: {0}")]
    Denied(io::Error),
    /// The network or the peer said no.
    #[error(transparent)]
    Io(io::Error),
}

impl ConnectError {
    /// Tells our own faults from those of the network and the peer.
    pub fn of(error: io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw) {
            _ if is_exhausted(&error) => Self::Exhausted(error),
            Some(Errno::EACCES | Errno::EPERM) => Self::Denied(error),
            _ => Self::Io(error),
        }
    }
}

/// Whether this machine has no file descriptor, port or memory left.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    use Errno::{EADDRNOTAVAIL, EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM};
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(EMFILE | ENFILE | ENOBUFS | ENOMEM | EADDRNOTAVAIL | EAGAIN))
}

/// The last non-blocking look at a stream, past whatever the runtime believes about its readiness.
///
/// After a stall of this process (stopped, paused, starved of CPU) a timer may fire although the reply lay in the kernel
/// before the deadline: the runtime looks at its timers before it has asked the kernel about the sockets. So nobody is
/// called silent before the socket itself was asked.
pub trait LastLook {
    /// Appends what can be read without waiting, at most `limit` bytes; `Ok(0)` is the end of the stream.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there; else whatever ended the stream.
    fn read_now(&mut self, buffer: &mut BytesMut, limit: usize) -> io::Result<usize>;
}

/// In-memory streams know no readiness that could be stale: one poll tells the truth.
impl LastLook for tokio::io::DuplexStream {
    fn read_now(&mut self, buffer: &mut BytesMut, limit: usize) -> io::Result<usize> {
        let mut space = vec![0; limit.min(4096)];
        let mut read = ReadBuf::new(&mut space);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::Pin::new(self).poll_read(&mut context, &mut read) {
            std::task::Poll::Ready(Ok(())) => {
                buffer.extend_from_slice(read.filled());
                Ok(read.filled().len())
            }
            std::task::Poll::Ready(Err(error)) => Err(error),
            std::task::Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}
