//! Retention: finished tasks go when they are old or too many, the oldest first.

use crate::Timestamp;
use crate::store::{Change, TaskCounts};
use crate::task::Task;
use std::time::Duration;

/// How often retention is looked at while there is nothing to delete.
const INTERVAL: Duration = Duration::from_secs(5);
/// The most tasks deleted in one step, so that claims never wait long behind it.
pub(super) const PAGE: usize = 512;

/// Follows the retention of finished tasks.
#[derive(Debug)]
pub(super) struct Prune {
    finished_max: u64,
    retention: Duration,
    next_at: Timestamp,
}

impl Prune {
    pub(super) const fn new(finished_max: u64, retention: Duration) -> Self {
        Self { finished_max, retention, next_at: Timestamp::MIN }
    }

    /// How many of the oldest finished tasks to look at now.
    pub(super) fn page(&self, now: Timestamp, counts: TaskCounts) -> usize {
        let due = now >= self.next_at && counts.finished > 0;
        if due || counts.finished > self.finished_max { PAGE } else { 0 }
    }

    /// The deletions that retention asks for among the `oldest` finished tasks.
    pub(super) fn decide(
        &mut self,
        oldest: &[Task],
        counts: TaskCounts,
        now: Timestamp,
    ) -> Vec<Change> {
        let surplus = counts.finished.saturating_sub(self.finished_max);
        let surplus = usize::try_from(surplus).unwrap_or(usize::MAX);
        let expired = now.minus(self.retention);
        let goes = |(nth, task): &(usize, &Task)| {
            *nth < surplus || task.state.finished_at.is_some_and(|at| at < expired)
        };
        let gone: Vec<Change> = (oldest.iter().enumerate().filter(goes))
            .map(|(_, task)| Change::Delete { id: task.id.clone(), expected: Some(task.revision) })
            .collect();
        if gone.len() < PAGE {
            self.next_at = now.plus(INTERVAL);
        }
        gone
    }
}
