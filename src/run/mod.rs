//! From a request to a report: load, select, plan, dispatch, report. The only way in.
//!
//! Whoever starts a run builds a `RunRequest` and gives it to `prepare`, which checks everything that can be checked
//! before anything is sent, and then to `execute`.

mod defaults;
mod earlier;
mod execute;
mod load;
mod paced;
mod prepare;
mod request;
mod until;

pub use defaults::{Defaults, built_in};
pub use execute::{Finished, execute};
pub use load::{Loaded, load, load_catalog};
pub use paced::Paced;
pub use prepare::{Preparation, Prepared, prepare, select};
pub use request::{Pacing, RunRequest, Selecting};
pub use until::{Clocks, End, Until, UntilError, end};
