//! One task as it is kept: its parts as bytes, and what the indexes need in the clear.

use std::sync::Arc;

use xcron_core::task::state::{Holder, Phase, TaskState, TaskStatus};
use xcron_core::{Revision, Task, TaskId, TaskWithHistory, Timestamp};

use crate::wire::{Unreadable, definition, record, state};

/// One task. Bytes take a third of the memory of the values they stand for.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) definition: Arc<[u8]>,
    pub(crate) state: Box<[u8]>,
    pub(crate) revision: u64,
    /// Newest first.
    pub(crate) history: Box<[Arc<[u8]>]>,
}

/// What the indexes need of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) status: TaskStatus,
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) holders: Vec<Holder>,
}

impl Keys {
    /// The keys of the state whose bytes these are.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, Unreadable> {
        let TaskState { status, due_at, finished_at, runs, .. } = state::decode(bytes)?;
        let holder = |phase| match phase {
            Phase::Sending { holder, .. } => Some(holder),
            Phase::Queued | Phase::Waiting { .. } => None,
        };
        let mut holders: Vec<Holder> = runs.iter().filter_map(|run| holder(run.phase)).collect();
        holders.sort_unstable();
        holders.dedup();
        Ok(Self { status, due_at, finished_at, holders })
    }
}

impl Record {
    /// The task.
    pub(crate) fn task(&self, id: &TaskId) -> Result<Task, Unreadable> {
        Ok(Task {
            id: id.clone(),
            definition: Arc::new(definition::decode(&self.definition)?),
            state: self.task_state()?,
            revision: Revision(self.revision),
        })
    }

    /// The state of the task.
    pub(crate) fn task_state(&self) -> Result<TaskState, Unreadable> {
        state::decode(&self.state)
    }

    /// The task and its history.
    pub(crate) fn task_with_history(&self, id: &TaskId) -> Result<TaskWithHistory, Unreadable> {
        let history = self.history.iter().map(|bytes| record::decode(bytes));
        Ok(TaskWithHistory { task: self.task(id)?, history: history.collect::<Result<_, _>>()? })
    }

    /// The history with `ended` (oldest first) in front, at most `max` records.
    pub(crate) fn history_with(&self, ended: &[bytes::Bytes], max: usize) -> Box<[Arc<[u8]>]> {
        let newest = ended.iter().rev().map(|bytes| Arc::from(&bytes[..]));
        newest.chain(self.history.iter().cloned()).take(max).collect()
    }
}
