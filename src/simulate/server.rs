//! Plays the devices behind the gateways: accepts, answers, and has the faults that were drawn.
//!
//! It runs on a thread and a runtime of its own, as devices do not share a processor's turn with their controller.
//! A gateway serves one client at a time and tells a second one so, in ser2net's words.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::night::{Fault, Night};
use crate::device_type::{Addressed, DeviceType, Simulated};
use crate::inventory::Member;
use crate::model::{Device, Params};

/// How long a client that closes may take to be noticed before the next one is told that the port is in use.
const NOTICE: Duration = Duration::from_millis(500);

/// What ser2net says to a second client.
const IN_USE: &[u8] = b"Port already in use\r\n";

/// The simulated devices behind one address.
pub(super) struct Gateway {
    /// By type, in the order of the inventory; nearly always one.
    parts: Vec<Part>,
    /// One client at a time.
    line: Semaphore,
}

struct Part {
    device_type: Arc<DeviceType>,
    units: Vec<Unit>,
    state: Mutex<Option<State>>,
}

struct Unit {
    params: Params,
    fault: Option<Fault>,
    delay: Duration,
}

/// What the devices remember: made when the first client comes.
struct State {
    simulated: Simulated,
    booting_until: HashMap<usize, Instant>,
}

impl Default for Gateway {
    fn default() -> Self {
        Self { parts: Vec::new(), line: Semaphore::new(1) }
    }
}

impl Gateway {
    /// Adds a device.
    pub(super) fn add(
        &mut self,
        device: &Device,
        member: &Member,
        fault: Option<Fault>,
        night: &Night,
    ) -> Result<(), String> {
        if member.device_type.simulation().is_none() {
            return Err(format!("`{}` cannot be simulated: its file has no [simulate]", member.device_type.name));
        }
        let unit = Unit { params: device.params.clone(), fault, delay: night.delay_of(&device.name) };
        match self.parts.iter_mut().find(|part| Arc::ptr_eq(&part.device_type, &member.device_type)) {
            Some(part) => part.units.push(unit),
            None => self.parts.push(Part {
                device_type: member.device_type.clone(),
                units: vec![unit],
                state: Mutex::new(None),
            }),
        }
        Ok(())
    }

    /// What one request brings: bytes after a delay, and whether the connection ends in the middle of them.
    fn answer(&self, body: &[u8], boot: Option<Duration>) -> Option<Reply> {
        self.parts.iter().find_map(|part| part.answer(body, boot))
    }
}

struct Reply {
    bytes: Vec<u8>,
    after: Duration,
    is_cut: bool,
}

impl Part {
    /// The type as it is for the first device: they share one board.
    fn effective(&self) -> Arc<DeviceType> {
        self.units.first().map_or_else(|| self.device_type.clone(), |unit| self.device_type.effective(&unit.params))
    }

    fn answer(&self, body: &[u8], boot: Option<Duration>) -> Option<Reply> {
        let mut held = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            let simulated = Simulated::new(&self.device_type, self.units.iter().map(|unit| &unit.params))?;
            *held = Some(State { simulated, booting_until: HashMap::new() });
        }
        let state = held.as_mut()?;
        let Addressed::Unit(place) = state.simulated.addressed(body) else {
            // A broadcast acts and is not answered; a request for nobody does neither.
            _ = state.simulated.answer(body);
            return None;
        };
        let unit = self.units.get(place)?;
        let now = Instant::now();
        let is_booting = state.booting_until.get(&place).is_some_and(|until| now < *until);
        let bytes = match unit.fault {
            Some(Fault::Silent) => return None,
            Some(Fault::Reject) => state.simulated.refuse(body)?,
            _ if is_booting => state.simulated.booting(body)?,
            _ => {
                let boots = state.simulated.boots(body).map(|own| boot.unwrap_or(own));
                if let Some(boots) = boots {
                    state.booting_until.insert(place, now + boots);
                }
                state.simulated.answer(body)?
            }
        };
        let after = if unit.fault == Some(Fault::Slow) { unit.delay } else { Duration::ZERO };
        Some(Reply { bytes, after, is_cut: unit.fault == Some(Fault::Cut) })
    }
}

/// Starts serving on a thread of its own.
pub(super) fn serve(
    listener: TcpListener,
    gateways: HashMap<Ipv4Addr, Arc<Gateway>>,
    boot: Option<Duration>,
    end: CancellationToken,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    std::thread::Builder::new().name("simulated fleet".to_owned()).spawn(move || {
        runtime.block_on(async move {
            let clients = TaskTracker::new();
            while let Some(accepted) = end.run_until_cancelled(listener.accept()).await {
                let Ok((stream, peer)) = accepted else {
                    // No file left: those that are open end soon.
                    sleep(Duration::from_millis(10)).await;
                    continue;
                };
                // A simulated fleet answers loopback peers only, although it listens on every address.
                let Some(gateway) = gateway_of(&stream, &gateways).filter(|_| peer.ip().is_loopback()) else {
                    continue;
                };
                let end = end.clone();
                clients.spawn(async move { end.run_until_cancelled(converse(stream, &gateway, boot)).await });
            }
            clients.close();
            clients.wait().await;
        });
    })
}

fn gateway_of(stream: &TcpStream, gateways: &HashMap<Ipv4Addr, Arc<Gateway>>) -> Option<Arc<Gateway>> {
    match stream.local_addr().ok()?.ip() {
        IpAddr::V4(ip) => gateways.get(&ip).cloned(),
        IpAddr::V6(_) => None,
    }
}

/// Waits before a slow reply; a client that leaves meanwhile frees the gateway at once, as a real one would. One that is
/// expected to close its side has not left.
async fn wait_or_leave(
    stream: &mut TcpStream,
    received: &mut BytesMut,
    wait: Duration,
    half_close: bool,
) -> ControlFlow<()> {
    let until = Instant::now() + wait;
    while Instant::now() < until {
        match timeout_at(until, stream.read_buf(received)).await {
            Ok(Ok(read)) if read > 0 => {}
            Ok(Ok(_)) if half_close => {
                tokio::time::sleep_until(until).await;
                break;
            }
            Ok(_) => return ControlFlow::Break(()),
            Err(_) => break,
        }
    }
    ControlFlow::Continue(())
}

/// Serves one client until it leaves.
async fn converse(mut stream: TcpStream, gateway: &Gateway, boot: Option<Duration>) {
    let Ok(Ok(_line)) = timeout(NOTICE, gateway.line.acquire()).await else {
        _ = stream.write_all(IN_USE).await;
        return;
    };
    let Some(device_type) = gateway.parts.first().map(Part::effective) else { return };
    let mut received = BytesMut::with_capacity(64);
    while stream.read_buf(&mut received).await.is_ok_and(|read| read > 0) {
        while let Some(body) = device_type.send.cut(&mut received) {
            let Some(reply) = gateway.answer(&body, boot) else { continue };
            if wait_or_leave(&mut stream, &mut received, reply.after, device_type.link.half_close).await.is_break() {
                return;
            }
            let shown = if reply.is_cut { reply.bytes.len() / 2 } else { reply.bytes.len() };
            if stream.write_all(reply.bytes.get(..shown).unwrap_or_default()).await.is_err() || reply.is_cut {
                return;
            }
        }
    }
}
