//! An outcome as it is kept, in 32 bytes; the outcomes and intents of a run read back.
//!
//! What is committed at once is one row of `batch`: in a row of its own each outcome costs ten times as much to write, and
//! more to read. What a device said stands in `detail`, which most devices of a run share. Numbers have their highest byte
//! first; the order of the words below is part of the format.
//!
//!      0  place          4  detail       8  attempts
//!     12  reply time, 3 bytes: tenths of a millisecond and one more; 0: there is none, or an earlier version kept it
//!     15  elapsed, 5 bytes              20  finished_at
//!     28  status    29  delivery    30  reason    31  flags

use std::collections::BTreeSet;

use rusqlite::Connection;
use rusqlite::types::Type;

use crate::model::{Delivery, Outcome, ReplyTime, SkipReason, Status};

/// Bytes of an outcome.
pub(super) const LENGTH: usize = 32;

const STATUSES: [Status; 8] = [
    Status::Ok,
    Status::Sent,
    Status::Rejected,
    Status::Unreachable,
    Status::NoReply,
    Status::BadReply,
    Status::Mismatch,
    Status::Skipped,
];

const DELIVERIES: [Delivery; 3] = [Delivery::None, Delivery::Unknown, Delivery::Confirmed];

const REASONS: [Option<SkipReason>; 6] = [
    None,
    Some(SkipReason::Interrupted),
    Some(SkipReason::Deadline),
    Some(SkipReason::MaxFailures),
    Some(SkipReason::Held),
    Some(SkipReason::Internal),
];

/// Of `verified` in the lowest two bits of a byte, of `changed` in the two above them.
const FLAGS: [Option<bool>; 3] = [None, Some(false), Some(true)];

/// Where there is no time.
const NEVER: i64 = i64::MIN;

/// The bits of `elapsed`; those above them are of the reply time.
const ELAPSED_BITS: u32 = 40;

/// The longest that they can say: 3 years.
const MOST_ELAPSED: i64 = (1 << ELAPSED_BITS) - 1;

/// What became of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    /// Of the device in the roster.
    pub(super) place: u32,
    /// The number of what it said, in `detail`.
    pub(super) detail: u32,
    pub(super) attempts: u32,
    /// Tenths of a millisecond from its first attempt to its outcome.
    pub(super) elapsed: i64,
    /// How long the valid reply to its command took, where one came.
    pub(super) reply_time: Option<ReplyTime>,
    /// Milliseconds since 1970, UTC.
    pub(super) finished_at: Option<i64>,
    pub(super) status: Status,
    pub(super) delivery: Delivery,
    pub(super) reason: Option<SkipReason>,
    pub(super) verified: Option<bool>,
    pub(super) changed: Option<bool>,
}

impl Kept {
    /// Of the device at this place.
    pub(super) fn of(place: u32, detail: u32, outcome: &Outcome) -> Self {
        let tenths = outcome.elapsed.as_nanos().saturating_add(50_000) / 100_000;
        Self {
            place,
            detail,
            attempts: outcome.attempts,
            elapsed: i64::try_from(tenths).map_or(MOST_ELAPSED, |tenths| tenths.min(MOST_ELAPSED)),
            reply_time: outcome.reply_time,
            finished_at: outcome.finished_at.map(|at| at.0),
            status: outcome.status,
            delivery: outcome.delivery,
            reason: outcome.reason,
            verified: outcome.verified,
            changed: outcome.changed,
        }
    }

    /// Appends it as it is kept.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        let flags = code(&FLAGS, &self.verified) | code(&FLAGS, &self.changed) << 2;
        let words =
            [code(&STATUSES, &self.status), code(&DELIVERIES, &self.delivery), code(&REASONS, &self.reason), flags];
        bytes.reserve(LENGTH);
        bytes.extend_from_slice(&self.place.to_be_bytes());
        bytes.extend_from_slice(&self.detail.to_be_bytes());
        bytes.extend_from_slice(&self.attempts.to_be_bytes());
        let reply = self.reply_time.map_or(0, |time| i64::from(time.tenths()) + 1);
        bytes.extend_from_slice(&(reply << ELAPSED_BITS | self.elapsed.clamp(0, MOST_ELAPSED)).to_be_bytes());
        bytes.extend_from_slice(&self.finished_at.unwrap_or(NEVER).to_be_bytes());
        bytes.extend_from_slice(&words);
    }

    /// As it was kept; `None` where that means nothing.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (place, rest) = bytes.split_first_chunk()?;
        let (detail, rest) = rest.split_first_chunk()?;
        let (attempts, rest) = rest.split_first_chunk()?;
        let (times, rest) = rest.split_first_chunk()?;
        let (finished_at, words) = rest.split_first_chunk()?;
        let &[status, delivery, reason, flags] = words else { return None };
        let times = i64::from_be_bytes(*times);
        let reply = u32::try_from(times.cast_unsigned() >> ELAPSED_BITS).ok()?;
        Some(Self {
            place: u32::from_be_bytes(*place),
            detail: u32::from_be_bytes(*detail),
            attempts: u32::from_be_bytes(*attempts),
            elapsed: times & MOST_ELAPSED,
            reply_time: reply.checked_sub(1).map(ReplyTime::from_tenths),
            finished_at: Some(i64::from_be_bytes(*finished_at)).filter(|at| *at != NEVER),
            status: *STATUSES.get(usize::from(status))?,
            delivery: *DELIVERIES.get(usize::from(delivery))?,
            reason: *REASONS.get(usize::from(reason))?,
            verified: *FLAGS.get(usize::from(flags & 3))?,
            changed: *FLAGS.get(usize::from(flags >> 2))?,
        })
    }
}

/// The place of a word among all of its kind.
fn code<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter().position(|word| word == one).and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

/// What was committed of one run.
pub(super) const BATCHES: &str = "SELECT outcomes FROM batch WHERE run = ?1 ORDER BY id";

/// Shows each outcome of a run, in the order in which they were committed.
///
/// # Errors
/// When the history cannot be read, or holds something else there.
pub(super) fn each(connection: &Connection, run: i64, mut show: impl FnMut(Kept)) -> rusqlite::Result<()> {
    let mut asked = connection.prepare_cached(BATCHES)?;
    let mut batches = asked.query([run])?;
    while let Some(batch) = batches.next()? {
        for bytes in batch.get_ref(0)?.as_blob()?.chunks(LENGTH) {
            let damaged = || rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, "these are no outcomes".into());
            show(Kept::read(bytes).ok_or_else(damaged)?);
        }
    }
    Ok(())
}

/// The places of those devices of a run whose command, one that must not be sent twice, was about to be written.
///
/// # Errors
/// When the history cannot be read.
pub(super) fn intents(connection: &Connection, run: i64) -> rusqlite::Result<BTreeSet<usize>> {
    let mut asked = connection.prepare_cached("SELECT place FROM intent WHERE run = ?1")?;
    asked.query([run])?.mapped(|row| row.get(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any() -> Kept {
        Kept {
            place: 299,
            detail: 7,
            attempts: 2,
            elapsed: 1_314,
            reply_time: Some(ReplyTime::from_tenths(203)),
            finished_at: Some(1_774_066_500_000),
            status: Status::Rejected,
            delivery: Delivery::Confirmed,
            reason: None,
            verified: Some(false),
            changed: Some(true),
        }
    }

    fn bytes(kept: &Kept) -> Vec<u8> {
        let mut bytes = Vec::new();
        kept.write(&mut bytes);
        bytes
    }

    #[test]
    fn the_bytes_of_an_outcome_are_these_and_stay_these() {
        let hex = |kept| bytes(&kept).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert_eq!(hex(any()), "0000012b00000007000000020000cc00000005220000019d0e9a81a002020009");
        let unanswered = Kept { reply_time: None, ..any() };
        assert_eq!(hex(unanswered), "0000012b000000070000000200000000000005220000019d0e9a81a002020009");
        let words: Vec<&str> = STATUSES.iter().map(|status| status.as_str()).collect();
        assert_eq!(words.join(" "), "ok sent rejected unreachable no_reply bad_reply mismatch skipped");
        let words: Vec<&str> = DELIVERIES.iter().map(|delivery| delivery.as_str()).collect();
        assert_eq!(words.join(" "), "none unknown confirmed");
        let words: Vec<&str> = REASONS.iter().flatten().map(|reason| reason.as_str()).collect();
        assert_eq!(words.join(" "), "interrupted deadline max_failures held internal");
    }

    #[test]
    fn every_outcome_is_read_as_it_was_kept() {
        for status in Status::ALL {
            for delivery in DELIVERIES {
                for reason in REASONS {
                    for verified in FLAGS {
                        for (changed, finished_at) in FLAGS.into_iter().zip([None, Some(-1), Some(i64::MAX)]) {
                            let kept = Kept { finished_at, status, delivery, reason, verified, changed, ..any() };
                            assert_eq!(Kept::read(&bytes(&kept)), Some(kept));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_reply_s_time_and_the_whole_time_are_in_nobody_s_way_and_an_earlier_version_left_none() {
        let times = [0, 203, ReplyTime::MOST - 1, ReplyTime::MOST].map(|tenths| Some(ReplyTime::from_tenths(tenths)));
        for reply_time in times.into_iter().chain([None]) {
            for elapsed in [0, 1_314, MOST_ELAPSED] {
                let kept = Kept { elapsed, reply_time, ..any() };
                assert_eq!(Kept::read(&bytes(&kept)), Some(kept));
            }
        }
        let long = Kept { elapsed: i64::MAX, ..any() };
        assert_eq!(Kept::read(&bytes(&long)), Some(Kept { elapsed: MOST_ELAPSED, ..long }));
        let mut earlier = bytes(&any());
        earlier[12..20].copy_from_slice(&380_203_i64.to_be_bytes());
        assert_eq!(Kept::read(&earlier), Some(Kept { elapsed: 380_203, reply_time: None, ..any() }));
    }

    #[test]
    fn what_is_no_outcome_is_not_taken_for_one() {
        let whole = bytes(&any());
        assert_eq!(whole.len(), LENGTH);
        for length in 0..LENGTH {
            assert_eq!(Kept::read(&whole[..length]), None, "{length}");
        }
        for (place, wrong) in [(28, 8), (29, 3), (30, 6), (31, 3), (31, 0b1100), (31, 0b1_0000)] {
            let mut other = whole.clone();
            other[place] = wrong;
            assert_eq!(Kept::read(&other), None, "{wrong} at {place}");
        }
    }
}
