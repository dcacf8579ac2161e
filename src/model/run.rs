//! One invocation over one selection: its identity, how it ended, its counts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Command, Outcome, SkipReason, Status};
use crate::lie::{Lie, tells};

/// A moment as milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// The moment `span` later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// A run's identity: a ULID, so that ids sort by time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunId(pub Arc<str>);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is true of a run before anything was sent.
#[derive(Debug, Clone)]
pub struct RunInfo {
    /// Its identity.
    pub id: RunId,
    /// `[fleet] name`.
    pub fleet: String,
    /// What it was asked to do.
    pub command: Command,
    /// The schedule whose run it is.
    pub schedule: Option<Arc<str>>,
    /// Whether devices are asked for their state afterwards.
    pub verify: bool,
    /// Whether they are asked first.
    pub if_needed: bool,
    /// When planning was over.
    pub started_at: UnixMillis,
    /// Whether the devices are simulated.
    pub simulated: bool,
    /// The devices that are kept out of it, by name.
    pub held: BTreeMap<Arc<str>, Arc<Held>>,
}

/// Why a device is kept out of runs, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The last day of it, as it was given: `2026-12-24`.
    pub until_day: String,
    /// Why; not escaped.
    pub why: String,
}

impl RunInfo {
    /// What the run is called where one word must do: its schedule, else the action's name, or `cmd`.
    pub fn label(&self) -> &str {
        self.schedule.as_deref().unwrap_or(self.command.label())
    }
}

/// Why a run stopped starting devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// SIGINT: the person at the keyboard.
    Interrupt,
    /// SIGTERM: the system.
    Terminate,
    /// SIGHUP: the terminal went away.
    HangUp,
    /// `--deadline`.
    Deadline,
    /// `--max-failures`: what has started goes on.
    MaxFailures,
}

impl StopReason {
    /// The cause in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
            Self::Deadline => "--deadline",
            Self::MaxFailures => "--max-failures",
        }
    }

    /// Why a device that this kept from starting is skipped.
    pub fn skip(self) -> SkipReason {
        match self {
            Self::Interrupt | Self::Terminate | Self::HangUp => SkipReason::Interrupted,
            Self::Deadline => SkipReason::Deadline,
            Self::MaxFailures => SkipReason::MaxFailures,
        }
    }

    /// The contract's word for how a run that this stopped has ended.
    pub fn ended(self) -> Ended {
        match self {
            Self::Interrupt | Self::Terminate | Self::HangUp => Ended::Interrupted,
            Self::Deadline => Ended::Deadline,
            Self::MaxFailures => Ended::MaxFailures,
        }
    }
}

/// The contract's `ended`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ended {
    /// Every device came to its own end.
    Completed,
    /// A signal skipped or cut some.
    Interrupted,
    /// `--deadline` skipped or cut some.
    Deadline,
    /// More than `--max-failures` failed, and others were skipped.
    MaxFailures,
}

impl Ended {
    /// The word as reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Interrupted => "interrupted",
            Self::Deadline => "deadline",
            Self::MaxFailures => "max_failures",
        }
    }
}

/// The counts of a run: a fold over its outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Outcomes so far.
    pub total: u64,
    counts: [u64; Status::ALL.len()],
    /// Successes that took more than one attempt.
    pub flaky: u64,
    /// Tries at devices.
    pub attempts: u64,
    /// Those of the skipped that were kept out by `hold`.
    pub held: u64,
}

impl Summary {
    /// Of counts that were kept: those of the statuses in the order of [`Status::ALL`], flaky ones, attempts, held ones.
    pub fn of_counts(counts: [u64; Status::ALL.len()], flaky: u64, attempts: u64, held: u64) -> Self {
        Self { total: counts.iter().sum(), counts, flaky, attempts, held }
    }

    /// Counts one more outcome.
    pub fn add(&mut self, outcome: &Outcome) {
        self.total += 1;
        if let Some(count) = self.counts.get_mut(outcome.status as usize) {
            *count += 1;
        }
        self.flaky += u64::from(outcome.is_flaky() || (tells(Lie::WrongCount) && outcome.attempts > 1));
        self.attempts += u64::from(outcome.attempts);
        self.held += u64::from(outcome.is_held());
    }

    /// How many outcomes have this status.
    pub fn count(&self, status: Status) -> u64 {
        self.counts.get(status as usize).copied().unwrap_or(0)
    }

    /// How many are a success.
    pub fn successes(&self) -> u64 {
        Status::ALL.iter().filter(|status| status.is_success()).map(|&status| self.count(status)).sum()
    }

    /// How many count when the run is judged: all but the held ones.
    pub fn counted(&self) -> u64 {
        self.total.saturating_sub(self.held)
    }

    /// How many of those that count are no success.
    pub fn failures(&self) -> u64 {
        self.counted().saturating_sub(self.successes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_named_as_whoever_caused_it_knows_it() {
        for (reason, words, skip, ended) in [
            (StopReason::Interrupt, "SIGINT", SkipReason::Interrupted, Ended::Interrupted),
            (StopReason::Terminate, "SIGTERM", SkipReason::Interrupted, Ended::Interrupted),
            (StopReason::HangUp, "SIGHUP", SkipReason::Interrupted, Ended::Interrupted),
            (StopReason::Deadline, "--deadline", SkipReason::Deadline, Ended::Deadline),
            (StopReason::MaxFailures, "--max-failures", SkipReason::MaxFailures, Ended::MaxFailures),
        ] {
            assert_eq!((reason.words(), reason.skip(), reason.ended()), (words, skip, ended), "{reason:?}");
        }
    }

    #[test]
    fn reports_say_the_contracts_words_for_how_a_run_has_ended() {
        let all = [Ended::Completed, Ended::Interrupted, Ended::Deadline, Ended::MaxFailures];
        assert_eq!(all.map(Ended::as_str), ["completed", "interrupted", "deadline", "max_failures"]);
    }

    #[test]
    fn a_run_is_told_by_its_identity() {
        assert_eq!(RunId("01KACWQ6ZJ3V9R".into()).to_string(), "01KACWQ6ZJ3V9R");
    }

    #[test]
    fn a_run_is_called_by_its_schedule_or_what_it_does() {
        let run = |schedule: Option<&str>, command| RunInfo {
            id: RunId("01KACWQ6ZJ3V9R".into()),
            fleet: String::new(),
            command,
            schedule: schedule.map(Arc::from),
            verify: false,
            if_needed: false,
            started_at: UnixMillis(0),
            simulated: false,
            held: BTreeMap::new(),
        };
        let action = Command::Action { name: "power-on".to_owned(), args: BTreeMap::new() };
        assert_eq!(run(Some("morning"), action.clone()).label(), "morning");
        assert_eq!(run(None, action).label(), "power-on");
        assert_eq!(run(None, Command::raw("ka 01 01")).label(), "cmd");
    }

    #[test]
    fn every_outcome_counts_once_and_the_held_ones_for_nobody() {
        let outcome = |status, attempts| Outcome { status, attempts, ..Outcome::skipped(SkipReason::Internal) };
        let mut summary = Summary::default();
        for status in Status::ALL {
            summary.add(&outcome(status, 2));
        }
        summary.add(&outcome(Status::Ok, 1));
        summary.add(&Outcome::skipped(SkipReason::Held));
        assert_eq!((summary.total, summary.held, summary.counted()), (10, 1, 9));
        assert_eq!((summary.successes(), summary.failures()), (3, 6));
        assert_eq!((summary.count(Status::Ok), summary.count(Status::Skipped)), (2, 2));
        assert_eq!(summary.flaky, 2, "a success of more than one attempt is, a failure never");
        assert_eq!(summary.attempts, 17);
        let kept = Status::ALL.map(|status| summary.count(status));
        assert_eq!(Summary::of_counts(kept, summary.flaky, summary.attempts, summary.held), summary);
    }
}
