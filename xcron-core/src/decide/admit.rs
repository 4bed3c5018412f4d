//! Admission: from what somebody wants to a task with its first occurrence.

use crate::Timestamp;
use crate::decide::conclude;
use crate::decide::occurrences::Occurrences;
use crate::schedule::{Calendar, Schedule};
use crate::task::definition::NewTask;
use crate::task::id::InvalidField;
use crate::task::state::{Counters, TaskState, TaskStatus};
use std::time::Duration;

/// How late a one-shot may be asked for; it then fires at once.
pub const LATE_MAX: Duration = Duration::from_secs(60);

/// Why a task is not admitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// A field is out of bounds.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// A one-shot's time is too long past.
    #[error(
        "format is {} seconds in the past, expected at most {} seconds",
        .late.as_secs(),
        LATE_MAX.as_secs()
    )]
    Past {
        /// How long past.
        late: Duration,
    },
    /// The schedule has no occurrence within the task's start and end.
    #[error("format never fires between start_time and end_time")]
    NeverFires,
}

/// The state in which `task` begins when it is created at `now`.
///
/// # Errors
/// When a field is out of bounds, a one-shot is more than [`LATE_MAX`] late, or the schedule has
/// no occurrence left.
pub fn admit(task: &NewTask, calendar: &Calendar, now: Timestamp) -> Result<TaskState, AdmitError> {
    let definition = &task.definition;
    definition.check()?;
    let mut decided_until = now;
    if let Schedule::Once(at) = definition.schedule {
        decided_until = late_start(at, now)?;
    }
    let next = Occurrences::new(calendar, definition).next_after(decided_until);
    if next.is_none() {
        return Err(AdmitError::NeverFires);
    }
    let status = if task.paused { TaskStatus::Paused } else { TaskStatus::Active };
    let mut state = TaskState {
        status,
        created_at: now,
        finished_at: None,
        version: 1,
        decided_until,
        next,
        deferred_until: None,
        due_at: None,
        runs: Vec::new(),
        counters: Counters::default(),
        note: None,
        scheduled_since: None,
        expected_before: 0,
    };
    conclude(&mut state, definition, task.id.as_str(), now);
    Ok(state)
}

/// Up to when everything counts as decided for a one-shot at `at` that is asked for at `now`.
pub(super) fn late_start(at: Timestamp, now: Timestamp) -> Result<Timestamp, AdmitError> {
    let late = now.since(at);
    // In whole seconds, as one-shots are given: 60 seconds late is still in time.
    if late.as_secs() > LATE_MAX.as_secs() {
        return Err(AdmitError::Past { late });
    }
    Ok(now.min(at.minus(Duration::from_millis(1))))
}
