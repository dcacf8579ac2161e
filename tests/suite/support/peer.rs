//! A device of any language: a listener on loopback that plays a written dialogue and notes every segment.
//!
//! A dialogue is text: `> 7A < 00` means "hear 7A, then say 00". `wait` holds the next words back, so that a client
//! that does not wait for a reply gives itself away; `eof` hears our half-close, `fin` and `rst` end the connection.
//! When the dialogue is over, or the client says something else, the device is silent and goes on taking notes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

/// How long `wait` is: long enough for a segment that was written without waiting to be there.
const WAIT: Duration = Duration::from_millis(40);

/// A device that plays dialogues, one a connection; the last one holds for all connections that follow.
pub(crate) struct Peer {
    address: SocketAddr,
    notes: Arc<Mutex<Vec<Vec<String>>>>,
}

#[derive(Clone, Debug)]
enum Turn {
    Hear(Vec<u8>),
    Say(Vec<u8>),
    HearEof,
    Wait,
    Fin,
    Reset,
}

impl Peer {
    /// A device that plays these dialogues.
    pub(crate) fn start(dialogues: &[&str]) -> Self {
        Self::on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), dialogues)
    }

    /// The same, at an address of the test's choice.
    pub(crate) fn on(listener: TcpListener, dialogues: &[&str]) -> Self {
        let dialogues: Vec<Vec<Turn>> = dialogues.iter().map(|text| turns(text)).collect();
        let address = listener.local_addr().unwrap();
        let notes = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&notes);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                shared.lock().unwrap_or_else(PoisonError::into_inner).push(Vec::new());
                let turns = dialogues.get(number).or(dialogues.last()).cloned().unwrap_or_default();
                let mut playing =
                    Playing { number, stream, heard: Vec::new(), finished: false, notes: Arc::clone(&shared) };
                thread::spawn(move || playing.play(&turns));
            }
        });
        Self { address, notes }
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// What happened on each connection: `> 7A` for a segment that was heard, `< 00` for what was said, `> fin` and
    /// `> rst` for the client's end of it.
    pub(crate) fn connections(&self) -> Vec<Vec<String>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The one connection that there must have been, in one line.
    #[track_caller]
    pub(crate) fn only(&self) -> String {
        let connections = self.connections();
        assert_eq!(connections.len(), 1, "one connection: {connections:?}");
        connections.concat().join(" ")
    }

    /// Everything that was heard, on all connections, segment by segment.
    pub(crate) fn heard(&self) -> Vec<String> {
        let all = self.connections().concat();
        all.iter().filter_map(|note| note.strip_prefix("> ")).map(str::to_owned).collect()
    }
}

struct Playing {
    number: usize,
    stream: TcpStream,
    heard: Vec<u8>,
    /// The client has closed its side.
    finished: bool,
    notes: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Playing {
    fn play(&mut self, turns: &[Turn]) {
        self.stream.set_nodelay(true).ok();
        for turn in turns {
            let flow = match turn {
                Turn::Hear(expected) => self.hear(expected),
                Turn::Say(bytes) => self.say(bytes),
                Turn::HearEof => go_on_if(self.read().is_break() && self.finished),
                Turn::Wait => {
                    thread::sleep(WAIT);
                    ControlFlow::Continue(())
                }
                Turn::Fin => {
                    self.note("< fin".to_owned());
                    go_on_if(self.stream.shutdown(Shutdown::Write).is_ok())
                }
                Turn::Reset => {
                    SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).ok();
                    return;
                }
            };
            if flow.is_break() {
                break;
            }
        }
        // Closing with unread bytes would be an RST.
        while !self.finished && self.read().is_continue() {}
    }

    fn hear(&mut self, expected: &[u8]) -> ControlFlow<()> {
        while self.heard.len() < expected.len() {
            self.read()?;
        }
        let heard: Vec<u8> = self.heard.drain(..expected.len()).collect();
        go_on_if(heard == expected)
    }

    fn say(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        if bytes.len() <= 64 {
            self.note(format!("< {}", hex(bytes)));
        }
        go_on_if(self.stream.write_all(bytes).is_ok())
    }

    fn read(&mut self) -> ControlFlow<()> {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(0) => {
                self.finished = true;
                self.note("> fin".to_owned());
                ControlFlow::Break(())
            }
            Ok(count) => {
                self.note(format!("> {}", hex(&chunk[..count])));
                self.heard.extend_from_slice(&chunk[..count]);
                ControlFlow::Continue(())
            }
            Err(_) => {
                self.note("> rst".to_owned());
                ControlFlow::Break(())
            }
        }
    }

    fn note(&self, note: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes[self.number].push(note);
    }
}

/// Bytes as the sheets print them: `7A 00`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

fn go_on_if(good: bool) -> ControlFlow<()> {
    if good { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

/// Reads a dialogue. `<* 78 1048576` says one byte that often.
fn turns(text: &str) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            ">" => turns.push(Turn::Hear(Vec::new())),
            "<" => turns.push(Turn::Say(Vec::new())),
            "<*" => {
                let byte = u8::from_str_radix(words.next().unwrap(), 16).unwrap();
                turns.push(Turn::Say(vec![byte; words.next().unwrap().parse().unwrap()]));
            }
            "eof" => turns.push(Turn::HearEof),
            "wait" => turns.push(Turn::Wait),
            "fin" => turns.push(Turn::Fin),
            "rst" => turns.push(Turn::Reset),
            byte => match turns.last_mut() {
                Some(Turn::Hear(bytes) | Turn::Say(bytes)) => bytes.push(u8::from_str_radix(byte, 16).unwrap()),
                other => panic!("`{byte}` after {other:?} in `{text}`"),
            },
        }
    }
    turns
}
