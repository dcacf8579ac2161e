//! What the tests stand on: displays on loopback that record what they received, and the program run as a user runs it.
//!
//! Owns no expectation about the program: those stand in the tests.

mod authority;
mod connection;
mod display;
mod fleet;
mod hostile;
mod hub;
mod journal;
mod long;
mod mail;
mod namespace;
mod peer;
mod program;
mod report;
mod script;
mod self_check;
mod strace;
mod web;
mod workspace;

pub(crate) use authority::write_authority;
pub(crate) use fleet::{FakeFleet, closed_port, deaf_port};
pub(crate) use hostile::{hostile_name, hostile_tag, hostile_texts, is_harmless, talkers};
pub(crate) use hub::{Hubs, MAGIC, announced, database, header, inspected, looks_like_a_database, served, sha256sum};
pub(crate) use journal::Journal;
pub(crate) use long::{number, say};
pub(crate) use mail::{MailServer, MailServerKind};
pub(crate) use namespace::{OwnNetwork, in_own_network};
pub(crate) use peer::{Peer, hex};
pub(crate) use program::{Finished, Running};
pub(crate) use report::{Expected, Report, device_names};
pub(crate) use script::{Gate, Step, send};
pub(crate) use strace::{Attached, Failing, is_impossible, most_calls, run_failing};
pub(crate) use web::WebServer;
pub(crate) use workspace::Workspace;
