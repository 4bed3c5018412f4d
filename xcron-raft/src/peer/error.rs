//! Why a call failed, and whether it may have had an effect.

use super::counts::Wrong;

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallErrorKind {
    /// Nobody answers there, or the connection ended before the answer.
    Unreachable,
    /// The deadline passed.
    Timeout,
    /// Whoever answers there refused the request; the message is what it says.
    Refused,
    /// Another cluster or node answers there, or whoever answers belongs to another cluster.
    Foreign,
    /// The two sides do not share a secret.
    Secret,
    /// One side does not accept the certificate of the other.
    Certificate,
    /// The two sides have no version of the protocol in common.
    Version,
    /// The request is longer than a frame may be.
    TooLong,
    /// Too much waits to be sent already.
    Busy,
}

/// A call that got no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct CallError {
    /// False: certainly nothing of the request has reached the service of the peer.
    pub(crate) was_sent: bool,
    pub(crate) kind: CallErrorKind,
    pub(crate) message: String,
}

impl CallError {
    /// An error before anything of the request was sent.
    pub(super) fn unsent(kind: CallErrorKind, message: impl Into<String>) -> Self {
        Self { was_sent: false, kind, message: message.into() }
    }

    /// The same error for a request that was, or was not, on its way.
    pub(super) fn with_sent(&self, was_sent: bool) -> Self {
        Self { was_sent, ..self.clone() }
    }

    /// Whether it stays as it is until somebody changes a configuration.
    pub(super) fn needs_a_person(&self) -> bool {
        use CallErrorKind::{Certificate, Foreign, Secret, Version};
        matches!(self.kind, Foreign | Secret | Certificate | Version)
    }

    /// What the client of a connection to `address` found wrong.
    pub(super) fn wrong(address: &str, wrong: Wrong) -> Self {
        let kind = match wrong {
            Wrong::Secret => CallErrorKind::Secret,
            Wrong::Certificate => CallErrorKind::Certificate,
            Wrong::Cluster | Wrong::Node => CallErrorKind::Foreign,
            Wrong::Version => CallErrorKind::Version,
            _ => CallErrorKind::Unreachable,
        };
        Self::unsent(kind, format!("the connection to {address} cannot be used: {wrong}"))
    }
}
