//! What exactly will be sent to whom, or every reason why nothing may be.
//!
//! A plan is made before anything is sent and does not change during the run: exact bytes per device, effective times,
//! and lanes (the devices of one gateway). It is pure; what is equal for many devices is kept once.

mod asked;
mod budget;
mod build;
mod check;
mod circuits;
mod estimate;
mod expected;
mod job;
mod lanes;
mod save;
#[cfg(test)]
mod tests;
mod ways;

pub use asked::Asked;
pub use build::{PlanRequest, build};
pub use check::Check;
pub use estimate::{CircuitEstimate, Estimate, Pace, estimate};
pub use job::{InrushIndex, Job, Plan, PlannedCircuit, PlannedSite};
pub use lanes::Lanes;
