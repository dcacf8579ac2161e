//! Fake smart-home hubs: one listener on all of 127.0.0.0/8, a hub for each local address. Real databases for them, too.
//!
//! A hub reads the four bytes of a request, notes them and does what its script says; the last list of a script holds for
//! every connection after it. Linux only, like the displays.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::script::Step;

/// What every `SQLite` file begins with.
pub(crate) const MAGIC: [u8; 16] = *b"SQLite format 3\0";

/// Hubs on loopback; no new connection is taken after this is dropped.
pub(crate) struct Hubs {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stopping: AtomicBool,
    hubs: Mutex<HashMap<IpAddr, Hub>>,
}

#[derive(Default)]
struct Hub {
    /// What follows the request of the n-th connection.
    script: Vec<Vec<Step>>,
    connections: usize,
    requests: Vec<[u8; 4]>,
}

impl Hubs {
    /// Listens on a free port of every loopback address.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        // The backlog of std is 128; 300 hubs are connected to at once.
        SockRef::from(&listener).listen(4096).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.stopping.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                thread::Builder::new().stack_size(256 * 1024).spawn(move || shared.serve(stream)).unwrap();
            }
        });
        Self { port, shared }
    }

    /// The port on which every hub listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What follows the request of the n-th connection to a hub; the last entry holds for all that follow.
    pub(crate) fn script(&self, hub: &str, steps: Vec<Vec<Step>>) {
        self.shared.lock().entry(hub.parse().unwrap()).or_default().script = steps;
    }

    /// The requests that a hub was sent.
    pub(crate) fn requests(&self, hub: &str) -> Vec<[u8; 4]> {
        self.shared.lock().entry(hub.parse().unwrap()).or_default().requests.clone()
    }

    /// How many connections all hubs together have accepted.
    pub(crate) fn connections(&self) -> usize {
        self.shared.lock().values().map(|hub| hub.connections).sum()
    }
}

impl Drop for Hubs {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then sees the flag.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let Ok(address) = stream.local_addr().map(|local| local.ip()) else { return };
        stream.set_nodelay(true).ok();
        let steps = {
            let mut hubs = self.lock();
            let hub = hubs.entry(address).or_default();
            hub.connections += 1;
            hub.script.get(hub.connections - 1).or(hub.script.last()).cloned().unwrap_or_default()
        };
        let mut request = [0; 4];
        if stream.read_exact(&mut request).is_err() {
            return;
        }
        self.lock().entry(address).or_default().requests.push(request);
        for step in steps {
            match step {
                Step::Send(bytes) if stream.write_all(&bytes).is_err() => return,
                Step::Send(_) => {}
                Step::Pause(time) => thread::sleep(time),
                Step::Wait(gate) => gate.wait(),
                Step::Close => {
                    stream.shutdown(Shutdown::Write).ok();
                }
                Step::Reset => {
                    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).ok();
                    return;
                }
                Step::Reply | Step::ReplyByteByByte(_) | Step::Echo | Step::Babble(_) => {
                    panic!("a hub does not know this step")
                }
            }
        }
        // A hub that has done all it was told stays connected. Closing with unread bytes would be an RST, so it reads on.
        stream.set_read_timeout(Some(Duration::from_mins(1))).ok();
        while matches!(stream.read(&mut request), Ok(1..)) {}
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Hub>> {
        self.hubs.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The header of a reply: a command word and a length, least byte first.
pub(crate) fn header(word: u32, length: u32) -> Step {
    Step::Send([word.to_le_bytes(), length.to_le_bytes()].concat())
}

/// The header that announces a file of this length.
pub(crate) fn announced(length: usize) -> Step {
    header(0x43, u32::try_from(length).unwrap())
}

/// All that a healthy hub answers.
pub(crate) fn served(file: &[u8]) -> Vec<Step> {
    vec![announced(file.len()), Step::Send(file.to_vec())]
}

/// Bytes that begin like a database and go on with a pattern of their own.
pub(crate) fn looks_like_a_database(length: usize) -> Vec<u8> {
    let pattern = (0..length.saturating_sub(MAGIC.len())).map(|at| u8::try_from(at % 251).unwrap());
    MAGIC.into_iter().chain(pattern).take(length).collect()
}

/// A real database with so many rows, made by Python's own `sqlite3`.
pub(crate) fn database(folder: &Path, rows: usize) -> Vec<u8> {
    let path = folder.join("made-by-sqlite");
    let script = format!(
        "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute('create table rooms (name text)')\n\
         c.executemany('insert into rooms values (?)', [('room %d' % n,) for n in range({rows})])\nc.commit()\nc.close()"
    );
    python(&script, &path);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    bytes
}

/// Opens a database; what its own integrity check says, and how many rows it has.
pub(crate) fn inspected(path: &Path) -> String {
    let script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\n\
                  print(c.execute('pragma integrity_check').fetchone()[0], c.execute('select count(*) from rooms').fetchone()[0])";
    python(script, path)
}

/// The SHA-256 of a file as `sha256sum` prints it.
pub(crate) fn sha256sum(path: &Path) -> String {
    let printed = succeed(Command::new("sha256sum").arg(path).output(), "sha256sum");
    printed.split(' ').next().unwrap().to_owned()
}

fn python(script: &str, path: &Path) -> String {
    succeed(Command::new("python3").arg("-c").arg(script).arg(path).output(), "python3")
}

fn succeed(output: std::io::Result<Output>, program: &str) -> String {
    let output = output.unwrap_or_else(|error| panic!("this test needs `{program}`: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
