//! A fleet that is not there: devices played on loopback, reached over real sockets.
//!
//! `night.rs` says which faults are played and which device has which; `server.rs` accepts connections and answers as
//! the device types' `[simulate]` sections say; `fleet.rs` gives every gateway a loopback address and is the way there;
//! `inventory_file.rs` writes the same inventory with those addresses. It shares the type files' reading of the manuals,
//! so it proves the plumbing; the vectors prove the language.

mod fleet;
mod inventory_file;
mod night;
mod server;

pub use fleet::{SimulatedConnect, SimulatedFleet};
pub use inventory_file::{inventory_file, without_plain_secrets};
pub use night::{Fault, Faults, Night};
