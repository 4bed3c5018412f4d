//! One task as it is kept: its parts as bytes, and what the indexes need in the clear.

use std::sync::Arc;

use xcron_core::task::state::{
    Counters, Holder, OPEN_RUNS_MAX, OpenRun, Phase, TaskState, TaskStatus,
};
use xcron_core::{Occurrence, Revision, Task, TaskId, TaskWithHistory, Timestamp};

use crate::wire::{Unreadable, definition, record, state};

/// The greatest number of a task's counters: all of them together stay in range.
const TASK_COUNT_MAX: u64 = 1 << 56;

/// The most attempts of a run: one a second for a hundred years are fewer.
const ATTEMPTS_MAX: u32 = u32::MAX - 1_000;

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
        Ok(Self::of_state(&state::decode(bytes)?))
    }

    /// The keys of `state`.
    pub(crate) fn of_state(state: &TaskState) -> Self {
        let TaskState { status, due_at, finished_at, ref runs, .. } = *state;
        let holder = |phase| match phase {
            Phase::Sending { holder, .. } => Some(holder),
            Phase::Queued | Phase::Waiting { .. } => None,
        };
        let mut holders: Vec<Holder> = runs.iter().filter_map(|run| holder(run.phase)).collect();
        holders.sort_unstable();
        holders.dedup();
        Self { status, due_at, finished_at, holders }
    }
}

/// What of `state` cannot be, if anything: the next decision about the task would panic at it.
pub(crate) fn check(state: &TaskState) -> Result<(), &'static str> {
    let Counters { claimed, succeeded, failed, unknown, cancelled, .. } = state.counters;
    let Counters { skipped_misfire, skipped_overlap, skipped_paused, manual, .. } = state.counters;
    let runs = [claimed, succeeded, failed, unknown, cancelled, manual];
    let skipped = [skipped_misfire, skipped_overlap, skipped_paused];
    if runs.into_iter().chain(skipped).chain([state.version]).any(|count| count > TASK_COUNT_MAX) {
        return Err("has a counter that no task reaches");
    }
    if state.next.is_some_and(|next| next <= state.decided_until) {
        return Err("has decided about its next occurrence already");
    }
    if state.runs.len() > OPEN_RUNS_MAX {
        return Err("has too many open runs");
    }
    for (number, run) in state.runs.iter().enumerate() {
        if run.attempt.max(run.lost) > ATTEMPTS_MAX {
            return Err("has a run of more attempts than can be made");
        }
        let is_again = |other: &OpenRun| other.occurrence == run.occurrence;
        if state.runs[..number].iter().any(is_again) {
            return Err("has a run twice");
        }
        if matches!(run.occurrence, Occurrence::At(at) if at > state.decided_until) {
            return Err("has a run that was never decided");
        }
    }
    Ok(())
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
