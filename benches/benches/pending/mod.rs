//! Pending tasks, as a node has them: it reads from the state that it has published, and moves a
//! task by applying an entry of the log.

use bytes::Bytes;
use xcron_core::testing::sample;
use xcron_core::{Change, Task, Timestamp};
use xcron_raft::DueIndex;

/// How many of them are read or moved at once.
pub(crate) const PAGE: usize = 1_000;

/// As many as a commit changes at most.
const COMMIT: usize = 4_096;

fn create(number: i64) -> Change {
    let id = sample::id(&format!("task-{number:07}"));
    let definition = sample::one_shot("http://127.0.0.1:9000/", number).into();
    Change::Create { id, definition, state: sample::due_at(number) }
}

/// Task `n` of so many is due at second `n`.
pub(crate) fn filled(count: i64) -> DueIndex {
    let mut index = DueIndex::default();
    let numbers: Vec<i64> = (1..=count).collect();
    for chunk in numbers.chunks(COMMIT) {
        let changes: Vec<Change> = chunk.iter().map(|number| create(*number)).collect();
        index.apply(index.logged(&changes));
    }
    index
}

/// The earliest of them.
pub(crate) fn page(index: &DueIndex) -> Vec<Task> {
    index.due(Timestamp::MAX, PAGE)
}

/// What the log says when the earliest of them are due behind second `last`.
pub(crate) fn moved(index: &DueIndex, last: i64) -> Bytes {
    let put = |(task, secs): (Task, i64)| {
        sample::put(task.id.as_str(), task.revision, sample::due_at(secs))
    };
    let changes: Vec<Change> = page(index).into_iter().zip(last + 1..).map(put).collect();
    index.logged(&changes)
}
