//! What became of a device after its last attempt.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;

use super::{Failure, Payload, ReplyTime, ShortBytes, UnixMillis};

/// The contract's `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// The device acknowledged.
    Ok,
    /// Written; this command gets no acknowledgement by design.
    Sent,
    /// The device answered no.
    Rejected,
    /// No conversation.
    Unreachable,
    /// The command was written, but no complete reply came.
    NoReply,
    /// Bytes that cannot be the reply.
    BadReply,
    /// Acknowledged, but another state was seen to the end.
    Mismatch,
    /// Never started.
    Skipped,
}

impl Status {
    /// Every status, in the contract's order.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Sent,
        Self::Rejected,
        Self::Unreachable,
        Self::NoReply,
        Self::BadReply,
        Self::Mismatch,
        Self::Skipped,
    ];

    /// The status as reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Sent => "sent",
            Self::Rejected => "rejected",
            Self::Unreachable => "unreachable",
            Self::NoReply => "no_reply",
            Self::BadReply => "bad_reply",
            Self::Mismatch => "mismatch",
            Self::Skipped => "skipped",
        }
    }

    /// Whether the device did what it was told, as far as this command can tell.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Ok | Self::Sent)
    }
}

/// How far the command got: whether the device may have acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Delivery {
    /// No byte was written, or the gateway said that it passed none on.
    None,
    /// Written, no valid reply.
    Unknown,
    /// A valid reply came.
    Confirmed,
}

impl Delivery {
    /// The delivery as reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unknown => "unknown",
            Self::Confirmed => "confirmed",
        }
    }
}

/// Why a device was never started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// A signal stopped the run.
    Interrupted,
    /// `--deadline` stopped the run.
    Deadline,
    /// More devices had failed than `--max-failures` allows.
    MaxFailures,
    /// Kept out of runs by `hold`: counts neither as success nor as failure.
    Held,
    /// Our own fault: nothing was written.
    Internal,
}

impl SkipReason {
    /// The reason as reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Deadline => "deadline",
            Self::MaxFailures => "max_failures",
            Self::Held => "held",
            Self::Internal => "internal",
        }
    }
}

/// What a reply carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A word, or the captured text as it came: whoever shows it to people makes it safe for a terminal.
    Text(SmolStr),
    /// A number.
    Int(i64),
    /// A decimal number: 125 with one place is 12.5.
    Decimal {
        /// Its digits without the point.
        digits: i64,
        /// How many of them stand behind the point.
        places: u32,
    },
    /// Numbers, such as the relays that are on.
    List(Box<[i64]>),
}

impl Value {
    /// A decimal number as people write it.
    pub fn decimal(digits: i64, places: u32) -> String {
        let sign = if digits < 0 { "-" } else { "" };
        let width = places as usize + 1;
        let all = format!("{:0width$}", digits.unsigned_abs());
        let (whole, part) = all.split_at_checked(all.len() - places as usize).unwrap_or((&all, ""));
        if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
    }
}

/// A file that was fetched from a device, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hex.
    pub sha256: Box<str>,
}

/// A failed attempt before the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptError {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Why it failed.
    pub failure: Failure,
}

/// The record of one device in one run. It is kept for every device, so what most devices have stands in it without a
/// block on the heap, and what few have takes a pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What became of the device.
    pub status: Status,
    /// How far the command got, over all attempts.
    pub delivery: Delivery,
    /// Why it was skipped, when it was.
    pub reason: Option<SkipReason>,
    /// With `--verify`: whether it showed the wanted state.
    pub verified: Option<bool>,
    /// With `--if-needed`: whether it was told, and acknowledged.
    pub changed: Option<bool>,
    /// Every try at the device; 0 when skipped.
    pub attempts: u32,
    /// From the start of the first attempt to the outcome.
    pub elapsed: Duration,
    /// How long the command's valid reply took, a refusal included: that of the last attempt that has one. `None` where
    /// `delivery` is not confirmed, and where nobody knows it any more: earlier versions kept none.
    pub reply_time: Option<ReplyTime>,
    /// When the outcome was known; `None` when skipped.
    pub finished_at: Option<UnixMillis>,
    /// The command with its affixes, when any of it was written.
    pub sent: Option<Arc<Payload>>,
    /// The frame that was judged; when no frame came, whatever bytes did. A secret in it is still there: whoever shows
    /// it masks what `sent` says is secret.
    pub reply: Option<ShortBytes>,
    /// What the reply carried.
    pub value: Option<Value>,
    /// The file that was fetched.
    pub file: Option<Box<FileRecord>>,
    /// Why the last attempt failed.
    pub error: Option<Box<Failure>>,
    /// Why the attempts before it failed.
    pub earlier_errors: Box<[AttemptError]>,
}

impl Outcome {
    /// A device that was never started.
    pub fn skipped(reason: SkipReason) -> Self {
        Self {
            status: Status::Skipped,
            delivery: Delivery::None,
            reason: Some(reason),
            verified: None,
            changed: None,
            attempts: 0,
            elapsed: Duration::ZERO,
            reply_time: None,
            finished_at: None,
            sent: None,
            reply: None,
            value: None,
            file: None,
            error: None,
            earlier_errors: Box::default(),
        }
    }

    /// Kept out of the run by `hold`: neither a success nor a failure.
    pub fn is_held(&self) -> bool {
        self.reason == Some(SkipReason::Held)
    }

    /// A success that took more than one attempt.
    pub fn is_flaky(&self) -> bool {
        self.status.is_success() && self.attempts > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_outcomes_fit_into_a_small_machine() {
        assert!(size_of::<Outcome>() <= 128, "{}", size_of::<Outcome>());
        assert_eq!(size_of::<Option<Outcome>>(), size_of::<Outcome>());
    }

    #[test]
    fn reports_say_the_contracts_words() {
        let statuses = ["ok", "sent", "rejected", "unreachable", "no_reply", "bad_reply", "mismatch", "skipped"];
        assert_eq!(Status::ALL.map(Status::as_str), statuses);
        let deliveries = [Delivery::None, Delivery::Unknown, Delivery::Confirmed];
        assert_eq!(deliveries.map(Delivery::as_str), ["none", "unknown", "confirmed"]);
        let reasons = [
            SkipReason::Interrupted,
            SkipReason::Deadline,
            SkipReason::MaxFailures,
            SkipReason::Held,
            SkipReason::Internal,
        ];
        let words = ["interrupted", "deadline", "max_failures", "held", "internal"];
        assert_eq!(reasons.map(SkipReason::as_str), words);
    }

    #[test]
    fn a_decimal_number_keeps_its_places() {
        for (digits, places, text) in [(125, 1, "12.5"), (-5, 2, "-0.05"), (0, 1, "0.0"), (7, 0, "7")] {
            assert_eq!(Value::decimal(digits, places), text);
        }
    }
}
