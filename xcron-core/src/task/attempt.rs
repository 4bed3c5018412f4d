//! What is kept of each attempt of a run, and how much of it.

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most bytes of a target's answer that are kept.
pub const ANSWER_BYTES_MAX: usize = 1_024;
/// The most attempts of a run that are kept besides its last one: the newest.
pub const EARLIER_ATTEMPTS_MAX: usize = 9;
/// The most bytes that attempts of all open runs of a task take, and so those of one run: the task
/// is written with them at every claim and settle. The ones that ended first are let go.
pub const OPEN_ATTEMPTS_BYTES_MAX: usize = 4_096;
/// The most bytes that attempts of the failed runs of a task take in its history, unless those of
/// the newest take more. Of older runs only how they ended is kept.
pub const FAILED_ATTEMPTS_BYTES_MAX: usize = 16_384;
/// The same for all other runs. Every task has some, and few are ever looked at: of long answers
/// the newest remain, of short ones all.
pub const OTHER_ATTEMPTS_BYTES_MAX: usize = 2_048;

/// What an attempt takes besides its texts, about.
const ATTEMPT_BYTES: usize = 24;

/// One attempt of a run, once it has ended.
///
/// ```
/// use xcron_core::{AttemptEnd, AttemptRecord, Timestamp};
///
/// let attempt = AttemptRecord {
///     attempt: 1,
///     node: 3,
///     started_at: Timestamp::from_millis(60_000),
///     ended_at: Timestamp::from_millis(60_250),
///     end: AttemptEnd::Failed,
///     code: Some(503),
///     error: Some("answered 503 Service Unavailable: busy".into()),
///     answer: Some("busy".into()),
/// };
/// assert_eq!(attempt.latency_ms(), Some(250));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// Which attempt of the run it was, from 1.
    pub attempt: u32,
    /// The node that it was claimed by.
    pub node: u64,
    /// When it left; when it ended if nothing did; of a lost one, when it was to leave.
    pub started_at: Timestamp,
    /// When its outcome came home; of a lost one, when that was noticed.
    pub ended_at: Timestamp,
    /// What it came to.
    pub end: AttemptEnd,
    /// The dispatcher's own status code, such as an HTTP status.
    pub code: Option<u16>,
    /// What went wrong; at most [`ERROR_BYTES_MAX`](super::state::ERROR_BYTES_MAX) bytes.
    pub error: Option<Arc<str>>,
    /// The beginning of what the target answered, at most [`ANSWER_BYTES_MAX`] bytes; `None` if it
    /// said nothing.
    pub answer: Option<Arc<str>>,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    /// The target accepted it.
    Succeeded,
    /// It failed, or the target could not be reached.
    Failed,
    /// It was lost with its sender: nobody knows what it came to.
    Lost,
    /// Nothing left the node.
    NotSent,
}

impl AttemptEnd {
    /// The end's name as users read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::NotSent => "not_sent",
        }
    }
}

impl AttemptRecord {
    /// How many milliseconds it took, if its target was asked and it is known when it ended.
    #[must_use]
    pub fn latency_ms(&self) -> Option<u64> {
        match self.end {
            AttemptEnd::Succeeded | AttemptEnd::Failed => {
                let took = self.ended_at.since(self.started_at).as_millis();
                Some(u64::try_from(took).unwrap_or(u64::MAX))
            }
            AttemptEnd::Lost | AttemptEnd::NotSent => None,
        }
    }

    /// What it counts for in the limits of this module.
    #[must_use]
    pub fn bytes(&self) -> usize {
        ATTEMPT_BYTES + length(self.error.as_deref()) + length(self.answer.as_deref())
    }
}

/// Of how many of the newest runs a history keeps attempts, if those of each count for `bytes`,
/// newest first: of the newest, and of as many before it as `bytes_max` has room for.
///
/// ```
/// use xcron_core::task::attempt::runs_with_attempts;
///
/// assert_eq!(runs_with_attempts([50, 0, 40, 20, 0], 100), 3);
/// assert_eq!(runs_with_attempts([500, 1], 100), 1);
/// ```
pub fn runs_with_attempts(bytes: impl IntoIterator<Item = usize>, bytes_max: usize) -> usize {
    let mut sum = 0;
    let has_room = |(number, bytes): &(usize, usize)| {
        sum += bytes;
        *number == 0 || sum <= bytes_max
    };
    bytes.into_iter().enumerate().take_while(has_room).count()
}

/// The length of `text` in bytes, 0 without one.
pub(crate) fn length(text: Option<&str>) -> usize {
    text.map_or(0, str::len)
}

/// The first `bytes_max` bytes of `text`, cut between characters.
pub(crate) fn clip(text: &str, bytes_max: usize) -> Arc<str> {
    text[..text.floor_char_boundary(bytes_max)].into()
}

/// What is kept of the answer that begins with these bytes: its first [`ANSWER_BYTES_MAX`] bytes as
/// text. What is no text becomes U+FFFD, a character that was cut at the end is left out.
pub(crate) fn beginning(answer: &[u8]) -> Option<Arc<str>> {
    let first = &answer[..answer.len().min(ANSWER_BYTES_MAX)];
    let mut text = String::with_capacity(first.len());
    for chunk in first.utf8_chunks() {
        text.push_str(chunk.valid());
        let is_cut = |error: std::str::Utf8Error| error.error_len().is_none();
        if std::str::from_utf8(chunk.invalid()).is_err_and(|error| !is_cut(error)) {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    (!text.is_empty()).then(|| clip(&text, ANSWER_BYTES_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_as_text_cut_between_characters() {
        let long = "x".repeat(ANSWER_BYTES_MAX - 1);
        let longer = format!("{long}ü");
        let table: [(&[u8], &str); 7] = [
            (b"ok", "ok"),
            (b"a\0b\r\n", "a\0b\r\n"),
            (b"a\xffb", "a\u{fffd}b"),
            ("grün".as_bytes(), "grün"),
            (&"grün".as_bytes()[..3], "gr"),
            (longer.as_bytes(), &long),
            (&[0xff; 2_000], &"\u{fffd}".repeat(ANSWER_BYTES_MAX / 3)),
        ];
        for (bytes, text) in table {
            assert_eq!(beginning(bytes).as_deref(), Some(text), "{bytes:?}");
        }
        assert_eq!(beginning(b""), None);
    }
}
