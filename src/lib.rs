//! fleetctl sends a command to a whole fleet of field devices at once and says, device by device, what really happened.
//!
//! The flow: an inventory file becomes devices (`inventory`), a selection of them becomes a plan of exact bytes
//! (`plan`), the engine runs the plan's lanes (`dispatch`), each attempt talks over one connection (`session`), and
//! everything that happened leaves as `RunEvent`s, which reporters (`report`) turn into documents. The modules stand in
//! dependency order: each uses only those above it.

pub mod model;

pub mod diagnostic;

pub mod codec;

pub mod device_type;

pub mod report;
