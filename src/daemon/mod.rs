//! All schedules of an inventory in one process that keeps running: what systemd and an operator look after.
//!
//! `service.rs` is the loop: it looks at the agenda when something is due, takes signals and news of runs, and never
//! computes. What it needs of the world stands in `world.rs`: a clock, a way to read the inventory (`inventory.rs`) and to
//! carry a run out (`runs.rs`, a thread each); tests put a world of their own in its place. `jump.rs` notices a clock that
//! jumps, `supervisor.rs` talks to systemd, `state.rs` holds what `pages.rs` shows, `recall.rs` asks the history
//! what others ran, `since.rs` until when the times of schedules are decided when it begins.
//!
//! Nothing that a run, a file or a full disk does ends it: it says so, counts it, and goes on.

mod inventory;
mod jump;
mod pages;
mod recall;
mod runs;
mod service;
mod since;
mod state;
mod supervisor;
#[cfg(test)]
mod tests;
mod world;

pub use inventory::{Inventory, Read, read};
pub use pages::pages;
pub use recall::{Known, LastRun, Recalled, recall};
pub use runs::Machine;
pub use service::{Daemon, Signal};
pub use since::{decided_until, note_seen};
pub use state::State;
pub use world::{Boxed, Ending, World};
