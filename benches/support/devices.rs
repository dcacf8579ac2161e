//! The devices of a measured run: one process, one listener, every 127.a.b.c a gateway of its own.
//!
//! They speak like an LG display: `ka 01 01\r` is answered with `a 01 OK01x`. What a device does is a function of seed,
//! address and set ID, so whoever knows the `Nature` knows what a run has to come to. What they saw is told when the
//! process ends, which is when its standard input does: it never outlives the bench.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep_until};

use super::Result;

/// What this program is called with to be the devices.
pub(crate) const DEVICES: &str = "devices";

/// Timers end at the first whole millisecond after their time, so on average half a one late; devices wait that much
/// less.
const HALF_A_TICK: Duration = Duration::from_micros(500);

/// How devices behave.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Nature {
    /// The median of the time to an answer, in milliseconds; 0: at once.
    pub(crate) median_ms: f64,
    /// The spread of that time: the standard deviation of its logarithm.
    pub(crate) sigma: f64,
    /// The share of devices that never answer, from 0 to 1.
    pub(crate) silent: f64,
    /// What decides who does what.
    pub(crate) seed: u64,
}

impl Nature {
    /// Devices that answer at once.
    pub(crate) const PROMPT: Self = Self { median_ms: 0.0, sigma: 0.0, silent: 0.0, seed: 1 };

    /// How long a device takes to answer; `None`: it never does.
    pub(crate) fn answers_after(&self, gateway: Ipv4Addr, set_id: u8) -> Option<Duration> {
        let device = u64::from(gateway.to_bits()) << 8 | u64::from(set_id);
        let mut random = SmallRng::seed_from_u64(self.seed ^ device.rotate_left(20));
        if random.random::<f64>() < self.silent {
            return None;
        }
        let (one, two): (f64, f64) = (random.random(), random.random());
        // Box and Muller's normal distribution out of two even ones.
        let normal = (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * two).cos();
        Some(Duration::from_secs_f64(self.median_ms / 1000.0 * (self.sigma * normal).exp()))
    }
}

/// The gateway of a number.
pub(crate) fn gateway(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + number)
}

/// What the devices saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Commands that were answered.
    pub(crate) answered: u64,
    /// Commands to silent devices.
    pub(crate) unanswered: u64,
    /// Commands to devices that had one already.
    pub(crate) repeated: u64,
    /// Commands that no display understands.
    pub(crate) garbled: u64,
}

/// Devices that run.
pub(crate) struct Devices {
    process: Child,
    said: BufReader<ChildStdout>,
    /// Their port, the same at every address.
    pub(crate) port: u16,
}

impl Devices {
    /// Starts them.
    pub(crate) fn start(nature: &Nature) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([DEVICES, &serde_json::to_string(nature)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(process.stdout.take().ok_or("the devices say nothing")?);
        let mut port = String::new();
        said.read_line(&mut port)?;
        Ok(Self { process, said, port: port.trim().parse().map_err(|_| "the devices did not start")? })
    }

    /// Ends them; what they saw.
    pub(crate) fn end(mut self) -> Result<Seen> {
        drop(self.process.stdin.take());
        let mut seen = String::new();
        self.said.read_to_string(&mut seen)?;
        self.process.wait()?;
        Ok(serde_json::from_str(&seen)?)
    }
}

/// Is the devices until standard input ends.
#[expect(clippy::print_stdout, reason = "it tells its parent the port, and in the end what was seen")]
pub(crate) fn serve(nature: &str) -> Result<()> {
    let nature: Nature = serde_json::from_str(nature)?;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let seen = Rc::new(RefCell::new(Book::default()));
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // It is never written to: this waits for its end.
        _ = std::io::stdin().read(&mut [0]);
        _ = ended.send(());
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))?;
        let listener = socket.listen(65_535)?;
        println!("{}", listener.local_addr()?.port());
        let seen = seen.clone();
        tokio::task::spawn_local(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => _ = tokio::task::spawn_local(converse(stream, nature, seen.clone())),
                    // No file is free: let some be closed first.
                    Err(_) => tokio::time::sleep(Duration::from_millis(2)).await,
                }
            }
        });
        _ = end.await;
        Ok::<(), std::io::Error>(())
    })?;
    println!("{}", serde_json::to_string(&seen.borrow().seen)?);
    Ok(())
}

/// What the devices keep of what they saw.
#[derive(Default)]
struct Book {
    seen: Seen,
    commanded: HashSet<(Ipv4Addr, u8)>,
}

impl Book {
    /// Enters a command; the answer, and after how long it is due.
    fn take_in(&mut self, nature: &Nature, gateway: Ipv4Addr, command: &[u8]) -> Option<(Duration, Vec<u8>)> {
        let &[_, name, b' ', one, two, b' ', high, low] = command else {
            self.seen.garbled += 1;
            return None;
        };
        let Ok(set_id) = u8::from_str_radix(std::str::from_utf8(&[one, two]).unwrap_or_default(), 16) else {
            self.seen.garbled += 1;
            return None;
        };
        self.seen.repeated += u64::from(!self.commanded.insert((gateway, set_id)));
        let Some(after) = nature.answers_after(gateway, set_id) else {
            self.seen.unanswered += 1;
            return None;
        };
        self.seen.answered += 1;
        Some((after, [name, b' ', one, two, b' ', b'O', b'K', high, low, b'x'].to_vec()))
    }
}

/// One connection: commands one after another, each answered in its time.
async fn converse(mut stream: TcpStream, nature: Nature, seen: Rc<RefCell<Book>>) {
    let Ok(SocketAddr::V4(own)) = stream.local_addr() else { return };
    let mut line = Vec::with_capacity(16);
    let mut read = [0; 64];
    loop {
        let Ok(len @ 1..) = stream.read(&mut read).await else { return };
        let heard = Instant::now();
        for &byte in read.get(..len).unwrap_or_default() {
            if byte != b'\r' {
                line.push(byte);
                continue;
            }
            let answer = seen.borrow_mut().take_in(&nature, *own.ip(), &line);
            line.clear();
            let Some((after, answer)) = answer else { continue };
            if !after.is_zero() {
                sleep_until(heard + after.saturating_sub(HALF_A_TICK)).await;
            }
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

/// The address of a gateway's devices.
pub(crate) fn address(number: u32, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(gateway(number)), port)
}
