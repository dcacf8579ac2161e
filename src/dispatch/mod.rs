//! Runs a plan: which lane may go on now, one task per lane in flight, nothing per waiting device.
//!
//! `ready.rs` is the one scheduler: it owns every limit over all lanes (slots, site caps) and knows no runtime. `lane.rs`
//! serves one lane for as long as one of its devices may go on; `record.rs` is what is known of a device meanwhile,
//! `lane_state.rs` what a lane remembers while it waits. `shared.rs` is what all lanes share, `crew.rs` gives lanes
//! to tasks, `engine.rs` is the run as a whole. `policy/` holds the decisions as pure functions.

mod checking;
mod crew;
mod engine;
mod lane;
mod lane_state;
pub mod policy;
mod ready;
mod record;
mod shared;
#[cfg(test)]
mod tests;

pub use engine::{Limits, Outside, run};
pub use record::RunClock;
pub use shared::Random;
