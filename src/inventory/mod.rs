//! `fleet.toml`: from a file to devices, or to all of its mistakes, and from a selector to the devices that it means.
//!
//! The stations: `schema.rs` reads the TOML as it is written, `range.rs` understands `tv-[001-300]`, `params.rs` and
//! `secret.rs` read parameters by the type's declaration, `resolve.rs` finds out what each entry means, `expand.rs` makes
//! the devices, `circuits.rs` what they draw from where, which `share.rs` and `positions.rs` keep small and apart, `load.rs`
//! strings them together, `fleet.rs` is the result. `select/` is the `--select` language, `csv.rs` turns a spreadsheet into
//! an inventory, `schedule.rs` and `notify.rs` read what the file says of the nights. What a device's settings mean for a
//! run is decided by `plan`, when something runs by `schedule`.

mod circuits;
mod csv;
mod entry;
mod expand;
mod fleet;
mod load;
mod notify;
mod params;
mod positions;
mod range;
mod resolve;
mod salvage;
mod schedule;
mod schema;
mod secret;
pub mod select;
mod share;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use csv::{ImportError, import};
pub use fleet::{Circuit, CircuitIndex, Draw, Fleet, Group, Member, RunSettings, Site, SiteIndex};
pub use load::{load, read};
pub use notify::{Channel, Email, MailTls, Notification, When};
pub use range::{MOST_DEVICES, Pattern, Place, RangeError};
pub use salvage::{Salvaged, salvage};
pub use schedule::{CommandPlaces, LONGEST_UNTIL, Missed, Overlap, Schedule, Selecting, Until};
pub use secret::SecretSource;
