//! From a request to a report: load, select, plan, dispatch, report. The only way in.
//!
//! Whoever starts a run builds a `RunRequest` and gives it to `prepare`, which checks everything that can be checked
//! before anything is sent, and then to `execute`, which locks the inventory (`lock.rs`), takes into the plan what earlier
//! runs mean (`recall.rs`), has it recorded and carried out (`carry_out.rs`, which serves over any network). `fit.rs` fits
//! it into the limit on open files, `own_files.rs` keeps it from writing over what it lives on, `past.rs` lets the history
//! forget, `again.rs` makes the request of a recorded run again.

mod again;
mod carry_out;
mod defaults;
mod earlier;
mod execute;
mod fit;
mod load;
mod lock;
mod own_files;
mod paced;
mod past;
mod prepare;
mod recall;
mod request;
mod until;

pub use again::{hidden_args, request_of};
pub use carry_out::{World, carry_out, limits};
pub use defaults::{Defaults, built_in};
pub use execute::{ExecuteError, Finished, execute};
pub use fit::fitting;
pub use load::{Loaded, load, load_catalog, look_into};
pub use lock::{Lock, LockError, lock, lock_schedules};
pub use own_files::{taken, taken_again};
pub use paced::Paced;
pub use past::{ask as ask_past, ask_again};
pub use prepare::{Preparation, Prepared, prepare, prepare_as, select};
pub use recall::{AsIf, canonical, recall, told};
pub use request::{Pacing, RunRequest, Selecting};
pub use until::{Clocks, End, Until, UntilError, end};
