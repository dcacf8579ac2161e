//! Draws a night from its seed: its fleet, its task and its limits; what goes wrong is drawn in `alphabet.rs`.
//!
//! Most nights are small, so that what fails is small too; about half of the devices meet something.

use crate::alphabet::{draw_fault, draw_link_fault};
use crate::night::{Board, Device, Family, Fault, Gateway, Limits, LinkFault, Night, Over, Task};
use crate::random::Random;

/// The night that a seed stands for.
pub(crate) fn night(seed: u64) -> Night {
    let mut random = Random::new(seed);
    let task = draw_task(&mut random);
    let (verify, if_needed) = match task {
        Task::PowerOn | Task::PowerOff | Task::Volume(_) => (random.percent(40), random.percent(20)),
        _ => (false, false),
    };
    let converges = random.percent(6) && is_repeatable(task);
    let asks = verify || if_needed || task == Task::Status;
    let gateways = draw_gateways(&mut random, task, asks, converges);
    let mut order: Vec<(usize, usize)> = gateways
        .iter()
        .enumerate()
        .flat_map(|(place, gateway)| (0..gateway.devices.len()).map(move |device| (place, device)))
        .collect();
    if random.percent(50) {
        for place in (1..order.len()).rev() {
            order.swap(place, usize::try_from(random.below(place as u64 + 1)).unwrap());
        }
    }
    let mut limits = draw_limits(&mut random);
    if converges {
        limits = Limits { until: Some(3_600_000), concurrency: limits.concurrency, queue: 64, ..Limits::default() };
        limits.grace = 5000;
        limits.sites = vec![1000, 1000];
    }
    let faults_end = converges.then(|| random.range(0, 90_000));
    let all_formats = random.percent(6);
    let (over, slack) = (Over::Memory, 0);
    let mut night = Night {
        seed,
        task,
        verify,
        if_needed,
        gateways,
        order,
        limits,
        sample: None,
        faults_end,
        all_formats,
        over,
        lie: None,
        slack,
    };
    settle(&mut night);
    night
}

/// Takes back what cannot be: somebody is selected, and circuits carry whoever hangs on them.
fn settle(night: &mut Night) {
    if night.selected().next().is_none()
        && let Some(&(gateway, device)) =
            night.order.iter().find(|place| families(night.task).contains(&night.gateways[place.0].family))
    {
        night.gateways[gateway].devices[device].selected = true;
    }
    if night.limits.circuit.is_none() {
        for device in night.gateways.iter_mut().flat_map(|gateway| &mut gateway.devices) {
            device.inrush = None;
        }
    }
}

/// Whether a task may be sent twice to every device that it is for.
fn is_repeatable(task: Task) -> bool {
    matches!(task, Task::PowerOn | Task::PowerOff | Task::Volume(_) | Task::RawPowerOn | Task::Status | Task::Fetch)
}

fn draw_task(random: &mut Random) -> Task {
    match random.below(100) {
        0..=27 => Task::PowerOn,
        28..=34 => Task::Fetch,
        35..=39 => Task::PowerOff,
        40..=47 => Task::Status,
        48..=55 => Task::Volume(u8::try_from(random.range(0, 100)).unwrap()),
        56..=65 => Task::RawPowerOn,
        66..=75 => Task::Key,
        76..=78 => Task::Broadcast,
        79..=89 => Task::Pulse(u8::try_from(random.range(1, 255)).unwrap()),
        _ => Task::Text { idempotent: random.percent(30) },
    }
}

fn families(task: Task) -> &'static [Family] {
    match task {
        Task::PowerOn | Task::PowerOff | Task::Status => {
            &[Family::Display, Family::Display, Family::Devantech, Family::Ncd]
        }
        Task::Volume(_) | Task::RawPowerOn | Task::Key | Task::Broadcast => &[Family::Display],
        Task::Pulse(_) => &[Family::Devantech],
        Task::Text { .. } => &[Family::Printer],
        Task::Fetch => &[Family::Hub],
    }
}

fn draw_gateways(random: &mut Random, task: Task, asks: bool, converges: bool) -> Vec<Gateway> {
    let count = match random.below(20) {
        0 => random.range(10, 30),
        1..=4 => random.range(5, 10),
        _ => random.range(1, 5),
    };
    // Some nights are bad for everybody.
    let share = random.pick(&[0, 20, 35, 35, 50, 80]);
    // On some only one kind is told, and others stand in the inventory.
    let is_picky = random.percent(15);
    (0..count)
        .map(|place| {
            let family = if is_picky && place > 0 && random.percent(40) {
                random.pick(&[Family::Display, Family::Devantech, Family::Ncd, Family::Printer, Family::Hub])
            } else {
                random.pick(families(task))
            };
            let selects = families(task).contains(&family);
            let has_skips = is_picky || random.percent(5);
            draw_gateway(random, task, place, family, &Drawing { share, selects, asks, has_skips, converges })
        })
        .collect()
}

/// What gateways of a night share.
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a night")]
struct Drawing {
    /// How many in a hundred meet a fault.
    share: u64,
    selects: bool,
    /// Devices are asked for their state.
    asks: bool,
    has_skips: bool,
    converges: bool,
}

fn draw_gateway(random: &mut Random, task: Task, place: u64, family: Family, drawing: &Drawing) -> Gateway {
    let most = match (family, task) {
        (Family::Printer | Family::Hub, _) | (_, Task::Broadcast) => 1,
        // Nothing in the question says which relay is meant.
        (Family::Devantech, _) if drawing.asks => 1,
        _ if random.percent(10) => 8,
        _ => random.pick(&[1, 1, 1, 2, 3]),
    };
    let board = random.pick(&[Board::Eth008, Board::Eth008, Board::Eth484, Board::Eth8020]);
    let relays = if family == Family::Devantech { board.relays() } else { u8::MAX };
    let most = most.min(relays);
    // Not always the first relays of a board.
    let first = if relays < u8::MAX { u8::try_from(random.below(u64::from(relays - most) + 1)).unwrap() } else { 0 };
    let has_password = family == Family::Devantech && random.percent(40);
    let is_right = drawing.converges || !random.percent(12);
    let devices = (first + 1..=first + most)
        .map(|unit| draw_device(random, task, place, unit, family, drawing, most == 1))
        .collect();
    let has_fault = random.below(200) < drawing.share;
    let (mut faults, mut always) = (Vec::new(), None);
    if has_fault && random.percent(30) {
        always = Some(draw_link_fault(random, family));
    } else if has_fault {
        faults = (0..random.range(1, 3)).map(|_| random.percent(70).then(|| draw_link_fault(random, family))).collect();
    }
    if drawing.converges {
        // Our own faults are no faults of the network, and a name that fails is not asked again in its pass.
        let own = |fault: &Option<LinkFault>| {
            // Part of a password is a wrong one, which is final.
            let is_password = has_password && matches!(fault, Some(LinkFault::TakesPart { .. }));
            is_password
                || matches!(
                    fault,
                    Some(LinkFault::Denied | LinkFault::Panics | LinkFault::PanicsInRead | LinkFault::NoFiles)
                )
        };
        faults.retain(|fault| !own(fault));
        always = always.filter(|fault| !own(&Some(*fault)));
    }
    Gateway {
        family,
        board,
        host: format!("10.{}.{}.{}", family as u8, place / 200, place % 200 + 1),
        port: match family {
            Family::Display => 23,
            Family::Devantech => 17494,
            Family::Ncd => 2101,
            Family::Printer => 9100,
            // No port is usual.
            Family::Hub => 4300,
        },
        site: random.percent(60).then(|| usize::from(random.percent(50))),
        password: has_password.then(|| (format!("canary-{:08x}", random.below(1 << 32)), is_right)),
        devices,
        faults,
        always,
    }
}

fn draw_device(
    random: &mut Random,
    task: Task,
    place: u64,
    unit: u8,
    family: Family,
    drawing: &Drawing,
    is_alone: bool,
) -> Device {
    let has_fault = random.percent(drawing.share);
    let (mut faults, mut always) = (Vec::new(), None);
    if has_fault && random.percent(25) {
        always = Some(draw_fault(random, task, family, is_alone));
    } else if has_fault {
        faults = (0..random.range(1, 4))
            .map(|_| random.percent(75).then(|| draw_fault(random, task, family, is_alone)))
            .collect();
    }
    if drawing.converges {
        // A refusal is final, and who lies once is right in nobody's eyes but its own.
        faults.retain(|fault| !matches!(fault, Some(Fault::Refuses | Fault::Lies)));
        always = always.filter(|fault| !matches!(fault, Fault::Refuses | Fault::Lies));
    }
    Device {
        name: format!("{}-{place:02}-{unit}", ["tv", "board", "ncd", "printer", "hub"][family as usize]),
        unit,
        selected: drawing.selects && !(drawing.has_skips && random.percent(25)),
        held: !drawing.converges && random.percent(2),
        inrush: random.percent(80).then(|| (u8::try_from(random.range(1, 4)).unwrap(), random.range(1, 5) * 1000)),
        inverted: matches!(family, Family::Devantech | Family::Ncd) && random.percent(25),
        is_on: random.percent(30),
        has_file: random.percent(50),
        latency: random.range(5, 180),
        faults,
        always,
    }
}

fn draw_limits(random: &mut Random) -> Limits {
    let is_stopped = random.percent(20);
    let most = random.pick(&[100, 2000, 12_000]);
    let first = random.range(0, most);
    Limits {
        concurrency: random.pick(&[1, 2, 3, 8, 256, 256]),
        sites: vec![random.pick(&[1, 2, 1000]), random.pick(&[1, 3, 1000])],
        circuit: random.percent(25).then(|| u8::try_from(random.range(4, 12)).unwrap()),
        rate: random.percent(15).then(|| random.pick(&[100, 250, 1000, 3000])),
        batch: random.percent(12).then(|| (u32::try_from(random.range(1, 6)).unwrap(), random.range(1, 4) * 500)),
        max_failures: random.percent(14).then(|| u32::try_from(random.below(4)).unwrap()),
        until: random.percent(18).then(|| random.range(1, 90) * 1000),
        deadline: random.percent(10).then(|| random.range(1, 30_000)),
        grace: random.pick(&[0, 500, 5000]),
        signals: is_stopped.then(|| (first, random.percent(60).then(|| first + random.below(6000)))),
        retries: random.percent(40).then(|| u32::try_from(random.below(5)).unwrap()),
        reply_timeout: random.percent(8).then(|| random.range(200, 4000)),
        device_deadline: random.percent(20).then(|| random.range(1000, 40_000)),
        queue: random.pick(&[1, 2, 64, 1024]),
    }
}
