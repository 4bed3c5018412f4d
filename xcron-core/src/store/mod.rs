//! The seam to durability: a small versioned record store.

mod error;
mod memory;

pub use error::{Effect, StoreError, StoreErrorKind};
pub use memory::MemoryStore;

use crate::Timestamp;
use crate::task::definition::TaskDefinition;
use crate::task::id::{Occurrence, RunId, TaskId};
use crate::task::state::{Holder, OpenRun, Phase, RunRecord, TaskState};
use crate::task::{Revision, Task, TaskWithHistory};
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The most changes of one commit; what a store must accept in one step.
pub const COMMIT_CHANGES_MAX: usize = 4_096;
/// The most tasks of one page of [`Store::scan`], [`Store::due`] or [`Store::finished`].
pub const PAGE_TASKS_MAX: usize = 4_096;
/// The most tasks of one page of [`Store::scan_history`].
pub const PAGE_HISTORIES_MAX: usize = 256;
/// The most tasks of one page of [`Store::entrusted`].
pub const ENTRUSTED_MAX: usize = 1_024;
/// The most failed runs of a task that are kept, besides the newest of the others.
pub const FAILED_RUNS_MAX: usize = 100;

/// A change of one task, decided on a known revision of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Makes a task exist; conflicts when it does.
    Create {
        /// Its name.
        id: TaskId,
        /// What its owner decided.
        definition: Arc<TaskDefinition>,
        /// What it begins as.
        state: TaskState,
    },
    /// Replaces the state, conflicts unless the task's revision is `expected`.
    Put {
        /// Which task.
        id: TaskId,
        /// The revision that the change was decided on.
        expected: Revision,
        /// A new definition, when the owner changed it.
        definition: Option<Arc<TaskDefinition>>,
        /// The new state.
        state: TaskState,
        /// Occurrences that ended with this change, oldest first; they go to the history.
        ended: Vec<RunRecord>,
    },
    /// Makes a task not exist; conflicts when it does not, or has another revision than the
    /// `expected` one.
    Delete {
        /// Which task.
        id: TaskId,
        /// The revision that the change was decided on; `None` deletes any.
        expected: Option<Revision>,
    },
}

impl Change {
    /// The task that changes.
    #[must_use]
    pub const fn id(&self) -> &TaskId {
        match self {
            Self::Create { id, .. } | Self::Put { id, .. } | Self::Delete { id, .. } => id,
        }
    }
}

/// Why a change did not happen, although the store works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// The task exists already.
    Exists,
    /// There is no such task.
    Missing,
    /// The task has changed since the revision that the change was decided on.
    Stale {
        /// Its revision now.
        current: Revision,
    },
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("the task exists already"),
            Self::Missing => f.write_str("there is no such task"),
            Self::Stale { current } => write!(f, "the task is at revision {} now", current.0),
        }
    }
}

/// What one change of a batch came to: the task's new revision, or why nothing happened to it.
pub type Committed = Result<Revision, Conflict>;

/// How fresh a read must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// Every change acknowledged before the read began is seen.
    #[default]
    Linearizable,
    /// What this node has applied.
    Stale,
}

/// What the store asks of the node that plans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agenda {
    /// Names the present term of this node as the one entitled to decide; `None` while it is not.
    ///
    /// Another term says that nobody could fire before it: what was due until then was missed. A
    /// store that merely cannot answer for a moment keeps its term.
    pub tenure: Option<u64>,
    /// The earliest [`TaskState::due_at`]; [`Timestamp::MIN`] while a run of a gone holder waits.
    pub next_due: Option<Timestamp>,
    /// For how long before the present term nobody may have been able to fire; `None` if that is
    /// not known. After a short vacancy nothing counts as missed, it is merely late.
    pub vacancy: Option<Duration>,
    /// The newest revision of a task with an attempt that another node has claimed for this one;
    /// `None` if there is none, or while this node plans itself.
    pub entrusted: Option<Revision>,
}

impl Agenda {
    /// Whether an engine that acted on `seen` has something new to do: its node gained or lost its
    /// tenure, something became due earlier, or an attempt was claimed for it.
    #[must_use]
    pub fn is_news_to(&self, seen: &Self) -> bool {
        let earlier = match (self.next_due, seen.next_due) {
            (Some(now), Some(then)) => now < then,
            (Some(_), None) => true,
            (None, _) => false,
        };
        self.tenure != seen.tenure || earlier || self.entrusted > seen.entrusted
    }
}

/// Tasks with an attempt that was claimed for this node.
#[derive(Clone, Debug, Default)]
pub struct Entrusted {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Every change up to this revision is in them.
    pub seen: Revision,
}

/// Another node that sends what is claimed for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Who it is in claims.
    pub holder: Holder,
    /// How many more attempts may be claimed for it now.
    pub room: usize,
}

/// A claimed attempt, as its sender names it just before the send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which task.
    pub task: TaskId,
    /// Which occurrence.
    pub occurrence: Occurrence,
    /// Which attempt.
    pub attempt: u32,
    /// The attempt's fencing token.
    pub fence: u64,
    /// Who claimed it.
    pub holder: Holder,
}

impl Claim {
    /// The newest attempt of `run`, which `holder` has.
    pub(crate) fn of(task: &Task, run: &OpenRun, holder: Holder) -> Self {
        let OpenRun { occurrence, attempt, fence, .. } = *run;
        Self { task: task.id.clone(), occurrence, attempt, fence, holder }
    }

    /// The run that the attempt belongs to.
    #[must_use]
    pub fn run_id(&self) -> RunId {
        RunId::new(self.task.clone(), self.occurrence)
    }

    /// Whether `state` still holds this claim.
    #[must_use]
    pub fn stands_in(&self, state: &TaskState) -> bool {
        state.runs.iter().any(|run| {
            run.occurrence == self.occurrence
                && run.attempt == self.attempt
                && run.fence == self.fence
                && matches!(run.phase, Phase::Sending { holder, .. } if holder == self.holder)
        })
    }
}

/// How many tasks there are, by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskCounts {
    /// Tasks whose schedule is followed.
    pub active: u64,
    /// Tasks that wait to be resumed.
    pub paused: u64,
    /// Tasks that cannot run any more.
    pub finished: u64,
}

impl TaskCounts {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.active + self.paused + self.finished
    }
}

/// A durable, versioned record store with one total order of changes.
///
/// It stores what it is given and orders what is due; it never evaluates a schedule, reads a
/// clock or draws a random number.
///
/// # Contract
///
/// Each bullet is a function of the same name in `testing::store_suite` (feature `testing`),
/// which every implementation and every wrapper runs.
///
/// - `a_commit_is_atomic_ordered_and_answers_in_order`: a batch is one step of one total order;
///   the answers are in the order of the changes; revisions grow with every change of any task.
/// - `a_conflict_changes_nothing_of_its_item`: an item that conflicts leaves its task as it was
///   and the rest of the batch unharmed.
/// - `a_recreated_task_shares_no_revision_with_the_old_one`: a change decided on a deleted task
///   conflicts with the one created later under its name.
/// - `a_read_sees_every_acknowledged_commit`: `get` and `scan` with
///   [`Consistency::Linearizable`].
/// - `scan_pages_through_all_tasks_in_order_of_id`: each task once, at most `limit` a page.
/// - `due_is_ordered_and_bounded`: tasks with `due_at` at or before `until`, earliest first, ties
///   in order of id, at most `limit`.
/// - `finished_tasks_come_oldest_first`: only finished ones, by `finished_at`, at most `limit`.
/// - `the_agenda_follows_the_earliest_due_task`: after a commit, `agenda().next_due` is the
///   earliest `due_at`.
/// - `a_wait_for_the_agenda_misses_no_news_and_may_be_dropped`: `agenda_changed(seen)` returns
///   when the agenda is news to `seen`, at once when it already is; dropping it loses nothing.
/// - `a_claim_stands_until_deleted_or_replaced`: `stands` is true from the acknowledged claim to
///   the acknowledged delete, settle or next claim.
/// - `the_history_keeps_the_newest_records`: at most as many as the store was told to keep,
///   newest first; gone with the task.
/// - `failed_runs_outlast_others`: up to [`FAILED_RUNS_MAX`] failed runs of a task are kept besides
///   them, and `scan_history` finds the tasks that have some.
/// - `a_run_that_ends_again_replaces_its_record`: the history holds a failed run that was retried
///   once, as it ended last.
/// - `runs_keep_their_attempts`: open runs as they were put; of those that ended the newest, as
///   [`RunRecord::bound_attempts`] does it to failed runs within
///   [`FAILED_ATTEMPTS_BYTES_MAX`](crate::task::attempt::FAILED_ATTEMPTS_BYTES_MAX), and to others
///   within [`OTHER_ATTEMPTS_BYTES_MAX`](crate::task::attempt::OTHER_ATTEMPTS_BYTES_MAX).
/// - `counts_add_up`: `counts` by status, after each commit.
///
/// Durable stores also run `testing::durable_suite`:
///
/// - `everything_acknowledged_survives_a_reopen`, revisions going on where they were.
/// - `a_run_held_by_an_earlier_life_is_due_at_once_after_a_reopen`: its holder is gone, `due`
///   offers the task whatever its `due_at`, and the agenda says so.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Makes up to [`COMMIT_CHANGES_MAX`] changes durable in one step.
    ///
    /// # Errors
    /// Says whether the batch certainly did not happen, now or later, or may have. Resubmitting
    /// is always safe, because each change names what it was decided on.
    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError>;

    /// The task named `id`, with its history.
    ///
    /// # Errors
    /// When the store cannot answer with the asked consistency now.
    async fn get(
        &self,
        id: &TaskId,
        consistency: Consistency,
    ) -> Result<Option<TaskWithHistory>, StoreError>;

    /// Up to `limit` tasks in order of id, those after `after`.
    ///
    /// # Errors
    /// When the store cannot answer with the asked consistency now.
    async fn scan(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        consistency: Consistency,
    ) -> Result<Vec<Task>, StoreError>;

    /// Up to `limit` tasks with their histories in order of id, those after `after`; all of them,
    /// or only those with `failed` runs.
    ///
    /// # Errors
    /// When the store cannot answer with the asked consistency now.
    async fn scan_history(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        failed: bool,
        consistency: Consistency,
    ) -> Result<Vec<TaskWithHistory>, StoreError>;

    /// Up to `limit` tasks that this node may decide on, due at or before `until`, earliest
    /// first; a task with an open run of a gone holder is due at once.
    ///
    /// # Errors
    /// When the store cannot answer now. A node that is not entitled gets an empty page.
    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Task>, StoreError>;

    /// Up to `limit` finished tasks, the one that finished first first.
    ///
    /// # Errors
    /// When the store cannot answer now.
    async fn finished(&self, limit: usize) -> Result<Vec<Task>, StoreError>;

    /// What this node has to plan, as of its last applied commit.
    fn agenda(&self) -> Agenda;

    /// Returns once the agenda is news to `seen` ([`Agenda::is_news_to`]).
    async fn agenda_changed(&self, seen: Agenda);

    /// Who this node is in the claims that it makes.
    fn holder(&self) -> Holder;

    /// Whether `holder` certainly sends nothing any more.
    fn is_gone(&self, holder: Holder) -> bool;

    /// The other nodes that attempts may be claimed for now; none where there is one node only.
    fn senders(&self) -> Vec<Sender> {
        Vec::new()
    }

    /// Says how many attempts the others may claim for this node; 0 once it takes none any more.
    fn offer(&self, _attempts: usize) {}

    /// Up to `limit` tasks with an attempt that was claimed for this node, of those that have
    /// changed after the revision `since`, in the order in which they did.
    ///
    /// # Errors
    /// When the store cannot answer now.
    fn entrusted(&self, _since: Revision, _limit: usize) -> Result<Entrusted, StoreError> {
        Ok(Entrusted::default())
    }

    /// Whether a claim that was made for another node with the revision `made` stands, as of the
    /// last applied commit; cheap.
    fn is_open(&self, _claim: &Claim, _made: Revision) -> bool {
        true
    }

    /// Why nothing may be decided by this node's clock now, if so; cheap, asked after the clock was
    /// read for a wish about a task. It says that the wish has no effect.
    fn clock_fault(&self) -> Option<StoreError>;

    /// Whether this node may send at all now, as far as it depends on no single claim; cheap. What
    /// is entitled to decide may still have to wait until others have vouched for it anew. Claims
    /// are kept meanwhile, and sent once this is true.
    fn may_send(&self) -> bool;

    /// Whether a claim that this node made still stands and it [may send](Self::may_send); cheap,
    /// asked just before each send.
    fn stands(&self, claim: &Claim) -> bool;

    /// How many tasks there are, as of the last applied commit.
    fn counts(&self) -> TaskCounts;

    /// Returns once a linearizable read and a commit would be answered.
    ///
    /// # Errors
    /// Why they would not be now.
    async fn ready(&self) -> Result<(), StoreError>;
}
