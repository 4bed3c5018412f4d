//! The one error type of this crate: its kind says what the caller should do.

use std::io;
use std::sync::Arc;

/// What the caller should do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Another process uses the data directory: stop it, or choose another directory.
    InUse,
    /// Stored bytes are not what was written: restore this node, do not start on them.
    Damaged,
    /// The data belongs to another cluster or to a newer version: do not start on it.
    Foreign,
    /// A setting is outside its limits: correct it.
    Invalid,
    /// No space is left on the disk: free some.
    Full,
    /// The disk failed: nothing more is acknowledged and the process has to exit.
    Storage,
    /// The store has been shut down.
    Stopped,
    /// There is no node of that number.
    NoSuchNode,
    /// The cluster is not in a state in which that may be done: the message says what to do first.
    Refused,
    /// No leader or no majority answers now: try again; it may have been done.
    Unavailable,
}

/// What happened, to what, and (by its kind) what to do about it.
///
/// ```
/// use xcron_raft::{Error, ErrorKind};
/// let error = Error::new(ErrorKind::Invalid, "segment_bytes is 3, the least is 65536");
/// assert_eq!(error.kind(), ErrorKind::Invalid);
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: Arc<str>,
}

impl Error {
    /// An error of `kind`, described by `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into().into() }
    }

    /// What the caller should do.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// A failure of the disk while doing `what`.
    pub(crate) fn disk(what: impl std::fmt::Display, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::Full,
            _ => ErrorKind::Storage,
        };
        Self::new(kind, format!("{what}: {error}"))
    }

    /// Bytes of `file` at `offset` that cannot be what was written.
    pub(crate) fn damaged(file: &str, offset: u64, what: impl std::fmt::Display) -> Self {
        Self::new(
            ErrorKind::Damaged,
            format!(
                "{file} is damaged at byte {offset}: {what}; refusing to start rather than lose \
                 acknowledged work: replace this node by an empty one, or restore a backup"
            ),
        )
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Full => io::ErrorKind::StorageFull,
            ErrorKind::Damaged => io::ErrorKind::InvalidData,
            ErrorKind::Invalid => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}
