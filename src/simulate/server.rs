//! Plays the devices behind the gateways: accepts, answers, and has the faults that were drawn.
//!
//! It runs on a thread and a runtime of its own, as devices do not share a processor's turn with their controller.
//! A gateway serves one client at a time and tells a second one so, in ser2net's words.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::night::{Fault, Night};
use crate::device_type::{Addressed, DeviceType, Simulated};
use crate::inventory::Member;
use crate::model::{Device, Params};

/// How long a client that closes may take to be noticed before the next one is told that the port is in use.
const NOTICE: Duration = Duration::from_millis(500);

/// How long a device that is silent keeps the connection of a client that has closed its side: longer than anybody waits.
const SILENCE: Duration = Duration::from_mins(1);

/// Replies that may wait on one connection; full: nothing more is read until one is sent.
const MAX_DUE: usize = 64;

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
    /// Adds a device; `address` is the gateway's in the inventory.
    pub(super) fn add(&mut self, device: &Device, member: &Member, address: &str, night: &Night) -> Result<(), String> {
        let Some(simulation) = member.device_type.simulation() else {
            return Err(format!("`{}` cannot be simulated: its file has no [simulate]", member.device_type.name));
        };
        let who = if simulation.is_one() { address } else { &*device.name };
        let (fault, delay) = (night.fault_of(address, who), night.delay_of(who));
        let unit = Unit { params: device.params.clone(), fault, delay };
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
    fn answer(&self, body: &Bytes, boot: Option<Duration>) -> Option<Reply> {
        self.parts.iter().enumerate().find_map(|(place, part)| {
            let reply = part.answer(body, boot)?;
            Some(Reply { unit: (place, reply.unit.1), ..reply })
        })
    }
}

struct Reply {
    /// The part and the unit of it that was asked, and what.
    unit: (usize, usize),
    body: Bytes,
    bytes: Vec<u8>,
    after: Duration,
    is_cut: bool,
}

impl Part {
    /// The type as it is for the first device: they share one board.
    fn effective(&self) -> Arc<DeviceType> {
        self.units.first().map_or_else(|| self.device_type.clone(), |unit| self.device_type.effective(&unit.params))
    }

    fn answer(&self, body: &Bytes, boot: Option<Duration>) -> Option<Reply> {
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
            Some(Fault::Reject) if state.simulated.may_refuse(body) => state.simulated.refuse(body)?,
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
        Some(Reply { unit: (0, place), body: body.clone(), bytes, after, is_cut: unit.fault == Some(Fault::Cut) })
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

/// What is said on a connection when its time has come, each thing by itself: who is slow holds up no other unit.
#[derive(Default)]
struct Due(Vec<(Instant, Reply)>);

impl Due {
    /// Owes a reply. A unit that is asked something else forgets what it owed: that would come as the answer to this, and
    /// nobody could tell.
    fn owe(&mut self, reply: Reply) {
        self.0.retain(|(_, old)| old.unit != reply.unit || old.body == reply.body);
        self.0.push((Instant::now() + reply.after, reply));
    }

    /// When the next thing is to be said.
    fn next(&self) -> Option<Instant> {
        self.0.iter().map(|(at, _)| *at).min()
    }

    /// Takes what is to be said by now, the earliest first; of two that are due at once, what was asked first.
    fn take(&mut self, now: Instant) -> Option<Reply> {
        let due = self.0.iter().enumerate().filter(|(_, (at, _))| *at <= now);
        let place = due.min_by_key(|(_, (at, _))| *at).map(|(place, _)| place)?;
        Some(self.0.remove(place).1)
    }
}

/// Serves one client until it leaves.
async fn converse(mut stream: TcpStream, gateway: &Gateway, boot: Option<Duration>) {
    let Ok(Ok(held)) = timeout(NOTICE, gateway.line.acquire()).await else {
        _ = stream.write_all(IN_USE).await;
        return;
    };
    let Some(device_type) = gateway.parts.first().map(Part::effective) else { return };
    let (mut line, mut received) = (Some(held), BytesMut::with_capacity(64));
    let (mut due, mut hears, mut is_silent) = (Due::default(), true, false);
    loop {
        while let Some(body) = device_type.send.cut(&mut received) {
            let reply = gateway.answer(&body, boot);
            is_silent = reply.is_none();
            if let Some(reply) = reply {
                due.owe(reply);
            }
        }
        while let Some(reply) = due.take(Instant::now()) {
            let shown = if reply.is_cut { reply.bytes.len() / 2 } else { reply.bytes.len() };
            if stream.write_all(reply.bytes.get(..shown).unwrap_or_default()).await.is_err() || reply.is_cut {
                return;
            }
        }
        let next = due.next();
        let alarm = async { sleep_until(next.unwrap_or_else(Instant::now)).await };
        tokio::select! {
            biased;
            read = stream.read_buf(&mut received), if hears && due.0.len() < MAX_DUE => match read {
                Ok(1..) => {}
                // One that is expected to close its side may wait for its answer, or have left: nobody else waits for that.
                Ok(0) if device_type.link.half_close => (hears, line) = (false, None),
                // Else the gateway is free at once, as a real one would be.
                _ => return,
            },
            () = alarm, if next.is_some() => {}
            else => break,
        }
    }
    drop(line);
    if is_silent {
        // Nothing tells when a client that has closed its side closes the other.
        sleep(SILENCE).await;
    }
}
