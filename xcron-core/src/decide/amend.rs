//! What somebody's wish makes of a task that exists, and why it may be refused.

use crate::Timestamp;
use crate::decide::AdmitError;
use crate::task::definition::TaskDefinition;
use crate::task::id::InvalidField;
use crate::task::state::{OPEN_RUNS_MAX, RunRecord, TaskState};
use std::sync::Arc;

/// When a wish is decided on, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    /// The present instant.
    pub now: Timestamp,
    /// The node that decides, for the history.
    pub node: u64,
}

impl By {
    /// Decided at `now` by the node with this number.
    #[must_use]
    pub const fn new(now: Timestamp, node: u64) -> Self {
        Self { now, node }
    }
}

/// What a task is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amended {
    /// Its new state; equal to the old one when there is nothing to change.
    pub state: TaskState,
    /// Occurrences that ended with this, oldest first.
    pub ended: Vec<RunRecord>,
    /// Its new definition, if it gets one.
    pub definition: Option<Arc<TaskDefinition>>,
}

impl Amended {
    /// Another state, and nothing else.
    pub(super) const fn state(state: TaskState) -> Self {
        Self { state, ended: Vec::new(), definition: None }
    }
}

/// Why a task is not changed as somebody wished.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmendError {
    /// A field is out of bounds.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// The new definition would not be admitted.
    #[error(transparent)]
    Refused(#[from] AdmitError),
    /// The task has another version than the wish names.
    #[error("version is {expected}, but the task has version {current}")]
    Version {
        /// The version that was named.
        expected: u64,
        /// The version that the task has.
        current: u64,
    },
    /// The task cannot run any more.
    #[error("the task is finished, expected one that is active or paused")]
    Finished,
    /// As many runs are open as a task may have.
    #[error("{OPEN_RUNS_MAX} runs of the task are open, the most allowed")]
    Full,
    /// More occurrences of the present schedule are due than runs may be open; they come first.
    #[error("more runs of the present schedule are due than may be open, and have not begun")]
    Busy,
    /// A one-shot was moved to a time up to which everything is decided already.
    #[error("format names a time up to which the task has run already, expected a later one")]
    Decided,
    /// The named run did not fail, or is not kept any more.
    #[error("there is no failed run {0:?}")]
    NotFailed(String),
}
