//! What a batch of changes comes to, decided on values: whoever keeps the rows reads those that
//! the batch names, and writes what came of it, in one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xcron_core::store::{COMMIT_CHANGES_MAX, FAILED_RUNS_MAX};
use xcron_core::task::attempt::{FAILED_ATTEMPTS_BYTES_MAX, OTHER_ATTEMPTS_BYTES_MAX};
use xcron_core::{Change, Committed, Conflict, Effect, Phase, Revision, RunEnd, RunRecord};
use xcron_core::{StoreError, StoreErrorKind, TaskCounts, TaskDefinition, TaskId, TaskState};
use xcron_core::{TaskStatus, Timestamp};

/// A task as the batch finds it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) revision: Revision,
    pub(crate) status: TaskStatus,
    /// Newest first; needed only of a task with [`ended`] occurrences.
    pub(crate) history: Vec<RunRecord>,
}

/// A task to write; what is `None` stays as it is.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) id: TaskId,
    pub(crate) revision: Revision,
    pub(crate) definition: Option<Arc<TaskDefinition>>,
    pub(crate) state: TaskState,
    pub(crate) history: Option<Vec<RunRecord>>,
}

/// Everything to write: `deleted` goes first, because some of it may have been created anew.
#[derive(Debug)]
pub(crate) struct Writes {
    pub(crate) committed: Vec<Committed>,
    pub(crate) newest: Revision,
    pub(crate) counts: TaskCounts,
    pub(crate) deleted: Vec<TaskId>,
    pub(crate) written: Vec<Written>,
}

/// A row while the batch is applied.
#[derive(Debug)]
struct Row {
    found: Found,
    definition: Option<Arc<TaskDefinition>>,
    state: Option<TaskState>,
    remembers: bool,
}

#[derive(Debug)]
struct Batch {
    rows: BTreeMap<TaskId, Row>,
    deleted: BTreeSet<TaskId>,
    newest: Revision,
    counts: TaskCounts,
    history_max: usize,
}

/// Refuses more changes than a commit may have.
pub(crate) fn bound(changes: &[Change]) -> Result<(), StoreError> {
    if changes.len() > COMMIT_CHANGES_MAX {
        let message = format!("{} changes, at most {COMMIT_CHANGES_MAX}", changes.len());
        return Err(StoreError::new(StoreErrorKind::Overloaded, Effect::None, message));
    }
    Ok(())
}

/// The tasks that `changes` name, each once; with whether an occurrence ended, so that the history
/// is needed.
pub(crate) fn named(changes: &[Change]) -> BTreeMap<&TaskId, bool> {
    let mut named = BTreeMap::new();
    for change in changes {
        let ends = matches!(change, Change::Put { ended, .. } if !ended.is_empty());
        *named.entry(change.id()).or_default() |= ends;
    }
    named
}

/// Applies `changes` in order, each that does not conflict with the next revision after `newest`,
/// to the tasks `found`, of which there are `counts` with all others.
pub(crate) fn apply(
    changes: Vec<Change>,
    found: BTreeMap<TaskId, Found>,
    newest: Revision,
    counts: TaskCounts,
    history_max: usize,
) -> Writes {
    let row = |found| Row { found, definition: None, state: None, remembers: false };
    let rows = found.into_iter().map(|(id, found)| (id, row(found))).collect();
    let mut batch = Batch { rows, deleted: BTreeSet::new(), newest, counts, history_max };
    let committed = changes.into_iter().map(|change| batch.change(change)).collect();
    let Batch { rows, deleted, newest, counts, .. } = batch;
    let written = rows.into_iter().filter_map(|(id, row)| {
        let history = row.remembers.then_some(row.found.history);
        let (revision, definition) = (row.found.revision, row.definition);
        Some(Written { id, revision, definition, state: row.state?, history })
    });
    let written = written.collect();
    Writes { committed, newest, counts, deleted: deleted.into_iter().collect(), written }
}

impl Batch {
    fn change(&mut self, change: Change) -> Committed {
        let row = self.rows.get_mut(change.id());
        let current = row.as_ref().map(|row| row.found.revision);
        if let Some(conflict) = conflict(&change, current) {
            return Err(conflict);
        }
        let revision = Revision(self.newest.0 + 1);
        self.newest = revision;
        if let Some(row) = &row {
            *counter(&mut self.counts, row.found.status) -= 1;
        }
        match change {
            Change::Create { id, definition, state } => {
                *counter(&mut self.counts, state.status) += 1;
                let found = Found { revision, status: state.status, history: Vec::new() };
                let (definition, state) = (Some(definition), Some(state));
                self.rows.insert(id, Row { found, definition, state, remembers: true });
            }
            Change::Put { definition, state, ended, .. } => {
                *counter(&mut self.counts, state.status) += 1;
                let row = row.expect("a task that is missing conflicts");
                row.found.revision = revision;
                row.found.status = state.status;
                row.definition = definition.or(row.definition.take());
                row.state = Some(state);
                row.remembers |= !ended.is_empty();
                remember(&mut row.found.history, ended, self.history_max);
            }
            Change::Delete { id, .. } => {
                self.rows.remove(&id);
                self.deleted.insert(id);
            }
        }
        Ok(revision)
    }
}

/// Why `change` does not happen to a task that is at the revision `current`.
fn conflict(change: &Change, current: Option<Revision>) -> Option<Conflict> {
    let expected = match change {
        Change::Create { .. } => return current.map(|_| Conflict::Exists),
        Change::Put { expected, .. } => Some(*expected),
        Change::Delete { expected, .. } => *expected,
    };
    match current {
        None => Some(Conflict::Missing),
        Some(current) if expected.is_none_or(|expected| expected == current) => None,
        Some(current) => Some(Conflict::Stale { current }),
    }
}

const fn counter(counts: &mut TaskCounts, status: TaskStatus) -> &mut u64 {
    match status {
        TaskStatus::Active => &mut counts.active,
        TaskStatus::Paused => &mut counts.paused,
        TaskStatus::Finished => &mut counts.finished,
    }
}

/// Adds `ended` to a history, newest first, and forgets what exceeds the limits: one for failed
/// runs, one for all others. A failed run that ends again is forgotten as it was.
fn remember(history: &mut Vec<RunRecord>, ended: Vec<RunRecord>, history_max: usize) {
    for run in ended {
        history.retain(|old| old.end != RunEnd::Failed || old.occurrence != run.occurrence);
        history.insert(0, run);
    }
    let (mut failed, mut others) = (FAILED_RUNS_MAX, history_max);
    history.retain(|run| {
        let room = if run.end == RunEnd::Failed { &mut failed } else { &mut others };
        let has_room = *room > 0;
        *room = room.saturating_sub(1);
        has_room
    });
    let bounds = [(true, FAILED_ATTEMPTS_BYTES_MAX), (false, OTHER_ATTEMPTS_BYTES_MAX)];
    for (failed, bytes_max) in bounds {
        let alike = history.iter_mut().filter(|run| (run.end == RunEnd::Failed) == failed);
        RunRecord::bound_attempts(alike, bytes_max);
    }
}

/// The status that a column holds by name.
pub(crate) fn status(name: &str) -> TaskStatus {
    match name {
        "active" => TaskStatus::Active,
        "paused" => TaskStatus::Paused,
        _ => TaskStatus::Finished,
    }
}

/// Whether a history holds failed runs.
pub(crate) fn has_failed(history: &[RunRecord]) -> bool {
    history.iter().any(|run| run.end == RunEnd::Failed)
}

/// What the task is ordered by: at once while a run of a life that `is_gone` waits.
pub(crate) fn due_at(state: &TaskState, is_gone: impl Fn(i64) -> bool) -> Option<Timestamp> {
    if senders(state).any(is_gone) { Some(Timestamp::MIN) } else { state.due_at }
}

/// The lives that send an attempt of the task.
pub(crate) fn senders(state: &TaskState) -> impl Iterator<Item = i64> {
    state.runs.iter().filter_map(|run| match run.phase {
        Phase::Sending { holder, .. } => Some(holder.incarnation.cast_signed()),
        Phase::Queued | Phase::Waiting { .. } => None,
    })
}
