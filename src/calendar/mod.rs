//! When something recurs: five-field cron expressions, and the instants that they mean in a time zone.
//!
//! `field.rs` reads one field, `cron.rs` the whole expression, `occurrences.rs` finds its instants and keeps the rule for
//! clock changes, which stands in its head. Pure: no clock is read here, and nothing is known of inventories.
//!
//! No crate serves: croner 4 drops `*/30 2 * * *` in the hour that a clock change leaves out and runs it in both of the
//! hours that come twice, where our rule wants one run each time; it is what the tests compare ordinary days with.

mod cron;
mod field;
mod occurrences;

pub use cron::{Cron, CronError};
pub use occurrences::{Calendar, ClockChange, Occurrence, Occurrences, Passing};
