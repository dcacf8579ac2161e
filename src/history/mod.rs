//! What earlier runs came to, in one SQLite file: recorded as it happens, asked for later.
//!
//! `recorder.rs` follows a run (`first.rs`: its beginning), `writer.rs` is the thread that commits (`kept.rs`: an outcome
//! in 32 bytes); `store.rs` opens the file (`schema.rs` brings it to this version), and the rest asks: `runs.rs` which
//! runs there are, `recorded.rs` one of them as a report again, `health.rs` how devices behave, `recent.rs` what that
//! means for the next run (`course.rs`: kept for it), `changes.rs` what differs between two runs, `again.rs` who may be
//! told again, `hold.rs` who is kept out, `previous.rs` who fails since when, `latest.rs` when all was last well,
//! `letters.rs` what could not be told, `unstarted.rs` what could not start, `seen.rs` since when schedules are known.
//! `retention.rs` forgets. `place.rs` knows where all this lies on a machine.
//!
//! Fails open: whatever is wrong with the file costs a warning and exit status 4, never a run. Holds no secret: it keeps
//! what a masked report shows.

mod again;
mod changes;
mod course;
mod error;
mod first;
mod health;
mod hold;
mod kept;
mod latest;
mod letters;
mod owner;
mod past;
mod place;
mod previous;
mod recent;
mod recorded;
mod recorder;
mod retention;
mod roster;
mod runs;
mod schema;
mod seen;
mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod unstarted;
mod writer;

pub use again::{Again, Candidate, again};
pub use changes::changes;
pub use error::HistoryError;
pub use health::health;
pub use hold::{Hold, hold, holds, release};
pub use latest::{RunName, last_by_hand, last_of_schedule, last_success};
pub use letters::{Letters, Untold, note_untold, untold};
pub use past::Window;
pub use place::{default_path, make_folder, state_folder};
pub use previous::previous;
pub use recent::{Next, Recent, recent};
pub use recorded::{collected, recorded, replayed};
pub use recorder::{Beginning, Recorder};
pub use retention::prune;
pub use runs::{Filter, RecordedRun, find, find_before, knows, list};
pub use seen::seen;
pub use store::Store;
pub use unstarted::{note_started, note_unstarted, unstarted};
