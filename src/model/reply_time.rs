//! How long a device took to reply, in four bytes: an outcome is kept for every device.

use std::num::NonZeroU32;
use std::time::Duration;

/// The time from the moment at which a command began to be written to the moment at which its reply was whole and
/// judged, in tenths of a millisecond. That the write took long is part of it, as it is of `reply_timeout`; connecting,
/// log-in, waiting for a turn, other attempts, what a reply announces and questions afterwards are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplyTime(NonZeroU32);

impl ReplyTime {
    /// The longest, in tenths of a millisecond: 27 minutes. What took longer counts as that.
    pub const MOST: u32 = (1 << 24) - 2;

    /// Of a time as it was measured, rounded.
    pub fn of(time: Duration) -> Self {
        let tenths = time.as_nanos().saturating_add(50_000) / 100_000;
        Self::from_tenths(u32::try_from(tenths).unwrap_or(u32::MAX))
    }

    /// Of tenths of a millisecond.
    pub fn from_tenths(tenths: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(tenths.min(Self::MOST)))
    }

    /// In tenths of a millisecond, from 0 to `MOST`.
    pub fn tenths(self) -> u32 {
        self.0.get() - 1
    }

    /// In milliseconds.
    pub fn ms(self) -> f64 {
        f64::from(self.tenths()) / 10.0
    }

    /// In seconds.
    pub fn seconds(self) -> f64 {
        f64::from(self.tenths()) / 10_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_rounded_to_tenths_and_one_without_an_end_is_the_longest() {
        for (time, tenths) in [
            (Duration::ZERO, 0),
            (Duration::from_micros(49), 0),
            (Duration::from_micros(50), 1),
            (Duration::from_micros(131_449), 1314),
            (Duration::from_hours(1), ReplyTime::MOST),
            (Duration::MAX, ReplyTime::MOST),
        ] {
            assert_eq!(ReplyTime::of(time).tenths(), tenths, "{time:?}");
        }
        assert_eq!(size_of::<Option<ReplyTime>>(), 4);
    }
}
