//! What remained when all was over: the state of each task and the hashes of each replica.

use crate::history::op::TaskPhase;
use serde::{Deserialize, Serialize};

/// The hash of one node's state at one index of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateHash {
    /// The node.
    pub node: u64,
    /// The index that it had applied.
    pub index: u64,
    /// The hash, as text.
    pub hash: String,
}

impl StateHash {
    /// The hash of the state of `node` at `index`.
    #[must_use]
    pub fn new(node: u64, index: u64, hash: impl Into<String>) -> Self {
        Self { node, index, hash: hash.into() }
    }
}

/// A run that was still open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenRun {
    /// Its id.
    pub run: String,
    /// Its occurrence.
    pub scheduled_s: i64,
    /// Its latest attempt.
    pub attempt: u32,
    /// The fence of that.
    pub fence: u64,
}

/// A task as one node had it after everything due was drained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinalTask {
    /// The task.
    pub task: String,
    /// The node that was asked.
    #[serde(default)]
    pub node: u64,
    /// When it was asked; by default at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_us: Option<i64>,
    /// Whether it was there; the rest means something only then.
    pub exists: bool,
    /// Its phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<TaskPhase>,
    /// Its next occurrence that is not decided.
    #[serde(default)]
    pub next_s: Option<i64>,
    /// Runs that ended.
    #[serde(default)]
    pub run_count: u64,
    /// Of these, by success.
    #[serde(default)]
    pub succeeded: u64,
    /// Of these, by failure.
    #[serde(default)]
    pub failed: u64,
    /// Occurrences that were skipped, whatever the reason.
    #[serde(default)]
    pub skipped: u64,
    /// Runs of which nobody knows the result.
    #[serde(default)]
    pub unknown: u64,
    /// Runs that were cancelled.
    #[serde(default)]
    pub cancelled: u64,
    /// Runs that have not ended.
    #[serde(default)]
    pub open_runs: Vec<OpenRun>,
}

impl FinalTask {
    /// A task that is there, active, and has done nothing yet.
    #[must_use]
    pub fn active(task: impl Into<String>) -> Self {
        Self {
            task: task.into(),
            node: 0,
            at_us: None,
            exists: true,
            state: Some(TaskPhase::Active),
            next_s: None,
            run_count: 0,
            succeeded: 0,
            failed: 0,
            skipped: 0,
            unknown: 0,
            cancelled: 0,
            open_runs: Vec::new(),
        }
    }

    /// A task that is there and finished.
    #[must_use]
    pub fn finished(task: impl Into<String>) -> Self {
        Self { state: Some(TaskPhase::Finished), ..Self::active(task) }
    }

    /// A task that is there and paused.
    #[must_use]
    pub fn paused(task: impl Into<String>) -> Self {
        Self { state: Some(TaskPhase::Paused), ..Self::active(task) }
    }

    /// A task that is not there.
    #[must_use]
    pub fn absent(task: impl Into<String>) -> Self {
        Self { exists: false, state: None, ..Self::active(task) }
    }

    /// The same as `node` has it.
    #[must_use]
    pub const fn on(mut self, node: u64) -> Self {
        self.node = node;
        self
    }

    /// The same with its next occurrence.
    #[must_use]
    pub const fn next_s(mut self, next_s: i64) -> Self {
        self.next_s = Some(next_s);
        self
    }

    /// The same with more runs that succeeded.
    #[must_use]
    pub const fn succeeded(mut self, runs: u64) -> Self {
        self.succeeded += runs;
        self.run_count += runs;
        self
    }

    /// The same with more runs that failed.
    #[must_use]
    pub const fn failed(mut self, runs: u64) -> Self {
        self.failed += runs;
        self.run_count += runs;
        self
    }

    /// The same with more occurrences that were skipped.
    #[must_use]
    pub const fn skipped(mut self, occurrences: u64) -> Self {
        self.skipped += occurrences;
        self
    }

    /// The same with more runs of unknown result.
    #[must_use]
    pub const fn unknown(mut self, runs: u64) -> Self {
        self.unknown += runs;
        self.run_count += runs;
        self
    }

    /// The same with one more run open.
    #[must_use]
    pub fn open(mut self, run: impl Into<String>, scheduled_s: i64, attempt: u32) -> Self {
        self.open_runs.push(OpenRun { run: run.into(), scheduled_s, attempt, fence: 1 });
        self
    }
}
