//! What a device is asked to know whether a command has had its effect, or need not be sent at all.

use std::sync::Arc;
use std::time::Duration;

use crate::device_type::Request;
use crate::model::Timing;

/// The question after, or before, a command. Equal ones are one `Arc`.
#[derive(Debug)]
pub struct Check {
    /// The bytes and what they mean.
    pub question: Arc<Request>,
    /// Times of the question.
    pub timing: Arc<Timing>,
    /// The value that is wanted, in words.
    pub wanted: Box<str>,
    /// The time from the acknowledgement to the first question.
    pub after: Duration,
    /// The time from one question to the next.
    pub every: Duration,
    /// How long the device may take; no question is asked later.
    pub within: Duration,
    /// `--if-needed`: it is asked first.
    pub before: bool,
    /// `--verify`: it is asked afterwards.
    pub afterwards: bool,
}
