//! The fault alphabet with its probabilities: what can go wrong with an exchange or a connection of which family.

use crate::night::{Family, Fault, Flaw, LinkFault, Millis, Stray, Task};
use crate::random::Random;

/// Something that goes wrong with an exchange.
pub(crate) fn draw_fault(random: &mut Random, task: Task, family: Family, is_alone: bool) -> Fault {
    let timeout = reply_timeout(task, family);
    let acts = random.percent(60);
    let after = usize::try_from(random.below(10)).unwrap();
    if family == Family::Hub && random.percent(60) {
        return Fault::Flaw(draw_flaw(random));
    }
    loop {
        let fault = match random.below(22) {
            0..=2 => Fault::Silent { acts },
            3 => Fault::Closes { acts, after: 0 },
            4 => Fault::Closes { acts, after },
            5 => Fault::Resets { acts, after: 0 },
            6 => Fault::Resets { acts, after },
            7 => Fault::Partial { after: after + 1 },
            // Two displays that answer at once on one line would be no reply of either.
            8 => Fault::Dribbles { every: random.pick(if is_alone { &[1, 20, 150, 900] } else { &[1] }) },
            9 | 10 => Fault::Late { by: timeout / 2 + random.below(timeout * 3 / 2) },
            11 => Fault::Echoes,
            12 => Fault::Stray(random.pick(&[Stray::Unit, Stray::Command, Stray::Value])),
            13 => Fault::StrayOnly(random.pick(&[Stray::Unit, Stray::Command, Stray::Value])),
            14 => Fault::Twice { gap: random.pick(&[0, 1, 40, 300]) },
            15 | 16 => Fault::Busy,
            17 => Fault::Refuses,
            18 => random.pick(&[Fault::Garbage, Fault::Babbles]),
            19 => Fault::Malformed,
            20 => Fault::Lies,
            _ => Fault::Slow { by: random.range(100, 40_000) },
        };
        if can_happen(fault, family) {
            return fault;
        }
    }
}

/// Something that goes wrong with a file.
fn draw_flaw(random: &mut Random) -> Flaw {
    let percent = random.pick(&[0, 1, 10, 50, 90, 99]);
    let by = random.pick(&[1, 2, 8, 16, 1000, 40_000]);
    match random.below(15) {
        0 | 1 => Flaw::Cut { percent, resets: random.percent(50) },
        2 => Flaw::Stalls { percent, by: None },
        3..=6 => Flaw::Stalls { percent, by: Some(random.pick(&[100, 4000, 4999, 5000, 5001, 7000])) },
        7 | 8 => Flaw::AnnouncesMore { by, closes: random.percent(60) },
        9 | 10 => Flaw::AnnouncesLess { by },
        11 => random.pick(&[Flaw::AnnouncesTooMuch, Flaw::AnnouncesNothing]),
        12 => Flaw::TooSmall { bytes: usize::try_from(random.range(1, 15)).unwrap() },
        13 => Flaw::Ends { resets: random.percent(50) },
        _ => Flaw::NeverEnds,
    }
}

/// Whether devices of this family can do that, and it can be told from what is right: two of the protocols have nothing
/// in a reply that says what it answers.
fn can_happen(fault: Fault, family: Family) -> bool {
    let is_display = family == Family::Display;
    match fault {
        Fault::Echoes | Fault::Twice { .. } => is_display || family == Family::Ncd,
        Fault::Stray(stray) | Fault::StrayOnly(stray) => {
            is_display || (family == Family::Ncd && stray == Stray::Command)
        }
        Fault::Busy => is_display,
        Fault::Garbage => is_display,
        Fault::Refuses => family != Family::Printer,
        Fault::Malformed => matches!(family, Family::Devantech | Family::Ncd | Family::Hub),
        // Of a hub any eight bytes are a reply, which says no.
        Fault::Babbles => !matches!(family, Family::Devantech | Family::Hub),
        // What a printer says ends with the connection, too: a part of it would be all.
        Fault::Partial { .. } | Fault::Dribbles { .. } => family != Family::Printer,
        Fault::Lies | Fault::Slow { .. } => !matches!(family, Family::Printer | Family::Hub),
        _ => true,
    }
}

/// How long an answer may take, from the type files' sources (protocols, "timeouts").
pub(crate) fn reply_timeout(task: Task, family: Family) -> Millis {
    match (family, task) {
        (Family::Display, Task::PowerOn | Task::RawPowerOn) => 8000,
        (Family::Display, _) => 2000,
        (Family::Devantech | Family::Ncd, _) => 1000,
        (Family::Printer | Family::Hub, _) => 5000,
    }
}

/// How long no byte of a file may come (protocols.md §6, "timeouts").
pub(crate) const IDLE_TIMEOUT: Millis = 5000;

/// Something that goes wrong with a connection.
pub(crate) fn draw_link_fault(random: &mut Random, family: Family) -> LinkFault {
    let after = random.pick(&[0, 1, 50, 150, 400, 3000]);
    match random.below(28) {
        0..=3 => LinkFault::Refused,
        4 | 5 => LinkFault::Hangs,
        6 => LinkFault::ResetInConnect,
        7 => LinkFault::NoRoute,
        8 => LinkFault::Dns,
        9 => LinkFault::SlowOpen { by: random.range(100, 2900) },
        10 | 11 => LinkFault::Closes { after },
        12 | 13 => LinkFault::Resets { after },
        14 | 15 if family == Family::Display => LinkFault::Occupied { after },
        16 if family == Family::Display => LinkFault::Noise { after: random.below(90) },
        // What is there when a hub is asked is dropped; a byte later nobody could tell it from the answer.
        16 if family == Family::Hub => LinkFault::Noise { after: 0 },
        17 if family == Family::Display => LinkFault::Telnet { after: random.below(90) },
        18 => LinkFault::NoFiles,
        19 => LinkFault::Denied,
        20 => LinkFault::Panics,
        21 => LinkFault::PanicsInRead,
        22..=24 => {
            LinkFault::TakesPart { bytes: usize::try_from(random.below(8)).unwrap(), resets: random.percent(50) }
        }
        _ if family == Family::Printer => LinkFault::Refused,
        _ => LinkFault::IdleClose { after: random.range(0, 300) },
    }
}
