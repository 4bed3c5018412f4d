//! Why a schedule is refused.

use thiserror::Error;

/// What is wrong with a schedule, so that a caller can tell the three cases apart.
///
/// ```
/// use xcron_core::schedule::{DstFold, DstGap, Schedule, ScheduleErrorKind};
///
/// let refused = Schedule::cron("0 9 * * *", "Mars/Olympus", DstGap::Shift, DstFold::First);
/// assert_eq!(refused.unwrap_err().kind(), ScheduleErrorKind::Timezone);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScheduleErrorKind {
    /// The expression cannot be read.
    Expression,
    /// The time zone is not one of the IANA database.
    Timezone,
    /// The expression can be read, but no date ever matches it.
    NeverFires,
}

/// A schedule that was refused; its text says in which field, at which words, and what was
/// expected there.
///
/// ```
/// use xcron_core::schedule::{DstFold, DstGap, Schedule, ScheduleErrorKind};
///
/// let refused = Schedule::cron("0 25 * * *", "UTC", DstGap::Shift, DstFold::First).unwrap_err();
/// assert_eq!(refused.kind(), ScheduleErrorKind::Expression);
/// assert_eq!(refused.to_string(), "hour: `25` is out of range, expected 0 to 23");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ScheduleError {
    kind: ScheduleErrorKind,
    message: String,
}

impl ScheduleError {
    /// Which of the three cases this is.
    #[must_use]
    pub fn kind(&self) -> ScheduleErrorKind {
        self.kind
    }

    pub(super) fn expression(message: String) -> Self {
        Self { kind: ScheduleErrorKind::Expression, message }
    }

    pub(super) fn timezone(message: String) -> Self {
        Self { kind: ScheduleErrorKind::Timezone, message }
    }

    pub(super) fn never_fires(message: String) -> Self {
        Self { kind: ScheduleErrorKind::NeverFires, message }
    }
}

/// `text` as it may stand in a message: in backquotes, without control characters, cut short.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN_MAX: usize = 64;
    let shown: String = text.chars().take(SHOWN_MAX).flat_map(char::escape_default).collect();
    let rest = if text.chars().nth(SHOWN_MAX).is_some() { "..." } else { "" };
    format!("`{shown}{rest}`")
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_quoted_text_is_short_and_printable() {
        assert_eq!(quoted("1,,2"), "`1,,2`");
        assert_eq!(quoted("a\u{0}\n"), "`a\\u{0}\\n`");
        assert_eq!(quoted(&"7".repeat(65)), format!("`{}...`", "7".repeat(64)));
    }
}
