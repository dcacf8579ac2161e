//! Whether another attempt is allowed, and when: it must not make a device act twice, or lock it.

use std::time::Duration;

use super::backoff;
use crate::lie::{Lie, tells};
use crate::model::{Delivery, Timing};

/// How an attempt ended, as far as trying again is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// A success, or a failure that another attempt cannot change: refused, a wrong password, an unknown name.
    Settled,
    /// The device asked to wait; it said so before it did anything.
    Busy {
        /// How long it wants to be left alone.
        delay: Duration,
    },
    /// No valid answer; `delivery` says how far the command got in this attempt.
    Unanswered {
        /// Of this attempt alone.
        delivery: Delivery,
    },
}

/// What to do with the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing more: the attempt's outcome stands.
    Finish,
    /// Another attempt after this wait.
    Retry(Duration),
}

/// Decides about another attempt.
///
/// `failed` counts the unanswered attempts so far, this one included; `spent` is the time since the device's first
/// attempt began. An attempt that could not start before the device's deadline is not waited for.
pub fn what_next(tried: Tried, idempotent: bool, failed: u32, timing: &Timing, spent: Duration, random: f64) -> Next {
    let wait = match tried {
        Tried::Settled => return Next::Finish,
        Tried::Busy { .. } if tells(Lie::BusyIsFinal) => return Next::Finish,
        Tried::Busy { delay } => delay,
        Tried::Unanswered { delivery } => {
            let safe = delivery == Delivery::None || idempotent || tells(Lie::SecondPulse);
            if !safe || failed > timing.retries {
                return Next::Finish;
            }
            backoff(timing.backoff, failed, random)
        }
    };
    if spent + wait < timing.device_deadline { Next::Retry(wait) } else { Next::Finish }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Backoff;

    const SECOND: Duration = Duration::from_secs(1);
    const TIMING: Timing = Timing {
        connect_timeout: SECOND,
        reply_timeout: SECOND,
        device_deadline: Duration::from_secs(30),
        retries: 2,
        backoff: Backoff { initial: SECOND, max: SECOND, jitter: false },
    };

    #[test]
    fn a_command_is_repeated_only_where_that_cannot_act_twice() {
        use Delivery::{None, Unknown};
        for (delivery, idempotent, failed, again) in [
            (None, false, 1, true),
            (None, true, 1, true),
            (Unknown, true, 1, true),
            (Unknown, false, 1, false),
            (Unknown, true, 2, true),
            (Unknown, true, 3, false),
            (None, false, 3, false),
        ] {
            let next = what_next(Tried::Unanswered { delivery }, idempotent, failed, &TIMING, SECOND, 0.0);
            let wanted = if again { Next::Retry(SECOND) } else { Next::Finish };
            assert_eq!(next, wanted, "{delivery:?} idempotent {idempotent} after {failed}");
        }
    }

    #[test]
    fn busy_is_asked_again_until_the_device_deadline_whatever_the_retries() {
        let busy = Tried::Busy { delay: SECOND };
        assert_eq!(what_next(busy, false, 99, &TIMING, Duration::from_millis(28_999), 0.0), Next::Retry(SECOND));
        assert_eq!(what_next(busy, false, 0, &TIMING, Duration::from_secs(29), 0.0), Next::Finish);
    }

    #[test]
    fn a_settled_device_is_left_alone() {
        assert_eq!(what_next(Tried::Settled, true, 0, &TIMING, SECOND, 0.0), Next::Finish);
    }
}
