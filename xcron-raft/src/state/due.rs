//! Tasks by when somebody must decide about them next: an index whose changes can wait.

use std::mem;

use xcron_core::Timestamp;

use super::index::Index;
use super::record::Record;
use super::view::View;

/// The most changes that wait.
const WAITING_MAX: usize = 1 << 20;

/// Tasks by when they are due.
#[derive(Debug, Clone, Default)]
pub(super) struct Due {
    index: Index<Timestamp>,
    /// Changes that are still to be made, oldest first; `None` while none has to wait.
    waiting: Option<Vec<Change>>,
}

/// A record that comes in or goes out.
#[derive(Debug, Clone)]
struct Change {
    at: Timestamp,
    record: Record,
    is_removal: bool,
}

impl Due {
    /// The tasks of `index`.
    pub(super) fn new(index: Index<Timestamp>) -> Self {
        Self { index, waiting: None }
    }

    /// All of them in order.
    pub(super) fn index(&self) -> &Index<Timestamp> {
        assert!(self.waiting.is_none(), "nobody reads while changes wait, or would miss them");
        &self.index
    }

    /// Puts a record in, in place of the one of the same task and instant, if there is one.
    pub(super) fn insert(&mut self, at: Timestamp, record: Record) {
        self.change(Change { at, record, is_removal: false });
    }

    /// Takes the record of this task and instant out.
    pub(super) fn remove(&mut self, at: Timestamp, record: &Record) {
        self.change(Change { at, record: record.clone(), is_removal: true });
    }

    fn change(&mut self, change: Change) {
        let Some(waiting) = &mut self.waiting else {
            return make(&mut self.index, change);
        };
        waiting.push(change);
        if waiting.len() >= WAITING_MAX {
            self.settle();
            self.waiting = Some(Vec::new());
        }
    }

    fn settle(&mut self) {
        let mut changes = mem::take(&mut self.waiting).unwrap_or_default();
        // Those of one instant stay in the order in which they came; others do not meet.
        changes.sort_by_key(|change| change.at);
        changes.into_iter().for_each(|change| make(&mut self.index, change));
    }
}

fn make(index: &mut Index<Timestamp>, Change { at, record, is_removal }: Change) {
    if is_removal {
        index.remove(&at, record.id_bytes());
    } else {
        index.insert(at, record);
    }
}

impl View {
    /// Does `work`, after which what is due is brought up to date in one go.
    ///
    /// Tasks that are created one after another are due at any time, so each would be put into
    /// another part of the index, and every step of the way there would wait for memory. In order
    /// of their times they go through it once.
    pub(crate) fn in_bulk<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.due.waiting.get_or_insert_default();
        let done = work(self);
        self.due.settle();
        done
    }
}
