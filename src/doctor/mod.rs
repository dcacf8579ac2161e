//! Talks to one device step by step and explains: for the man whose converter's light blinks while the display stays dark.
//!
//! `query.rs` knows the one harmless question and its variants, `line.rs` reads raw bytes where framing would hide them,
//! `steps.rs` carries the examination out and keeps what was `seen`, `finding.rs` turns that into what is wrong and what
//! to change, `describe.rs` into words, `entry.rs` into a device for the inventory. Nothing is sent but the type's
//! harmless query, each time within bounds of time and bytes.

mod describe;
mod entry;
mod finding;
mod line;
mod query;
mod replies;
mod seen;
mod steps;
#[cfg(test)]
mod tests;

pub use describe::{describe_finding, describe_step};
pub use entry::{entry, name_of};
pub use finding::{Finding, findings};
pub use query::{NoQuery, Query, harmless};
pub use seen::{Answer, Asked, Heard, LineEnd, Opened, Question, Seen, Terminator};
pub use steps::{Patient, Step, examine};
