//! What the product's words mean, as plain values: devices, commands, outcomes, events.
//!
//! Nothing here does input or output, knows a device type's language or a report's format. Everything else builds on
//! these types, so they use only the standard library, `thiserror` and the crate that keeps secrets.

mod address;
mod ampere;
mod command;
mod device;
pub mod escape;
mod event;
mod failure;
mod names;
mod outcome;
mod pacing;
mod reply_time;
mod run;
mod secret;
mod share;
mod short_bytes;
mod timing;

pub use address::{Address, AddressError, Host};
pub use ampere::{amperes, parse_amperes};
pub use command::{Command, Payload, PayloadBuilder, SECRET_SHOWN};
pub use device::{Device, DeviceIndex, Medium, ParamValue, Params, SharedDevices};
pub use event::RunEvent;
pub use failure::{ErrorKind, Failure};
pub use names::{fold_names, selector_name};
pub use outcome::{AttemptError, Delivery, FileRecord, Outcome, SkipReason, Status, Value};
pub use pacing::{Inrush, Portion, Rate};
pub use reply_time::ReplyTime;
pub use run::{Ended, Held, RunId, RunInfo, StopReason, Summary, UnixMillis};
pub use secret::{KeptIn, Secret};
pub use share::Share;
pub use short_bytes::ShortBytes;
pub use timing::{Backoff, Timing, TimingOverrides};
