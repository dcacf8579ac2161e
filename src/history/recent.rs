//! What the last runs say of the devices of the next: who is believed to be dead, and how long each will take.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::named_params;

use super::course::{Course, Fate};
use super::owner::is_alive;
use super::past::outcomes;
use super::roster::{Places, Rosters, places};
use super::{HistoryError, Store};
use crate::model::SharedDevices;

/// No more runs than this are looked at for a device that was seldom part of one.
const MOST_RUNS: usize = 50;

/// From so many of its last runs with the same command a device's time is taken: one bad night says little.
const SAMPLES: usize = 3;

/// The next run, as far as earlier ones are compared with it.
#[derive(Debug, Clone, Copy)]
pub struct Next<'a> {
    /// The inventory's canonical path.
    pub inventory: &'a Path,
    /// Whether its devices are simulated: only such runs say something of it, else only others.
    pub simulated: bool,
    /// What it is asked to do, as in the report.
    pub command: &'a str,
    /// Its devices.
    pub devices: &'a SharedDevices,
    /// After so many failures in a row a device is believed to be dead; 0: never.
    pub dead_after: u32,
}

/// What the last runs say.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    /// Those that failed in each of the last runs in which they were tried.
    pub dead: BTreeSet<Arc<str>>,
    /// How long each device is expected to take, from its first attempt to its outcome: the median of its last three runs
    /// with the same command, else with any; where the last of them failed, what that took. `None`: it has none.
    pub expected: Vec<Option<Duration>>,
    /// How long each takes where it answers: the median of those of these runs that were a success. `None`: there is none.
    pub answered: Vec<Option<Duration>>,
}

/// What the last runs over the same inventory say of the devices of the next. Costs a row for each run that has come to
/// its end, however many devices it had.
///
/// # Errors
/// When the history cannot be read.
pub fn recent(store: &Store, next: &Next<'_>) -> Result<Recent, HistoryError> {
    let mut seen = vec![Seen::default(); next.devices.len()];
    walk(store, next, &mut seen).map_err(|source| store.failed(source))?;
    let devices = next.devices.iter().zip(&seen);
    let is_dead = |seen: &Seen| next.dead_after > 0 && seen.failures >= next.dead_after;
    Ok(Recent {
        dead: devices.filter(|(_, seen)| is_dead(seen)).map(|(device, _)| device.name.clone().into()).collect(),
        expected: seen.iter().map(Seen::expected).collect(),
        answered: seen.iter().map(Seen::answered).collect(),
    })
}

fn walk(store: &Store, next: &Next<'_>, seen: &mut [Seen]) -> rusqlite::Result<()> {
    let connection = &store.connection;
    let mut asked = connection.prepare(
        "SELECT id, roster, course, command = :command, ended, owner FROM run
         WHERE inventory = :inventory AND simulated = :simulated ORDER BY id DESC LIMIT :runs",
    )?;
    let runs = MOST_RUNS.max(next.dead_after as usize);
    let (inventory, command, simulated) = (next.inventory.to_string_lossy(), next.command, next.simulated);
    let mut runs = asked.query(
        named_params! { ":command": command, ":inventory": inventory, ":simulated": simulated, ":runs": runs },
    )?;
    let mut known: HashMap<i64, Arc<Places>> = HashMap::new();
    // Made with the first run over other devices: most are over the same.
    let names: OnceCell<HashMap<&str, u32>> = OnceCell::new();
    let by_name = || names.get_or_init(|| (0..).zip(&**next.devices).map(|(place, one)| (&*one.name, place)).collect());
    while let Some(run) = runs.next()? {
        let is_settled = seen.iter().all(|device| device.is_settled(next.dead_after));
        if is_settled && seen.iter().all(|device| device.like.count == SAMPLES) {
            break;
        }
        let (number, roster, is_alike) = (run.get::<_, i64>(0)?, run.get(1)?, run.get::<_, bool>(3)?);
        let course: Option<Course> = run.get_ref(2)?.as_blob_or_null()?.map(Course::from_bytes);
        if let Some(course) = course {
            let places = match known.get(&roster) {
                Some(places) => places.clone(),
                None => {
                    let digest = store.digested.of(next.devices);
                    let found = places(connection, roster, next.devices, &digest, by_name)?;
                    known.entry(roster).or_insert(Arc::new(found)).clone()
                }
            };
            for (place, fate) in course.iter().enumerate() {
                if let (Some(fate), Some(device)) = (fate, places.of(place).and_then(|place| seen.get_mut(place))) {
                    device.add(fate, is_alike, next.dead_after);
                }
            }
        } else if !is_settled {
            // It was killed, is under way, or an earlier version recorded it. Only whom it says dead is worth so much.
            let roster = Rosters::default().get(connection, roster)?;
            let mut show = |name: &Arc<str>, past: super::past::Past| {
                let device = by_name().get(&**name).and_then(|&place| seen.get_mut(place as usize));
                if let (Some(is_success), Some(device)) = (past.is_success, device) {
                    let tenths = past.elapsed.and_then(|tenths| u32::try_from(tenths).ok());
                    match tenths {
                        Some(tenths) => device.add(Fate { is_success, tenths }, is_alike, next.dead_after),
                        None => device.count(is_success, next.dead_after),
                    }
                }
            };
            let (ended, owner): (Option<String>, String) = (run.get(4)?, run.get(5)?);
            let was_killed = ended.is_none() && !is_alive(&owner);
            outcomes(connection, number, was_killed, &roster, &mut show)?;
        }
    }
    Ok(())
}

/// What was seen of a device, the newest run first.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// In a row.
    failures: u32,
    /// A success came.
    has_succeeded: bool,
    /// With the same command.
    like: Samples,
    other: Samples,
}

/// The last times of a device.
#[derive(Clone, Copy, Default)]
struct Samples {
    tenths: [u32; SAMPLES],
    is_success: [bool; SAMPLES],
    count: usize,
    /// The newest is that of a failure.
    has_failed: bool,
}

impl Seen {
    fn is_settled(&self, dead_after: u32) -> bool {
        self.has_succeeded || self.failures >= dead_after
    }

    fn count(&mut self, is_success: bool, dead_after: u32) {
        if !self.is_settled(dead_after) {
            self.has_succeeded |= is_success;
            self.failures = if is_success { 0 } else { self.failures + 1 };
        }
    }

    fn add(&mut self, fate: Fate, is_alike: bool, dead_after: u32) {
        self.count(fate.is_success, dead_after);
        if is_alike { self.like.add(fate) } else { self.other.add(fate) }
    }

    fn expected(&self) -> Option<Duration> {
        self.like.expected().or_else(|| self.other.expected())
    }

    fn answered(&self) -> Option<Duration> {
        self.like.answered().or_else(|| self.other.answered())
    }
}

impl Samples {
    fn add(&mut self, fate: Fate) {
        if let (Some(place), Some(is_success)) = (self.tenths.get_mut(self.count), self.is_success.get_mut(self.count))
        {
            (*place, *is_success) = (fate.tenths, fate.is_success);
            self.has_failed |= self.count == 0 && !fate.is_success;
            self.count += 1;
        }
    }

    fn answered(&self) -> Option<Duration> {
        let known = self.tenths.iter().zip(self.is_success).take(self.count);
        let mut answered: Vec<u32> = known.filter(|(_, is_success)| *is_success).map(|(tenths, _)| *tenths).collect();
        answered.sort_unstable();
        answered.get(answered.len() / 2).map(|&tenths| Duration::from_micros(u64::from(tenths) * 100))
    }

    fn expected(&self) -> Option<Duration> {
        let mut tenths = self.tenths;
        let known = tenths.get_mut(..self.count)?;
        // Who was silent is likely to be so again.
        if !self.has_failed {
            known.sort_unstable();
        }
        let tenths = if self.has_failed { known.first() } else { known.get(self.count / 2) };
        tenths.map(|&tenths| Duration::from_micros(u64::from(tenths) * 100))
    }
}
