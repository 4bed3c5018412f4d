//! What a task has come to: the part of a task that decisions change, small enough to rewrite
//! at every claim and settle.

use crate::Timestamp;
use crate::task::attempt::{AttemptEnd, AttemptRecord, length, runs_with_attempts};
use crate::task::id::Occurrence;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most runs of one task that may be open at a time; further occurrences wait, none is lost.
pub const OPEN_RUNS_MAX: usize = 100;

/// The mutable state of a task.
///
/// All that a new decider needs after any failure is in here: which occurrences are decided,
/// which runs are open with attempt and holder, and how the ended ones ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskState {
    /// Whether the schedule is followed.
    pub status: TaskStatus,
    /// When the task was created.
    pub created_at: Timestamp,
    /// When the last run ended and no further one can come.
    pub finished_at: Option<Timestamp>,
    /// Counts the definitions that the task has had, from 1.
    pub version: u64,
    /// Every occurrence up to and including this instant is decided.
    pub decided_until: Timestamp,
    /// The earliest occurrence that is not decided yet.
    pub next: Option<Timestamp>,
    /// Nothing is decided before this instant: the destination is saturated or catch-up is paced.
    pub deferred_until: Option<Timestamp>,
    /// When somebody must decide next; what [`Store::due`](crate::Store::due) is ordered by.
    pub due_at: Option<Timestamp>,
    /// Runs that have not ended, oldest claim first; at most [`OPEN_RUNS_MAX`].
    pub runs: Vec<OpenRun>,
    /// How many occurrences came to what end.
    pub counters: Counters,
    /// Why the task is paused, in the words of whoever did it.
    #[serde(default)]
    pub note: Option<Arc<str>>,
    /// Occurrences after this instant are those of the present schedule; since the task was
    /// created while it never had another.
    #[serde(default)]
    pub scheduled_since: Option<Timestamp>,
    /// How many occurrences the earlier schedules of the task had.
    #[serde(default)]
    pub expected_before: u64,
}

/// Whether the schedule of a task is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Runs become due.
    Active,
    /// No run becomes due until the task is resumed; open runs go on.
    Paused,
    /// No run can come any more; the record is kept for a while.
    Finished,
}

impl TaskStatus {
    /// `active`, `paused` or `finished`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Finished => "finished",
        }
    }
}

/// A run that was claimed and has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRun {
    /// What it answers to.
    pub occurrence: Occurrence,
    /// The newest attempt that was claimed, from 1; 0 while none was.
    pub attempt: u32,
    /// How many of the attempts were lost with their sender: they do not count as failures.
    pub lost: u32,
    /// The fencing token of the newest attempt.
    pub fence: u64,
    /// When the occurrence became a run: its age counts from here.
    pub claimed_at: Timestamp,
    /// Where the run stands.
    pub phase: Phase,
    /// Its attempts that have ended, oldest first: the newest, within the limits of
    /// [`attempt`](super::attempt).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<AttemptRecord>,
}

impl OpenRun {
    /// The run of `occurrence`, begun at `claimed_at`, of which no attempt was claimed yet.
    pub(crate) const fn new(occurrence: Occurrence, claimed_at: Timestamp, phase: Phase) -> Self {
        Self { occurrence, attempt: 0, lost: 0, fence: 0, claimed_at, phase, earlier: Vec::new() }
    }
}

/// Where an open run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Waits for an earlier run of the task to end.
    Queued,
    /// Its attempt belongs to `holder`, who sends it at `not_before` or later.
    Sending {
        /// Who sends it.
        holder: Holder,
        /// No byte is sent before this instant.
        not_before: Timestamp,
    },
    /// The next attempt is claimed at this instant or later.
    Waiting {
        /// When.
        until: Timestamp,
    },
}

/// Who sends an attempt: one life of one node. A node that restarts is another holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Holder {
    /// The node.
    pub node: u64,
    /// Grows with every start of the node.
    pub incarnation: u64,
}

/// How many occurrences of a task came to what end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Runs that were claimed, scheduled and manual.
    pub claimed: u64,
    /// Runs that succeeded.
    pub succeeded: u64,
    /// Runs that failed for good.
    pub failed: u64,
    /// Runs whose result nobody knows: an at-most-once attempt was lost with its sender.
    pub unknown: u64,
    /// Runs that were cancelled.
    pub cancelled: u64,
    /// Occurrences skipped because they were missed.
    pub skipped_misfire: u64,
    /// Occurrences skipped because an earlier run had not ended.
    pub skipped_overlap: u64,
    /// Occurrences skipped because the task was paused.
    pub skipped_paused: u64,
    /// Local times that clocks jumped over while an earlier schedule held, which skips them. Those
    /// of the present schedule are counted when somebody asks.
    #[serde(default)]
    pub skipped_dst: u64,
    /// Manual runs that were asked for.
    pub manual: u64,
}

impl Counters {
    /// Runs that ended, whatever the result.
    #[must_use]
    pub const fn ended(&self) -> u64 {
        self.succeeded + self.failed + self.unknown + self.cancelled
    }

    /// Occurrences that were skipped, whatever the reason.
    #[must_use]
    pub const fn skipped(&self) -> u64 {
        self.skipped_misfire + self.skipped_overlap + self.skipped_paused
    }
}

/// How an occurrence ended; kept in the history of its task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Which occurrence; the last one when `count` is above 1.
    pub occurrence: Occurrence,
    /// How it ended.
    pub end: RunEnd,
    /// How many occurrences the record stands for: above 1 only for skipped ones.
    pub count: u64,
    /// The attempts that were claimed.
    pub attempts: u32,
    /// When the last attempt was started; when the decision was made if none was.
    pub started_at: Timestamp,
    /// When the end was decided.
    pub ended_at: Timestamp,
    /// The node that made the last attempt.
    pub node: u64,
    /// The dispatcher's own status code of the last attempt, such as an HTTP status.
    pub code: Option<u16>,
    /// What went wrong with the last attempt; at most [`ERROR_BYTES_MAX`] bytes.
    pub error: Option<Arc<str>>,
    /// The beginning of what the target answered to the last attempt; at most
    /// [`ANSWER_BYTES_MAX`](super::attempt::ANSWER_BYTES_MAX) bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Arc<str>>,
    /// The attempts before that one, oldest first: the newest, within the limits of
    /// [`attempt`](super::attempt).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<AttemptRecord>,
}

impl RunRecord {
    /// Every attempt that is kept, oldest first. The last one is not among them if it was in flight
    /// when the run was cancelled.
    pub fn made(&self) -> impl Iterator<Item = AttemptRecord> {
        let end = match self.end {
            RunEnd::Succeeded => Some(AttemptEnd::Succeeded),
            RunEnd::Failed => Some(AttemptEnd::Failed),
            RunEnd::Unknown => Some(AttemptEnd::Lost),
            RunEnd::Cancelled
            | RunEnd::SkippedMisfire
            | RunEnd::SkippedOverlap
            | RunEnd::SkippedPaused => None,
        };
        let last = end.map(|end| AttemptRecord {
            attempt: self.attempts,
            node: self.node,
            started_at: self.started_at,
            ended_at: self.ended_at,
            end,
            code: self.code,
            error: self.error.clone(),
            answer: self.answer.clone(),
        });
        self.earlier.iter().cloned().chain(last)
    }

    /// What its attempts count for in the limits of [`attempt`](super::attempt).
    #[must_use]
    pub fn attempts_bytes(&self) -> usize {
        let earlier: usize = self.earlier.iter().map(AttemptRecord::bytes).sum();
        earlier + length(self.answer.as_deref())
    }

    /// Lets go of its attempts, so that only how the run ended remains.
    pub fn forget_attempts(&mut self) {
        self.answer = None;
        self.earlier = Vec::new();
    }

    /// Lets go of the attempts of all of these runs but the newest ones, as
    /// [`runs_with_attempts`] says: what a store does to a history.
    pub fn bound_attempts<'a>(
        newest_first: impl IntoIterator<Item = &'a mut Self>,
        bytes_max: usize,
    ) {
        let mut runs: Vec<&mut Self> = newest_first.into_iter().collect();
        let kept = runs_with_attempts(runs.iter().map(|run| run.attempts_bytes()), bytes_max);
        runs[kept..].iter_mut().for_each(|run| run.forget_attempts());
    }
}

/// The most bytes of an error text that are kept.
pub const ERROR_BYTES_MAX: usize = 256;

/// The ends that an occurrence can come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// An attempt succeeded.
    Succeeded,
    /// Every attempt failed.
    Failed,
    /// An at-most-once attempt was lost with its sender.
    Unknown,
    /// Cancelled while open.
    Cancelled,
    /// Missed, and skipped by policy.
    SkippedMisfire,
    /// An earlier run had not ended.
    SkippedOverlap,
    /// The task was paused.
    SkippedPaused,
}

impl RunEnd {
    /// The end's name as users read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
            Self::SkippedMisfire => "skipped_misfire",
            Self::SkippedOverlap => "skipped_overlap",
            Self::SkippedPaused => "skipped_paused",
        }
    }
}
