//! Why somebody was not told.
//!
//! No message holds a secret: of a URL, whose path often is one, only the host is named; what a server said is shown
//! without the password, in whatever form mail servers see it.

use std::sync::Arc;

use crate::transport::ConnectError;

/// What is said of one that is kept.
pub(crate) const TO_BE_SENT: &str = "; it is kept, to be sent later";

/// A notification that did not arrive.
#[derive(Debug, thiserror::Error)]
#[error("notification `{notification}` did not arrive: {problem}{}", if *.is_kept { TO_BE_SENT } else { "" })]
pub struct NotifyError {
    /// Its name in `[notify.*]`.
    pub notification: Arc<str>,
    /// Why, and what to do.
    pub problem: SendError,
    /// Whether it is kept, to be sent later.
    pub is_kept: bool,
}

/// Why one letter could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The password or signing secret is not there.
    #[error("its secret is not there: {0}")]
    Secret(String),
    /// The file of further roots cannot be used.
    #[error("`ca_file` `{path}`: {why}; name a PEM file with at least one certificate")]
    CaFile {
        /// As the inventory has it.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// This process was told to stop.
    #[error("{0} came first")]
    Stopped(&'static str),
    /// The address cannot be used.
    #[error("{0}")]
    Address(String),
    /// No connection.
    #[error("no connection to {host}: {source}")]
    Connect {
        /// Host and port.
        host: String,
        /// Why.
        source: ConnectError,
    },
    /// No TLS on the connection.
    #[error("no TLS with {host}: {why}; if its certificate is your own, name its authority with `ca_file`")]
    Tls {
        /// Host and port.
        host: String,
        /// Why.
        why: String,
    },
    /// The conversation broke off, or made no sense.
    #[error("the conversation with {host} broke off: {why}")]
    Broken {
        /// Host and port.
        host: String,
        /// Why.
        why: String,
    },
    /// Not now, said the other side.
    #[error("{host} is not ready for it: {said}")]
    NotNow {
        /// Host and port.
        host: String,
        /// Its words.
        said: String,
    },
    /// No, said the other side.
    #[error("{host} does not take it: {said}")]
    Refused {
        /// Host and port.
        host: String,
        /// Its words.
        said: String,
    },
    /// The others have it.
    #[error("{host} does not take it for {who}: {said}; the other recipients have it")]
    NotEverybody {
        /// Host and port.
        host: String,
        /// Whom it refused.
        who: String,
        /// Its words about the first of them.
        said: String,
    },
    /// The time was over.
    #[error("{host} did not take it in time")]
    TimedOut {
        /// Host and port, or the program.
        host: String,
    },
    /// The program did not start.
    #[error("`{program}` does not start: {source}")]
    Start {
        /// The first of `argv`.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// The program failed.
    #[error("`{program}` failed: {status}")]
    Failed {
        /// The first of `argv`.
        program: String,
        /// Its end.
        status: std::process::ExitStatus,
    },
    /// The program was ended because it took too long.
    #[error("`{program}` was ended, it took longer than {seconds} s")]
    TooLong {
        /// The first of `argv`.
        program: String,
        /// The limit.
        seconds: u64,
    },
    /// What was kept no longer fits what the inventory says.
    #[error("it has become a notification of another kind")]
    OtherKind,
    /// Our own fault.
    #[error("a fault of fleetctl: {0}; please report this")]
    Internal(String),
}

impl SendError {
    /// Whether nothing would be gained by sending it once more, at whatever time.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self, Self::OtherKind | Self::NotEverybody { .. })
    }

    /// Whether to try again within the minute makes sense.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Connect { source, .. } => !matches!(source, ConnectError::Denied(_)),
            Self::Tls { .. } | Self::Broken { .. } | Self::NotNow { .. } | Self::TimedOut { .. } => true,
            Self::Failed { .. } => true,
            // A program that was ended may have done its work: to run it at once again could do it twice.
            Self::TooLong { .. } => false,
            Self::NotEverybody { .. } => false,
            Self::Secret(_) | Self::CaFile { .. } | Self::Address(_) | Self::Refused { .. } => false,
            Self::Start { .. } | Self::OtherKind | Self::Internal(_) | Self::Stopped(_) => false,
        }
    }
}
