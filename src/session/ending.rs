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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_connection_that_is_gone_is_opened_anew() {
        for kind in ErrorKind::ALL {
            let gone = matches!(kind, ErrorKind::ConnectionClosed | ErrorKind::ConnectionReset | ErrorKind::Io);
            assert_eq!(Ending::failed(Status::Unreachable, Failure::new(kind)).is_gone(), gone, "{kind:?}");
        }
        for other in [Ending::Sent, Ending::NotSoon, Ending::Refused(Failure::new(ErrorKind::ConnectionClosed))] {
            assert!(!other.is_gone(), "{other:?}");
        }
    }

    #[test]
    fn a_reply_is_owed_by_who_kept_silent_or_was_not_waited_for() {
        let failure = || Failure::new(ErrorKind::ReplyTimeout);
        assert!(Ending::failed(Status::NoReply, failure()).is_silence());
        assert!(Ending::Stopped(StopReason::Interrupt).is_silence());
        for other in [
            Ending::Sent,
            Ending::Acknowledged { value: None },
            Ending::Refused(failure()),
            Ending::Busy(failure()),
            Ending::failed(Status::Unreachable, failure()),
            Ending::failed(Status::BadReply, failure()),
        ] {
            assert!(!other.is_silence(), "{other:?}");
        }
    }

    #[test]
    fn delivery_is_what_reached_the_device_of_the_command() {
        use Delivery::{Confirmed, None, Unknown};
        let failed = |kind| Ending::failed(Status::NoReply, Failure::new(kind));
        for (ending, unwritten, written) in [
            (Ending::Acknowledged { value: Option::None }, Confirmed, Confirmed),
            (Ending::Refused(Failure::new(ErrorKind::Refused)), Confirmed, Confirmed),
            (Ending::Busy(Failure::new(ErrorKind::Busy)), Confirmed, Confirmed),
            (Ending::Refused(Failure::new(ErrorKind::AuthFailed)), None, None),
            (failed(ErrorKind::GatewayBusy), None, None),
            (failed(ErrorKind::ConnectionReset), None, Unknown),
            (failed(ErrorKind::ConnectionClosed), None, Unknown),
            (failed(ErrorKind::ReplyTimeout), None, Unknown),
            (Ending::Sent, None, Unknown),
            (Ending::Stopped(StopReason::Interrupt), None, Unknown),
        ] {
            assert_eq!((ending.delivery(false), ending.delivery(true)), (unwritten, written), "{ending:?}");
        }
    }
}
