//! What an attempt comes to: the table of contract.md, "Judging", as a pure function.
//!
//! Used by the engine and by the vectors, so that what `types check` proves is what a run does.

use super::judge::Verdict;
use crate::model::{Delivery, ErrorKind, Status};

/// How far an exchange was when it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// No byte of the command was written.
    Unwritten,
    /// Some of the command was written; nothing that may be a reply came.
    Written,
    /// Written, and the beginning of what may be a reply came ([`crate::codec::FrameCodec::may_be_begun`]).
    ReplyBegun,
}

/// What ended the wait for a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitEnd {
    /// The time is up.
    Silence,
    /// The peer closed.
    Closed,
    /// The peer reset the connection.
    Reset,
    /// More bytes came than a reply and its noise may have.
    TooLong,
    /// A reply came whose checksum does not hold.
    WrongChecksum,
    /// The gateway said that it serves another client.
    GatewayBusy,
}

/// What an attempt comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conclusion {
    /// The contract's status.
    pub status: Status,
    /// The contract's kind; `None` for a success.
    pub kind: Option<ErrorKind>,
    /// How far this attempt got.
    pub delivery: Delivery,
}

/// What a command comes to that gets no acknowledgement by design, once it is written.
pub const SENT: Conclusion = Conclusion { status: Status::Sent, kind: None, delivery: Delivery::Unknown };

/// What an exchange comes to that ended without an answer.
pub fn conclude(end: WaitEnd, progress: Progress) -> Conclusion {
    let unwritten = progress == Progress::Unwritten;
    let closed = match progress {
        Progress::Unwritten => Status::Unreachable,
        Progress::Written => Status::NoReply,
        Progress::ReplyBegun => Status::BadReply,
    };
    let (status, kind) = match end {
        WaitEnd::Silence if unwritten => (Status::Unreachable, ErrorKind::ReplyTimeout),
        WaitEnd::Silence => (Status::NoReply, ErrorKind::ReplyTimeout),
        WaitEnd::Closed => (closed, ErrorKind::ConnectionClosed),
        WaitEnd::Reset => (closed, ErrorKind::ConnectionReset),
        WaitEnd::TooLong => (Status::BadReply, ErrorKind::ReplyTooLong),
        WaitEnd::WrongChecksum => (Status::BadReply, ErrorKind::WrongChecksum),
        WaitEnd::GatewayBusy => (Status::Unreachable, ErrorKind::GatewayBusy),
    };
    // A gateway that is occupied passes nothing on, whatever was written to it.
    let delivery = if unwritten || end == WaitEnd::GatewayBusy { Delivery::None } else { Delivery::Unknown };
    Conclusion { status, kind: Some(kind), delivery }
}

impl Verdict {
    /// What an exchange comes to that ended with this verdict; a stray ends none.
    pub fn conclusion(&self) -> Option<Conclusion> {
        let (status, kind, delivery) = match self {
            Self::Ok { .. } => (Status::Ok, None, Delivery::Confirmed),
            Self::Refused { .. } => (Status::Rejected, Some(ErrorKind::Refused), Delivery::Confirmed),
            Self::Busy { .. } => (Status::Rejected, Some(ErrorKind::Busy), Delivery::Confirmed),
            Self::Auth { .. } => (Status::Rejected, Some(ErrorKind::AuthFailed), Delivery::None),
            Self::Malformed { .. } => (Status::BadReply, Some(ErrorKind::MalformedReply), Delivery::Unknown),
            Self::TooLong { .. } => (Status::BadReply, Some(ErrorKind::ReplyTooLong), Delivery::Unknown),
            Self::Stray => return None,
        };
        Some(Conclusion { status, kind, delivery })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unanswered_exchange_comes_to_what_the_contract_says() {
        use Progress::{ReplyBegun, Unwritten, Written};
        for (end, progress, status, kind, delivery) in [
            (WaitEnd::Closed, Written, Status::NoReply, ErrorKind::ConnectionClosed, Delivery::Unknown),
            (WaitEnd::Reset, Written, Status::NoReply, ErrorKind::ConnectionReset, Delivery::Unknown),
            (WaitEnd::Silence, Written, Status::NoReply, ErrorKind::ReplyTimeout, Delivery::Unknown),
            (WaitEnd::Silence, ReplyBegun, Status::NoReply, ErrorKind::ReplyTimeout, Delivery::Unknown),
            (WaitEnd::Closed, ReplyBegun, Status::BadReply, ErrorKind::ConnectionClosed, Delivery::Unknown),
            (WaitEnd::Reset, ReplyBegun, Status::BadReply, ErrorKind::ConnectionReset, Delivery::Unknown),
            (WaitEnd::WrongChecksum, Written, Status::BadReply, ErrorKind::WrongChecksum, Delivery::Unknown),
            (WaitEnd::TooLong, Written, Status::BadReply, ErrorKind::ReplyTooLong, Delivery::Unknown),
            (WaitEnd::Closed, Unwritten, Status::Unreachable, ErrorKind::ConnectionClosed, Delivery::None),
            (WaitEnd::Reset, Unwritten, Status::Unreachable, ErrorKind::ConnectionReset, Delivery::None),
            (WaitEnd::GatewayBusy, Written, Status::Unreachable, ErrorKind::GatewayBusy, Delivery::None),
        ] {
            let expected = Conclusion { status, kind: Some(kind), delivery };
            assert_eq!(conclude(end, progress), expected, "{end:?} {progress:?}");
        }
    }
}
