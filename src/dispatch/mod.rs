//! Runs a plan: which lane may go on now, one future per lane in flight, nothing per waiting device.
//!
//! `ready.rs` is the one scheduler: it owns every limit over all lanes (slots, site caps, and through `pace/` rate and
//! circuits) and knows no runtime. `lane.rs` serves one lane for as long as one of its devices may go on; `record.rs` is
//! what is known of a device meanwhile, `lane_state.rs` what a lane remembers while it waits. `shared.rs` is what all
//! lanes share, `crew.rs` gives lanes to hands, `engine.rs` is the run as a whole: `rounds.rs` says which devices come
//! when (batches, passes of `--until`), `between.rs` is what outlives a round. `policy/` holds decisions as pure functions.

mod between;
mod checking;
mod crew;
mod engine;
mod lane;
mod lane_state;
mod pace;
pub mod policy;
mod ready;
mod record;
mod round;
mod rounds;
mod shared;
#[cfg(test)]
mod tests;

pub use engine::{Limits, Outside, Pacing, run};
pub use record::RunClock;
pub use shared::Random;
