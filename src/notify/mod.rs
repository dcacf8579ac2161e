//! Somebody is told of a run: by mail, webhook, heartbeat or a program of their own.
//!
//! `change.rs` compares a run with the one before it, `page.rs` says what there is to say (`place.rs`: where to go), `text.rs` and `html.rs` write
//! it; `letter.rs` decides what each channel gets. `email.rs`, `web.rs` and `hook.rs` send one letter once over what
//! `trust.rs` trusts, `deliver.rs` tries again until the time is over, `tell.rs` does all that for a run, and what could
//! not be sent waits in a `spool.rs`: it is there before the first try. Which run it is and where its spool lies is decided by whoever runs schedules.
//!
//! Device text is escaped before it gets here or here, secrets are looked up when something is sent and stand in no
//! error. Nothing here takes longer than a minute, whatever a server does.

mod change;
mod deliver;
mod email;
mod error;
mod hook;
mod html;
mod letter;
mod page;
mod place;
mod section;
mod spool;
mod tell;
#[cfg(test)]
mod tests;
mod text;
mod trust;
mod web;

pub use change::Previous;
pub use deliver::Way;
pub(crate) use error::TO_BE_SENT;
pub use error::{NotifyError, SendError};
pub use letter::{Letter, Ping};
pub use page::mistakes_text;
pub use spool::{Kept, MemorySpool, Spool, SpoolError};
pub use tell::{News, Occasion, after_run, before_run, send_kept, send_test};
