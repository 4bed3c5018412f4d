//! What this crate writes to disk and wire: messages with numbered fields, so that either of two
//! versions reads what the other wrote.
//!
//! Rules: a field number is never reused; an unknown field is skipped; an unknown *kind* (of a
//! command, a record or a block) is refused, because skipping it would let replicas diverge.
//! Definitions and states travel as bytes inside commands and are kept as bytes in the state
//! machine, so fields that this version does not know survive it.

pub(crate) mod attempt;
pub(crate) mod change;
pub(crate) mod definition;
pub(crate) mod entry;
pub(crate) mod peer;
pub(crate) mod raft;
pub(crate) mod record;
pub(crate) mod reply;
pub(crate) mod short;
pub(crate) mod snapshot;
pub(crate) mod state;

use xcron_core::Timestamp;

/// A message that this version cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(String);

impl Unreadable {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// A value that must be there and is not, or is of a kind that a newer version introduced.
    pub(crate) fn unknown(what: &str) -> Self {
        Self(format!("unknown or missing {what}: it was written by a newer version"))
    }
}

impl From<prost::DecodeError> for Unreadable {
    fn from(error: prost::DecodeError) -> Self {
        Self(error.to_string())
    }
}

/// How far `at` is from `base`. Wraps, so that every pair of instants comes back exactly.
pub(crate) fn delta(at: Timestamp, base: Timestamp) -> i64 {
    at.as_millis().wrapping_sub(base.as_millis())
}

/// The instant `delta` from `base`.
pub(crate) fn moved(base: Timestamp, delta: i64) -> Timestamp {
    Timestamp::from_millis(base.as_millis().wrapping_add(delta))
}
