//! A store in memory: for tests, and for programs whose tasks may die with them.

use super::{
    Agenda, COMMIT_CHANGES_MAX, Change, Claim, Committed, Conflict, Consistency, Effect,
    FAILED_RUNS_MAX, PAGE_HISTORIES_MAX, PAGE_TASKS_MAX, Store, StoreError, StoreErrorKind,
    TaskCounts,
};
use crate::Timestamp;
use crate::task::attempt::{FAILED_ATTEMPTS_BYTES_MAX, OTHER_ATTEMPTS_BYTES_MAX};
use crate::task::id::TaskId;
use crate::task::state::{Holder, OpenRun, Phase, RunEnd, RunRecord, TaskState, TaskStatus};
use crate::task::{Revision, Task, TaskWithHistory};
use async_trait::async_trait;
use futures::channel::oneshot;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Everything in one process, nothing on disk.
///
/// ```
/// use xcron_core::{MemoryStore, Store};
///
/// assert_eq!(MemoryStore::new().counts().total(), 0);
/// ```
#[derive(Debug)]
pub struct MemoryStore {
    table: Mutex<Table>,
    history_max: usize,
}

#[derive(Debug, Default)]
struct Table {
    /// How many lives there were before.
    restarts: u64,
    records: BTreeMap<TaskId, Record>,
    due: BTreeSet<(Timestamp, TaskId)>,
    finished: BTreeSet<(Timestamp, TaskId)>,
    counts: TaskCounts,
    revision: Revision,
    waiting: Vec<(Agenda, oneshot::Sender<()>)>,
}

#[derive(Debug)]
struct Record {
    task: Task,
    history: VecDeque<RunRecord>,
}

impl Record {
    fn remember(&mut self, ended: Vec<RunRecord>, history_max: usize) {
        for run in ended {
            let is_again =
                |old: &RunRecord| old.end == RunEnd::Failed && old.occurrence == run.occurrence;
            self.history.retain(|old| !is_again(old));
            self.history.push_front(run);
        }
        let (mut failed, mut others) = (FAILED_RUNS_MAX, history_max);
        self.history.retain(|run| {
            let room = if run.end == RunEnd::Failed { &mut failed } else { &mut others };
            let has_room = *room > 0;
            *room = room.saturating_sub(1);
            has_room
        });
        let bounds = [(true, FAILED_ATTEMPTS_BYTES_MAX), (false, OTHER_ATTEMPTS_BYTES_MAX)];
        for (failed, bytes_max) in bounds {
            let alike = self.history.iter_mut().filter(|run| (run.end == RunEnd::Failed) == failed);
            RunRecord::bound_attempts(alike, bytes_max);
        }
    }

    fn with_history(&self) -> TaskWithHistory {
        let history = self.history.iter().cloned().collect();
        TaskWithHistory { task: self.task.clone(), history }
    }
}

impl MemoryStore {
    /// An empty store that keeps the newest 20 runs of each task.
    #[must_use]
    pub fn new() -> Self {
        Self::with_history(20)
    }

    /// An empty store that keeps the newest `history_max` runs of each task.
    #[must_use]
    pub fn with_history(history_max: usize) -> Self {
        Self { table: Mutex::default(), history_max }
    }

    /// What a process finds that starts again, if its memory outlived it: whoever had attempts in
    /// flight is gone, and they are due at once. For simulations; nobody may run on the store.
    ///
    /// ```
    /// use xcron_core::{MemoryStore, Store};
    ///
    /// let store = MemoryStore::new();
    /// let before = store.holder();
    /// store.restart();
    /// assert!(store.is_gone(before) && !store.is_gone(store.holder()));
    /// ```
    #[cfg(feature = "testing")]
    pub fn restart(&self) {
        let mut table = self.table();
        table.restarts += 1;
        let due = table
            .records
            .iter()
            .filter_map(|(id, record)| table.due_at(&record.task.state).map(|at| (at, id.clone())));
        table.due = due.collect();
        table.wake();
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    fn apply(&mut self, change: Change, history_max: usize) -> Committed {
        let current = self.records.get(change.id()).map(|record| record.task.revision);
        let revision = Revision(self.revision.0 + 1);
        match change {
            Change::Create { id, definition, state } => {
                if current.is_some() {
                    return Err(Conflict::Exists);
                }
                self.index(&id, &state);
                let task = Task { id: id.clone(), definition, state, revision };
                self.records.insert(id, Record { task, history: VecDeque::new() });
            }
            Change::Put { id, expected, definition, state, ended } => {
                expect(current, Some(expected))?;
                self.unindex(&id);
                self.index(&id, &state);
                let Some(record) = self.records.get_mut(&id) else {
                    return Err(Conflict::Missing);
                };
                record.task.state = state;
                record.task.revision = revision;
                if let Some(definition) = definition {
                    record.task.definition = definition;
                }
                record.remember(ended, history_max);
            }
            Change::Delete { id, expected } => {
                expect(current, expected)?;
                self.unindex(&id);
                self.records.remove(&id);
            }
        }
        self.revision = revision;
        Ok(revision)
    }

    /// This process is the only holder there can be.
    const fn holder(&self) -> Holder {
        Holder { node: 1, incarnation: 1 + self.restarts }
    }

    /// When somebody must decide about a task: at once while a run of an earlier life waits.
    fn due_at(&self, state: &TaskState) -> Option<Timestamp> {
        let is_lost = |run: &OpenRun| match run.phase {
            Phase::Sending { holder, .. } => holder != self.holder(),
            Phase::Queued | Phase::Waiting { .. } => false,
        };
        if state.runs.iter().any(is_lost) { Some(Timestamp::MIN) } else { state.due_at }
    }

    fn index(&mut self, id: &TaskId, state: &TaskState) {
        self.due.extend(self.due_at(state).map(|at| (at, id.clone())));
        self.finished.extend(state.finished_at.map(|at| (at, id.clone())));
        *self.counter(state.status) += 1;
    }

    fn unindex(&mut self, id: &TaskId) {
        let Some(record) = self.records.get(id) else {
            return;
        };
        let state = &record.task.state;
        let due_at = self.due_at(state);
        let (finished_at, status) = (state.finished_at, state.status);
        due_at.map(|at| self.due.remove(&(at, id.clone())));
        finished_at.map(|at| self.finished.remove(&(at, id.clone())));
        *self.counter(status) -= 1;
    }

    const fn counter(&mut self, status: TaskStatus) -> &mut u64 {
        match status {
            TaskStatus::Active => &mut self.counts.active,
            TaskStatus::Paused => &mut self.counts.paused,
            TaskStatus::Finished => &mut self.counts.finished,
        }
    }

    fn agenda(&self) -> Agenda {
        let next_due = self.due.first().map(|(at, _)| *at);
        Agenda { tenure: Some(1), next_due, ..Agenda::default() }
    }

    fn wake(&mut self) {
        let agenda = self.agenda();
        let waiting = std::mem::take(&mut self.waiting);
        for (seen, waker) in waiting {
            if agenda.is_news_to(&seen) {
                // Whoever waited may have left meanwhile; then nobody needs to be told.
                let _left = waker.send(());
            } else if !waker.is_canceled() {
                self.waiting.push((seen, waker));
            }
        }
    }

    fn page(&self, ids: impl Iterator<Item = TaskId>, limit: usize) -> Vec<Task> {
        let records = ids.filter_map(|id| self.records.get(&id));
        records.take(limit.min(PAGE_TASKS_MAX)).map(|record| record.task.clone()).collect()
    }
}

/// A change decided on `expected` (`None`: on any) happens only to a task at that revision.
fn expect(current: Option<Revision>, expected: Option<Revision>) -> Result<(), Conflict> {
    let current = current.ok_or(Conflict::Missing)?;
    if expected.is_some_and(|expected| expected != current) {
        return Err(Conflict::Stale { current });
    }
    Ok(())
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        if changes.len() > COMMIT_CHANGES_MAX {
            let message = format!("{} changes, at most {COMMIT_CHANGES_MAX}", changes.len());
            return Err(StoreError::new(StoreErrorKind::Overloaded, Effect::None, message));
        }
        let mut table = self.table();
        let apply = |change| table.apply(change, self.history_max);
        let committed = changes.into_iter().map(apply).collect();
        table.wake();
        Ok(committed)
    }

    async fn get(
        &self,
        id: &TaskId,
        _consistency: Consistency,
    ) -> Result<Option<TaskWithHistory>, StoreError> {
        Ok(self.table().records.get(id).map(Record::with_history))
    }

    async fn scan(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        _consistency: Consistency,
    ) -> Result<Vec<Task>, StoreError> {
        let table = self.table();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = table.records.range::<TaskId, _>((from, Bound::Unbounded));
        Ok(table.page(ids.map(|(id, _)| id.clone()), limit))
    }

    async fn scan_history(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        failed: bool,
        _consistency: Consistency,
    ) -> Result<Vec<TaskWithHistory>, StoreError> {
        let table = self.table();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let records = table.records.range::<TaskId, _>((from, Bound::Unbounded));
        let has_failed =
            |record: &&Record| record.history.iter().any(|run| run.end == RunEnd::Failed);
        let records = records.map(|(_, record)| record).filter(|r| !failed || has_failed(r));
        Ok(records.take(limit.min(PAGE_HISTORIES_MAX)).map(Record::with_history).collect())
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Task>, StoreError> {
        let table = self.table();
        let due = table.due.iter().take_while(|(at, _)| *at <= until);
        Ok(table.page(due.map(|(_, id)| id.clone()), limit))
    }

    async fn finished(&self, limit: usize) -> Result<Vec<Task>, StoreError> {
        let table = self.table();
        Ok(table.page(table.finished.iter().map(|(_, id)| id.clone()), limit))
    }

    fn agenda(&self) -> Agenda {
        self.table().agenda()
    }

    async fn agenda_changed(&self, seen: Agenda) {
        loop {
            let told = {
                let mut table = self.table();
                if table.agenda().is_news_to(&seen) {
                    return;
                }
                let (waker, told) = oneshot::channel();
                table.waiting.retain(|(_, waker)| !waker.is_canceled());
                table.waiting.push((seen, waker));
                told
            };
            if told.await.is_err() {
                return;
            }
        }
    }

    fn holder(&self) -> Holder {
        self.table().holder()
    }

    fn is_gone(&self, holder: Holder) -> bool {
        holder != self.table().holder()
    }

    fn clock_fault(&self) -> Option<StoreError> {
        None
    }

    fn may_send(&self) -> bool {
        true
    }

    fn stands(&self, claim: &Claim) -> bool {
        let table = self.table();
        let record = table.records.get(&claim.task);
        record.is_some_and(|record| claim.stands_in(&record.task.state))
    }

    fn counts(&self) -> TaskCounts {
        self.table().counts
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
