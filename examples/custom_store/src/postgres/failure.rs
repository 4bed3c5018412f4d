//! What an error of PostgreSQL means to whoever called the store.

use postgres::error::SqlState;
use xcron_core::{Effect, StoreError, StoreErrorKind};

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Failure {
    Sql(postgres::Error),
    /// A row holds what this version cannot read.
    Row(serde_json::Error),
    /// The connection was lost, or did not answer in time.
    Over,
    /// The commit was sent and not answered.
    Unanswered(postgres::Error),
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Row(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        let message = match &failure {
            Failure::Sql(error) => format!("the database failed: {}", text(error)),
            Failure::Row(error) => format!("a row cannot be read: {error}"),
            Failure::Over => "the connection to the database is lost: open another store".into(),
            Failure::Unanswered(error) => format!("a commit was not answered: {}", text(error)),
        };
        Self::new(failure.kind(), failure.effect(), message)
    }
}

impl Failure {
    const fn effect(&self) -> Effect {
        // A transaction that did not reach its commit is rolled back: nothing happened.
        match self {
            Self::Unanswered(_) => Effect::Unknown,
            Self::Sql(_) | Self::Row(_) | Self::Over => Effect::None,
        }
    }

    /// Somebody else's lock, a full disk and too little memory pass, and so does what was cut
    /// short because it took too long; anything else is for a human to look at.
    fn kind(&self) -> StoreErrorKind {
        const PASSING: [&str; 3] = ["40", "53", "55"];
        let (Self::Sql(error) | Self::Unanswered(error)) = self else {
            return StoreErrorKind::Fatal;
        };
        let passes = |code: &SqlState| {
            *code == SqlState::QUERY_CANCELED
                || PASSING.iter().any(|class| code.code().starts_with(class))
        };
        match error.code() {
            Some(code) if passes(code) => StoreErrorKind::Unavailable,
            _ => StoreErrorKind::Fatal,
        }
    }
}

/// What the server said, which the client only shows as the source of its own error.
fn text(error: &postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |said| said.message().to_owned())
}
