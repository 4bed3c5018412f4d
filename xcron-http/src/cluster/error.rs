//! How a cluster operation fails: what the caller should do, and what happened to the cluster.

use xcron_core::Effect;

/// What the caller of a failed operation should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterErrorKind {
    /// Name another node: the cluster has none with this id.
    NoSuchNode,
    /// Change the cluster first: as it is, it would lose its quorum, the node is not caught up,
    /// another change is under way.
    Refused,
    /// Ask for something else: no cluster could do this.
    Invalid,
    /// Try again: there is no leader, no quorum or no connection now.
    Unavailable,
    /// Read the log: a bug, or a node that failed for good.
    Internal,
}

/// An operation that was not, or may not have been, carried out.
///
/// ```
/// use xcron_core::Effect;
/// use xcron_http::{ClusterError, ClusterErrorKind};
///
/// let message = "2 of 3 nodes are down";
/// let error = ClusterError::new(ClusterErrorKind::Unavailable, Effect::Unknown, message);
/// assert_eq!(error.to_string(), message);
/// assert_eq!(error.effect(), Effect::Unknown);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ClusterError {
    kind: ClusterErrorKind,
    effect: Effect,
    message: String,
}

impl ClusterError {
    /// `message` says what happened, to what, with which values. A client is told the `effect` of
    /// the kinds [`Unavailable`](ClusterErrorKind::Unavailable) and
    /// [`Internal`](ClusterErrorKind::Internal); the others have none.
    #[must_use]
    pub fn new(kind: ClusterErrorKind, effect: Effect, message: impl Into<String>) -> Self {
        Self { kind, effect, message: message.into() }
    }

    /// What to do.
    #[must_use]
    pub const fn kind(&self) -> ClusterErrorKind {
        self.kind
    }

    /// What became of the operation.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }
}
