//! An open connection read as raw bytes: bounded in time and in bytes, nothing framed away.
//!
//! What comes is kept twice: as it came, and as the Telnet layer leaves it. The layer is that of the device's `link`, but
//! that negotiation which comes unasked switches it on whatever `link` says, so that the examination can go on. Whether enough was heard is decided by whoever listens; what was heard is kept and counted here.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use super::seen::{Heard, LineEnd};
use crate::codec::{LineState, TelnetCodec, TelnetMode, encode_telnet};
use crate::model::Payload;
use crate::transport::DeviceStream;

/// The first byte of every Telnet sequence.
const IAC: u8 = 0xff;

/// The most bytes of one stretch that are kept for showing them.
const KEPT: usize = 512;

/// The most bytes of one stretch that are read; a device that says more never stops.
const MOST: usize = 8 * 1024;

/// An open connection.
pub(super) struct Line<S> {
    stream: S,
    end: LineEnd,
    is_half_closed: bool,
    layer: Layer,
}

/// The Telnet layer.
enum Layer {
    Off,
    /// On if the first byte is IAC.
    Undecided,
    On(Box<TelnetCodec>),
}

impl<S: DeviceStream> Line<S> {
    pub(super) fn new(stream: S, mode: TelnetMode) -> Self {
        let layer = match mode {
            TelnetMode::Never => Layer::Off,
            TelnetMode::Auto => Layer::Undecided,
            TelnetMode::Always => Layer::On(Box::new(TelnetCodec::new(None))),
            TelnetMode::Line(line) => Layer::On(Box::new(TelnetCodec::new(Some(line)))),
        };
        Self { stream, end: LineEnd::Open, is_half_closed: false, layer }
    }

    /// Whether it can be written to, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        self.end == LineEnd::Open && !self.is_half_closed
    }

    /// How far the gateway's serial line is set; `None` when there is none to set.
    pub(super) fn serial(&self) -> Option<&LineState> {
        match &self.layer {
            Layer::On(codec) => codec.line(),
            Layer::Off | Layer::Undecided => None,
        }
    }

    /// Unasked negotiation switches the layer on from here on, and only that.
    pub(super) fn switch_on(&mut self, unasked: &mut Heard) {
        if unasked.negotiates() && matches!(self.layer, Layer::Off) {
            self.layer = Layer::On(Box::new(TelnetCodec::new(None)));
            unasked.data = self.decode(unasked.bytes.clone());
        }
    }

    /// Writes the whole payload; what cannot be written before `until` breaks the line.
    pub(super) async fn write(&mut self, payload: &Payload, until: Instant) {
        let mut wire = Vec::new();
        match &mut self.layer {
            Layer::On(codec) => {
                wire.extend(codec.answers().drain(..));
                encode_telnet(payload.bytes(), &mut wire);
            }
            Layer::Off | Layer::Undecided => wire.extend_from_slice(payload.bytes()),
        }
        if !matches!(timeout_at(until, self.stream.write_all(&wire)).await, Ok(Ok(()))) {
            self.end = LineEnd::Broken;
        }
    }

    /// Says that nothing more will be written: the peer sees the end of our side, and may still answer.
    pub(super) async fn half_close(&mut self, until: Instant) {
        self.is_half_closed = true;
        if !matches!(timeout_at(until, self.stream.shutdown()).await, Ok(Ok(()))) {
            self.end = LineEnd::Broken;
        }
    }

    /// Listens until `until`, or until `is_enough` says so of the data that just came.
    pub(super) async fn hear(&mut self, until: Instant, mut is_enough: impl FnMut(&[u8]) -> bool) -> Heard {
        let mut heard = Heard { end: self.end, ..Heard::default() };
        let mut chunk = BytesMut::with_capacity(1024);
        while heard.end == LineEnd::Open {
            // Answers of the Telnet layer, while our side is open.
            if !self.is_half_closed {
                self.write(&Payload::default(), until).await;
            }
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
                    let data = self.decode(chunk.to_vec());
                    heard.add(&chunk, &data);
                    if is_enough(&data) || is_last {
                        break;
                    }
                }
                Err(_) => heard.end = LineEnd::Broken,
            }
        }
        self.end = heard.end;
        heard
    }

    fn decode(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        if let (Layer::Undecided, Some(first)) = (&self.layer, bytes.first()) {
            self.layer = if *first == IAC { Layer::On(Box::new(TelnetCodec::new(None))) } else { Layer::Off };
        }
        if let Layer::On(codec) = &mut self.layer {
            let data = codec.decode(&mut bytes);
            bytes.truncate(data);
        }
        bytes
    }

    /// Closes with FIN: what is there is read first, since a socket that is closed with bytes unread answers with RST.
    pub(super) fn close(mut self) {
        let mut rest = BytesMut::new();
        while rest.len() < MOST && self.stream.read_now(&mut rest, MOST).is_ok_and(|read| read > 0) {}
    }
}

impl Heard {
    fn add(&mut self, bytes: &[u8], data: &[u8]) {
        keep(&mut self.bytes, bytes);
        keep(&mut self.data, data);
        self.total += bytes.len();
        self.pieces += 1;
        if self.total > MOST {
            self.end = LineEnd::Babbling;
        }
    }
}

fn keep(kept: &mut Vec<u8>, bytes: &[u8]) {
    let room = KEPT.saturating_sub(kept.len()).min(bytes.len());
    kept.extend_from_slice(bytes.get(..room).unwrap_or_default());
}
