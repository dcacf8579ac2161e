//! Talks to one device step by step and explains: for the man whose converter's light blinks while the display stays dark.
//!
//! `query.rs` knows the one harmless question and its variants, `login.rs` what is said before it, `line.rs` reads raw bytes where framing would hide them,
//! `steps.rs` carries the examination out and keeps what was `seen`, `finding.rs` turns that into what is wrong and what
//! to change, `describe.rs` into words, `entry.rs` into a device for the inventory. Nothing is sent but the type's
//! log-in and its harmless query, each time within bounds of time and bytes.

mod describe;
mod entry;
mod finding;
mod line;
mod login;
mod query;
mod readable;
mod replies;
mod seen;
mod steps;
#[cfg(test)]
mod tests;
mod variants;

pub use describe::{describe_finding, describe_step};
pub use entry::{Entry, entry, name_of};
pub use finding::{Finding, findings};
pub use login::{LogIn, log_in};
pub use query::{Dialect, NoQuery, Query, harmless};
pub use seen::{Answer, Asked, Heard, LineEnd, LoggedIn, LoginEnd, Opened, Question, Seen, Terminator};
pub use steps::{Patient, Step, examine};
