//! Signals: the first stops the run gently, the second at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::warn;

use crate::model::StopReason;
use crate::session::Stop;

/// The signals that end a run.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    /// A file-size limit is then an error of a write (status 4), not the end of the program.
    _file_size: Option<Signal>,
}

impl Signals {
    /// Takes the signals over.
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            _file_size: signal(SignalKind::from_raw(nix::libc::SIGXFSZ)).ok(),
        })
    }

    /// The next signal.
    pub(super) async fn next(&mut self) -> StopReason {
        tokio::select! {
            _ = self.interrupt.recv() => StopReason::Interrupt,
            _ = self.terminate.recv() => StopReason::Terminate,
            _ = self.hang_up.recv() => StopReason::HangUp,
        }
    }

    /// Passes signals on to a run, for as long as it is polled. One whose deadline is over has stopped like on a first signal:
    /// the next one is its second.
    pub(super) async fn pass_on(mut self, stop: Stop) {
        tokio::select! {
            biased;
            () = stop.stopping() => {}
            first = self.next() => {
                warn!("{}: nothing new starts; what is in flight may end, a second signal cuts it", first.words());
                stop.no_more(first);
            }
        }
        let second = self.next().await;
        warn!("{}: what is in flight ends now", second.words());
        stop.cut(second);
        std::future::pending::<()>().await;
    }
}
