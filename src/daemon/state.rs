//! What is known of the daemon by whoever looks at it from outside: its last runs, what did not run, what is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Ending, Known, LastRun, Recalled};
use crate::model::Share;
use crate::report::{PerDevice, RunMetrics};

/// A loop that has not turned for so long hangs.
const HANGS_AFTER: Duration = Duration::from_secs(30);

/// Why a time of a schedule brought no run, as the metric's label says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NotRun {
    /// Nothing was there to start it, and `missed` did not let it run later.
    Missed,
    /// The run before it was still under way.
    Overlap,
    /// It could not start.
    NotStarted,
    /// It failed through our own fault.
    Panicked,
}

impl NotRun {
    pub(super) const ALL: [Self; 4] = [Self::Missed, Self::Overlap, Self::NotStarted, Self::Panicked];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Overlap => "overlap",
            Self::NotStarted => "not_started",
            Self::Panicked => "panicked",
        }
    }
}

/// What is shown of the daemon; shared between its loop and those who look.
#[derive(Debug)]
pub struct State {
    inner: Mutex<Inner>,
    per_device: PerDevice,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) schedules: BTreeMap<String, Shown>,
    /// The last runs by hand, by their actions.
    pub(super) by_hand: BTreeMap<String, LastRun>,
    /// When the inventory was read last without a mistake.
    pub(super) read_at: Timestamp,
    /// What was wrong when it was read again.
    pub(super) unread: Option<String>,
    pub(super) is_stopping: bool,
    turned: Instant,
}

/// What is shown of a schedule.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) last: Option<LastRun>,
    pub(super) next: Option<Timestamp>,
    pub(super) not_run: BTreeMap<NotRun, u64>,
    /// What is wrong with us, not with its devices, since its last run.
    pub(super) trouble: Option<String>,
}

impl State {
    /// The state of a daemon that begins with these schedules.
    pub fn new<'a>(names: impl Iterator<Item = &'a str>, now: Timestamp) -> Self {
        let schedules = names.map(|name| (name.to_owned(), Shown::default())).collect();
        let inner = Inner {
            schedules,
            by_hand: BTreeMap::new(),
            read_at: now,
            unread: None,
            is_stopping: false,
            turned: Instant::now(),
        };
        Self { inner: Mutex::new(inner), per_device: PerDevice::default() }
    }

    /// Whether each device has metrics of its own.
    #[must_use]
    pub fn per_device(self, per_device: PerDevice) -> Self {
        Self { per_device, ..self }
    }

    /// What others ran. The history may be behind what is known here: only what began later is taken over.
    pub fn recall(&self, recalled: Recalled) {
        let mut inner = self.lock();
        for (name, last) in recalled.last {
            if let Some(shown) = inner.schedules.get_mut(&name)
                && shown.last.as_ref().is_none_or(|known| known.began < last.began)
            {
                shown.last = Some(last);
            }
        }
        inner.by_hand.extend(recalled.by_hand);
    }

    /// When the runs began that are shown.
    pub(super) fn known(&self) -> Known {
        let inner = self.lock();
        let scheduled = inner.schedules.iter().filter_map(|(name, shown)| Some((name, shown.last.as_ref()?)));
        scheduled.chain(&inner.by_hand).map(|(name, last)| (name.clone(), last.began)).collect()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with(&self, name: &str, change: impl FnOnce(&mut Shown)) {
        // One that has left the inventory meanwhile is shown no more.
        if let Some(shown) = self.lock().schedules.get_mut(name) {
            change(shown);
        }
    }

    /// The loop turns.
    pub(super) fn turns(&self) {
        self.lock().turned = Instant::now();
    }

    pub(super) fn next(&self, name: &str, next: Option<Timestamp>) {
        self.with(name, |shown| shown.next = next);
    }

    pub(super) fn not_run(&self, name: &str, why: NotRun) {
        self.with(name, |shown| *shown.not_run.entry(why).or_default() += 1);
    }

    /// Takes note of what became of a run.
    pub(super) fn ended(&self, name: &str, ending: &Ending) {
        let last = match ending {
            Ending::Over(finished) => finished.run.as_ref().map(|run| LastRun {
                began: run.info().started_at,
                metrics: RunMetrics::of(run, name, Share::ALL, self.per_device),
            }),
            Ending::NotStarted(_) | Ending::Panicked(_) => None,
        };
        self.with(name, |shown| {
            if last.is_some() {
                shown.last = last;
            }
            shown.trouble = match ending {
                Ending::Over(finished) => {
                    finished.undelivered.first().map(|error| format!("{error}: {}", error.source))
                }
                Ending::NotStarted(why) => Some(format!("the last run could not start: {}", first_line(why))),
                Ending::Panicked(why) => {
                    Some(format!("the last run failed, please report this as a bug: {}", first_line(why)))
                }
            };
        });
        match ending {
            Ending::Over(_) => {}
            Ending::NotStarted(_) => self.not_run(name, NotRun::NotStarted),
            Ending::Panicked(_) => self.not_run(name, NotRun::Panicked),
        }
    }

    /// Somebody could not be told of a run.
    pub(super) fn untold(&self, name: &str, why: &str) {
        self.with(name, |shown| {
            shown.trouble.get_or_insert_with(|| first_line(why).to_owned());
        });
    }

    /// The inventory was read again, and has these schedules.
    pub(super) fn read(&self, names: &BTreeSet<&str>, now: Timestamp) {
        let mut inner = self.lock();
        inner.schedules.retain(|name, _| names.contains(name.as_str()));
        for name in names {
            inner.schedules.entry((*name).to_owned()).or_default();
        }
        (inner.read_at, inner.unread) = (now, None);
    }

    pub(super) fn not_read(&self, why: String) {
        self.lock().unread = Some(why);
    }

    pub(super) fn stops(&self) {
        self.lock().is_stopping = true;
    }
}

impl Inner {
    /// Why not all is well with the daemon, whatever its devices do.
    pub(super) fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.turned.elapsed() > HANGS_AFTER {
            reasons.push("the schedules have not been looked at for a while".to_owned());
        }
        if self.is_stopping {
            reasons.push("it is stopping".to_owned());
        }
        reasons.extend(self.unread.clone());
        for (name, shown) in &self.schedules {
            reasons.extend(shown.trouble.as_ref().map(|trouble| format!("schedule `{name}`: {trouble}")));
        }
        reasons
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
