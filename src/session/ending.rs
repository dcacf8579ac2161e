//! What one attempt can end as.

use crate::lie::{Lie, tells};
use crate::model::{Delivery, ErrorKind, Failure, Status, StopReason, Value};

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The device acknowledged.
    Acknowledged {
        /// What its reply carried.
        value: Option<Value>,
    },
    /// Written; this command gets no acknowledgement by design.
    Sent,
    /// The device answered no, and will again.
    Refused(Failure),
    /// The device asked to wait.
    Busy(Failure),
    /// No valid answer.
    Failed {
        /// What the device's status is if nothing more is tried.
        status: Status,
        /// Why.
        failure: Failure,
    },
    /// The host name does not resolve: nothing can be tried.
    Unnamed(Failure),
    /// The run stopped while the attempt was under way.
    Stopped(StopReason),
    /// The command may not be written soon, since the run limits its starts: not an attempt.
    NotSoon,
    /// This machine ran out of files, ports or memory before anything was written: not an attempt, and not the
    /// device's fault.
    Exhausted(String),
    /// This machine does not allow the connection: our own fault.
    Denied(String),
}

/// Whether the connection may serve another command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It may, if the type allows.
    Yes,
    /// It must be closed.
    No,
}

impl Ending {
    /// A failed attempt without a valid answer.
    pub(super) fn failed(status: Status, failure: Failure) -> Self {
        Self::Failed { status, failure }
    }

    /// The gateway serves another client, as it says itself.
    pub(super) fn gateway_busy(text: String) -> Self {
        Self::failed(Status::Unreachable, Failure::new(ErrorKind::GatewayBusy).detail(text))
    }

    /// Whether the peer closed or reset the connection, or the network ended it.
    pub(super) fn is_gone(&self) -> bool {
        let gone = [ErrorKind::ConnectionClosed, ErrorKind::ConnectionReset, ErrorKind::Io];
        matches!(self, Self::Failed { failure, .. } if gone.contains(&failure.kind))
    }

    /// Whether a valid reply came, a refusal included.
    pub fn is_answered(&self) -> bool {
        matches!(self, Self::Acknowledged { .. } | Self::Refused(_) | Self::Busy(_))
    }

    /// Whether the reply to what was written is still owed.
    pub(super) fn is_silence(&self) -> bool {
        matches!(self, Self::Failed { status: Status::NoReply, .. } | Self::Stopped(_))
    }

    /// How far the command got in this attempt, when `written` says whether a byte of it was.
    pub fn delivery(&self, written: bool) -> Delivery {
        match self {
            // Delivery speaks of the command: a refused password means that it was not accepted.
            Self::Refused(failure) if failure.kind == ErrorKind::AuthFailed => Delivery::None,
            _ if self.is_answered() => Delivery::Confirmed,
            // The gateway itself said that it passed nothing on.
            Self::Failed { failure, .. } if failure.kind == ErrorKind::GatewayBusy => Delivery::None,
            Self::Failed { failure, .. }
                if failure.kind == ErrorKind::ConnectionReset && tells(Lie::ResetMeansBusyGateway) =>
            {
                Delivery::None
            }
            _ if written => Delivery::Unknown,
            _ => Delivery::None,
        }
    }
}
