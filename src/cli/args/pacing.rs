//! How fast a run goes through its fleet, and for how long it comes back to what fails.

use std::time::Duration;

use clap::Args;

use super::positive_duration;
use crate::model::{Portion, Rate, Share};
use crate::run::{Pacing, Until};

/// Limits that hold all at once, besides the circuits of the inventory.
#[derive(Debug, Args)]
pub(in crate::cli) struct PacingArgs {
    /// So many devices get their command in a second, evenly spaced, such as 5/s, 0.5/s or 30/m
    #[arg(long, value_name = "N/s", allow_hyphen_values = true)]
    rate: Option<Rate>,
    /// So many devices at a time, in the order of the inventory; the next ones when all of them are done
    #[arg(long, value_name = "N|N%", allow_hyphen_values = true, value_parser = batch)]
    batch: Option<Portion>,
    /// The time between two batches
    #[arg(long, value_name = "DURATION", requires = "batch", value_parser = positive_duration)]
    pause: Option<Duration>,
    /// Start nothing new once more devices than that have failed; what has started goes on to its end
    #[arg(long, value_name = "N|N%", allow_hyphen_values = true)]
    max_failures: Option<Portion>,
    /// Try again what is not a success, with growing gaps, for so long (30m) or until a time of day (06:30)
    #[arg(
        long,
        value_name = "DURATION|TIME",
        allow_hyphen_values = true,
        long_help = "Try again what is not a success, with gaps that grow from 2 s to 5 min, for so long (30m, 1h 30m) or \
                     until a time of day (06:30, at most 12 h ahead; by the clock of the selected sites, else of this \
                     machine). What is right is left alone, and what could act twice is not sent twice."
    )]
    until: Option<Until>,
}

impl PacingArgs {
    pub(in crate::cli) fn pacing(&self) -> Pacing {
        Pacing {
            rate: self.rate,
            batch: self.batch,
            pause: self.pause.unwrap_or_default(),
            max_failures: self.max_failures,
            until: self.until,
        }
    }
}

fn batch(text: &str) -> Result<Portion, String> {
    match text.parse()? {
        Portion::Count(0) | Portion::Share(Share::NONE) => Err("a batch of nothing never ends".to_owned()),
        batch => Ok(batch),
    }
}
