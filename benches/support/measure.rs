//! Wall time, CPU time and peak memory of one command.
//!
//! A process between the bench and the command waits for that command alone, so that what the system says of its
//! children is said of the command.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};
use serde::{Deserialize, Serialize};

use super::Result;

/// What this program is called with to measure the rest of its command line.
pub(crate) const MEASURE: &str = "measure";

/// What a command took.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// From its start to its end, in seconds.
    pub(crate) wall: f64,
    /// User and system time, in seconds.
    pub(crate) cpu: f64,
    /// The most memory it had, in MiB.
    pub(crate) peak: f64,
    /// Its exit status; `None` when a signal ended it.
    pub(crate) status: Option<i32>,
}

/// Runs a command and measures it. What it writes to standard output is dropped.
pub(crate) fn measure<A: AsRef<str>>(command: &[A]) -> Result<Measured> {
    let said = Command::new(std::env::current_exe()?)
        .arg(MEASURE)
        .args(command.iter().map(AsRef::as_ref))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    Ok(serde_json::from_slice(&said.stdout)?)
}

/// Between the bench and the command.
#[expect(clippy::print_stdout, reason = "it tells its parent the figures")]
pub(crate) fn run(command: &[&str]) -> Result<()> {
    let (program, arguments) = command.split_first().ok_or("nothing to measure")?;
    let started = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    let wall = started.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = seconds(usage.user_time())? + seconds(usage.system_time())?;
    // In KiB.
    let peak = f64::from(u32::try_from(usage.max_rss())?) / 1024.0;
    println!("{}", serde_json::to_string(&Measured { wall, cpu, peak, status: status.code() })?);
    Ok(())
}

fn seconds(time: TimeVal) -> Result<f64> {
    Ok(Duration::from_micros(u64::try_from(time.num_microseconds())?).as_secs_f64())
}

/// Figures of repeated measurements.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<f64>);

impl Figures {
    /// Takes a figure in.
    pub(crate) fn add(&mut self, figure: f64) {
        let place = self.0.partition_point(|known| *known < figure);
        self.0.insert(place, figure);
    }

    /// The smallest.
    pub(crate) fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    /// The one in the middle.
    pub(crate) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The largest.
    pub(crate) fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }
}
