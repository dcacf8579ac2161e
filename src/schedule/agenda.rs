//! Which runs are due: the decisions of a process that runs all schedules, without its clock, its waits and its runs.
//!
//! Whoever owns the process looks (`look`) whenever something may be due, at `next_start` at the latest, and says when a
//! run has ended (`finished`). Every planned time of an entry is decided exactly once: it starts, waits for its
//! predecessor, or is left out, with the reason. At most one run of an entry starts at one look and at most one waits,
//! the latest: after a night that was slept through nobody wants ten runs in a row.
//!
//! Clock jumps: forward, times that were jumped over are missed ones, and `missed` decides. Back, times that were decided
//! already are not decided again, unless the clock goes back by more than a day: then it was wrong before, and what it
//! showed says nothing about the days that it shows again.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Entry;
use super::due::{Lateness, lateness};
use crate::calendar::Occurrence;
use crate::inventory::{Missed, Overlap};

/// Decisions are remembered for so long, should the clock go back.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// Before this span and what `missed` allows, times that passed are not looked at one by one.
const LOOKED_AT: SignedDuration = SignedDuration::from_hours(48);

/// A run that starts.
#[derive(Debug, Clone)]
pub struct Start {
    /// What.
    pub entry: Arc<Entry>,
    /// The time that it was planned for; `until` counts from there.
    pub planned: Timestamp,
}

/// What was decided of a planned time.
#[derive(Debug, Clone)]
pub enum Decision {
    /// It starts now.
    Start(Start),
    /// It waits until its predecessor has ended.
    Waits(Start),
    /// Its predecessor is still under way, or a later one waits in its place.
    Overlaps(Start),
    /// These passed while nothing looked, and `missed` does not let them run now, or only the last of them.
    Missed {
        /// What.
        entry: Arc<Entry>,
        /// The first.
        first: Timestamp,
        /// The last; the same where it is one.
        last: Timestamp,
    },
}

/// A part of `jitter`, from 0 to 1, the same whenever it is asked for the same entry and time.
pub type Part = Box<dyn Fn(&str, Timestamp) -> f64 + Send>;

/// All entries of a process, and what was decided of them.
pub struct Agenda {
    lines: Vec<Line>,
    looked: Timestamp,
    random: Part,
}

/// The next time of an entry that is not decided.
#[derive(Clone, Copy)]
enum Next {
    /// It was not looked for yet.
    Unsought,
    /// There is none.
    Never,
    /// It is this, and starts then.
    At(Occurrence, Timestamp),
}

/// One entry.
struct Line {
    entry: Arc<Entry>,
    /// Times until here are decided.
    since: Timestamp,
    /// What was decided lately.
    decided: BTreeSet<Timestamp>,
    is_running: bool,
    waiting: Option<Start>,
    next: Next,
}

impl Agenda {
    /// An agenda that begins at `now`. `since` gives the time until which the runs of an entry are decided, such as the
    /// planned time of its last run; without one nothing before `now` counts as missed.
    pub fn new(entries: Vec<Entry>, since: impl Fn(&str) -> Option<Timestamp>, now: Timestamp, random: Part) -> Self {
        let line = |entry: Entry| {
            let since = since(entry.name()).unwrap_or(now).min(now);
            Line::new(Arc::new(entry), since)
        };
        Self { lines: entries.into_iter().map(line).collect(), looked: now, random }
    }

    /// Takes the entries of an inventory that was read again. What has the name of a known entry goes on where that was;
    /// if its times are others, they count from the last look on.
    pub fn replace(&mut self, entries: Vec<Entry>) {
        let mut known = std::mem::take(&mut self.lines);
        for entry in entries {
            let Some(place) = known.iter().position(|line| line.entry.name() == entry.name()) else {
                self.lines.push(Line::new(Arc::new(entry), self.looked));
                continue;
            };
            let mut line = known.swap_remove(place);
            if line.entry.calendar != entry.calendar {
                line.since = self.looked;
            }
            line.entry = Arc::new(entry);
            line.next = Next::Unsought;
            self.lines.push(line);
        }
    }

    /// The entries.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.lines.iter().map(|line| &line.entry)
    }

    /// When the next run starts.
    pub fn next_start(&mut self) -> Option<Timestamp> {
        let random = &self.random;
        self.lines.iter_mut().filter_map(|line| line.next(random).map(|(_, start)| start)).min()
    }

    /// When each of them starts next.
    pub fn next_starts(&mut self) -> impl Iterator<Item = (String, Option<Timestamp>)> {
        let random = &self.random;
        let next = |line: &mut Line| (line.entry.name().to_owned(), line.next(random).map(|(_, start)| start));
        self.lines.iter_mut().map(next)
    }

    /// Decides everything that is due at `now`.
    pub fn look(&mut self, now: Timestamp) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for line in &mut self.lines {
            if now < self.looked {
                line.go_back(now);
            }
            line.look(now, &self.random, &mut decisions);
        }
        self.looked = now;
        decisions
    }

    /// Takes note that the run of an entry has ended; gives the one that waited for it.
    pub fn finished(&mut self, name: &str) -> Option<Start> {
        let line = self.lines.iter_mut().find(|line| line.entry.name() == name)?;
        let waited = line.waiting.take();
        line.is_running = waited.is_some();
        waited
    }
}

impl Line {
    fn new(entry: Arc<Entry>, since: Timestamp) -> Self {
        Self { entry, since, decided: BTreeSet::new(), is_running: false, waiting: None, next: Next::Unsought }
    }

    /// The next time that is not decided, and when it starts.
    fn next(&mut self, random: &dyn Fn(&str, Timestamp) -> f64) -> Option<(Occurrence, Timestamp)> {
        if let Next::Unsought = self.next {
            let found = self.entry.calendar.after(self.since).find(|run| !self.decided.contains(&run.at));
            self.next = found.map_or(Next::Never, |run| Next::At(run, self.start(&run, random)));
        }
        match self.next {
            Next::At(run, start) => Some((run, start)),
            Next::Unsought | Next::Never => None,
        }
    }

    /// When a run starts: put off by its part of the jitter.
    fn start(&self, run: &Occurrence, random: &dyn Fn(&str, Timestamp) -> f64) -> Timestamp {
        let jitter = self.entry.schedule.jitter.mul_f64(random(self.entry.name(), run.at).clamp(0.0, 1.0));
        run.at.checked_add(jitter).unwrap_or(run.at)
    }

    /// The clock shows an earlier time than at the last look.
    fn go_back(&mut self, now: Timestamp) {
        let kept = now.checked_add(REMEMBERED).unwrap_or(Timestamp::MAX);
        self.decided.retain(|at| *at <= kept);
        self.since = self.since.min(now);
        self.next = Next::Unsought;
    }

    fn look(&mut self, now: Timestamp, random: &dyn Fn(&str, Timestamp) -> f64, decisions: &mut Vec<Decision>) {
        let forgotten = now.checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
        self.decided = self.decided.split_off(&forgotten);
        let Some((first, _)) = self.next(random).filter(|(_, start)| *start <= now) else { return };
        let mut missed: Vec<(Timestamp, Timestamp)> = self.skip_long_past(first.at, now).into_iter().collect();
        let (mut run, mut follows) = (None, true);
        let calendar = self.entry.calendar.clone();
        for due in calendar.after(self.since) {
            let start = self.start(&due, random);
            if start > now {
                break;
            }
            self.since = due.at;
            if !self.decided.insert(due.at) {
                follows = false;
                continue;
            }
            let not_run = match lateness(self.entry.schedule.missed, due.at, start, now) {
                Lateness::TooLate => Some(due.at),
                Lateness::InTime | Lateness::Late => run.replace(due.at),
            };
            if let Some(at) = not_run {
                match missed.last_mut().filter(|_| follows) {
                    Some((_, last)) => *last = at,
                    None => missed.push((at, at)),
                }
                follows = true;
            }
        }
        self.next = Next::Unsought;
        let entry = &self.entry;
        decisions.extend(missed.into_iter().map(|(first, last)| Decision::Missed {
            entry: entry.clone(),
            first,
            last,
        }));
        if let Some(planned) = run {
            self.take(Start { entry: self.entry.clone(), planned }, decisions);
        }
    }

    /// Of a long time in which nothing looked only the end is looked at: gives the first and the last time before that.
    fn skip_long_past(&mut self, first: Timestamp, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let within = match self.entry.schedule.missed {
            Missed::RunWithin(within) => SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX),
            Missed::Skip => SignedDuration::ZERO,
        };
        let until = now.checked_sub(within.saturating_add(LOOKED_AT)).unwrap_or(Timestamp::MIN);
        let last = self.entry.calendar.latest(self.since, until).filter(|last| last.at >= first)?;
        self.since = last.at;
        Some((first, last.at))
    }

    /// Starts a run, unless its predecessor is under way.
    fn take(&mut self, start: Start, decisions: &mut Vec<Decision>) {
        if !self.is_running {
            self.is_running = true;
            decisions.push(Decision::Start(start));
            return;
        }
        match self.entry.schedule.overlap {
            Overlap::Skip => decisions.push(Decision::Overlaps(start)),
            Overlap::Wait => {
                if let Some(earlier) = self.waiting.replace(start.clone()) {
                    decisions.push(Decision::Overlaps(earlier));
                }
                decisions.push(Decision::Waits(start));
            }
        }
    }
}

/// A part of the jitter that is the same for a machine, an entry and a time: restarts do not draw again.
pub fn steady_part(machine: &str, name: &str, at: Timestamp) -> f64 {
    use sha2::Digest as _;
    let mut digest = sha2::Sha256::new();
    digest.update(machine.as_bytes());
    digest.update([0]);
    digest.update(name.as_bytes());
    digest.update([0]);
    digest.update(at.as_second().to_le_bytes());
    let bytes = digest.finalize();
    let drawn = bytes.iter().take(4).fold(0_u32, |drawn, byte| drawn << 8 | u32::from(*byte));
    f64::from(drawn) / f64::from(u32::MAX)
}
