//! The network of the world: gateways that do with a connection and a request what the script says, and note it.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf};
use tokio::time::{Instant, sleep};

use super::{Does, Opens, Record, Script, Seen};
use crate::model::Address;
use crate::transport::{Connect, ConnectError, LastLook};

/// The network of the world.
pub(super) struct Net {
    pub(super) opens: HashMap<String, Opens>,
    pub(super) script: Script,
    pub(super) record: Record,
    pub(super) started: Instant,
    pub(super) tries: Mutex<HashMap<String, usize>>,
}

impl Connect for Net {
    type Stream = Line;

    fn begin_pass(&self) {
        self.record.note(self.started, "", Seen::Pass);
    }

    async fn connect(&self, address: &Address, deadline: Instant) -> Result<Line, ConnectError> {
        let gateway = address.to_string();
        let nth = {
            let mut tries = self.tries.lock().unwrap();
            let tried = tries.entry(gateway.clone()).or_default();
            *tried += 1;
            *tried
        };
        let mut opens = self.opens.get(&gateway).copied().unwrap_or(Opens::Yes);
        if let Opens::InTurn(all) = opens {
            opens = all[nth.min(all.len()) - 1];
        }
        match opens {
            Opens::Yes | Opens::Closes | Opens::PanicsInRead | Opens::InTurn(_) => {}
            Opens::NoFilesFor(span) if self.started.elapsed() >= span => {}
            Opens::NoFilesFor(_) => return Err(ConnectError::Exhausted(std::io::ErrorKind::Other.into())),
            Opens::Denied => return Err(ConnectError::Denied(std::io::ErrorKind::PermissionDenied.into())),
            Opens::After(span) => sleep(span).await,
            Opens::Refused => return Err(ConnectError::Io(std::io::ErrorKind::ConnectionRefused.into())),
            Opens::NoFiles => return Err(ConnectError::Exhausted(std::io::ErrorKind::Other.into())),
            Opens::Panics => panic!("planted"),
            Opens::Never => {
                tokio::time::sleep_until(deadline).await;
                return Err(ConnectError::TimedOut);
            }
        }
        let (ours, theirs) = tokio::io::duplex(4096);
        if opens == Opens::Closes {
            return Ok(Line { stream: ours, panics: false, record: Record::default(), started: self.started });
        }
        self.record.note(self.started, &gateway, Seen::Open);
        let (script, record, started) = (self.script.clone(), self.record.clone(), self.started);
        let panics = opens == Opens::PanicsInRead;
        let line = Line { stream: ours, panics, record: record.clone(), started };
        tokio::spawn(async move {
            play(theirs, script, &record, started, &gateway).await;
            record.note(started, &gateway, Seen::Closed);
        });
        Ok(line)
    }
}

/// Our end of a connection.
pub(in crate::dispatch::tests) struct Line {
    stream: DuplexStream,
    panics: bool,
    record: Record,
    started: Instant,
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        assert!(!self.panics, "planted");
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.record.note(self.started, "", Seen::Written);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
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

async fn play(mut stream: DuplexStream, script: Script, record: &Record, started: Instant, gateway: &str) {
    let mut text = String::new();
    let mut byte = [0];
    while stream.read(&mut byte).await.unwrap_or(0) > 0 {
        if byte[0] != b'\r' {
            text.push(char::from(byte[0]));
            continue;
        }
        let request = std::mem::take(&mut text);
        record.note(started, gateway, Seen::Request(request.clone()));
        let before = record.requests().iter().filter(|(_, seen)| *seen == request).count();
        match script(&request, before) {
            Does::Reply(bytes) => _ = stream.write_all(bytes.as_bytes()).await,
            Does::ReplyAfter(wait, bytes) => {
                sleep(wait).await;
                _ = stream.write_all(bytes.as_bytes()).await;
            }
            Does::Nothing => {}
            Does::Close => return,
            Does::Babble => while stream.write_all(&[b'z'; 256]).await.is_ok() {},
        }
    }
}
