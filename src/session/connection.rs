//! An open connection to a gateway: the stream, its codec, and what has been seen on it.
//!
//! `Tapped` stands between the codec and the stream and counts what really passed: a byte counts as written when the
//! stream took it, whatever the codec still holds. It also keeps the first bytes that came, so that a reply which never
//! became a frame can be shown, and a gateway's own words can be recognised. The Telnet layer lies under it: what the
//! gateway and we negotiate is neither counted nor remembered.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_util::codec::{Decoder as _, Framed};

use super::Stop;
use super::ending::Ending;
use super::login::LoggedIn;
use crate::codec::{CodecError, Frame, FrameCodec, LineState, TelnetMode};
use crate::device_type::{Link, Login};
use crate::lie::{Lie, tells};
use crate::model::{Payload, Timing};
use crate::transport::{DeviceStream, LastLook as _, Telnet};

/// The most bytes of a connection that are remembered for showing them.
const MOST_REMEMBERED: usize = 512;

/// The most bytes that are read in one look at a socket: a babbling device must not keep us looking.
const MOST_AT_ONCE: usize = 64 * 1024;

/// How many bytes are read of what is dropped at the end of a connection: at first, and if there were any.
const FEW: usize = 1024;
const MANY: usize = 16 * 1024;

/// What the buffer for replies starts with, in bytes: most fit; longer ones grow it.
const BUFFER: usize = 128;

/// An open connection.
pub struct Connection<S> {
    framed: Framed<Tapped<Telnet<S>>, FrameCodec>,
    /// No command was written on it yet: what comes may be the gateway's own words.
    is_fresh: bool,
    /// The device itself has answered on it: nothing more is the gateway's own words.
    is_device_heard: bool,
    /// The log-in that was carried out on it.
    pub(super) logged_in: Option<Box<LoggedIn>>,
}

/// What stands between the codec and the stream.
struct Tapped<S> {
    stream: S,
    written: u64,
    received: u64,
    remembered: Vec<u8>,
    /// Where in `remembered` the present command begins.
    mark: usize,
}

/// What one look at a socket brought.
#[derive(Debug)]
pub(super) enum Look {
    /// All there is was read; the stream is open.
    Open,
    /// The stream has ended.
    Ended,
    /// The stream has failed.
    Failed(io::Error),
}

impl<S: DeviceStream> Connection<S> {
    /// A connection that was just opened, with the Telnet layer that its mode asks for.
    pub fn new(stream: S, telnet: TelnetMode) -> Self {
        let stream = Telnet::new(stream, telnet);
        let tapped = Tapped { stream, written: 0, received: 0, remembered: Vec::new(), mark: 0 };
        // No buffer is kept that holds nothing: what is written is gone as soon as the stream has taken it.
        let framed = Framed::with_capacity(tapped, FrameCodec::new(), 0);
        Self { framed, is_fresh: true, is_device_heard: false, logged_in: None }
    }

    /// Whether the log-in was carried out on it.
    pub(super) fn is_logged_in(&self) -> bool {
        self.logged_in.is_some()
    }

    /// Carries a log-in out; what of it was done is undone before the connection closes.
    pub(super) async fn log_in(
        &mut self,
        login: &Arc<Login>,
        link: &Link,
        timing: &Timing,
        device_deadline: Instant,
        stop: &Stop,
    ) -> Result<(), Ending> {
        let mut session = LoggedIn::new(login.clone(), stop.clone());
        let carried_out = session.carry_out(self, link, timing, device_deadline, stop).await;
        self.logged_in = Some(Box::new(session));
        carried_out
    }

    /// Whether no command was written on it yet.
    pub fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// How far the gateway's serial line is set; `None` when there is none to set.
    pub(super) fn line(&self) -> Option<&LineState> {
        self.framed.get_ref().stream.line()
    }

    /// Waits until the serial line is set or refused; `false`: the stream ended first. Cancel-safe.
    pub(super) async fn set_line(&mut self) -> io::Result<bool> {
        self.framed.get_mut().stream.set_line().await
    }

    /// The last look of `set_line`.
    pub(super) fn set_line_now(&mut self) {
        self.framed.get_mut().stream.set_line_now();
    }

    /// Writes a command, the whole of it in one write where the stream takes it, and closes our half behind it where
    /// `half_close` says so. What was written when it is cancelled is known (`written` counts it), and the rest waits for
    /// `send_rest` or `drop_unsent`.
    pub(super) async fn send(&mut self, payload: &Payload, half_close: bool) -> io::Result<()> {
        self.framed.feed(payload).await.map_err(into_io)?;
        self.send_rest(half_close).await
    }

    /// Goes on with a `send` that was cancelled.
    pub(super) async fn send_rest(&mut self, half_close: bool) -> io::Result<()> {
        SinkExt::<&Payload>::flush(&mut self.framed).await.map_err(into_io)?;
        *self.framed.write_buffer_mut() = BytesMut::new();
        // The peer sees the end of the stream, and may still answer.
        if half_close { tokio::io::AsyncWriteExt::shutdown(self.framed.get_mut()).await } else { Ok(()) }
    }

    /// Forgets what the stream has not taken of a command that was given up: it must not go out with what is written next.
    pub(super) fn drop_unsent(&mut self) {
        self.framed.write_buffer_mut().clear();
    }

    /// The next frame; `None` at the end of the stream. Cancel-safe: what was read stays in the codec's buffer.
    pub(super) async fn next(&mut self) -> Option<Result<Frame, CodecError>> {
        poll_fn(|context| {
            let buffer = self.framed.read_buffer_mut();
            if buffer.capacity() == 0 {
                buffer.reserve(BUFFER);
            }
            let polled = self.framed.poll_next_unpin(context);
            // Most wait with nothing in their buffer, some of them long.
            if polled.is_pending() && self.framed.read_buffer().is_empty() {
                *self.framed.read_buffer_mut() = BytesMut::new();
            }
            polled
        })
        .await
    }

    /// The codec.
    pub(super) fn codec(&mut self) -> &mut FrameCodec {
        self.framed.codec_mut()
    }

    /// Begins a command: from here on `written`, `received` and `remembered` speak of it alone, but that a fresh
    /// connection still remembers what the gateway said on opening.
    pub(super) fn begin(&mut self) {
        let is_fresh = self.is_fresh;
        let tapped = self.framed.get_mut();
        tapped.written = 0;
        tapped.received = 0;
        if !is_fresh {
            tapped.remembered.clear();
        }
        tapped.mark = tapped.remembered.len();
    }

    /// A command has been written: the connection is no longer fresh for the next one.
    pub(super) fn end(&mut self) {
        self.is_fresh = false;
    }

    /// The device itself has answered.
    pub(super) fn hear_device(&mut self) {
        self.is_device_heard = true;
    }

    /// Bytes that the stream has taken since `begin`.
    pub(super) fn written(&self) -> u64 {
        self.framed.get_ref().written
    }

    /// Bytes that have come since `begin`.
    pub(super) fn received(&self) -> u64 {
        self.framed.get_ref().received
    }

    /// The first bytes that have come since `begin`, as far as they are remembered.
    pub(super) fn remembered(&self) -> &[u8] {
        let tapped = self.framed.get_ref();
        tapped.remembered.get(tapped.mark..).unwrap_or_default()
    }

    /// What the gateway says instead of the device, when it does: only what came first on a connection can be that, and
    /// nothing that stands behind the beginning of a reply to `request`, once that was written.
    pub(super) fn gateway_text(&self, link: &Link, request: &[u8]) -> Option<String> {
        if !self.is_fresh || self.is_device_heard {
            return None;
        }
        let tapped = self.framed.get_ref();
        let (start, text) = link.busy_text(&tapped.remembered)?;
        let before = tapped.remembered.get(tapped.mark..start).unwrap_or_default();
        let is_after_reply = tapped.written > 0 && self.framed.codec().may_be_begun(before, request);
        (!is_after_reply).then_some(text)
    }

    /// Drops whatever can be read without waiting, in the socket and in the codec.
    pub(super) fn drop_stale(&mut self) -> Look {
        let look = self.look();
        self.framed.read_buffer_mut().clear();
        look
    }

    /// The last look: reads past the runtime's cached readiness into the codec's buffer.
    pub(super) fn look(&mut self) -> Look {
        let mut read = BytesMut::new();
        let end = loop {
            let room = MOST_AT_ONCE.saturating_sub(read.len());
            if room == 0 {
                break Look::Open;
            }
            match self.framed.get_mut().stream.read_now(&mut read, room) {
                Ok(0) => break Look::Ended,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Look::Open,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Look::Failed(error),
            }
        };
        if !read.is_empty() {
            self.framed.get_mut().remember(&read);
            self.framed.read_buffer_mut().extend_from_slice(&read);
        }
        end
    }

    /// A frame that is already in the codec's buffer.
    pub(super) fn decode(&mut self, ended: bool) -> Result<Option<Frame>, CodecError> {
        let mut buffer = std::mem::take(self.framed.read_buffer_mut());
        let codec = self.framed.codec_mut();
        let frame = if ended { codec.decode_eof(&mut buffer) } else { codec.decode(&mut buffer) };
        *self.framed.read_buffer_mut() = buffer;
        frame
    }

    /// Passes over frames in the codec's buffer that answer another question (`FrameCodec::skip_strays`).
    pub(super) fn skip_strays(&mut self, is_stray: impl Fn(&[u8]) -> bool) -> Result<(), CodecError> {
        let mut buffer = std::mem::take(self.framed.read_buffer_mut());
        let skipped = self.framed.codec_mut().skip_strays(&mut buffer, is_stray);
        *self.framed.read_buffer_mut() = buffer;
        skipped
    }

    /// Whether what came and is no frame may be the beginning of a reply to `request`.
    pub(super) fn is_reply_begun(&self, request: &[u8]) -> bool {
        self.framed.codec().may_be_begun(self.framed.read_buffer(), request)
    }

    /// Bytes that are in the codec's buffer and were no frame, at most `most` of them; `None` when there are none.
    pub(super) fn take_buffered(&mut self, most: usize) -> Option<Bytes> {
        let buffer = self.framed.read_buffer_mut();
        let len = most.min(buffer.len());
        (len > 0).then(|| buffer.split_to(len).freeze())
    }

    /// How many such bytes there are.
    pub(super) fn buffered(&self) -> usize {
        self.framed.read_buffer().len()
    }

    /// Waits for bytes, at most `most`, and puts them into the codec's buffer; `Ok(0)` is the end of the stream.
    pub(super) async fn fill(&mut self, most: usize) -> io::Result<usize> {
        let mut buffer = std::mem::take(self.framed.read_buffer_mut());
        buffer.reserve(most);
        let read = tokio::io::AsyncReadExt::read_buf(self.framed.get_mut(), &mut buffer).await;
        *self.framed.read_buffer_mut() = buffer;
        read
    }

    /// Waits for bytes and drops them; `Ok(0)` is the end of the stream.
    pub(super) async fn read_and_drop(&mut self) -> io::Result<usize> {
        let mut space = [0; 256];
        tokio::io::AsyncReadExt::read(self.framed.get_mut(), &mut space).await
    }

    /// Makes ready for being dropped: logs out, and sees to it that the connection closes with FIN. A socket that is
    /// closed with bytes unread answers with RST, and some gateways then keep the session. So what is there is read
    /// first, as far as the runtime knows of it: nothing is judged by it, and a look past that would cost each device a
    /// system call.
    pub async fn end_politely(&mut self) {
        if let Some(session) = self.logged_in.take() {
            Box::pin(session.log_out(self)).await;
        }
        // Most have said nothing more; who says more than this babbles, and is not worth the reading.
        if self.received() > FEW as u64 || self.drops_what_is_there::<FEW>() {
            self.drops_what_is_there::<MANY>();
        }
    }

    /// Reads and drops so many bytes at the most; whether there were any, and so may be more.
    fn drops_what_is_there<const COUNT: usize>(&mut self) -> bool {
        let mut space = [const { MaybeUninit::uninit() }; COUNT];
        let mut read = ReadBuf::uninit(&mut space);
        let mut context = Context::from_waker(Waker::noop());
        let polled = Pin::new(self.framed.get_mut()).poll_read(&mut context, &mut read);
        matches!(polled, Poll::Ready(Ok(()))) && !read.filled().is_empty()
    }
}

/// A payload is encoded without fail: what goes wrong is the stream.
fn into_io(error: CodecError) -> io::Error {
    if let CodecError::Io(error) = error { error } else { io::Error::other(error) }
}

impl<S> Tapped<S> {
    fn remember(&mut self, bytes: &[u8]) {
        self.received += bytes.len() as u64;
        let room = MOST_REMEMBERED.saturating_sub(self.remembered.len()).min(bytes.len());
        self.remembered.extend_from_slice(bytes.get(..room).unwrap_or_default());
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tapped<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        if let Some(read) = buffer.filled().get(before..) {
            this.remember(read);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tapped<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(taken)) = polled {
            let is_told = taken == bytes.len() || !tells(Lie::PartialWriteUncounted);
            this.written += if is_told { taken as u64 } else { 0 };
        }
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
