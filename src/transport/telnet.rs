//! The Telnet layer over any stream: whoever reads and writes sees data alone.
//!
//! Answers to the gateway are written as soon as the stream takes them, always before data that is written later, and
//! never waited for by a reader. A command's bytes count as taken when their encoding was, so that a caller that counts
//! counts bytes of the command and none of the negotiation. Off, or on `Auto` with a gateway that speaks no Telnet, it
//! costs nothing. The language itself is `codec/telnet.rs`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{DeviceStream, LastLook};
use crate::codec::{LineState, TelnetCodec, TelnetMode, encode_telnet};

/// The first byte of every Telnet sequence.
const IAC: u8 = 0xFF;

/// The most bytes that are kept of what came while the line was being set: a gateway's own words fit.
const MOST_EARLY: usize = 512;

/// A stream with the Telnet layer that its mode asks for.
pub struct Telnet<S> {
    stream: S,
    layer: Layer,
}

enum Layer {
    Off,
    /// The first byte decides.
    Undecided,
    On(Box<On>),
}

struct On {
    codec: TelnetCodec,
    /// Data that came while the line was being set, not read yet.
    early: BytesMut,
    /// The other half of a doubled byte, of which the stream took only one.
    half: bool,
}

impl Layer {
    fn on(codec: TelnetCodec) -> Self {
        Self::On(Box::new(On { codec, early: BytesMut::new(), half: false }))
    }

    /// Takes in what was read, and moves the data in it to the front; the number of data bytes.
    fn decode(&mut self, read: &mut [u8]) -> usize {
        if let (Self::Undecided, Some(first)) = (&*self, read.first()) {
            *self = if *first == IAC { Self::on(TelnetCodec::new(None)) } else { Self::Off };
        }
        match self {
            Self::On(on) => on.codec.decode(read),
            Self::Off | Self::Undecided => read.len(),
        }
    }
}

impl<S> Telnet<S> {
    /// A stream that was just opened.
    pub fn new(stream: S, mode: TelnetMode) -> Self {
        let layer = match mode {
            TelnetMode::Never => Layer::Off,
            TelnetMode::Auto => Layer::Undecided,
            TelnetMode::Always => Layer::on(TelnetCodec::new(None)),
            TelnetMode::Line(line) => Layer::on(TelnetCodec::new(Some(line))),
        };
        Self { stream, layer }
    }

    /// How far the serial line is set; `None` when there is none to set.
    pub fn line(&self) -> Option<&LineState> {
        match &self.layer {
            Layer::On(on) => on.codec.line(),
            Layer::Off | Layer::Undecided => None,
        }
    }
}

impl<S: DeviceStream> Telnet<S> {
    /// Talks until the serial line is set or refused (`true`) or the stream ends (`false`). Data that comes meanwhile is
    /// kept for whoever reads next. Cancel-safe.
    ///
    /// # Errors
    /// Those of the stream.
    pub async fn set_line(&mut self) -> io::Result<bool> {
        while self.line() == Some(&LineState::Waiting) {
            let read = std::future::poll_fn(|context| {
                let mut space = [0; 256];
                let mut read = ReadBuf::new(&mut space);
                let count = ready!(self.poll_decoded(context, &mut read))?;
                self.keep_early(read.filled());
                Poll::Ready(io::Result::Ok(count))
            });
            if read.await? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The last look of `set_line`: takes in what can be read without waiting.
    pub fn set_line_now(&mut self) {
        let mut read = BytesMut::new();
        while self.line() == Some(&LineState::Waiting) && matches!(self.decoded_now(&mut read, 1024), Ok(1..)) {}
        self.keep_early(&read);
    }

    fn keep_early(&mut self, data: &[u8]) {
        if let Layer::On(on) = &mut self.layer {
            let room = MOST_EARLY.saturating_sub(on.early.len()).min(data.len());
            on.early.extend_from_slice(data.get(..room).unwrap_or_default());
        }
    }

    /// Reads once and leaves the data in `buffer`; the number of bytes that came, data or not.
    fn poll_decoded(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        self.send_answers(context);
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled_mut().get_mut(before..).unwrap_or_default();
        let count = read.len();
        let kept = self.layer.decode(read);
        buffer.set_filled(before + kept);
        self.send_answers(context);
        Poll::Ready(Ok(count))
    }

    /// The same without waiting, past the runtime's readiness.
    fn decoded_now(&mut self, buffer: &mut BytesMut, limit: usize) -> io::Result<usize> {
        let before = buffer.len();
        let count = self.stream.read_now(buffer, limit)?;
        let kept = self.layer.decode(buffer.get_mut(before..).unwrap_or_default());
        buffer.truncate(before + kept);
        self.send_answers(&mut Context::from_waker(Waker::noop()));
        Ok(count)
    }

    /// Writes what answers the stream takes now. A stream that fails says so to whoever reads.
    fn send_answers(&mut self, context: &mut Context<'_>) {
        _ = self.poll_answers(context);
    }

    /// Writes the answers that wait.
    fn poll_answers(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Layer::On(on) = &mut self.layer else { return Poll::Ready(Ok(())) };
        if on.half {
            if ready!(Pin::new(&mut self.stream).poll_write(context, &[IAC]))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            on.half = false;
        }
        while !on.codec.answers().is_empty() {
            let taken = ready!(Pin::new(&mut self.stream).poll_write(context, on.codec.answers().make_contiguous()))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            on.codec.answers().drain(..taken);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: DeviceStream> AsyncRead for Telnet<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Layer::On(on) = &mut this.layer
            && !on.early.is_empty()
        {
            let room = buffer.remaining().min(on.early.len());
            buffer.put_slice(&on.early.split_to(room));
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        // Nothing read means the end of the stream, so negotiation alone is not told.
        while ready!(this.poll_decoded(context, buffer))? > 0 && buffer.filled().len() == before {}
        Poll::Ready(Ok(()))
    }
}

impl<S: DeviceStream> LastLook for Telnet<S> {
    fn read_now(&mut self, buffer: &mut BytesMut, limit: usize) -> io::Result<usize> {
        if let Layer::On(on) = &mut self.layer
            && !on.early.is_empty()
        {
            let room = limit.min(on.early.len());
            buffer.extend_from_slice(&on.early.split_to(room));
            return Ok(room);
        }
        let before = buffer.len();
        while self.decoded_now(buffer, limit)? > 0 && buffer.len() == before {}
        Ok(buffer.len() - before)
    }
}

impl<S: DeviceStream> AsyncWrite for Telnet<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_answers(context))?;
        let stream = Pin::new(&mut this.stream);
        let Layer::On(on) = &mut this.layer else { return stream.poll_write(context, bytes) };
        if !bytes.contains(&IAC) {
            return stream.poll_write(context, bytes);
        }
        // One write, so that a command stays one segment.
        let mut wire = Vec::with_capacity(bytes.len() + 8);
        encode_telnet(bytes, &mut wire);
        let mut left = ready!(stream.poll_write(context, &wire))?;
        let mut taken = 0;
        for &byte in bytes {
            let width = if byte == IAC { 2 } else { 1 };
            if left == 0 {
                break;
            }
            taken += 1;
            // Half of a doubled byte is out: the byte is written, its other half goes before anything else.
            on.half = left < width;
            left = left.saturating_sub(width);
        }
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_answers(context))?;
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_answers(context))?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
