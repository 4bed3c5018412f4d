//! How targets answer: half of the load goes to some that do not behave.

/// What a target does with a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Manner {
    /// Answers 200 at once.
    Prompt,
    /// Answers 200 after a while.
    Slow,
    /// Nobody listens there.
    Dead,
    /// Resets the connection once it has read the request.
    Reset,
    /// Resets the connection before it reads anything.
    Abrupt,
    /// Reads the request and never answers.
    Hang,
    /// Answers one byte a second.
    Trickle,
    /// Answers 500.
    Broken,
    /// Answers 429 with a `retry-after` of a second.
    Busy,
    /// Answers 302.
    Elsewhere,
    /// Answers 200 with more than anybody wants to read.
    Long,
    /// Answers 410.
    Gone,
}

impl Manner {
    /// All of them.
    pub(crate) const ALL: [Self; 12] = [
        Self::Prompt,
        Self::Slow,
        Self::Dead,
        Self::Reset,
        Self::Abrupt,
        Self::Hang,
        Self::Trickle,
        Self::Broken,
        Self::Busy,
        Self::Elsewhere,
        Self::Long,
        Self::Gone,
    ];

    /// Those that do not behave.
    pub(crate) const BAD: [Self; 10] = [
        Self::Dead,
        Self::Reset,
        Self::Abrupt,
        Self::Hang,
        Self::Trickle,
        Self::Broken,
        Self::Busy,
        Self::Elsewhere,
        Self::Long,
        Self::Gone,
    ];

    /// Whether whatever reaches it is seen.
    pub(crate) const fn is_observed(self) -> bool {
        !matches!(self, Self::Dead | Self::Abrupt)
    }

    /// The answer's word in a history.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Prompt | Self::Slow | Self::Long => "200",
            Self::Dead => "dead",
            Self::Reset | Self::Abrupt => "reset",
            Self::Hang => "hang",
            Self::Trickle => "trickle",
            Self::Broken => "500",
            Self::Busy => "429",
            Self::Elsewhere => "302",
            Self::Gone => "410",
        }
    }

    /// The head of the answer, if it gives one.
    pub(crate) const fn head(self) -> Option<&'static str> {
        match self {
            Self::Prompt | Self::Slow => Some("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
            Self::Long => Some("HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n"),
            Self::Broken => Some("HTTP/1.1 500 Broken\r\ncontent-length: 6\r\n\r\nbroken"),
            Self::Busy => Some(
                "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
            ),
            Self::Elsewhere => Some(
                "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            ),
            Self::Gone => Some("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"),
            Self::Trickle => Some("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
            Self::Dead | Self::Reset | Self::Abrupt | Self::Hang => None,
        }
    }
}
