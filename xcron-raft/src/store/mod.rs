//! The store: commits through raft, reads from the newest published view.

mod node;
mod proposer;
mod settings;
mod shared;
mod stats;
#[cfg(test)]
mod tests;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use xcron_core::store::{COMMIT_CHANGES_MAX, PAGE_TASKS_MAX};
use xcron_core::{
    Agenda, Change, Claim, Committed, Conflict, Consistency, Effect, Holder, Revision, Store,
    StoreError, StoreErrorKind, Task, TaskCounts, TaskId, TaskWithHistory, Timestamp,
};

use crate::disk::{Disk, RealDisk};
use crate::state::View;
use crate::types::{Answer, Reply};
use crate::wire::Unreadable;
use crate::wire::change::encode_commit;
use crate::{Error, ErrorKind};
use node::{Node, SnapshotRequest};
use proposer::Pending;
use settings::{QUEUE_BYTES_MAX, QUEUE_COMMITS_MAX};
use shared::Shared;

pub use settings::RaftSettings;
pub use stats::{LATENCY_BUCKETS_US, StoreStats};

/// A durable [`Store`], replicated by raft. At present a cluster has one node.
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
    snapshots: mpsc::Sender<SnapshotRequest>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    ended: tokio::sync::Mutex<Option<oneshot::Receiver<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl RaftStore {
    /// Opens the store in the directory that the settings name, creating it at first.
    ///
    /// # Errors
    /// By [`ErrorKind`](crate::ErrorKind): in use, damaged, foreign, invalid, full, or broken.
    pub async fn open(settings: RaftSettings) -> Result<Self, Error> {
        settings.check()?;
        let disk = RealDisk::open(&settings.data_dir)?;
        Self::open_on(Arc::new(disk), settings).await
    }

    /// Opens the store on `disk`, whatever directory the settings name.
    ///
    /// # Errors
    /// Those of [`RaftStore::open`].
    pub async fn open_on(disk: Arc<dyn Disk>, settings: RaftSettings) -> Result<Self, Error> {
        let (queue, queued) = mpsc::channel(QUEUE_COMMITS_MAX);
        let (snapshots, requests) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let (started, start) = oneshot::channel();
        let thread = thread::Builder::new().name("xcron-raft".to_owned());
        let thread = thread.spawn(move || {
            run(disk, settings, started, async |node| node.serve(queued, requests, stopped).await);
            drop(end);
        });
        let thread = thread.map_err(|e| Error::disk("cannot start the raft thread", &e))?;
        let lost = |_| Error::new(ErrorKind::Storage, "the raft thread has ended");
        let shared = start.await.map_err(lost)??;
        Ok(Self {
            shared,
            queue,
            snapshots,
            stop: Mutex::new(Some(stop)),
            ended: tokio::sync::Mutex::new(Some(ended)),
            thread: Mutex::new(Some(thread)),
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
        let ended = || Error::new(ErrorKind::Stopped, "the store has been shut down");
        let (request, written) = oneshot::channel();
        self.snapshots.send(request).await.map_err(|_| ended())?;
        written.await.map_err(|_| ended())?
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

    /// The view for a read of this freshness. A node that is alone needs no one's confirmation
    /// that it still leads, and publishes a commit before it acknowledges it.
    fn fresh_view(&self, consistency: Consistency) -> Result<Arc<View>, StoreError> {
        if consistency == Consistency::Linearizable && !self.shared.is_leader() {
            let not_leader = "this node does not lead now";
            let kind = StoreErrorKind::Unavailable;
            let unavailable = StoreError::new(kind, Effect::None, not_leader);
            return Err(self.shared.failure(Effect::None).unwrap_or(unavailable));
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
        if let Some(error) = self.shared.failure(Effect::None) {
            return Err(error);
        }
        let settings = &self.shared.settings;
        let command = encode_commit(changes, settings.history_max);
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

/// The life of the raft thread.
fn run(
    disk: Arc<dyn Disk>,
    settings: RaftSettings,
    started: oneshot::Sender<Result<Arc<Shared>, Error>>,
    serve: impl AsyncFnOnce(Node),
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(e) => {
            // Whoever opened the store may have left.
            let _left = started.send(Err(Error::disk("cannot start the raft runtime", &e)));
            return;
        }
    };
    runtime.block_on(async {
        match Node::start(disk, settings).await {
            Err(error) => {
                let _left = started.send(Err(error));
            }
            Ok(node) => {
                let _left = started.send(Ok(node.shared()));
                serve(node).await;
            }
        }
    });
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
            Ok(Ok(Reply::Life(_))) | Err(_) => {
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
        let view = self.fresh_view(consistency)?;
        let found = view.get(id).map(|record| record.task_with_history(id));
        found.transpose().map_err(unreadable)
    }

    async fn scan(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        consistency: Consistency,
    ) -> Result<Vec<Task>, StoreError> {
        let view = self.fresh_view(consistency)?;
        view.scan(after, limit.min(PAGE_TASKS_MAX)).map_err(unreadable)
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Task>, StoreError> {
        if !self.shared.is_leader() {
            return Ok(Vec::new());
        }
        self.view().due(until, limit.min(PAGE_TASKS_MAX)).map_err(unreadable)
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
        Holder { node: self.shared.settings.node_id, incarnation }
    }

    fn is_gone(&self, holder: Holder) -> bool {
        self.view().is_gone(holder)
    }

    fn stands(&self, claim: &Claim) -> bool {
        let view = self.view();
        let state = view.get(&claim.task).and_then(|record| record.task_state().ok());
        self.shared.is_leader() && state.is_some_and(|state| claim.stands_in(&state))
    }

    fn counts(&self) -> TaskCounts {
        self.view().counts()
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.fresh_view(Consistency::Linearizable)?;
        self.shared.disk_full(0).map_or(Ok(()), Err)
    }
}
