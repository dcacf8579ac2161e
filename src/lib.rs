//! fleetctl sends a command to a whole fleet of field devices at once and says, device by device, what really happened.
//!
//! The flow: an inventory file becomes devices (`inventory`), a selection of them becomes a plan of exact bytes
//! (`plan`), the engine runs the plan's lanes (`dispatch`), each attempt talks over one connection (`session`), and
//! everything that happened leaves as `RunEvent`s, which reporters (`report`) turn into documents. The modules stand in
//! dependency order: each uses only those above it.

// What is wrong on purpose, in builds that test the oracle alone.
pub mod lie;

// Words: pure values.
pub mod model;

// From files to a plan: pure, but for reading files.
pub mod diagnostic;

pub mod codec;

pub mod device_type;

pub mod calendar;

pub mod inventory;

pub mod plan;

// The engine.
pub mod transport;

pub mod session;

pub mod dispatch;

pub mod simulate;

pub mod doctor;

// What people and machines see.
pub mod report;

pub mod notify;

pub mod history;

// Putting it together.
pub mod run;

pub mod schedule;

pub mod web;

pub mod daemon;

pub mod cli;
