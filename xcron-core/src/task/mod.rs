//! The vocabulary: tasks, their definitions and states, occurrences, runs and policies.

pub mod attempt;
pub mod callback;
pub mod definition;
pub mod id;
pub mod policy;
pub mod state;

use crate::Timestamp;
use definition::TaskDefinition;
use id::TaskId;
use serde::{Deserialize, Serialize};
use state::{RunRecord, TaskState};
use std::sync::Arc;

/// A point in a store's total order of changes; the store counts it up with every change, so a
/// later change of any task has a greater one, also after the task was deleted and recreated.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// A task as a store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its name.
    pub id: TaskId,
    /// What its owner decided.
    pub definition: Arc<TaskDefinition>,
    /// What it has come to.
    pub state: TaskState,
    /// The change that made it what it is; a decision on this task names it.
    pub revision: Revision,
}

impl Task {
    /// Whether somebody must decide something about this task at `now`.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.state.due_at.is_some_and(|at| at <= now)
    }
}

/// A task together with the history of its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskWithHistory {
    /// The task.
    pub task: Task,
    /// How its latest occurrences ended, newest first.
    pub history: Vec<RunRecord>,
}
