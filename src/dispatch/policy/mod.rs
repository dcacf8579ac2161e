//! Decisions of the engine as pure functions: they know no runtime, no socket and no clock of their own.

mod backoff;
mod order;
mod retry;

pub use backoff::backoff;
pub use order::{Length, order};
pub use retry::{Next, Tried, what_next};
