//! The policies a task may choose: misfire, overlap, delivery and retry.

use crate::task::id::InvalidField;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What happens to occurrences that were missed while nobody could fire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misfire {
    /// The latest of them runs, once; the others are recorded as skipped.
    #[default]
    FireOnce,
    /// Each of them runs, in order and paced.
    FireAll,
    /// None of them runs; each is recorded as skipped.
    Skip,
}

impl Misfire {
    /// How far back missed occurrences are made up for unless the task says otherwise: a year,
    /// or an hour with [`Misfire::FireAll`].
    #[must_use]
    pub const fn default_window(self) -> Duration {
        match self {
            Self::FireAll => Duration::from_secs(3_600),
            Self::FireOnce | Self::Skip => Duration::from_secs(365 * 86_400),
        }
    }
}

/// What happens when a run is due and an earlier one has not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// They run side by side.
    #[default]
    Allow,
    /// The occurrence is recorded as skipped.
    Skip,
    /// One occurrence waits for the earlier run to end; further ones are skipped.
    Queue,
}

/// How often a run may be attempted at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMode {
    /// Until it succeeds or the retry policy is exhausted; an attempt whose result was lost with
    /// its sender is repeated.
    #[default]
    AtLeastOnce,
    /// One attempt, whatever becomes of it.
    AtMostOnce,
}

/// When a failed attempt is repeated: exponentially later each time, with jitter.
///
/// ```
/// use xcron_core::RetryPolicy;
///
/// let retry = RetryPolicy { max_attempts: 5, ..RetryPolicy::default() };
/// assert!(retry.check().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Attempts in all, the first one included: 1 to 100.
    pub max_attempts: u32,
    /// Seconds before the second attempt: 1 to 86,400.
    pub min_backoff_seconds: u32,
    /// The most seconds between two attempts: at least `min_backoff_seconds`, at most 86,400.
    pub max_backoff_seconds: u32,
    /// Seconds after a run's claim beyond which it is not attempted again: 1 to a year.
    pub max_age_seconds: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            min_backoff_seconds: 1,
            max_backoff_seconds: 300,
            max_age_seconds: 86_400,
        }
    }
}

impl RetryPolicy {
    /// Checks the bounds of every field.
    ///
    /// # Errors
    /// Names the first field out of bounds.
    pub fn check(&self) -> Result<(), InvalidField> {
        within("retry.max_attempts", self.max_attempts.into(), 1, 100)?;
        within("retry.min_backoff_seconds", self.min_backoff_seconds.into(), 1, 86_400)?;
        let min = u64::from(self.min_backoff_seconds);
        within("retry.max_backoff_seconds", self.max_backoff_seconds.into(), min, 86_400)?;
        within("retry.max_age_seconds", self.max_age_seconds.into(), 1, 365 * 86_400)
    }
}

/// Refuses a `value` of `field` outside `min..=max`.
pub(crate) fn within(
    field: &'static str,
    value: u64,
    min: u64,
    max: u64,
) -> Result<(), InvalidField> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(InvalidField::new(field, format!("is {value}, expected {min} to {max}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_policy_is_refused_just_outside_its_bounds() {
        let base = RetryPolicy::default();
        let cases = [
            (RetryPolicy { max_attempts: 0, ..base }, false),
            (RetryPolicy { max_attempts: 1, ..base }, true),
            (RetryPolicy { max_attempts: 100, ..base }, true),
            (RetryPolicy { max_attempts: 101, ..base }, false),
            (RetryPolicy { min_backoff_seconds: 0, ..base }, false),
            (RetryPolicy { min_backoff_seconds: 301, ..base }, false),
            (RetryPolicy { min_backoff_seconds: 300, ..base }, true),
            (RetryPolicy { max_backoff_seconds: 86_400, ..base }, true),
            (RetryPolicy { max_backoff_seconds: 86_401, ..base }, false),
            (RetryPolicy { max_age_seconds: 0, ..base }, false),
        ];
        for (policy, good) in cases {
            assert_eq!(policy.check().is_ok(), good, "{policy:?}");
        }
    }
}
