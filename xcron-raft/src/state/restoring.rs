//! A view that is made of the tasks of a snapshot.

use xcron_core::Timestamp;

use super::index::{Entry, Index};
use super::record::{self, Keys, Record};
use super::view::{View, refused};
use crate::wire::Unreadable;

/// A task that a snapshot holds, which is none of a view yet.
#[derive(Debug)]
pub(crate) struct Restored {
    record: Record,
    keys: Keys,
}

impl Restored {
    /// Reads as much of the task as the indexes need.
    ///
    /// # Errors
    /// When it cannot be a task of any view.
    pub(crate) fn new(record: Record) -> Result<Self, Unreadable> {
        record.id()?;
        let state = record.task_state()?;
        record::check(&state).map_err(|what| refused(&record, what))?;
        Ok(Self { keys: Keys::of_state(&state), record })
    }
}

/// A view whose tasks come in order of id. Its large indexes are made when all are there.
#[derive(Debug)]
pub(crate) struct Restoring {
    view: View,
    records: Vec<Entry<()>>,
    due: Vec<Entry<Timestamp>>,
    finished: Vec<Entry<Timestamp>>,
}

impl Restoring {
    /// A view without tasks that is to have some.
    pub(crate) fn new(view: View) -> Self {
        Self { view, records: Vec::new(), due: Vec::new(), finished: Vec::new() }
    }

    /// Takes in tasks that a snapshot holds.
    ///
    /// # Errors
    /// When one cannot be a task of this view, or the next step of it would be one too far.
    pub(crate) fn take(&mut self, tasks: Vec<Restored>) -> Result<(), Unreadable> {
        for Restored { record, keys } in tasks {
            let last = self.records.last();
            if last.is_some_and(|last| last.record.id_bytes() >= record.id_bytes()) {
                return Err(refused(&record, "is there twice or out of order"));
            }
            if !(1..=self.view.revision).contains(&record.revision()) {
                return Err(refused(&record, "has a revision that was never given"));
            }
            self.put(record, &keys);
        }
        Ok(())
    }

    /// Takes in a task whose id comes after all before.
    pub(super) fn put(&mut self, record: Record, keys: &Keys) {
        let entry = |key| Entry { key, record: record.clone() };
        self.due.extend(keys.due_at.map(entry));
        self.finished.extend(keys.finished_at.map(entry));
        self.view.index_open(&record, keys);
        self.view.note_failed(None, &record);
        self.records.push(Entry { key: (), record });
    }

    /// The view with all of them.
    pub(crate) fn finish(self) -> View {
        let indexed = |mut entries: Vec<Entry<Timestamp>>| {
            // Those of one instant are in order of id already, and stay so.
            entries.sort_by_key(|entry| entry.key);
            Index::from_sorted(entries)
        };
        let mut view = self.view;
        view.records = Index::from_sorted(self.records);
        (view.due, view.finished) = (indexed(self.due), indexed(self.finished));
        view
    }
}
