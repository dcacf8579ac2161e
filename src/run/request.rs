//! What a run is to be: everything the command line or a schedule (later: a dashboard) says about it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::inventory::select::SampleSize;
use crate::model::{Command, Share, TimingOverrides};
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
    /// `--ok-if`: the share of successes that makes the run one.
    pub ok_if: Share,
    /// `--simulate`, with the faults to play.
    pub simulate: Option<Night>,
}
