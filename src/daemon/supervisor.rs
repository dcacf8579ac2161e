//! What systemd is told (`sd_notify(3)`): ready, what is being done, that the loop still turns. Without systemd it is told
//! to nobody.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::Instant;
use tracing::debug;

/// The one who looks after this process.
#[derive(Debug)]
pub(super) struct Supervisor {
    /// How often it wants a sign of life: half of the time after which it would end this process.
    every: Option<Duration>,
    last_sign: Instant,
    status: String,
}

impl Supervisor {
    /// As the environment says it.
    pub(super) fn new() -> Self {
        let every = sd_notify::watchdog_enabled().map(|within| within / 2).filter(|every| !every.is_zero());
        Self { every, last_sign: Instant::now(), status: String::new() }
    }

    /// Schedules run from here on, or again.
    pub(super) fn ready() {
        tell(&[NotifyState::Ready]);
    }

    /// The inventory is being read again; `ready` follows.
    pub(super) fn reloading() {
        let mut states = vec![NotifyState::Reloading];
        // Without it the message counts only where reloads are not waited for.
        states.extend(NotifyState::monotonic_usec_now());
        tell(&states);
    }

    /// Nothing new starts from here on.
    pub(super) fn stopping() {
        tell(&[NotifyState::Stopping]);
    }

    /// What is being done, where it has changed.
    pub(super) fn status(&mut self, status: String) {
        if self.status != status {
            tell(&[NotifyState::Status(&status)]);
            self.status = status;
        }
    }

    /// Gives a sign of life where one is due; gives when the next is.
    pub(super) fn sign_of_life(&mut self) -> Option<Instant> {
        let every = self.every?;
        let now = Instant::now();
        if now >= self.last_sign + every {
            tell(&[NotifyState::Watchdog]);
            self.last_sign = now;
        }
        Some(self.last_sign + every)
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        debug!("systemd cannot be told: {error}");
    }
}
