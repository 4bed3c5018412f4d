//! The store: commits through raft, reads from the newest published view.

mod backup;
mod node;
mod opening;
mod peering;
pub(crate) mod proposal;
mod proposer;
mod reads;
mod settings;
mod shared;
mod stats;
#[cfg(test)]
mod tests;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use xcron_core::mutant::{self, Mutant};
use xcron_core::store::{COMMIT_CHANGES_MAX, PAGE_HISTORIES_MAX, PAGE_TASKS_MAX};
use xcron_core::{
    Agenda, Change, Claim, Clock, Committed, Conflict, Consistency, Effect, Holder, Revision,
    Store, StoreError, StoreErrorKind, Task, TaskCounts, TaskId, TaskWithHistory, Timestamp,
};

use crate::cluster::errands::Errand;
use crate::cluster::median_clock::MedianClock;
use crate::cluster::status::{self, ClusterStatus};
use crate::disk::{Disk, RealDisk};
use crate::peer::PeerCounts;
use crate::runtime;
use crate::state::View;
use crate::types::{Answer, Reply};
use crate::wire::Unreadable;
use crate::wire::change::encode_commit;
use crate::{Error, ErrorKind};
use node::Request;
use opening::Inbox;
use proposal::unavailable;
use proposer::Pending;
use reads::{READS_WAITING_MAX, Reading};
use settings::{QUEUE_BYTES_MAX, QUEUE_COMMITS_MAX};

pub(crate) use opening::log_settings;
pub(crate) use shared::Shared;

pub use backup::Backup;
pub use peering::Peering;
pub use settings::RaftSettings;
pub use stats::{LATENCY_BUCKETS_US, StoreStats};

/// A durable [`Store`], replicated by raft: one node of a cluster of one or several.
///
/// Every node answers every call. Commits go through the leader, wherever they are made; reads are
/// linearizable on every node, and [`Consistency::Stale`] reads need nobody else. Only the leader
/// plans and sends.
///
/// Dropping the store waits until its threads have ended and its files are closed;
/// [`RaftStore::shutdown`] does the same without blocking.
///
/// ```
/// use xcron_core::Store;
/// use xcron_raft::{RaftSettings, RaftStore};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let dir = tempfile::tempdir()?;
/// let store = RaftStore::open(RaftSettings::new(dir.path())).await?;
/// assert_eq!(store.counts().total(), 0);
/// store.shutdown().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct RaftStore {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Pending>,
    reads: mpsc::Sender<Reading>,
    requests: mpsc::Sender<Request>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    ended: tokio::sync::Mutex<Option<oneshot::Receiver<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How many requests about the cluster may wait.
const REQUESTS_MAX: usize = 64;

impl RaftStore {
    /// Opens the store in the directory that the settings name, creating it at first, as a cluster
    /// of one that has no network.
    ///
    /// # Errors
    /// By [`ErrorKind`](crate::ErrorKind): in use, damaged, foreign, invalid, full, or broken.
    pub async fn open(settings: RaftSettings) -> Result<Self, Error> {
        Self::open_among(settings, Peering::alone()).await
    }

    /// Opens the store in the directory that the settings name, as a node among others.
    ///
    /// Returns as soon as the store can be asked: a cluster of one is ready then, a node of several
    /// may have to wait for others; [`RaftStore::ready`] tells.
    ///
    /// # Errors
    /// Those of [`RaftStore::open`].
    pub async fn open_among(settings: RaftSettings, peering: Peering) -> Result<Self, Error> {
        settings.check()?;
        let disk = RealDisk::open(&settings.data_dir)?;
        Self::open_on(Arc::new(disk), settings, peering).await
    }

    /// Opens the store on `disk`, whatever directory the settings name.
    ///
    /// # Errors
    /// Those of [`RaftStore::open`].
    pub async fn open_on(
        disk: Arc<dyn Disk>,
        settings: RaftSettings,
        peering: Peering,
    ) -> Result<Self, Error> {
        let (queue, commits) = mpsc::channel(QUEUE_COMMITS_MAX);
        let (reads, readings) = mpsc::channel(READS_WAITING_MAX);
        let (requests, asked) = mpsc::channel(REQUESTS_MAX);
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let (started, start) = oneshot::channel();
        let inbox = Inbox { commits, reads: readings, requests: asked, stop: stopped };
        let life = move || async move {
            opening::run(disk, settings, peering, started, inbox).await;
            drop(end);
        };
        let thread = runtime::live_apart("xcron-raft", life);
        let thread = thread.map_err(|e| Error::disk("cannot start the raft thread", &e))?;
        let lost = |_| Error::new(ErrorKind::Storage, "the raft thread has ended");
        let shared = start.await.map_err(lost)??;
        Ok(Self {
            shared,
            queue,
            reads,
            requests,
            stop: Mutex::new(Some(stop)),
            ended: tokio::sync::Mutex::new(Some(ended)),
            thread: Mutex::new(thread),
        })
    }

    /// Stops taking commits, finishes what is on its way to the log, and closes all files.
    pub async fn shutdown(&self) {
        self.signal();
        if let Some(ended) = self.ended.lock().await.take() {
            // An error means the same: the thread has ended.
            let _ended = ended.await;
        }
    }

    /// Writes a snapshot of all that is applied, so that a restart needs no log before it.
    ///
    /// # Errors
    /// When it cannot be written, or the store has ended.
    pub async fn snapshot(&self) -> Result<(), Error> {
        self.ask(Request::Snapshot).await?
    }

    /// Lets a node go, wherever the leader is: it stops, and its number is never given again.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchNode`](crate::ErrorKind::NoSuchNode), or
    /// [`Refused`](crate::ErrorKind::Refused) when the others would have no majority, or
    /// [`Unavailable`](crate::ErrorKind::Unavailable) when it may have been done.
    pub async fn remove_node(&self, node_id: u64) -> Result<(), Error> {
        self.ask(|reply| Request::Errand(Errand::Remove(node_id), reply)).await?.map(drop)
    }

    /// Hands leadership over, to the node that is named or to the fittest; the new leader's number.
    ///
    /// # Errors
    /// Those of [`RaftStore::remove_node`]; refused when that node is not fit to lead.
    pub async fn transfer_leader(&self, node_id: Option<u64>) -> Result<u64, Error> {
        self.ask(|reply| Request::Errand(Errand::Transfer(node_id), reply)).await?
    }

    /// Hands leadership over if this node has it and somebody can take it, as before a stop.
    pub async fn hand_over(&self) {
        let standing = self.shared.standing();
        if standing.leader == Some(self.shared.node_id())
            && standing.voters.len() > 1
            && let Err(error) = self.transfer_leader(None).await
        {
            tracing::warn!(%error, "leadership could not be handed over");
        }
    }

    /// All that is committed by now, in the form of a snapshot, while the store serves.
    ///
    /// # Errors
    /// When no majority answers, or the store has ended.
    pub async fn backup(&self) -> Result<Backup, Error> {
        let fresh = self.fresh_view(Consistency::Linearizable).await;
        let view = fresh.map_err(|e| Error::new(ErrorKind::Unavailable, e.to_string()))?;
        let (backup, chunks) = backup::begin(self.shared.party.identity().cluster, &view);
        self.requests.send(Request::Backup(chunks)).await.map_err(|_| ended())?;
        Ok(backup)
    }

    /// The clock that a scheduler over this store should use: that of its [`Peering`], corrected
    /// while it is off the median of the members' clocks.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(MedianClock(self.shared.clone()))
    }

    /// How the cluster stands, as this node knows it.
    pub fn status(&self) -> ClusterStatus {
        status::status(&self.shared)
    }

    /// What came from peers and was taken, or dropped and why.
    pub fn peer_counts(&self) -> PeerCounts {
        self.shared.party.counters()
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())
    }

    /// Returns once the store has failed for good; the process should then end with an error.
    pub async fn fatal(&self) -> Error {
        let mut fatal = self.shared.fatal.subscribe();
        match fatal.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(error)) => error.clone(),
            _ => Error::new(ErrorKind::Stopped, "the store has been shut down"),
        }
    }

    /// How the store does.
    pub fn stats(&self) -> StoreStats {
        let queued = (self.queue.max_capacity() - self.queue.capacity()) as u64;
        StoreStats { queued, ..self.shared.stats() }
    }

    /// Up to which entry this node has applied, and a hash of all that this amounts to, the same on
    /// every node.
    #[cfg(any(test, feature = "testing"))]
    pub fn state_hash(&self) -> (u64, String) {
        let view = self.view();
        let index = view.applied.map_or(0, |id| id.index);
        (index, crate::snapshot::hash(&view))
    }

    /// The file that the log on `disk` is written to, and how far it reaches, in bytes. It is
    /// recovered for that, so `disk` should be a copy.
    #[cfg(any(test, feature = "testing"))]
    pub fn log_end(disk: &dyn Disk, settings: &RaftSettings) -> Option<(String, u64)> {
        let cluster = crate::cluster::identity::Belonging::load(disk).ok()?.identity.cluster;
        crate::log::end_of(disk, &log_settings(settings, cluster))
    }

    fn signal(&self) {
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(stop) = stop {
            // Nobody receives it when the thread has ended by itself.
            let _ended = stop.send(());
        }
    }

    fn view(&self) -> Arc<View> {
        self.shared.published.view()
    }

    /// The view for a read of this freshness. A node that is alone and leads needs no one's
    /// confirmation, and publishes a commit before it acknowledges it.
    async fn fresh_view(&self, consistency: Consistency) -> Result<Arc<View>, StoreError> {
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
    fn submit(&self, changes: &[Change]) -> Result<Receiver, StoreError> {
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
        let format = self.view().roster.format();
        let command = encode_commit(changes, settings.keeping(format));
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

type Receiver = oneshot::Receiver<Result<Reply, StoreError>>;

impl Drop for RaftStore {
    fn drop(&mut self) {
        self.signal();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the raft thread panicked");
        }
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::Stopped, "the store has been shut down")
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
        let found = view.get(id).map(|record| record.task_with_history(id));
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
        let incarnation = self.shared.life.load(Ordering::SeqCst);
        Holder { node: self.shared.node_id(), incarnation }
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
