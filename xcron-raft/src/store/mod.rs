//! The store: commits through raft, reads from the newest published view.

mod backup;
#[cfg(feature = "testing")]
mod due_index;
mod node;
mod opening;
mod peering;
pub(crate) mod proposal;
mod proposer;
mod reads;
mod seam;
mod sending;
mod settings;
mod shared;
mod stats;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};
use xcron_core::{Clock, Consistency};

use crate::cluster::errands::Errand;
use crate::cluster::median_clock::MedianClock;
use crate::cluster::status::{self, ClusterStatus};
use crate::disk::{Disk, RealDisk};
use crate::peer::PeerCounts;
use crate::runtime;
use crate::state::View;
use crate::{Error, ErrorKind};
use node::Request;
use opening::Inbox;
use proposer::Pending;
use reads::{READS_WAITING_MAX, Reading};
use settings::QUEUE_COMMITS_MAX;

pub(crate) use opening::log_settings;
pub(crate) use shared::Shared;

pub use backup::Backup;
#[cfg(feature = "testing")]
pub use due_index::DueIndex;
pub use peering::Peering;
pub use settings::RaftSettings;
pub use stats::{LATENCY_BUCKETS_US, StoreStats};

/// A durable [`Store`](xcron_core::Store), replicated by raft: one node of a cluster of one or
/// several.
///
/// Every node answers every call. Commits go through the leader, wherever they are made; reads are
/// linearizable on every node, and [`Consistency::Stale`] reads need nobody else. Only the leader
/// plans; it sends what it has places for, and the others send the rest.
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
    /// may have to wait for others; [`ready`](xcron_core::Store::ready) tells.
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
}

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
