//! What a start needs besides a slot: its turn in the rate, and room on its circuit. Pure: time is passed in.

mod circuits;
mod rate;

use tokio::time::Instant;

use self::circuits::Circuits;
use self::rate::Starts;
use super::checking::Phase;
use crate::lie::{Lie, tells};
use crate::model::{Inrush, Rate};
use crate::plan::{InrushIndex, Job, Plan};

/// One device's leave to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// What a device needs for its next exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Need {
    /// A slot alone: questions, and all commands of a run that paces nothing.
    Nothing,
    /// A start, with what its command draws.
    Start(Option<InrushIndex>),
}

/// What devices need, by what the run limits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Needs {
    has_rate: bool,
    has_circuits: bool,
}

impl Needs {
    pub(super) fn new(rate: Option<Rate>, plan: &Plan) -> Self {
        Self { has_rate: rate.is_some(), has_circuits: !plan.inrushes.is_empty() }
    }

    /// Whether some start may have to wait.
    pub(super) fn are_any(self) -> bool {
        self.has_rate || self.has_circuits
    }

    /// What a device needs for its next exchange: a question is no start.
    pub(super) fn of(self, phase: &Phase, job: &Job) -> Need {
        match phase {
            Phase::Commanding if self.has_rate || job.inrush.is_some() => Need::Start(job.inrush),
            _ => Need::Nothing,
        }
    }
}

/// The leave to connect to a device and write its command. Boxed, as most runs limit no start, and every lane in flight
/// would carry the room.
#[derive(Debug)]
pub(super) struct Grant(Box<Granted>);

#[derive(Debug)]
struct Granted {
    ticket: Ticket,
    since: Instant,
    inrush: Option<InrushIndex>,
}

impl Grant {
    /// What it was given for.
    pub(super) fn need(&self) -> Need {
        Need::Start(self.0.inrush)
    }
}

/// The limits on starts.
#[derive(Debug, Default)]
pub(super) struct Pace {
    starts: Option<Starts>,
    circuits: Circuits,
    inrushes: Vec<Inrush>,
    tickets: u64,
}

impl Pace {
    /// The rate, and the plan's circuits.
    pub(super) fn new(rate: Option<Rate>, plan: &Plan) -> Self {
        Self {
            starts: rate.map(Starts::new),
            circuits: Circuits::new(plan.circuits.iter().map(|circuit| circuit.max_milliamps)),
            inrushes: plan.inrushes.clone(),
            tickets: 0,
        }
    }

    /// The circuit that a need is about.
    pub(super) fn circuit(&self, need: Need) -> Option<u32> {
        let Need::Start(Some(index)) = need else { return None };
        self.inrushes.get(index.0 as usize).map(|inrush| inrush.circuit)
    }

    /// Whether its circuit has room.
    pub(super) fn has_room(&self, need: Need) -> bool {
        let Need::Start(Some(index)) = need else { return true };
        self.inrushes.get(index.0 as usize).is_none_or(|inrush| self.circuits.has_room(inrush))
    }

    /// Whether the next start is near enough to connect for it.
    pub(super) fn is_near(&mut self, now: Instant) -> bool {
        self.starts.as_mut().is_none_or(|starts| starts.is_near(now))
    }

    /// When to ask that again.
    pub(super) fn near_at(&mut self, now: Instant) -> Option<Instant> {
        self.starts.as_mut().map(|starts| starts.opens_at(now))
    }

    /// Lets a device start: whoever asks has found it near, and room.
    pub(super) fn grant(&mut self, inrush: Option<InrushIndex>, now: Instant) -> Grant {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        if let Some(starts) = &mut self.starts {
            starts.connects(ticket, now);
        }
        if let Some(inrush) = inrush.and_then(|index| self.inrushes.get(index.0 as usize)) {
            self.circuits.take(ticket, *inrush);
            if tells(Lie::CurrentFromConnect) {
                self.circuits.starts(ticket, now);
            }
        }
        Grant(Box::new(Granted { ticket, since: now, inrush }))
    }

    /// All but its turn is ready for the write at `now`: when that is; `None`: not soon.
    pub(super) fn turn(&mut self, grant: &Grant, now: Instant) -> Option<Instant> {
        match &mut self.starts {
            Some(starts) => starts.turn(grant.0.ticket, grant.0.since, now),
            None => Some(now),
        }
    }

    /// Its command is written now.
    pub(super) fn starts(&mut self, grant: &Grant, now: Instant) {
        if let Some(starts) = &mut self.starts {
            starts.starts(grant.0.ticket);
        }
        if !tells(Lie::CurrentFromConnect) {
            self.circuits.starts(grant.0.ticket, now);
        }
    }

    /// Its write came to nothing, and is to be made again: whether its share is still there.
    pub(super) fn holds(&mut self, grant: &Grant) -> bool {
        grant.0.inrush.is_none() || self.circuits.holds(grant.0.ticket)
    }

    /// Its attempt is over; `is_written`: some of its command was. Says which circuit has more room now.
    pub(super) fn ends(&mut self, grant: &Grant, is_written: bool) -> Option<u32> {
        if let Some(starts) = &mut self.starts {
            starts.ends(grant.0.ticket, grant.0.since);
        }
        self.circuits.ends(grant.0.ticket, is_written)
    }

    /// A circuit that has more room by `now`, until there is none.
    pub(super) fn take_over(&mut self, now: Instant) -> Option<u32> {
        self.circuits.take_over(now)
    }

    /// When a circuit has more room.
    pub(super) fn next_over(&self) -> Option<Instant> {
        self.circuits.next_over()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_need_is_about_the_circuit_that_its_command_draws_from() {
        let drawn = |circuit| Inrush { circuit, milliamps: 1, settle: Duration::ZERO };
        let pace = Pace { inrushes: vec![drawn(3), drawn(0)], ..Pace::default() };
        assert_eq!(pace.circuit(Need::Start(Some(InrushIndex(0)))), Some(3));
        assert_eq!(pace.circuit(Need::Start(Some(InrushIndex(1)))), Some(0));
        for of_none in [Need::Nothing, Need::Start(None), Need::Start(Some(InrushIndex(2)))] {
            assert_eq!(pace.circuit(of_none), None);
        }
    }

    #[test]
    fn a_write_is_made_again_only_while_its_share_is_still_kept_for_it() {
        let (now, settle) = (Instant::now(), Duration::from_secs(3));
        let mut pace = Pace {
            starts: None,
            circuits: Circuits::new([10_000].into_iter()),
            inrushes: vec![Inrush { circuit: 0, milliamps: 6_000, settle }],
            tickets: 0,
        };
        let free = pace.grant(None, now);
        let drawing = pace.grant(Some(InrushIndex(0)), now);
        pace.starts(&free, now);
        pace.starts(&drawing, now);
        assert_eq!(pace.take_over(now + settle), Some(0), "another may have what it drew");
        assert!(!pace.holds(&drawing));
        assert!(pace.holds(&free), "who draws nothing needs nothing");
        let next = pace.grant(Some(InrushIndex(0)), now);
        assert!(pace.holds(&next));
    }
}
