//! What a client asked and what it was told.

use crate::history::definition::Definition;
use serde::{Deserialize, Serialize};

/// What a client may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Create the task.
    Create,
    /// Delete it.
    Delete,
    /// Read it, linearizably.
    Query,
    /// Pause it.
    Pause,
    /// Resume it.
    Resume,
    /// Give it another definition.
    Update,
    /// Run it once now, beside its schedule.
    Trigger,
    /// Attempt runs again that have failed.
    Retry,
}

/// What a client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is done.
    Ok,
    /// It is not acceptable, so it was not done.
    Refused,
    /// It was not done and will not be.
    None,
    /// It may be done, now or later; also when there was no answer.
    Unknown,
    /// There is no such task.
    Absent,
    /// There is such a task with another definition.
    Conflict,
}

/// The phase of a task's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskPhase {
    /// It has occurrences ahead or runs open.
    Active,
    /// It does not run until it is resumed.
    Paused,
    /// It will not run again.
    Finished,
}

/// What a query read of a task that exists; what was not looked at is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// [`Definition::fingerprint`] of the definition that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Its phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<TaskPhase>,
    /// Its next occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_s: Option<i64>,
    /// How many runs ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_count: Option<u64>,
    /// How many of them succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeded: Option<u64>,
    /// How many of them failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<u64>,
    /// How many occurrences were skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<u64>,
}

/// One operation of one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Op {
    /// Who asked; one client has at most one operation under way.
    #[serde(default)]
    pub client: u64,
    /// The node that was asked.
    #[serde(default)]
    pub node: u64,
    /// What was asked.
    pub call: Call,
    /// Of which task.
    pub task: String,
    /// When the request left, at the latest just before its first byte.
    pub sent_us: i64,
    /// When the answer was there, at the earliest just after its last byte; `None` if never.
    #[serde(default)]
    pub back_us: Option<i64>,
    /// What was answered.
    pub outcome: Outcome,
    /// With `create` and `update`: what it is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Definition>,
    /// With a `trigger` or `retry` that was answered ok: the runs that it opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<String>,
    /// With a `query` that was answered ok: what was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

impl Op {
    /// An operation that is not answered yet.
    #[must_use]
    pub fn new(call: Call, task: impl Into<String>, sent_us: i64) -> Self {
        Self {
            client: 0,
            node: 0,
            call,
            task: task.into(),
            sent_us,
            back_us: None,
            outcome: Outcome::Unknown,
            definition: None,
            runs: Vec::new(),
            seen: None,
        }
    }

    /// A create that is not answered yet.
    #[must_use]
    pub fn create(task: impl Into<String>, definition: Definition, sent_us: i64) -> Self {
        Self { definition: Some(definition), ..Self::new(Call::Create, task, sent_us) }
    }

    /// An update that is not answered yet.
    #[must_use]
    pub fn update(task: impl Into<String>, definition: Definition, sent_us: i64) -> Self {
        Self { definition: Some(definition), ..Self::new(Call::Update, task, sent_us) }
    }

    /// The same by another client, to a node.
    #[must_use]
    pub const fn by(mut self, client: u64, node: u64) -> Self {
        self.client = client;
        self.node = node;
        self
    }

    /// The same, answered.
    #[must_use]
    pub const fn answered(mut self, outcome: Outcome, back_us: i64) -> Self {
        self.outcome = outcome;
        self.back_us = Some(back_us);
        self
    }

    /// The same, done.
    #[must_use]
    pub const fn answered_ok(self, back_us: i64) -> Self {
        self.answered(Outcome::Ok, back_us)
    }

    /// The same, done: it opened a run.
    #[must_use]
    pub fn opened(mut self, run: impl Into<String>, back_us: i64) -> Self {
        self.runs.push(run.into());
        self.answered_ok(back_us)
    }

    /// The same, a query that read `seen`.
    #[must_use]
    pub fn saw(mut self, seen: Seen, back_us: i64) -> Self {
        self.seen = Some(seen);
        self.answered_ok(back_us)
    }
}
