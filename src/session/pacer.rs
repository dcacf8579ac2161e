//! When a command may be written, in a run that limits its starts: asked when all else is ready, and waited for with the
//! line open.

use tokio::time::Instant;

use super::connection::Connection;
use super::{Before, Ending};
use crate::model::StopReason;
use crate::transport::DeviceStream;

/// When a command may be written, in a run that limits its starts.
pub trait Pacer: Sync {
    /// All else is ready at `now`: when the command may be written.
    fn turn(&self, now: Instant) -> Turn;

    /// It is written now.
    fn starts(&self, now: Instant);

    /// That write came to nothing, and is made again on another connection: whether it may be, when its turn comes. What
    /// the command draws counts from the write that reaches the device.
    fn holds(&self) -> bool;
}

/// When a command may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Then, or now if that is not later.
    At(Instant),
    /// Not soon: the attempt is none, and the device comes back.
    NotSoon,
    /// Nobody new is started any more.
    Never(StopReason),
}

impl<P: Pacer> Before<'_, P> {
    /// Waits until the command may be written, with the line open.
    pub(super) async fn wait_for_turn<S: DeviceStream>(
        &self,
        open: &mut Connection<S>,
        pacer: &P,
    ) -> Result<(), Ending> {
        loop {
            let now = Instant::now();
            match pacer.turn(now) {
                Turn::At(at) if at <= now => break,
                Turn::At(at) => self.listen(open, at).await?,
                Turn::NotSoon => return Err(Ending::NotSoon),
                Turn::Never(reason) => return Err(Ending::Stopped(reason)),
            }
            self.last_look(open)?;
        }
        pacer.starts(Instant::now());
        Ok(())
    }
}
