//! A wire to a device that follows a script step by step, for what happens between two bytes: wires that take or give
//! nothing for a while, and what arrived when.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::model::Address;
use crate::transport::{Connect, ConnectError, LastLook};

/// What a device does next; times are in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    /// Waits for these bytes.
    Hear(&'static [u8]),
    /// Sends these bytes.
    Say(&'static [u8]),
    Pause(u64),
    Close,
}

/// Gateways that all follow these scripts, the n-th connection the n-th; the last one holds for those that follow.
#[derive(Clone, Default)]
pub(super) struct Wire {
    pub(super) scripts: &'static [&'static [Turn]],
    /// How long a connection takes to open.
    pub(super) opens_after: u64,
    /// From and to when nothing can be written.
    pub(super) clogged: Option<(u64, u64)>,
    /// So many bytes are taken by the first connection, and then none: until this time, or for ever.
    pub(super) takes: Option<usize>,
    pub(super) takes_all_at: Option<u64>,
    /// From when writing to the first connection fails.
    pub(super) breaks_at: Option<u64>,
    /// When reading from the first connection fails, once. Before that the runtime has noticed nothing of what came.
    pub(super) resets_at: Option<u64>,
    /// The runtime never notices that bytes have come: as after a stall of this process.
    pub(super) is_deaf: bool,
    pub(super) started: Option<Instant>,
    pub(super) log: Arc<Mutex<Log>>,
}

/// What the devices saw.
#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    /// Each byte and when it came, a list for each connection.
    pub(super) connections: Vec<Vec<(u64, u8)>>,
    /// When connecting began.
    pub(super) tried: Vec<u64>,
}

impl Log {
    /// The bytes of one connection.
    pub(super) fn bytes(&self, connection: usize) -> Vec<u8> {
        self.connections.get(connection).map(|seen| seen.iter().map(|(_, byte)| *byte).collect()).unwrap_or_default()
    }

    /// When each occurrence of `what` began to come.
    pub(super) fn times(&self, what: &[u8]) -> Vec<u64> {
        let windows = self.connections.iter().flat_map(|seen| seen.windows(what.len()));
        windows.filter(|seen| seen.iter().map(|(_, byte)| byte).eq(what)).map(|seen| seen[0].0).collect()
    }
}

impl Wire {
    pub(super) fn new(scripts: &'static [&'static [Turn]]) -> Self {
        Self { scripts, started: Some(Instant::now()), ..Self::default() }
    }

    pub(super) fn log(&self) -> Log {
        self.log.lock().unwrap().clone()
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.started.unwrap().elapsed().as_millis()).unwrap()
    }

    async fn play(self, mut stream: DuplexStream, connection: usize) {
        let script = self.scripts.get(connection).or(self.scripts.last()).copied().unwrap_or_default();
        for turn in script {
            match turn {
                Turn::Hear(bytes) => {
                    for _ in *bytes {
                        let Ok(byte) = stream.read_u8().await else { return };
                        self.note(connection, byte);
                    }
                }
                Turn::Say(bytes) => _ = stream.write_all(bytes).await,
                Turn::Pause(span) => sleep(Duration::from_millis(*span)).await,
                Turn::Close => return,
            }
        }
        while let Ok(byte) = stream.read_u8().await {
            self.note(connection, byte);
        }
    }

    fn note(&self, connection: usize, byte: u8) {
        let at = self.elapsed();
        self.log.lock().unwrap().connections[connection].push((at, byte));
    }
}

impl Connect for Wire {
    type Stream = Line;

    async fn connect(&self, _: &Address, _: Instant) -> Result<Line, ConnectError> {
        self.log.lock().unwrap().tried.push(self.elapsed());
        if self.opens_after > 0 {
            sleep(Duration::from_millis(self.opens_after)).await;
        }
        let (ours, theirs) = tokio::io::duplex(256 * 1024);
        let connection = {
            let mut log = self.log.lock().unwrap();
            log.connections.push(Vec::new());
            log.connections.len() - 1
        };
        tokio::spawn(self.clone().play(theirs, connection));
        let at = |millis| self.started.unwrap() + Duration::from_millis(millis);
        let clogged = self.clogged.map(|(from, to)| (at(from), Box::pin(sleep_until(at(to)))));
        let takes = self.takes.filter(|_| connection == 0).unwrap_or(usize::MAX);
        let of_first =
            |millis: Option<u64>| millis.filter(|_| connection == 0).map(|millis| Box::pin(sleep_until(at(millis))));
        let (takes_all, breaks, resets) =
            (of_first(self.takes_all_at), of_first(self.breaks_at), of_first(self.resets_at));
        Ok(Line { stream: ours, clogged, takes, takes_all, breaks, resets, is_deaf: self.is_deaf })
    }

    fn is_raw(&self) -> bool {
        true
    }
}

/// Our end of a wire.
pub(super) struct Line {
    stream: DuplexStream,
    clogged: Option<(Instant, Pin<Box<Sleep>>)>,
    takes: usize,
    takes_all: Option<Pin<Box<Sleep>>>,
    breaks: Option<Pin<Box<Sleep>>>,
    resets: Option<Pin<Box<Sleep>>>,
    is_deaf: bool,
}

/// Whether this time has come; who waits is woken when it does.
fn is_over(sleep: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> bool {
    sleep.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready())
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if is_over(&mut self.resets, cx) {
            self.resets = None;
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.resets.is_some() {
            return Poll::Pending;
        }
        if self.is_deaf { Poll::Pending } else { Pin::new(&mut self.stream).poll_read(cx, buffer) }
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some((from, until)) = &mut self.clogged
            && Instant::now() >= *from
            && until.as_mut().poll(cx).is_pending()
        {
            return Poll::Pending;
        }
        if is_over(&mut self.breaks, cx) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if is_over(&mut self.takes_all, cx) {
            self.takes = usize::MAX;
        }
        let most = bytes.len().min(self.takes);
        if most == 0 {
            return Poll::Pending;
        }
        self.takes -= most;
        Pin::new(&mut self.stream).poll_write(cx, &bytes[..most])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl LastLook for Line {
    fn read_now(&mut self, buffer: &mut BytesMut, limit: usize) -> io::Result<usize> {
        self.stream.read_now(buffer, limit)
    }
}
