//! How a store fails: what the caller should do, and what happened to the changes.

/// Whether the changes of a failed commit happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// They certainly did not, now or later.
    None,
    /// They may have, or may yet.
    Unknown,
}

impl Effect {
    /// The effect's name as users read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }
}

/// What the caller of a failed call should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// Come back later with less: a queue or a limit is full.
    Overloaded,
    /// Try again: there is no leader, no quorum or no connection now.
    Unavailable,
    /// Stop: the store is damaged or its disk failed, and nothing will be acknowledged any more.
    Fatal,
}

/// A call that a store could not answer.
///
/// ```
/// use xcron_core::{Effect, StoreError, StoreErrorKind};
///
/// let error = StoreError::new(StoreErrorKind::Unavailable, Effect::Unknown, "no quorum");
/// assert_eq!(error.to_string(), "no quorum");
/// assert_eq!(error.effect(), Effect::Unknown);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    kind: StoreErrorKind,
    effect: Effect,
    message: String,
}

impl StoreError {
    /// `message` says what happened, to what, with which values.
    #[must_use]
    pub fn new(kind: StoreErrorKind, effect: Effect, message: impl Into<String>) -> Self {
        Self { kind, effect, message: message.into() }
    }

    /// What to do.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// What became of the changes.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }
}
