//! One task as it is kept: its parts as bytes, and what the indexes need in the clear.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use xcron_core::store::FAILED_RUNS_MAX;
use xcron_core::task::attempt::runs_with_attempts;
use xcron_core::task::state::{
    Counters, Holder, OPEN_RUNS_MAX, OpenRun, Phase, RunEnd, TaskState, TaskStatus,
};
use xcron_core::{Occurrence, Revision, Task, TaskId, TaskWithHistory, Timestamp};

use crate::wire::change::Keeping;
use crate::wire::{Unreadable, definition, record, state};

/// Records of runs, newest first.
type Runs = Box<[Arc<[u8]>]>;

/// What is kept of the runs of a task that have ended.
#[derive(Debug, Clone, Default)]
struct Kept {
    history: Runs,
    /// Failed runs that are kept apart; none of the history then.
    failed: Runs,
}

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
    /// Apart, because most tasks have none.
    kept: Option<Box<Kept>>,
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
    let Counters { skipped_misfire, skipped_overlap, skipped_paused, .. } = state.counters;
    let Counters { skipped_dst, manual, .. } = state.counters;
    let runs = [claimed, succeeded, failed, unknown, cancelled, manual];
    let skipped = [skipped_misfire, skipped_overlap, skipped_paused, skipped_dst];
    if runs
        .into_iter()
        .chain(skipped)
        .chain([state.version, state.expected_before])
        .any(|count| count > TASK_COUNT_MAX)
    {
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
    /// A task of which no run has ended.
    pub(crate) const fn new(definition: Arc<[u8]>, state: Box<[u8]>, revision: u64) -> Self {
        Self { definition, state, revision, kept: None }
    }

    /// The same, and these runs of it are kept.
    pub(crate) fn keeping(self, history: Runs, failed: Runs) -> Self {
        let is_any = !history.is_empty() || !failed.is_empty();
        Self { kept: is_any.then(|| Box::new(Kept { history, failed })), ..self }
    }

    /// The runs that have ended, newest first.
    pub(crate) fn history(&self) -> &[Arc<[u8]>] {
        self.kept.as_ref().map_or(&[], |kept| &kept.history)
    }

    /// Failed runs that are kept apart, newest first; none of the history then.
    pub(crate) fn failed(&self) -> &[Arc<[u8]>] {
        self.kept.as_ref().map_or(&[], |kept| &kept.failed)
    }

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
        let read = |kept: &[Arc<[u8]>]| {
            kept.iter().map(|bytes| record::decode(bytes)).collect::<Result<Vec<_>, _>>()
        };
        let mut history = read(self.failed())?;
        history.extend(read(self.history())?);
        if !self.failed().is_empty() {
            history.sort_by_key(|record| Reverse(record.ended_at));
        }
        Ok(TaskWithHistory { task: self.task(id)?, history })
    }

    /// The same with the failed runs of its history kept apart, as they are from a newer format on;
    /// none if there are none.
    pub(crate) fn with_failed_apart(&self) -> Result<Option<Self>, Unreadable> {
        let (mut failed, mut others) = (self.failed().to_vec(), Vec::new());
        for bytes in self.history() {
            let is_failed = record::decode(bytes)?.end == RunEnd::Failed;
            let kept = if is_failed { &mut failed } else { &mut others };
            kept.push(bytes.clone());
        }
        if failed.len() == self.failed().len() {
            return Ok(None);
        }
        failed.truncate(FAILED_RUNS_MAX);
        Ok(Some(self.clone().keeping(others.into(), failed.into())))
    }

    /// What is kept of the runs once `ended` (oldest first) have ended: the history, and the failed
    /// runs that are kept apart.
    pub(crate) fn remember(
        &self,
        ended: &[bytes::Bytes],
        keeping: Keeping,
    ) -> Result<(Runs, Runs), Unreadable> {
        let (mut failed, mut others) = (Vec::new(), Vec::new());
        let mut ends = Vec::new();
        for bytes in ended.iter().rev() {
            let run = record::decode(bytes)?;
            let is_apart = keeping.failed_max > 0 && run.end == RunEnd::Failed;
            let kept = if is_apart { &mut failed } else { &mut others };
            kept.push(Arc::from(&bytes[..]));
            ends.push((run.occurrence, run.ended_at));
        }
        others.extend(self.history().iter().cloned());
        others.truncate(keeping.history_max as usize);
        let Some(now) = ends.iter().map(|(_, ended_at)| *ended_at).max() else {
            return Ok((others.into(), self.failed().into()));
        };
        bound_attempts(&mut others, keeping.other_attempts_kib_max)?;
        let expired = now.minus(Duration::from_secs(keeping.failed_retention_s));
        for bytes in self.failed() {
            let old = record::decode(bytes)?;
            let is_again = ends.iter().any(|(occurrence, _)| *occurrence == old.occurrence);
            if !is_again && old.ended_at >= expired {
                failed.push(bytes.clone());
            }
        }
        failed.truncate(keeping.failed_max as usize);
        bound_attempts(&mut failed, keeping.failed_attempts_kib_max)?;
        Ok((others.into(), failed.into()))
    }
}

/// Lets go of the attempts of all of these runs but the newest ones, which may take so much.
fn bound_attempts(newest_first: &mut [Arc<[u8]>], kib_max: u32) -> Result<(), Unreadable> {
    if kib_max == 0 {
        // There are none in a cluster of an earlier format.
        return Ok(());
    }
    let bytes = newest_first.iter().map(|run| record::attempts_bytes(run));
    let bytes = bytes.collect::<Result<Vec<_>, _>>()?;
    let kept = runs_with_attempts(bytes.iter().copied(), kib_max as usize * 1_024);
    for (run, bytes) in newest_first.iter_mut().zip(bytes).skip(kept) {
        if bytes > 0 {
            let mut thinned = record::decode(run)?;
            thinned.forget_attempts();
            *run = record::encode(&thinned).into();
        }
    }
    Ok(())
}
