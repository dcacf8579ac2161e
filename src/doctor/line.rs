//! An open connection read as raw bytes: bounded in time and in bytes, nothing framed away.
//!
//! Whether enough was heard is decided by whoever listens; what was heard is kept and counted here.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use super::seen::{Heard, LineEnd};
use crate::model::Payload;
use crate::transport::DeviceStream;

/// The most bytes of one stretch that are kept for showing them.
const KEPT: usize = 512;

/// The most bytes of one stretch that are read; a device that says more never stops.
const MOST: usize = 8 * 1024;

/// An open connection.
pub(super) struct Line<S> {
    stream: S,
    end: LineEnd,
}

impl<S: DeviceStream> Line<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, end: LineEnd::Open }
    }

    /// Whether it can be written to, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        self.end == LineEnd::Open
    }

    /// Writes the whole payload; what cannot be written before `until` breaks the line.
    pub(super) async fn write(&mut self, payload: &Payload, until: Instant) {
        if !matches!(timeout_at(until, self.stream.write_all(payload.bytes())).await, Ok(Ok(()))) {
            self.end = LineEnd::Broken;
        }
    }

    /// Listens until `until`, or until `is_enough` says so of the bytes that just came.
    pub(super) async fn hear(&mut self, until: Instant, mut is_enough: impl FnMut(&[u8]) -> bool) -> Heard {
        let mut heard = Heard { end: self.end, ..Heard::default() };
        let mut chunk = BytesMut::with_capacity(1024);
        while heard.end == LineEnd::Open {
            chunk.clear();
            let (read, is_last) = match timeout_at(until, self.stream.read_buf(&mut chunk)).await {
                Ok(read) => (read, false),
                // Nobody is called silent before the socket itself was asked.
                Err(_) => match self.stream.read_now(&mut chunk, KEPT) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    read => (read, true),
                },
            };
            match read {
                Ok(0) => heard.end = LineEnd::Closed,
                Ok(_) => {
                    heard.add(&chunk);
                    if is_enough(&chunk) || is_last {
                        break;
                    }
                }
                Err(_) => heard.end = LineEnd::Broken,
            }
        }
        self.end = heard.end;
        heard
    }

    /// Closes with FIN: what is there is read first, since a socket that is closed with bytes unread answers with RST.
    pub(super) fn close(mut self) {
        let mut rest = BytesMut::new();
        while rest.len() < MOST && self.stream.read_now(&mut rest, MOST).is_ok_and(|read| read > 0) {}
    }
}

impl Heard {
    fn add(&mut self, bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or_default());
        self.total += bytes.len();
        self.pieces += 1;
        if self.total > MOST {
            self.end = LineEnd::Babbling;
        }
    }
}
