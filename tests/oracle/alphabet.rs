//! The fault alphabet with its probabilities: what can go wrong with an exchange or a connection of which family.

use crate::night::{Family, Fault, LinkFault, Millis, Stray, Task};
use crate::random::Random;

/// Something that goes wrong with an exchange.
pub(crate) fn draw_fault(random: &mut Random, task: Task, family: Family, is_alone: bool) -> Fault {
    let timeout = reply_timeout(task, family);
    let acts = random.percent(60);
    let after = usize::try_from(random.below(10)).unwrap();
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
        Fault::Malformed => matches!(family, Family::Devantech | Family::Ncd),
        Fault::Babbles => family != Family::Devantech,
        // What a printer says ends with the connection, too: a part of it would be all.
        Fault::Partial { .. } | Fault::Dribbles { .. } => family != Family::Printer,
        Fault::Lies | Fault::Slow { .. } => family != Family::Printer,
        _ => true,
    }
}

/// How long an answer may take, from the type files' sources (protocols, "timeouts").
pub(crate) fn reply_timeout(task: Task, family: Family) -> Millis {
    match (family, task) {
        (Family::Display, Task::PowerOn | Task::RawPowerOn) => 8000,
        (Family::Display, _) => 2000,
        (Family::Devantech | Family::Ncd, _) => 1000,
        (Family::Printer, _) => 5000,
    }
}

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
