//! What the loop needs of the world, so that tests can be one: a clock, the inventory, the runs.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Inventory, Known, Read, Recalled};
use crate::run::Finished;
use crate::schedule::Start;
use crate::session::Stop;

/// A future of the loop.
pub type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What became of a run that was due.
pub enum Ending {
    /// It is over.
    Over(Box<Finished>),
    /// It could not start, for this reason; nothing was sent.
    NotStarted(String),
    /// It failed through our own fault; how far it got stands in the history.
    Panicked(String),
}

/// The machine that the loop lives on.
pub trait World: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// How often the clock is looked at, should nothing else happen: one that jumps is noticed this soon.
    fn look_every(&self) -> Duration {
        Duration::from_secs(2)
    }

    /// Reads the inventory and the device types from their files.
    fn read(&self) -> Boxed<Read>;

    /// Carries a run out; may panic.
    fn run(&self, start: Start, inventory: Arc<Inventory>, stop: Stop) -> Boxed<Ending>;

    /// Tells those who are to hear of a run, also of one that did not start; gives who could not be told. Ends in a minute
    /// or so.
    fn tell(&self, start: Start, inventory: Arc<Inventory>, ending: Ending) -> Boxed<Vec<String>>;

    /// What the history knows of the runs of these schedules, and of runs by hand, that is not known yet.
    fn recall(&self, names: Vec<String>, known: Known) -> Boxed<Recalled> {
        _ = (names, known);
        Box::pin(async { Recalled::default() })
    }

    /// Tells of runs that were killed, and with them the process that was to tell of them.
    fn tell_of_killed(&self, inventory: Arc<Inventory>) -> Boxed<()> {
        _ = inventory;
        Box::pin(async {})
    }

    /// Tries again what could not be told.
    fn send_kept(&self, inventory: Arc<Inventory>) -> Boxed<()>;
}
