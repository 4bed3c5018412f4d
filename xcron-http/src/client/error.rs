//! Why a call came to nothing, told apart by what the caller can do about it.

use std::time::Duration;
use xcron_core::Effect;

/// Why a call came to nothing.
///
/// ```
/// use xcron_http::client::{Client, ClientError};
///
/// let refused = Client::new("127.0.0.1:8000").unwrap_err();
/// assert!(matches!(refused, ClientError::Settings(_)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The client was made with something that cannot be meant.
    #[error("{0}")]
    Settings(String),
    /// Nobody could be asked, so nothing was done.
    #[error("cannot connect to {url}: {problem}; is the server running there?")]
    Unreachable {
        /// Whom it was meant for.
        url: String,
        /// What went wrong.
        problem: String,
    },
    /// It was sent, and no whole answer came: a change may have been made.
    #[error("no answer from {url}: {problem}; a change that was asked for may have been made")]
    Unanswered {
        /// Who was asked.
        url: String,
        /// What went wrong.
        problem: String,
    },
    /// The server understood and said no.
    #[error("{0}")]
    Refused(Refused),
    /// What came back is not what this server answers: somebody else's, or too long.
    #[error(
        "the answer of {url} is not understood: {problem}; is that an xcron server of a version \
         that this client knows?"
    )]
    NotUnderstood {
        /// Who answered.
        url: String,
        /// What was wrong with the answer.
        problem: String,
    },
}

impl ClientError {
    /// The code with which the server said no, if it did.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Refused(refused) => Some(refused.code),
            _ => None,
        }
    }
}

/// What a server says when it says no.
///
/// ```
/// use xcron_http::client::Refused;
///
/// let refused = Refused::new(1404, "there is no task \"a\"");
/// assert_eq!(refused.to_string(), "there is no task \"a\" (code 1404)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (code {code})")]
#[non_exhaustive]
pub struct Refused {
    /// The code of the contract, from 1000.
    pub code: u16,
    /// What was wrong and what was expected.
    pub message: String,
    /// Whether a change may have been made all the same; only some codes leave that open.
    pub effect: Option<Effect>,
    /// When it is worth asking again.
    pub retry_after: Option<Duration>,
    /// The id of the request, for the server's log.
    pub request_id: String,
}

impl Refused {
    /// A refusal that leaves nothing open.
    #[must_use]
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        let (message, request_id) = (message.into(), String::new());
        Self { code, message, effect: None, retry_after: None, request_id }
    }
}
