//! Makes a drawn night one that real time and real sockets can play: seconds instead of minutes, and only what a gateway on
//! loopback can do.
//!
//! Left out are faults of names, of routes and of the program itself (`faults/failing_calls.rs` lets its system calls fail),
//! and connections that open late. A gateway cannot refuse every other connection, for it never hears of those.

use crate::alphabet::reply_timeout;
use crate::draw;
use crate::night::{Board, Family, Fault, Gateway, Limits, LinkFault, Millis, Night, Over, Task};

/// How long a reply may take: several times what a busy machine is late by.
const REPLY_TIMEOUT: Millis = 2000;

/// What a device gets in all; who is well is not excused by it.
const DEVICE_DEADLINE: Millis = 6000;

/// The night of a seed over sockets, if it is one; `place` keeps nights that are played at once apart.
pub(crate) fn over_sockets(seed: u64, place: u64) -> Option<Night> {
    let mut night = draw::night(seed);
    let count = night.selected().count();
    if night.faults_end.is_some() || !(5..=60).contains(&count) {
        return None;
    }
    night.over = Over::Sockets;
    let timeout_of = |task, family| reply_timeout(task, family);
    for (number, gateway) in night.gateways.iter_mut().enumerate() {
        gateway.host = format!("127.{}.{}.{}", 64 + place % 128, gateway.family as u8 + 1, number + 1);
        // A hub is asked as soon as it is connected to: what it says then may come too late to be dropped.
        let is_hub = gateway.family == Family::Hub;
        let is_late = |fault: &LinkFault| is_hub && matches!(fault, LinkFault::Noise { .. });
        gateway.always = gateway.always.filter(|fault| !is_late(fault)).and_then(always);
        for fault in &mut gateway.faults {
            *fault = fault.filter(|fault| !is_late(fault)).and_then(once);
        }
        if matches!(gateway.always, Some(LinkFault::Refused | LinkFault::Hangs)) {
            gateway.faults.clear();
        }
        let usual = timeout_of(night.task, gateway.family);
        for device in &mut gateway.devices {
            for fault in device.faults.iter_mut().flatten().chain(&mut device.always) {
                *fault = quicker(*fault, usual);
            }
        }
    }
    night.limits = within_seconds(&night, count);
    night.sample = seed.is_multiple_of(6).then(|| count.div_ceil(2));
    Some(night)
}

/// The same with ser2net between: displays alone, and no faults of connections.
pub(crate) fn over_ser2net(seed: u64, place: u64) -> Option<Night> {
    let mut night = over_sockets(seed, place)?;
    let is_line = |task| matches!(task, Task::PowerOn | Task::PowerOff | Task::Status | Task::Volume(_) | Task::Key);
    let are_displays = night.gateways.iter().all(|gateway| gateway.family as u8 == 0);
    if !are_displays || !is_line(night.task) || night.gateways.len() > 8 {
        return None;
    }
    night.over = Over::Ser2net;
    // ser2net lets go of a client a little after the client has left.
    night.limits.retries = Some(night.limits.retries.unwrap_or(0).max(4));
    for gateway in &mut night.gateways {
        (gateway.faults, gateway.always) = (Vec::new(), None);
        for device in &mut gateway.devices {
            let is_wire = |fault: &Fault| {
                matches!(fault, Fault::Closes { .. } | Fault::Resets { .. } | Fault::Babbles | Fault::Dribbles { .. })
            };
            device.faults.retain(|fault| !fault.as_ref().is_some_and(is_wire));
            device.always = device.always.filter(|fault| !is_wire(fault));
        }
    }
    Some(night)
}

/// The same fleet for the program's own simulation, which has faults of its own: `draws.rs` says whose. Every fourth fleet is
/// a large one.
pub(crate) fn over_simulation(seed: u64, place: u64) -> Option<Night> {
    let mut night = over_sockets(seed, place)?;
    // What `simulation/dialect.rs` does not speak.
    let is_foreign = |gateway: &Gateway| match gateway.family {
        Family::Hub => true,
        Family::Devantech => gateway.board != Board::Eth008,
        Family::Display | Family::Printer | Family::Ncd => false,
    };
    if night.gateways.iter().any(is_foreign) {
        return None;
    }
    (night.over, night.sample) = (Over::Simulation, None);
    for gateway in &mut night.gateways {
        (gateway.faults, gateway.always) = (Vec::new(), None);
        if let Some((_, is_right)) = &mut gateway.password {
            *is_right = true;
        }
        for device in &mut gateway.devices {
            (device.faults, device.always) = (Vec::new(), None);
        }
    }
    if seed.is_multiple_of(4) && night.limits.rate.is_none() && night.limits.circuit.is_none() {
        enlarge(&mut night);
    }
    // What the inventory says of them is never connected to.
    for (number, gateway) in (1..).zip(&mut night.gateways) {
        (gateway.host, gateway.port) = (format!("10.{}.{}.{}", gateway.family as u8, number / 200, number % 200), 4000);
    }
    night.limits.max_failures = None;
    Some(night)
}

/// Puts copies of a fleet beside it, up to a few hundred devices.
fn enlarge(night: &mut Night) {
    let (gateways, order) = (night.gateways.clone(), night.order.clone());
    for (word, _) in night.gateways.iter_mut().filter_map(|gateway| gateway.password.as_mut()) {
        *word = format!("(0){word}");
    }
    let copies = 250 / order.len().max(1);
    for copy in 1..copies {
        let first = night.gateways.len();
        night.order.extend(order.iter().map(|(gateway, device)| (first + gateway, *device)));
        for gateway in &gateways {
            let mut gateway = gateway.clone();
            if let Some((word, _)) = &mut gateway.password {
                *word = format!("({copy}){word}");
            }
            for device in &mut gateway.devices {
                device.name = format!("{}-{copy}", device.name);
            }
            night.gateways.push(gateway);
        }
    }
    night.limits.batch = None;
    night.limits.concurrency = 256;
    night.limits.sites = vec![1000; night.limits.sites.len()];
}

/// What a gateway can do with all of its connections.
fn always(fault: LinkFault) -> Option<LinkFault> {
    match fault {
        LinkFault::Refused | LinkFault::NoRoute | LinkFault::Dns => Some(LinkFault::Refused),
        LinkFault::Hangs => Some(LinkFault::Hangs),
        fault => once(fault),
    }
}

/// What it can do with one of them.
fn once(fault: LinkFault) -> Option<LinkFault> {
    match fault {
        LinkFault::Refused | LinkFault::ResetInConnect | LinkFault::NoRoute => Some(LinkFault::Resets { after: 0 }),
        LinkFault::Hangs | LinkFault::Dns | LinkFault::SlowOpen { .. } => None,
        LinkFault::NoFiles | LinkFault::Denied | LinkFault::Panics | LinkFault::PanicsInRead => None,
        // What has arrived was heard in part: that nothing was heard would be a gateway that closes.
        LinkFault::TakesPart { bytes, resets } => Some(LinkFault::TakesPart { bytes: bytes.max(1), resets }),
        fault => Some(fault),
    }
}

/// A fault that takes no longer than these nights.
fn quicker(fault: Fault, usual: Millis) -> Fault {
    match fault {
        Fault::Late { by } => Fault::Late { by: by * REPLY_TIMEOUT / usual },
        Fault::Dribbles { every: 900 } => Fault::Dribbles { every: 300 },
        Fault::Slow { by } => Fault::Slow { by: by % 4000 },
        fault => fault,
    }
}

fn within_seconds(night: &Night, count: usize) -> Limits {
    let mut limits = night.limits.clone();
    let count = count as u64;
    limits.reply_timeout = Some(REPLY_TIMEOUT);
    limits.device_deadline = Some(DEVICE_DEADLINE);
    limits.retries = limits.retries.map(|most| most.min(2));
    limits.grace = limits.grace.min(1000);
    limits.until = limits.until.map(|span| span % 6000 + 1000);
    limits.deadline = limits.deadline.map(|span| span % 8000 + 1000);
    if (night.verify || night.if_needed) && limits.deadline.is_none() {
        // A display may boot for 45 s.
        limits.deadline = Some(15_000);
    }
    limits.rate = limits.rate.filter(|every| (1000..).contains(every) && every * count <= 12_000);
    limits.circuit = limits.circuit.filter(|_| count <= 8);
    limits.batch = limits.batch.filter(|(size, _)| count <= u64::from(*size) * 3);
    limits.concurrency = limits.concurrency.max(if count > 8 { 8 } else { 2 });
    for most in &mut limits.sites {
        *most = (*most).max(if count > 8 { 8 } else { 1 });
    }
    // From the start of the process on: some of these hit it before it has begun.
    limits.signals = limits.signals.map(|(first, second)| {
        let within = |at: Millis| 700 + at % 6000;
        (within(first), second.map(|second| within(first) + (second - first) % 1500))
    });
    limits
}
