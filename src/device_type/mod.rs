//! What a type file means: how to talk to one kind of device, as data.
//!
//! Types are read from TOML (`config/device-types/`, and the user's own files), checked as a whole and compiled into
//! `DeviceType`s. Everything here is pure but for `load.rs`: bytes in, bytes and verdicts out. `session` carries it out
//! over a socket, `simulate` serves what `simulated.rs` answers. The language is described in
//! `config/device-types/README.md`; a new block of it is a variant here, never code for one device.

mod action;
mod body;
mod catalog;
mod command;
mod conclude;
mod definition;
mod expression;
mod format;
mod hex;
mod judge;
mod late;
mod load;
mod login;
mod param;
mod pattern;
mod read;
mod request;
mod schema;
mod settings;
mod simulated;
mod telnet;
mod template;
mod transfer;
mod vector;
mod verify;

pub use action::{Action, Decoding, Scale, Words};
pub use body::{CommandSource, RequestError};
pub use catalog::Catalog;
pub use command::{CommandRule, CommandTraits};
pub use conclude::{Conclusion, Progress, SENT, WaitEnd, conclude};
pub use definition::{DeviceType, Origin, SendSpec};
pub use expression::{EvaluationError, Expression};
pub use format::{FieldRef, Format, Width};
pub use judge::{ReplySpec, Rule, RuleVerdict, Verdict};
pub use load::load_file;
pub use login::{Login, LoginStep, LoginVerdict, Logout};
pub use param::{ParamKind, ParamSpec};
pub use pattern::{HexPattern, Pattern};
pub use read::read_type;
pub use request::Request;
pub use schema::schema;
pub use settings::{Link, LinkOverrides, read_timing};
pub use simulated::{Addressed, Simulated, Simulation};
pub(crate) use telnet::refuse_detection;
pub use template::{Piece, Template, TemplateError};
pub use transfer::Transfer;
pub use vector::{Script, Vector, VectorResult, VectorStep, run_vectors};
pub use verify::Verify;

#[cfg(test)]
mod languages_tests;
