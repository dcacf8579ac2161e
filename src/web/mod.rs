//! A small web server for whoever looks at this process: monitoring today, a page later.
//!
//! `server.rs` listens and keeps the limits on connections, sizes and times; `guard.rs` decides whether a request is
//! answered at all. What the pages say is decided by whoever serves them.

mod guard;
mod server;

pub use guard::{Refusal, check};
pub use server::{Listener, Page, Pages};
