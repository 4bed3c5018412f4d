//! All tasks with their indexes as of one applied entry, and how commands change them.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;
use xcron_core::mutant::{self, Mutant};
use xcron_core::task::state::{Holder, TaskState, TaskStatus};
use xcron_core::{Task, TaskCounts, TaskId, TaskWithHistory, Timestamp};

use super::due::Due;
use super::index::Index;
use super::record::{Keys, Parts, Record, refused};
use super::restoring::{Restored, Restoring};
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
///
/// Every index holds the records themselves, so whoever replaces one does so in all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    pub(super) records: Index<()>,
    pub(super) due: Due,
    pub(super) finished: Index<Timestamp>,
    /// Tasks with an attempt that each holder has, by their revisions.
    held: OrdMap<Holder, Index<u64>>,
    lives: OrdMap<u64, u64>,
    /// Tasks that keep failed runs apart.
    pub(super) failed: Index<()>,
    failed_runs: u64,
    counts: TaskCounts,
    pub(super) revision: u64,
    pub(crate) applied: Option<LogId>,
    pub(crate) membership: Arc<StoredMembership>,
    pub(crate) roster: Roster,
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
    pub(crate) fn leap(&mut self) -> Result<(), Unreadable> {
        self.revision = self.revision.saturating_add(REVISIONS_LEAP);
        self.rebuild(|record| {
            Ok(record.with_revision(record.revision().saturating_add(REVISIONS_LEAP)))
        })
    }

    /// What [`Mutant::SnapshotOmitsOpenRuns`] writes instead of this view.
    pub(crate) fn without_open_runs(&self) -> Result<Self, Unreadable> {
        let mut thinned = self.clone();
        thinned.rebuild(|record| {
            let state = TaskState { runs: Vec::new(), ..record.task_state()? };
            Ok(record.with_state(&encode_state(&state)))
        })?;
        Ok(thinned)
    }

    /// Replaces every record by what `change` makes of it.
    fn rebuild(
        &mut self,
        change: impl Fn(&Record) -> Result<Record, Unreadable>,
    ) -> Result<(), Unreadable> {
        let records = mem::take(&mut self.records);
        let empty = Self {
            applied: self.applied,
            membership: self.membership.clone(),
            roster: self.roster.clone(),
            revision: self.revision,
            lives: self.lives.clone(),
            ..Self::default()
        };
        let mut rebuilt = Restored::default();
        for entry in records.iter() {
            let record = change(&entry.record)?;
            let keys = Keys::of(record.parts().state)?;
            let has_failed = record.failed_count() > 0;
            rebuilt.put(record, keys, has_failed);
        }
        let mut view = Restoring::new(empty);
        view.take(rebuilt)?;
        *self = view.finish().map_err(|error| Unreadable::new(error.to_string()))?;
        Ok(())
    }

    /// Takes over who the members are, as raft says.
    pub(crate) fn set_membership(&mut self, membership: StoredMembership) {
        self.roster.found(&membership);
        self.membership = Arc::new(membership);
    }

    /// Makes sure that all of every task can be read and decided on, its definition and its
    /// history included.
    pub(crate) fn check_tasks(&self) -> Result<(), Unreadable> {
        self.records().try_for_each(|record| {
            let checked = record.task_with_history()?.task.definition.check();
            checked.map_err(|error| refused(record, &format!("has a definition whose {error}")))
        })
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
        check_id(create.id.as_bytes())?;
        let id = create.id.as_bytes();
        if self.records.get(&(), id).is_some() {
            return Ok(Answer::Exists);
        }
        let revision = self.revision + 1;
        let (definition, state) = (&create.definition[..], &create.state[..]);
        let keys = Keys::of(state)?;
        self.insert(Record::new(&Parts { id, definition, state, revision }), &keys);
        Ok(Answer::Done(revision))
    }

    fn put(
        &mut self,
        put: PutMessage,
        read_state: ReadState,
        keeping: Keeping,
    ) -> Result<Answer, Unreadable> {
        let id = put.id.as_bytes();
        check_id(id)?;
        let known = self.held_at(id, put.expected).or_else(|| self.records.get(&(), id));
        let Some(old) = known.cloned() else {
            return Ok(Answer::Missing);
        };
        let parts = old.parts();
        let is_checked = !mutant::is_on(Mutant::ClaimWithoutVersionCheck);
        if is_checked && parts.revision != put.expected {
            return Ok(Answer::Stale(parts.revision));
        }
        let revision = self.revision + 1;
        let definition = put.definition.as_deref().unwrap_or(parts.definition);
        let before = old.task_state()?;
        let (after, state) = read_state(&put.state, put.expected, Lasting::of_state(&before))?;
        let parts = Parts { definition, state: &state, revision, ..parts };
        let record = Record::keeping(&parts, &old.remember(&put.ended, keeping)?);
        self.replace(&old, record, &Keys::of_state(&before), &Keys::of_state(&after));
        Ok(Answer::Done(revision))
    }

    fn delete(&mut self, delete: DeleteMessage) -> Result<Answer, Unreadable> {
        check_id(delete.id.as_bytes())?;
        let Some(old) = self.records.get(&(), delete.id.as_bytes()).cloned() else {
            return Ok(Answer::Missing);
        };
        let revision = old.revision();
        if delete.expected.is_some_and(|expected| expected != revision) {
            return Ok(Answer::Stale(revision));
        }
        self.unindex(&old, &Keys::of(old.parts().state)?, None);
        if old.failed_count() > 0 {
            self.failed.remove(&(), old.id_bytes());
            self.failed_runs -= old.failed_count() as u64;
        }
        self.records.remove(&(), old.id_bytes());
        Ok(Answer::Done(self.revision + 1))
    }

    fn insert(&mut self, record: Record, keys: &Keys) {
        self.index(&record, keys);
        self.note_failed(None, &record);
        self.records.insert((), record);
    }

    /// Puts `record` in the place of an older one of the same task.
    fn replace(&mut self, old: &Record, record: Record, before: &Keys, after: &Keys) {
        self.unindex(old, before, Some(after));
        self.index(&record, after);
        self.note_failed(Some(old), &record);
        self.records.insert((), record);
    }

    fn index(&mut self, record: &Record, keys: &Keys) {
        if let Some(at) = keys.due_at {
            self.due.insert(at, record.clone());
        }
        if let Some(at) = keys.finished_at {
            self.finished.insert(at, record.clone());
        }
        self.index_held(record, keys);
        *counter(&mut self.counts, keys.status) += 1;
    }

    fn index_held(&mut self, record: &Record, keys: &Keys) {
        for holder in &keys.holders {
            self.held.entry(*holder).or_default().insert(record.revision(), record.clone());
        }
    }

    /// Counts tasks that the large indexes are to hold, and puts the `others` among them into the
    /// small ones.
    pub(super) fn restore(&mut self, counts: &TaskCounts, others: &[(Record, Keys)]) {
        self.counts.active += counts.active;
        self.counts.paused += counts.paused;
        self.counts.finished += counts.finished;
        for (record, keys) in others {
            self.index_held(record, keys);
            self.note_failed(None, record);
        }
    }

    /// Takes `record` out of the indexes, but for a place that the next one with the keys `after`
    /// takes.
    fn unindex(&mut self, record: &Record, keys: &Keys, after: Option<&Keys>) {
        let id = record.id_bytes();
        if let Some(at) = keys.due_at
            && after.and_then(|after| after.due_at) != Some(at)
        {
            self.due.remove(at, record);
        }
        if let Some(at) = keys.finished_at
            && after.and_then(|after| after.finished_at) != Some(at)
        {
            self.finished.remove(&at, id);
        }
        for holder in &keys.holders {
            if let Some(tasks) = self.held.get_mut(holder) {
                tasks.remove(&record.revision(), id);
                if tasks.len() == 0 {
                    self.held.remove(holder);
                }
            }
        }
        *counter(&mut self.counts, keys.status) -= 1;
    }

    /// Keeps apart what failed while an earlier format was in force.
    fn set_failed_apart(&mut self) -> Result<(), Unreadable> {
        let set_apart = self.records().filter_map(|record| {
            let apart = record.with_failed_apart().transpose()?;
            Some(apart.map(|apart| (record.clone(), apart)))
        });
        for (old, record) in set_apart.collect::<Result<Vec<_>, _>>()? {
            let keys = Keys::of(record.parts().state)?;
            self.replace(&old, record, &keys, &keys);
        }
        Ok(())
    }

    /// Notes how many failed runs a record keeps apart, and how many the one in its place did.
    fn note_failed(&mut self, old: Option<&Record>, record: &Record) {
        let (before, after) = (old.map_or(0, Record::failed_count), record.failed_count());
        self.failed_runs = self.failed_runs - before as u64 + after as u64;
        if after > 0 {
            self.failed.insert((), record.clone());
        } else if before > 0 {
            self.failed.remove(&(), record.id_bytes());
        }
    }

    /// The record of a task.
    pub(crate) fn get(&self, id: &TaskId) -> Option<&Record> {
        self.records.get(&(), id.as_str().as_bytes())
    }

    /// The record of a task, if it is at `revision`.
    pub(crate) fn get_at(&self, id: &TaskId, revision: u64) -> Option<&Record> {
        let held = self.held_at(id.as_str().as_bytes(), revision);
        held.or_else(|| self.get(id).filter(|record| record.revision() == revision))
    }

    /// The same, if somebody has an attempt of it. Those are few, and in order of numbers: most are
    /// found here without a look at a record.
    fn held_at(&self, id: &[u8], revision: u64) -> Option<&Record> {
        self.held.values().find_map(|tasks| tasks.get(&revision, id))
    }

    /// All records in order of id.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().map(|entry| &entry.record)
    }

    /// Up to `limit` tasks in order of id, those after `after`.
    pub(crate) fn scan(
        &self,
        after: Option<&TaskId>,
        limit: usize,
    ) -> Result<Vec<Task>, Unreadable> {
        records_after(&self.records, after).take(limit).map(Record::task).collect()
    }

    /// Up to `limit` tasks with their histories in order of id, those after `after`; all of them,
    /// or only those with `failed` runs.
    pub(crate) fn scan_history(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        failed: bool,
    ) -> Result<Vec<TaskWithHistory>, Unreadable> {
        let index = if failed { &self.failed } else { &self.records };
        records_after(index, after).take(limit).map(Record::task_with_history).collect()
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
        let orphans: Vec<&Record> = self.orphans(is_gone).take(limit).collect();
        let ids: BTreeSet<&[u8]> = orphans.iter().map(|record| record.id_bytes()).collect();
        let due = self.due.index().iter().take_while(|entry| entry.key <= until);
        let due = due.map(|entry| &entry.record).filter(|due| !ids.contains(due.id_bytes()));
        orphans.iter().copied().chain(due).take(limit).map(Record::task).collect()
    }

    /// Up to `limit` finished tasks, the one that finished first first.
    pub(crate) fn finished(&self, limit: usize) -> Result<Vec<Task>, Unreadable> {
        self.finished.iter().take(limit).map(|entry| entry.record.task()).collect()
    }

    /// When somebody must decide next.
    pub(crate) fn next_due(&self, is_gone: &dyn Fn(Holder) -> bool) -> Option<Timestamp> {
        if self.has_orphans(is_gone) {
            return Some(Timestamp::MIN);
        }
        self.due.index().first().map(|first| first.key)
    }

    /// Whether a run waits whose holder is gone.
    pub(crate) fn has_orphans(&self, is_gone: &dyn Fn(Holder) -> bool) -> bool {
        self.held.keys().any(|holder| is_gone(*holder))
    }

    /// Tasks with a run whose holder is gone, each once. There are few holders: lives of nodes with
    /// an open run.
    fn orphans(&self, is_gone: &dyn Fn(Holder) -> bool) -> impl Iterator<Item = &Record> {
        let gone = self.held.iter().filter(|(holder, _)| is_gone(**holder));
        let records = gone.flat_map(|(_, tasks)| tasks.iter().map(|entry| &entry.record));
        let mut seen = BTreeSet::new();
        records.filter(move |record| seen.insert(record.id_bytes()))
    }

    /// How many tasks have an attempt that `holder` has.
    pub(crate) fn held_by(&self, holder: Holder) -> usize {
        self.held.get(&holder).map_or(0, Index::len)
    }

    /// The newest revision of those tasks.
    pub(crate) fn newest_held_by(&self, holder: Holder) -> Option<u64> {
        self.held.get(&holder)?.last().map(|entry| entry.key)
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
        let newer = held.after(|entry| entry.key <= since);
        newer.take(limit).map(|entry| entry.record.task()).collect()
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
}

fn records_after<'a>(
    index: &'a Index<()>,
    after: Option<&TaskId>,
) -> impl Iterator<Item = &'a Record> {
    let after = after.map(|id| id.as_str().as_bytes());
    let entries = index.after(|entry| after.is_some_and(|id| entry.record.id_bytes() <= id));
    entries.map(|entry| &entry.record)
}

/// The one of `counts` that a task with this status is in.
pub(super) fn counter(counts: &mut TaskCounts, status: TaskStatus) -> &mut u64 {
    match status {
        TaskStatus::Active => &mut counts.active,
        TaskStatus::Paused => &mut counts.paused,
        TaskStatus::Finished => &mut counts.finished,
    }
}

pub(super) fn check_id(id: &[u8]) -> Result<(), Unreadable> {
    TaskId::check(id).map_err(|error| Unreadable::new(error.to_string()))
}
