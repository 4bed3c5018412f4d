//! Names: of a task, of an occurrence, and of the run that an occurrence becomes.

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The most bytes that a task id may have.
pub const TASK_ID_BYTES_MAX: usize = 128;

/// The name of a task, chosen by whoever creates it: 1 to 128 of `[A-Za-z0-9._:-]`.
///
/// ```
/// use xcron_core::TaskId;
///
/// let id = TaskId::parse("billing:daily")?;
/// assert_eq!(id.as_str(), "billing:daily");
/// assert!(TaskId::parse("not a task id").is_err());
/// # Ok::<(), xcron_core::InvalidField>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(Arc<str>);

impl TaskId {
    /// Parses a task id.
    ///
    /// # Errors
    /// When `text` is empty, longer than 128 bytes or holds any other character.
    pub fn parse(text: &str) -> Result<Self, InvalidField> {
        Self::check(text.as_bytes())?;
        Ok(Self(text.into()))
    }

    /// Checks that [`TaskId::parse`] takes this text, whose bytes these are.
    ///
    /// ```
    /// use xcron_core::TaskId;
    ///
    /// assert!(TaskId::check(b"billing:daily").is_ok());
    /// assert!(TaskId::check(b"not a task id").is_err());
    /// ```
    ///
    /// # Errors
    /// When it does not.
    pub fn check(text: &[u8]) -> Result<(), InvalidField> {
        let fits = (1..=TASK_ID_BYTES_MAX).contains(&text.len());
        let known = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
        if fits && text.iter().all(known) {
            return Ok(());
        }
        let shown: String = String::from_utf8_lossy(text).chars().take(40).collect();
        Err(InvalidField::new(
            "task_id",
            format!("is {shown:?}, expected 1 to {TASK_ID_BYTES_MAX} of [A-Za-z0-9._:-]"),
        ))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// What a run answers to: a time of the schedule, or a request to run now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occurrence {
    /// The schedule named this instant.
    At(Timestamp),
    /// The n-th manual run of the task, asked for at an instant beside the schedule.
    Manual {
        /// Counts the manual runs of the task from 1.
        number: u64,
        /// When it was asked for.
        at: Timestamp,
    },
}

impl Occurrence {
    /// The instant that the occurrence stands for, before any jitter.
    #[must_use]
    pub const fn time(self) -> Timestamp {
        match self {
            Self::At(time) | Self::Manual { at: time, .. } => time,
        }
    }
}

/// The name of a run: a function of the task and the occurrence, so that every attempt, every
/// node and every restart gives a run the same name.
///
/// ```
/// use xcron_core::{Occurrence, RunId, TaskId, Timestamp};
///
/// let task = TaskId::parse("billing")?;
/// let run = RunId::new(task, Occurrence::At(Timestamp::from_secs(1_700_000_000)));
/// assert_eq!(run.to_string(), "billing@1700000000");
/// # Ok::<(), xcron_core::InvalidField>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId {
    task: TaskId,
    occurrence: Occurrence,
}

impl RunId {
    /// The name of the run that `occurrence` of `task` becomes.
    #[must_use]
    pub const fn new(task: TaskId, occurrence: Occurrence) -> Self {
        Self { task, occurrence }
    }

    /// The task that runs.
    #[must_use]
    pub const fn task(&self) -> &TaskId {
        &self.task
    }

    /// The occurrence that runs.
    #[must_use]
    pub const fn occurrence(&self) -> Occurrence {
        self.occurrence
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.occurrence {
            Occurrence::At(time) => write!(f, "{}@{}", self.task, time.as_secs()),
            Occurrence::Manual { number, .. } => write!(f, "{}@manual-{number}", self.task),
        }
    }
}

/// A value from outside that was refused: which field, what was wrong, what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct InvalidField {
    field: &'static str,
    problem: String,
}

impl InvalidField {
    /// `problem` continues a sentence that begins with the field's name.
    #[must_use]
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }

    /// The field's name as users write it.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_id_has_1_to_128_characters_of_its_alphabet() {
        for good in ["a", "A-b_c.d:9", &"x".repeat(128)] {
            assert!(TaskId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " ", "a b", "a@b", "ä", "a/b", "a\n", &"x".repeat(129)] {
            assert!(TaskId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_scheduled_and_a_manual_run_never_share_a_name() {
        let task = TaskId::parse("t").expect("a good id");
        let at = Timestamp::from_secs(7);
        let scheduled = RunId::new(task.clone(), Occurrence::At(at));
        let manual = RunId::new(task, Occurrence::Manual { number: 7, at });
        assert_ne!(scheduled.to_string(), manual.to_string());
    }
}
