//! A view that is made of the tasks of a snapshot.

use std::panic::resume_unwind;
use std::{io, thread};

use xcron_core::{TaskCounts, Timestamp};

use super::due::Due;
use super::index::{Entry, Index};
use super::record::{self, Keys, Parts, Record, refused};
use super::view::{View, check_id, counter};
use crate::wire::{Unreadable, state};

/// Tasks that follow each other in a snapshot and are in no view yet: what each index is to hold
/// of them.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    records: Vec<Entry<()>>,
    due: Vec<Entry<Timestamp>>,
    finished: Vec<Entry<Timestamp>>,
    counts: TaskCounts,
    /// Those with an attempt that somebody has, or with failed runs that are kept apart.
    others: Vec<(Record, Keys)>,
}

impl Restored {
    /// Takes in the next task, and reads as much of it as the indexes need; `revision_max` is the
    /// newest that was given.
    ///
    /// # Errors
    /// When it cannot be a task of that view, or the next step of it would be one too far.
    pub(crate) fn push(&mut self, record: Record, revision_max: u64) -> Result<(), Unreadable> {
        let (Parts { id, state, revision, .. }, runs) = record.split();
        check_id(id)?;
        let state = state::decode(state)?;
        record::check(&state).map_err(|what| refused(&record, what))?;
        self.check_next(&record)?;
        if !(1..=revision_max).contains(&revision) {
            return Err(refused(&record, "has a revision that was never given"));
        }
        let has_failed = !runs.is_empty() && record.failed_count() > 0;
        self.put(record, Keys::of_state(&state), has_failed);
        Ok(())
    }

    fn check_next(&self, record: &Record) -> Result<(), Unreadable> {
        let last = self.records.last();
        if last.is_some_and(|last| last.record.id_bytes() >= record.id_bytes()) {
            return Err(refused(record, "is there twice or out of order"));
        }
        Ok(())
    }

    /// Takes in a task whose id comes after all before.
    pub(super) fn put(&mut self, record: Record, keys: Keys, has_failed: bool) {
        let entry = |key| Entry { key, record: record.clone() };
        self.due.extend(keys.due_at.map(entry));
        self.finished.extend(keys.finished_at.map(entry));
        *counter(&mut self.counts, keys.status) += 1;
        if !keys.holders.is_empty() || has_failed {
            self.others.push((record.clone(), keys));
        }
        self.records.push(Entry { key: (), record });
    }
}

/// A view whose tasks come in order of id. Its indexes are made when all are there.
#[derive(Debug)]
pub(crate) struct Restoring {
    view: View,
    tasks: Vec<Restored>,
}

impl Restoring {
    /// A view without tasks that is to have some.
    pub(crate) fn new(view: View) -> Self {
        Self { view, tasks: Vec::new() }
    }

    /// Takes in the tasks that come next.
    ///
    /// # Errors
    /// When they do not come after all before.
    pub(crate) fn take(&mut self, tasks: Restored) -> Result<(), Unreadable> {
        let Some(first) = tasks.records.first() else {
            return Ok(());
        };
        if let Some(before) = self.tasks.last() {
            before.check_next(&first.record)?;
        }
        self.tasks.push(tasks);
        Ok(())
    }

    /// The newest revision that was given.
    pub(crate) fn revision(&self) -> u64 {
        self.view.revision()
    }

    /// How many tasks there are.
    pub(crate) fn len(&self) -> usize {
        self.tasks.iter().map(|tasks| tasks.records.len()).sum()
    }

    /// The view with all of them.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn finish(self) -> io::Result<View> {
        let Self { mut view, tasks } = self;
        let (mut records, mut due, mut finished) = (Vec::new(), Vec::new(), Vec::new());
        for tasks in tasks {
            view.restore(&tasks.counts, &tasks.others);
            records.push(tasks.records);
            due.push(tasks.due);
            finished.push(tasks.finished);
        }
        thread::scope(|scope| {
            let indexing = thread::Builder::new().name("xcron-index".to_owned());
            let indexing = indexing.spawn_scoped(scope, || (sorted(due), sorted(finished)))?;
            view.records = Index::from_sorted(records.into_iter().flatten());
            let indexed = indexing.join().unwrap_or_else(|bug| resume_unwind(bug));
            (view.due, view.finished) = (Due::new(indexed.0), indexed.1);
            Ok(view)
        })
    }
}

/// The index of entries that are not in order yet.
fn sorted(entries: Vec<Vec<Entry<Timestamp>>>) -> Index<Timestamp> {
    let mut sorted = Vec::with_capacity(entries.iter().map(Vec::len).sum());
    sorted.extend(entries.into_iter().flatten());
    // Those of one instant are in order of id already, and stay so.
    sorted.sort_by_key(|entry| entry.key);
    Index::from_sorted(sorted.into_iter())
}
