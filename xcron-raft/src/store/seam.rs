//! The seam of xcron-core on raft: reads of a fresh view, commits through the queue.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;
use xcron_core::mutant::{self, Mutant};
use xcron_core::store::{COMMIT_CHANGES_MAX, PAGE_HISTORIES_MAX, PAGE_TASKS_MAX};
use xcron_core::{
    Agenda, Change, Claim, Committed, Conflict, Consistency, Effect, Entrusted, Holder, Revision,
    Sender, Store, StoreError, StoreErrorKind, Task, TaskCounts, TaskId, TaskWithHistory,
    Timestamp,
};

use super::RaftStore;
use super::proposal::unavailable;
use super::proposer::Pending;
use super::reads::READS_WAITING_MAX;
use super::settings::{QUEUE_BYTES_MAX, QUEUE_COMMITS_MAX, RaftSettings};
use crate::cluster::status;
use crate::state::{FORMAT_SHORT_PUTS, View};
use crate::types::{Answer, Reply};
use crate::wire::Unreadable;
use crate::wire::change::{encode_commit, encode_short_commit};
use crate::wire::short::Lasting;

type Receiver = oneshot::Receiver<Result<Reply, StoreError>>;

impl RaftStore {
    /// The view for a read of this freshness. A node that is alone and leads needs no one's
    /// confirmation, and publishes a commit before it acknowledges it.
    pub(super) async fn fresh_view(
        &self,
        consistency: Consistency,
    ) -> Result<Arc<View>, StoreError> {
        let needs_word = !(self.shared.standing().is_alone && self.shared.is_leader());
        let needs_word = needs_word && !mutant::is_on(Mutant::LocalRead);
        if consistency == Consistency::Linearizable && needs_word {
            let failure = self.shared.failure(Effect::None);
            if let Some(error) = failure.or_else(|| self.shared.not_begun()) {
                return Err(error);
            }
            let (reading, confirmed) = oneshot::channel();
            if self.reads.try_send(reading).is_err() {
                let message = format!("{READS_WAITING_MAX} reads wait for the cluster's word");
                return Err(StoreError::new(StoreErrorKind::Overloaded, Effect::None, message));
            }
            let stopped = "the store was shut down before the read";
            let lost = |_| StoreError::new(StoreErrorKind::Unavailable, Effect::None, stopped);
            confirmed.await.map_err(lost)??;
        }
        Ok(self.view())
    }

    /// Puts a commit into the queue.
    pub(super) fn submit(&self, changes: &[Change]) -> Result<Receiver, StoreError> {
        let overloaded =
            |message| StoreError::new(StoreErrorKind::Overloaded, Effect::None, message);
        if changes.len() > COMMIT_CHANGES_MAX {
            let count = changes.len();
            return Err(overloaded(format!("{count} changes, at most {COMMIT_CHANGES_MAX}")));
        }
        let failure = self.shared.failure(Effect::None);
        if let Some(error) = failure.or_else(|| self.shared.not_begun()) {
            return Err(error);
        }
        let settings = &self.shared.settings;
        let command = encode(&self.view(), changes, settings);
        let (bytes, bytes_max) = (command.len(), settings.commit_bytes_max());
        if bytes > bytes_max {
            return Err(overloaded(format!("a commit of {bytes} bytes, at most {bytes_max}")));
        }
        let queued = &self.shared.counters.queued_bytes;
        let waiting = queued.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        let (reply, answer) = oneshot::channel();
        let pending = Pending { command, changes: changes.len(), since: Instant::now(), reply };
        let refused = if waiting > QUEUE_BYTES_MAX as u64 {
            Some(format!("{waiting} bytes wait for the log, at most {QUEUE_BYTES_MAX}"))
        } else {
            let full = |_| format!("{QUEUE_COMMITS_MAX} commits wait for the log");
            self.queue.try_send(pending).err().map(full)
        };
        match refused {
            None => Ok(answer),
            Some(message) => {
                queued.fetch_sub(bytes as u64, Ordering::Relaxed);
                let closed = self.shared.failure(Effect::None);
                Err(closed.unwrap_or_else(|| overloaded(message)))
            }
        }
    }
}

#[async_trait]
impl Store for RaftStore {
    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.submit(&changes)?;
        match answer.await {
            Ok(Ok(Reply::Committed(answers))) => Ok(answers.iter().map(committed).collect()),
            Ok(Err(error)) => Err(error),
            Ok(Ok(_)) | Err(_) => {
                let message = "the store was shut down while the commit was on its way";
                let kind = StoreErrorKind::Unavailable;
                Err(StoreError::new(kind, Effect::Unknown, message))
            }
        }
    }

    async fn get(
        &self,
        id: &TaskId,
        consistency: Consistency,
    ) -> Result<Option<TaskWithHistory>, StoreError> {
        let view = self.fresh_view(consistency).await?;
        let found = view.get(id).map(|record| record.task_with_history());
        found.transpose().map_err(unreadable)
    }

    async fn scan(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        consistency: Consistency,
    ) -> Result<Vec<Task>, StoreError> {
        let view = self.fresh_view(consistency).await?;
        view.scan(after, limit.min(PAGE_TASKS_MAX)).map_err(unreadable)
    }

    async fn scan_history(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        failed: bool,
        consistency: Consistency,
    ) -> Result<Vec<TaskWithHistory>, StoreError> {
        let view = self.fresh_view(consistency).await?;
        let limit = limit.min(PAGE_HISTORIES_MAX);
        view.scan_history(after, limit, failed).map_err(unreadable)
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Task>, StoreError> {
        if !self.shared.may_plan() {
            return Ok(Vec::new());
        }
        let is_gone = |holder| self.shared.is_gone(holder);
        self.view().due(until, limit.min(PAGE_TASKS_MAX), &is_gone).map_err(unreadable)
    }

    async fn finished(&self, limit: usize) -> Result<Vec<Task>, StoreError> {
        self.view().finished(limit.min(PAGE_TASKS_MAX)).map_err(unreadable)
    }

    fn agenda(&self) -> Agenda {
        self.shared.agenda()
    }

    async fn agenda_changed(&self, seen: Agenda) {
        let mut changes = self.shared.published.changes();
        // The receiver is there before the look, so nothing between the two is missed.
        while !self.shared.agenda().is_news_to(&seen) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn holder(&self) -> Holder {
        self.shared.own_holder()
    }

    fn senders(&self) -> Vec<Sender> {
        self.shared.senders()
    }

    fn offer(&self, attempts: usize) {
        self.shared.offer(attempts);
    }

    fn entrusted(&self, since: Revision, limit: usize) -> Result<Entrusted, StoreError> {
        let view = self.view();
        let tasks = view.held_since(self.holder(), since.0, limit).map_err(unreadable)?;
        Ok(Entrusted { tasks, seen: Revision(view.revision()) })
    }

    fn is_open(&self, claim: &Claim, made: Revision) -> bool {
        let view = self.view();
        view.get(&claim.task).is_some_and(|record| {
            // A task at the revision that made the claim is as the claim made it.
            let stands = |state| claim.stands_in(&state);
            record.revision() == made.0 || record.task_state().is_ok_and(stands)
        })
    }

    fn is_gone(&self, holder: Holder) -> bool {
        self.shared.is_gone(holder)
    }

    fn clock_fault(&self) -> Option<StoreError> {
        self.shared.clock_fault().map(|fault| unavailable(Effect::None, &fault))
    }

    fn may_send(&self) -> bool {
        self.shared.may_send()
    }

    fn stands(&self, claim: &Claim) -> bool {
        let view = self.view();
        let state = view.get(&claim.task).and_then(|record| record.task_state().ok());
        let is_claimed = match state {
            Some(state) => claim.stands_in(&state) || mutant::is_on(Mutant::FireBeforeCommit),
            None => mutant::is_on(Mutant::DeleteLeavesQueued),
        };
        self.shared.may_send() && is_claimed
    }

    fn counts(&self) -> TaskCounts {
        self.view().counts()
    }

    async fn ready(&self) -> Result<(), StoreError> {
        // What is known to be in the way needs no question.
        if let Some(why) = status::obstacle(&self.shared) {
            let kind = StoreErrorKind::Unavailable;
            return Err(self
                .shared
                .failure(Effect::None)
                .unwrap_or_else(|| StoreError::new(kind, Effect::None, why)));
        }
        self.fresh_view(Consistency::Linearizable).await?;
        if self.shared.standing().leader != Some(self.shared.node_id()) {
            return Ok(());
        }
        // Room for a little more than nothing: the next commit must fit too.
        let next = (self.shared.settings.segment_bytes / 16).min(64 << 10) as usize;
        self.shared.disk_full(next).map_or(Ok(()), Err)
    }
}

/// The bytes of a commit of `changes` in the format in force.
pub(super) fn encode(view: &View, changes: &[Change], settings: &RaftSettings) -> Bytes {
    let format = view.roster.format();
    let keeping = settings.keeping(format);
    if format < FORMAT_SHORT_PUTS {
        return encode_commit(changes, keeping);
    }
    encode_short_commit(changes, keeping, &|id, expected| {
        let record = view.get_at(id, expected.0)?;
        Lasting::of(record.parts().state).ok()
    })
}

/// An answer as the caller of the store is given it.
fn committed(answer: &Answer) -> Committed {
    match *answer {
        Answer::Done(revision) => Ok(Revision(revision)),
        Answer::Exists => Err(Conflict::Exists),
        Answer::Missing => Err(Conflict::Missing),
        Answer::Stale(current) => Err(Conflict::Stale { current: Revision(current) }),
    }
}

fn unreadable(error: Unreadable) -> StoreError {
    StoreError::new(StoreErrorKind::Fatal, Effect::None, error.to_string())
}
