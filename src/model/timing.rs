//! How long a device may take and how often it is tried: the `[run]` keys that concern one device.
//!
//! A layer (a flag, a device, its site, the defaults, a type's action, the type, `[run]`) says some of them; `Timing` is
//! what remains when all layers are put over each other. Which layer wins is decided where they are put together.

use std::time::Duration;

/// Waits between attempts: before attempt n + 1 a random time from 0 to min(max, initial × 2^(n-1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Backoff {
    /// The longest wait before the second attempt.
    pub initial: Duration,
    /// The longest wait before any attempt.
    pub max: Duration,
    /// Full jitter; without it the longest wait is waited.
    pub jitter: bool,
}

/// The effective settings of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timing {
    /// From the start of connecting to an open connection.
    pub connect_timeout: Duration,
    /// From the write of the command to the last byte of its reply.
    pub reply_timeout: Duration,
    /// Everything for one device, attempts and waits included.
    pub device_deadline: Duration,
    /// Further attempts after the first.
    pub retries: u32,
    /// Waits between attempts.
    pub backoff: Backoff,
}

/// One layer of settings: what it does not say is left to the layers below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TimingOverrides {
    /// See [`Timing::connect_timeout`].
    pub connect_timeout: Option<Duration>,
    /// See [`Timing::reply_timeout`].
    pub reply_timeout: Option<Duration>,
    /// See [`Timing::device_deadline`].
    pub device_deadline: Option<Duration>,
    /// See [`Timing::retries`].
    pub retries: Option<u32>,
    /// See [`Backoff::initial`].
    pub backoff_initial: Option<Duration>,
    /// See [`Backoff::max`].
    pub backoff_max: Option<Duration>,
    /// See [`Backoff::jitter`].
    pub backoff_jitter: Option<bool>,
}

impl TimingOverrides {
    /// This layer over `below`: what it says wins.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            connect_timeout: self.connect_timeout.or(below.connect_timeout),
            reply_timeout: self.reply_timeout.or(below.reply_timeout),
            device_deadline: self.device_deadline.or(below.device_deadline),
            retries: self.retries.or(below.retries),
            backoff_initial: self.backoff_initial.or(below.backoff_initial),
            backoff_max: self.backoff_max.or(below.backoff_max),
            backoff_jitter: self.backoff_jitter.or(below.backoff_jitter),
        }
    }

    /// What is effective when nothing but `built_in` lies below this layer.
    pub fn resolve(self, built_in: Timing) -> Timing {
        Timing {
            connect_timeout: self.connect_timeout.unwrap_or(built_in.connect_timeout),
            reply_timeout: self.reply_timeout.unwrap_or(built_in.reply_timeout),
            device_deadline: self.device_deadline.unwrap_or(built_in.device_deadline),
            retries: self.retries.unwrap_or(built_in.retries),
            backoff: Backoff {
                initial: self.backoff_initial.unwrap_or(built_in.backoff.initial),
                max: self.backoff_max.unwrap_or(built_in.backoff.max),
                jitter: self.backoff_jitter.unwrap_or(built_in.backoff.jitter),
            },
        }
    }
}
