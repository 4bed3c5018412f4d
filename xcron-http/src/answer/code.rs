//! The codes of the contract and the HTTP status that says the same.

use http::StatusCode;

/// What a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Code {
    /// Done.
    Done,
    /// The request or a field of it is not what was expected.
    Malformed,
    /// `format` cannot be read for this `type`, or never fires.
    Format,
    /// A one-shot's time is too long past.
    Past,
    /// The callback is not acceptable.
    Callback,
    /// `type` is neither 1 nor 2.
    Type,
    /// Nobody knows who asks.
    Unauthorized,
    /// Who asks may not, or not from here.
    Forbidden,
    /// No such task, run or path.
    NotFound,
    /// The path exists, but not for this method.
    MethodNotAllowed,
    /// The id is taken by another definition.
    Conflict,
    /// The request is too large.
    TooLarge,
    /// Overloaded, or at a limit.
    Overloaded,
    /// A bug, or a store that failed for good.
    Internal,
    /// No leader or no quorum now.
    Unavailable,
}

impl Code {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 15] = [
        Self::Done,
        Self::Malformed,
        Self::Format,
        Self::Past,
        Self::Callback,
        Self::Type,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::TooLarge,
        Self::Overloaded,
        Self::Internal,
        Self::Unavailable,
    ];

    /// The number in the envelope.
    pub(crate) const fn number(self) -> u16 {
        match self {
            Self::Done => 0,
            Self::Malformed => 1000,
            Self::Format => 1001,
            Self::Past => 1002,
            Self::Callback => 1003,
            Self::Type => 1020,
            Self::Unauthorized => 1401,
            Self::Forbidden => 1403,
            Self::NotFound => 1404,
            Self::MethodNotAllowed => 1405,
            Self::Conflict => 1409,
            Self::TooLarge => 1413,
            Self::Overloaded => 1429,
            Self::Internal => 1500,
            Self::Unavailable => 1503,
        }
    }

    /// The HTTP status that says the same.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Done => StatusCode::OK,
            Self::Malformed | Self::Format | Self::Past | Self::Callback | Self::Type => {
                StatusCode::BAD_REQUEST
            }
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Overloaded => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// How many seconds later it is worth asking again, for the codes that say so.
    pub(crate) const fn retry_after_seconds(self) -> Option<&'static str> {
        match self {
            Self::Overloaded | Self::Unavailable => Some("1"),
            _ => None,
        }
    }

    /// Whether the answer to a write must say if the write was done.
    pub(crate) const fn leaves_effect_open(self) -> bool {
        matches!(self, Self::Overloaded | Self::Internal | Self::Unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn the_status_says_the_same_as_the_code() {
        let table = [
            (0, 200),
            (1000, 400),
            (1001, 400),
            (1002, 400),
            (1003, 400),
            (1020, 400),
            (1401, 401),
            (1403, 403),
            (1404, 404),
            (1405, 405),
            (1409, 409),
            (1413, 413),
            (1429, 429),
            (1500, 500),
            (1503, 503),
        ];
        let codes = Code::ALL.map(|code| (code.number(), code.status().as_u16()));
        assert_eq!(codes, table);
    }
}
