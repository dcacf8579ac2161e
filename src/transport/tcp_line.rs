//! An open TCP connection to a gateway: tokio's stream, but that a write goes to the kernel at once.
//!
//! The runtime believes that a socket takes bytes only once the poller has said so, which a connection that was opened
//! a moment ago has to wait a turn for. The kernel knows better: a command fits into the empty buffer of a new
//! connection. So the socket is asked first, and the runtime only where it takes nothing.

use std::io::{self, Read as _, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::LastLook;

/// A TCP connection.
#[derive(Debug)]
pub struct TcpLine {
    stream: TcpStream,
}

impl TcpLine {
    /// A socket that is connected.
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream }
    }
}

impl LastLook for TcpLine {
    fn read_now(&mut self, buffer: &mut BytesMut, limit: usize) -> io::Result<usize> {
        let mut space = [0; 1024];
        let room = limit.min(space.len());
        let socket = SockRef::from(&self.stream);
        let read = (&*socket).read(space.get_mut(..room).unwrap_or_default())?;
        buffer.extend_from_slice(space.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl AsyncRead for TcpLine {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for TcpLine {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match (&*SockRef::from(&self.stream)).write(bytes) {
            // Its buffers are full: the runtime says when they no longer are.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Pin::new(&mut self.stream).poll_write(context, bytes)
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::time::Duration;

    use tokio::io::AsyncWriteExt as _;
    use tokio::time::Instant;

    use crate::transport::connect_to;

    #[tokio::test]
    async fn what_the_kernel_does_not_take_at_once_goes_out_when_it_does() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let in_time = Instant::now() + Duration::from_secs(10);
        let mut line = connect_to(listener.local_addr().unwrap(), in_time).await.unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let sent: Vec<u8> = (0..8 << 20).map(|place: u32| place.to_le_bytes()[0] ^ place.to_le_bytes()[2]).collect();
        // Far more than both buffers hold: the first writes are taken, the rest has to wait for the peer.
        let reading = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            let mut read = Vec::new();
            peer.read_to_end(&mut read).map(|_| read)
        });
        line.write_all(&sent).await.unwrap();
        line.shutdown().await.unwrap();
        assert!(reading.join().unwrap().unwrap() == sent, "not what was written");
    }
}
