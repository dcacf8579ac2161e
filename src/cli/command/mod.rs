//! The subcommands, a file each.

pub(super) mod daemon;
pub(super) mod doctor;
pub(super) mod health;
pub(super) mod history;
pub(super) mod hold;
mod install;
pub(super) mod inventory;
pub(super) mod notify;
pub(super) mod pages;
pub(super) mod report;
pub(super) mod rerun;
pub(super) mod run;
pub(super) mod schedule;
pub(super) mod schema;
pub(super) mod simulate;
pub(super) mod types;
