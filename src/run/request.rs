//! What a run is to be: everything the command line or a schedule (later: a dashboard) says about it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Until;
use crate::inventory::select::SampleSize;
use crate::model::{Command, Portion, Rate, Share, TimingOverrides};
use crate::simulate::Night;

/// Which devices of an inventory are meant.
#[derive(Debug, Clone, Default)]
pub struct Selecting {
    /// `--select`; without it every device is meant.
    pub select: Option<String>,
    /// `--failed-from`: those of an earlier report that are not a success.
    pub failed_from: Option<PathBuf>,
    /// `--sample`: a random part of them.
    pub sample: Option<SampleSize>,
    /// `rerun`: these, by name.
    pub names: Option<Vec<String>>,
}

/// How fast a run goes through its fleet, and for how long it comes back to what fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pacing {
    /// `--rate`: starts a second.
    pub rate: Option<Rate>,
    /// `--batch`: so many devices at a time, in inventory order.
    pub batch: Option<Portion>,
    /// `--pause` between two batches.
    pub pause: Duration,
    /// `--max-failures`: nothing more is started once more than that have failed.
    pub max_failures: Option<Portion>,
    /// `--until`: further passes over what is not a success.
    pub until: Option<Until>,
}

/// One run.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The inventory's path.
    pub inventory: PathBuf,
    /// `--types`: folders with the user's own device types.
    pub types: Vec<PathBuf>,
    /// Whom it concerns.
    pub selecting: Selecting,
    /// What they are to do.
    pub command: Command,
    /// The schedule whose run it is.
    pub schedule: Option<Arc<str>>,
    /// `--verify`: devices are asked for their state afterwards.
    pub verify: bool,
    /// `--if-needed`: devices are asked first, and left alone if they are right.
    pub if_needed: bool,
    /// `--save`: where the files go that replies announce.
    pub save: Option<String>,
    /// `--idempotent`: the raw command may be sent twice.
    pub idempotent: bool,
    /// Flags that win over every other setting.
    pub flags: TimingOverrides,
    /// `--concurrency`.
    pub concurrency: Option<usize>,
    /// `--deadline`, from the start of the run.
    pub deadline: Option<Duration>,
    /// `--grace`: what is in flight when the run stops gets this long.
    pub grace: Duration,
    /// How fast it goes through the fleet.
    pub pacing: Pacing,
    /// `--ok-if`: the share of successes that makes the run one.
    pub ok_if: Share,
    /// `--simulate`, with the faults to play.
    pub simulate: Option<Night>,
    /// Where it is recorded, and what earlier runs came to is found; `None`: nowhere.
    pub history: Option<PathBuf>,
    /// `rerun`: the id of the run whose failures it takes.
    pub rerun_of: Option<String>,
    /// `--wait-lock`: how long another run over the same inventory is waited for.
    pub wait_lock: Option<Duration>,
}
