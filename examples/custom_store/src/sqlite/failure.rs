//! What an error of SQLite means to whoever called the store.

use rusqlite::ErrorCode;
use std::io;
use xcron_core::{Effect, StoreError, StoreErrorKind};

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Failure {
    Sql(rusqlite::Error),
    /// A row holds what this version cannot read.
    Row(serde_json::Error),
    /// The lock of a life.
    Lock(io::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Row(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Lock(error)
    }
}

impl Failure {
    /// The error for a caller whose changes came to `effect`.
    pub(crate) fn with(self, effect: Effect) -> StoreError {
        let message = match &self {
            Self::Sql(error) => format!("the database failed: {error}"),
            Self::Row(error) => format!("a row cannot be read: {error}"),
            Self::Lock(error) => format!("the lock of this life failed: {error}"),
        };
        StoreError::new(self.kind(), effect, message)
    }

    /// Somebody else's lock and a full disk pass; anything else is for a human to look at.
    fn kind(&self) -> StoreErrorKind {
        let Self::Sql(error) = self else {
            return StoreErrorKind::Fatal;
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull) => {
                StoreErrorKind::Unavailable
            }
            _ => StoreErrorKind::Fatal,
        }
    }
}
