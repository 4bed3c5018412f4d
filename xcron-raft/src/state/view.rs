//! All tasks with their indexes as of one applied entry, and how commands change them.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use imbl::{OrdMap, OrdSet};
use xcron_core::mutant::{self, Mutant};
use xcron_core::task::state::{Holder, TaskState, TaskStatus};
use xcron_core::{Task, TaskCounts, TaskId, TaskWithHistory, Timestamp};

use super::record::{self, Keys, Record};
use super::roster::{FORMAT_KEEPS_FAILED, Roster};
use crate::types::{Answer, Batch, LogId, Replies, Reply, StoredMembership};
use crate::wire::Unreadable;
use crate::wire::change::{self, ChangeKind, ChangeMessage, CommandKind, Keeping};
use crate::wire::change::{CreateMessage, DeleteMessage, PutMessage};
use crate::wire::short::{self, Lasting, ReadState};
use crate::wire::state::encode as encode_state;

/// More than a cluster gives in a year at 500,000 a second, and so few that hundreds of leaps leave
/// whole numbers that any JSON reader keeps.
const REVISIONS_LEAP: u64 = 1 << 44;

/// All tasks as of one applied entry. A clone shares everything with its original.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    records: OrdMap<TaskId, Arc<Record>>,
    due: OrdSet<(Timestamp, TaskId)>,
    finished: OrdSet<(Timestamp, TaskId)>,
    /// Tasks with an attempt that each holder has, by their revisions.
    held: OrdMap<Holder, OrdSet<(u64, TaskId)>>,
    lives: OrdMap<u64, u64>,
    /// Tasks that keep failed runs apart.
    failed: OrdSet<TaskId>,
    failed_runs: u64,
    counts: TaskCounts,
    revision: u64,
    pub(crate) applied: Option<LogId>,
    pub(crate) membership: Arc<StoredMembership>,
    pub(crate) roster: Roster,
}

/// A task that a snapshot holds, which is none of a view yet.
#[derive(Debug)]
pub(crate) struct Restored {
    id: TaskId,
    record: Record,
    keys: Keys,
}

impl Restored {
    /// Reads as much of the task as the indexes need.
    ///
    /// # Errors
    /// When it cannot be a task of any view.
    pub(crate) fn new(id: TaskId, record: Record) -> Result<Self, Unreadable> {
        let state = record.task_state()?;
        let task = Self { id, record, keys: Keys::of_state(&state) };
        record::check(&state).map_err(|what| task.refused(what))?;
        Ok(task)
    }

    fn refused(&self, what: &str) -> Unreadable {
        Unreadable::new(format!("task {} {what}", self.id))
    }
}

impl View {
    /// A view without tasks in which this much has happened.
    pub(crate) fn restored(
        applied: Option<LogId>,
        membership: StoredMembership,
        mut roster: Roster,
        revision: u64,
        lives: impl IntoIterator<Item = (u64, u64)>,
    ) -> Self {
        roster.found(&membership);
        let (membership, lives) = (Arc::new(membership), lives.into_iter().collect());
        Self { applied, membership, roster, revision, lives, ..Self::default() }
    }

    /// Leaves out so many revisions that none is given again that the cluster may have given since
    /// this view was its newest: they are the fences of what it sent.
    pub(crate) fn leap(&mut self) {
        let leapt = |record: &Arc<Record>| {
            let mut leapt = (**record).clone();
            leapt.revision = leapt.revision.saturating_add(REVISIONS_LEAP);
            Arc::new(leapt)
        };
        let records = self.records.iter();
        self.records = records.map(|(id, record)| (id.clone(), leapt(record))).collect();
        let leapt =
            |(revision, id): &(u64, TaskId)| (revision.saturating_add(REVISIONS_LEAP), id.clone());
        let leapt = |tasks: &OrdSet<(u64, TaskId)>| tasks.iter().map(leapt).collect::<OrdSet<_>>();
        let held = self.held.iter();
        self.held = held.map(|(holder, tasks)| (*holder, leapt(tasks))).collect();
        self.revision = self.revision.saturating_add(REVISIONS_LEAP);
    }

    /// What [`Mutant::SnapshotOmitsOpenRuns`] writes instead of this view.
    pub(crate) fn without_open_runs(&self) -> Self {
        let thinned = |record: &Arc<Record>| match record.task_state() {
            Ok(state) => {
                let mut thinned = (**record).clone();
                thinned.state = encode_state(&TaskState { runs: Vec::new(), ..state }).into();
                Arc::new(thinned)
            }
            Err(_) => record.clone(),
        };
        let records = self.records.iter().map(|(id, record)| (id.clone(), thinned(record)));
        Self { records: records.collect(), ..self.clone() }
    }

    /// Takes over who the members are, as raft says.
    pub(crate) fn set_membership(&mut self, membership: StoredMembership) {
        self.roster.found(&membership);
        self.membership = Arc::new(membership);
    }

    /// Puts tasks that a snapshot holds; they come in order of id.
    ///
    /// # Errors
    /// When one cannot be a task of this view, or the next step of it would be one too far.
    pub(crate) fn restore(&mut self, tasks: Vec<Restored>) -> Result<(), Unreadable> {
        let mut last = self.records.get_max().map(|(last, _)| last);
        for task in &tasks {
            if last.is_some_and(|last| *last >= task.id) {
                return Err(task.refused("is there twice or out of order"));
            }
            if !(1..=self.revision).contains(&task.record.revision) {
                return Err(task.refused("has a revision that was never given"));
            }
            last = Some(&task.id);
        }
        // Every second one first: a node that is full is split into halves, and only what comes
        // between two others fills them again.
        let mut between = Vec::with_capacity(tasks.len() / 2);
        for (number, task) in tasks.into_iter().enumerate() {
            if number % 2 == 0 {
                self.insert(task.id, task.record, &task.keys);
            } else {
                between.push(task);
            }
        }
        between.into_iter().for_each(|task| self.insert(task.id, task.record, &task.keys));
        Ok(())
    }

    /// Makes sure that all of every task can be read and decided on, its definition and its
    /// history included.
    pub(crate) fn check_tasks(&self) -> Result<(), Unreadable> {
        self.records().try_for_each(|(id, record)| {
            let whole = record.task_with_history(id)?;
            let checked = whole.task.definition.check();
            checked.map_err(|error| Unreadable::new(format!("task {id}: {error}")))
        })
    }

    fn insert(&mut self, id: TaskId, record: Record, keys: &Keys) {
        self.index(&id, keys, record.revision);
        self.note_failed(&id, 0, record.failed().len());
        self.records.insert(id, Arc::new(record));
    }

    /// Takes the steps of `batch`. An error means that this version cannot read one: the node has
    /// to stop, because leaving it out would make it another state than that of its peers.
    pub(crate) fn apply(&mut self, batch: Batch, format_max: u32) -> Result<Replies, Unreadable> {
        let commands = batch.commands.into_iter();
        let replies = commands.map(|bytes| self.apply_command(bytes, format_max));
        Ok(Replies(replies.collect::<Result<_, _>>()?))
    }

    fn apply_command(&mut self, bytes: Bytes, format_max: u32) -> Result<Reply, Unreadable> {
        match change::decode(bytes)? {
            CommandKind::Commit(commit) => {
                let keeping = commit.keeping();
                let changes = commit.changes.into_iter();
                let answers = changes.map(|change| self.apply_change(change, keeping));
                Ok(Reply::Committed(answers.collect::<Result<_, _>>()?))
            }
            CommandKind::BeginLife(life) => {
                let number = self.lives.get(&life.node).map_or(1, |number| number + 1);
                self.lives.insert(life.node, number);
                Ok(Reply::Life(number))
            }
            CommandKind::Admit(admit) => Ok(Reply::Admitted(self.roster.admit(admit))),
            CommandKind::Remove(removed) => {
                self.roster.remove(removed.node);
                Ok(Reply::Noted)
            }
            CommandKind::Move(moved) => {
                self.roster.relocate(moved);
                Ok(Reply::Noted)
            }
            CommandKind::RaiseFormat(format) => {
                let before = self.roster.format();
                self.roster.raise_format(format, format_max)?;
                if (before..self.roster.format()).contains(&(FORMAT_KEEPS_FAILED - 1)) {
                    self.set_failed_apart()?;
                }
                Ok(Reply::Noted)
            }
            CommandKind::Stamp(millis) => {
                self.roster.stamp(millis);
                Ok(Reply::Noted)
            }
        }
    }

    fn apply_change(
        &mut self,
        change: ChangeMessage,
        keeping: Keeping,
    ) -> Result<Answer, Unreadable> {
        let answer = match change.kind.ok_or_else(|| Unreadable::unknown("kind of change"))? {
            ChangeKind::Create(create) => self.create(create)?,
            ChangeKind::Put(put) => self.put(put, short::take_whole, keeping)?,
            ChangeKind::ShortPut(put) => self.put(put, short::fill_in, keeping)?,
            ChangeKind::Delete(delete) => self.delete(delete)?,
        };
        if let Answer::Done(revision) = answer {
            assert!(revision > self.revision, "revisions grow, or a stale change could pass");
            self.revision = revision;
        }
        Ok(answer)
    }

    fn create(&mut self, create: CreateMessage) -> Result<Answer, Unreadable> {
        let id = task_id(&create.id)?;
        if self.records.contains_key(&id) {
            return Ok(Answer::Exists);
        }
        let revision = self.revision + 1;
        // Copies: a slice would keep all of the entry that it came with.
        let (definition, state) = (create.definition[..].into(), create.state[..].into());
        let record = Record::new(definition, state, revision);
        let keys = Keys::of(&record.state)?;
        self.insert(id, record, &keys);
        Ok(Answer::Done(revision))
    }

    fn put(
        &mut self,
        put: PutMessage,
        read_state: ReadState,
        keeping: Keeping,
    ) -> Result<Answer, Unreadable> {
        let id = task_id(&put.id)?;
        let Some(old) = self.records.get(&id).cloned() else {
            return Ok(Answer::Missing);
        };
        let is_checked = !mutant::is_on(Mutant::ClaimWithoutVersionCheck);
        if is_checked && old.revision != put.expected {
            return Ok(Answer::Stale(old.revision));
        }
        let (history, failed) = old.remember(&put.ended, keeping)?;
        let revision = self.revision + 1;
        let definition = put.definition.map_or_else(|| old.definition.clone(), |d| d[..].into());
        let before = old.task_state()?;
        let (after, state) = read_state(&put.state, put.expected, Lasting::of_state(&before))?;
        let record = Record::new(definition, state.into(), revision).keeping(history, failed);
        self.note_failed(&id, old.failed().len(), record.failed().len());
        let (before, after) = (Keys::of_state(&before), Keys::of_state(&after));
        if before != after || !after.holders.is_empty() {
            self.unindex(&id, &before, old.revision);
            self.index(&id, &after, revision);
        }
        self.records.insert(id, Arc::new(record));
        Ok(Answer::Done(revision))
    }

    fn delete(&mut self, delete: DeleteMessage) -> Result<Answer, Unreadable> {
        let id = task_id(&delete.id)?;
        let Some(old) = self.records.get(&id).cloned() else {
            return Ok(Answer::Missing);
        };
        if delete.expected.is_some_and(|expected| expected != old.revision) {
            return Ok(Answer::Stale(old.revision));
        }
        self.unindex(&id, &Keys::of(&old.state)?, old.revision);
        self.note_failed(&id, old.failed().len(), 0);
        self.records.remove(&id);
        Ok(Answer::Done(self.revision + 1))
    }

    fn index(&mut self, id: &TaskId, keys: &Keys, revision: u64) {
        if let Some(at) = keys.due_at {
            self.due.insert((at, id.clone()));
        }
        if let Some(at) = keys.finished_at {
            self.finished.insert((at, id.clone()));
        }
        for holder in &keys.holders {
            self.held.entry(*holder).or_default().insert((revision, id.clone()));
        }
        *self.counter(keys.status) += 1;
    }

    fn unindex(&mut self, id: &TaskId, keys: &Keys, revision: u64) {
        if let Some(at) = keys.due_at {
            self.due.remove(&(at, id.clone()));
        }
        if let Some(at) = keys.finished_at {
            self.finished.remove(&(at, id.clone()));
        }
        for holder in &keys.holders {
            if let Some(tasks) = self.held.get_mut(holder) {
                tasks.remove(&(revision, id.clone()));
                if tasks.is_empty() {
                    self.held.remove(holder);
                }
            }
        }
        *self.counter(keys.status) -= 1;
    }

    /// Keeps apart what failed while an earlier format was in force.
    fn set_failed_apart(&mut self) -> Result<(), Unreadable> {
        let remembering = self.records().filter(|(_, record)| !record.history().is_empty());
        let set_apart = remembering.filter_map(|(id, record)| {
            let apart = record.with_failed_apart().transpose()?;
            Some(apart.map(|apart| (id.clone(), record.failed().len(), apart)))
        });
        for (id, before, record) in set_apart.collect::<Result<Vec<_>, _>>()? {
            self.note_failed(&id, before, record.failed().len());
            self.records.insert(id, Arc::new(record));
        }
        Ok(())
    }

    /// Notes that a task keeps so many failed runs instead of so many.
    fn note_failed(&mut self, id: &TaskId, before: usize, after: usize) {
        self.failed_runs = self.failed_runs - before as u64 + after as u64;
        match (before, after) {
            (0, 1..) => drop(self.failed.insert(id.clone())),
            (1.., 0) => drop(self.failed.remove(id)),
            _ => {}
        }
    }

    fn counter(&mut self, status: TaskStatus) -> &mut u64 {
        match status {
            TaskStatus::Active => &mut self.counts.active,
            TaskStatus::Paused => &mut self.counts.paused,
            TaskStatus::Finished => &mut self.counts.finished,
        }
    }

    /// The record of a task.
    pub(crate) fn get(&self, id: &TaskId) -> Option<&Arc<Record>> {
        self.records.get(id)
    }

    /// All records in order of id.
    pub(crate) fn records(&self) -> impl Iterator<Item = (&TaskId, &Arc<Record>)> {
        self.records.iter()
    }

    /// Up to `limit` tasks in order of id, those after `after`.
    pub(crate) fn scan(
        &self,
        after: Option<&TaskId>,
        limit: usize,
    ) -> Result<Vec<Task>, Unreadable> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.records.range::<_, TaskId>((from, Bound::Unbounded));
        range.take(limit).map(|(id, record)| record.task(id)).collect()
    }

    /// Up to `limit` tasks with their histories in order of id, those after `after`; all of them,
    /// or only those with `failed` runs.
    pub(crate) fn scan_history(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        failed: bool,
    ) -> Result<Vec<TaskWithHistory>, Unreadable> {
        let range = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let read = |(id, record): (&TaskId, &Arc<Record>)| record.task_with_history(id);
        if !failed {
            return self.records.range::<_, TaskId>(range).take(limit).map(read).collect();
        }
        let ids = self.failed.range::<_, TaskId>(range).take(limit);
        ids.filter_map(|id| self.records.get_key_value(id)).map(read).collect()
    }

    /// How many failed runs are kept.
    pub(crate) fn failed_runs(&self) -> u64 {
        self.failed_runs
    }

    /// Up to `limit` tasks due at or before `until`: first those with a run whose holder is gone,
    /// then the others, earliest first.
    pub(crate) fn due(
        &self,
        until: Timestamp,
        limit: usize,
        is_gone: &dyn Fn(Holder) -> bool,
    ) -> Result<Vec<Task>, Unreadable> {
        let orphans: BTreeSet<&TaskId> = self.orphans(is_gone).take(limit).collect();
        let due = self.due.iter().take_while(|(at, _)| *at <= until).map(|(_, id)| id);
        let due = due.filter(|id| !orphans.contains(id));
        self.tasks(orphans.iter().copied().chain(due).take(limit))
    }

    /// Up to `limit` finished tasks, the one that finished first first.
    pub(crate) fn finished(&self, limit: usize) -> Result<Vec<Task>, Unreadable> {
        self.tasks(self.finished.iter().map(|(_, id)| id).take(limit))
    }

    /// When somebody must decide next.
    pub(crate) fn next_due(&self, is_gone: &dyn Fn(Holder) -> bool) -> Option<Timestamp> {
        if self.has_orphans(is_gone) {
            return Some(Timestamp::MIN);
        }
        self.due.get_min().map(|(at, _)| *at)
    }

    /// Whether a run waits whose holder is gone.
    pub(crate) fn has_orphans(&self, is_gone: &dyn Fn(Holder) -> bool) -> bool {
        self.held.keys().any(|holder| is_gone(*holder))
    }

    /// Tasks with a run whose holder is gone. There are few holders: lives of nodes with an open
    /// run.
    fn orphans(&self, is_gone: &dyn Fn(Holder) -> bool) -> impl Iterator<Item = &TaskId> {
        let gone = self.held.iter().filter(|(holder, _)| is_gone(**holder));
        gone.flat_map(|(_, tasks)| tasks.iter().map(|(_, id)| id))
    }

    /// How many tasks have an attempt that `holder` has.
    pub(crate) fn held_by(&self, holder: Holder) -> usize {
        self.held.get(&holder).map_or(0, OrdSet::len)
    }

    /// The newest revision of those tasks.
    pub(crate) fn newest_held_by(&self, holder: Holder) -> Option<u64> {
        self.held.get(&holder)?.get_max().map(|(revision, _)| *revision)
    }

    /// Up to `limit` of those tasks that have changed after the revision `since`, in the order in
    /// which they did.
    pub(crate) fn held_since(
        &self,
        holder: Holder,
        since: u64,
        limit: usize,
    ) -> Result<Vec<Task>, Unreadable> {
        let Some(held) = self.held.get(&holder) else {
            return Ok(Vec::new());
        };
        let newer = held.iter().rev().take_while(|(revision, _)| *revision > since);
        let newer: Vec<&TaskId> = newer.map(|(_, id)| id).collect();
        self.tasks(newer.into_iter().rev().take(limit))
    }

    /// Whether `holder` is the present life of its node.
    pub(crate) fn is_present_life(&self, holder: Holder) -> bool {
        self.lives.get(&holder.node) == Some(&holder.incarnation)
    }

    /// Whether `holder` is an earlier life of its node.
    pub(crate) fn is_past_life(&self, holder: Holder) -> bool {
        self.lives.get(&holder.node).is_some_and(|&life| holder.incarnation < life)
    }

    /// How many tasks there are.
    pub(crate) fn counts(&self) -> TaskCounts {
        self.counts
    }

    /// The newest revision.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// The number of each node's present life.
    pub(crate) fn lives(&self) -> impl Iterator<Item = (u64, u64)> {
        self.lives.iter().map(|(&node, &life)| (node, life))
    }

    fn tasks<'a>(&self, ids: impl Iterator<Item = &'a TaskId>) -> Result<Vec<Task>, Unreadable> {
        let records: Vec<_> = ids.filter_map(|id| self.records.get_key_value(id)).collect();
        let mut tasks = Vec::with_capacity(records.len());
        for (id, record) in records {
            tasks.push(record.task(id)?);
        }
        Ok(tasks)
    }
}

fn task_id(text: &str) -> Result<TaskId, Unreadable> {
    TaskId::parse(text).map_err(|error| Unreadable::new(error.to_string()))
}
