//! Schedules: the entries of an inventory with their clocks, what they come to, and which of them are due.
//!
//! `entry.rs` finds an entry's devices and its time zone, `request.rs` turns it into the one `RunRequest` that everything
//! starts from, `plan.rs` plans that run and so finds out whether it could be, `note.rs` says what is special about a time,
//! `due.rs` judges whether a start comes in time, `agenda.rs` decides for a process that runs them all, `install/` writes
//! what other schedulers read. Pure: the time is passed in, and only `install/` is told of paths; but for `tell.rs`, which
//! tells whom the schedule names.

mod agenda;
#[cfg(test)]
mod agenda_tests;
mod due;
mod entry;
mod install;
mod note;
mod plan;
mod request;
mod tell;
#[cfg(test)]
pub(crate) mod testing;

pub use agenda::{Agenda, Decision, Part, Start, steady_part};
pub use due::{Lateness, NotDue, due, lateness};
pub use entry::{Entry, entries, entry};
pub use install::{InstallError, Installed, Installing, Unit, systemd, task_scheduler};
pub use note::{Note, note};
pub use plan::{Planned, plan, warn_of_unverified};
pub use request::{report_targets, request};
pub use tell::Teller;
