//! What the loop needs of the world, so that tests can be one: a clock, the inventory, the runs.

use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Inventory, Read};
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

    /// Reads the inventory and the device types from their files.
    fn read(&self) -> Boxed<Read>;

    /// Carries a run out; may panic.
    fn run(&self, start: Start, inventory: Arc<Inventory>, stop: Stop) -> Boxed<Ending>;

    /// Tells those who are to hear of a run, also of one that did not start; gives who could not be told. Ends in a minute
    /// or so.
    fn tell(&self, start: Start, inventory: Arc<Inventory>, ending: Ending) -> Boxed<Vec<String>>;

    /// Tries again what could not be told.
    fn send_kept(&self, inventory: Arc<Inventory>) -> Boxed<()>;
}
