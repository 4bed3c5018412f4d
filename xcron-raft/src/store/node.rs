//! The raft node: a thread with a runtime of its own, so that nothing else delays its heartbeats.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use openraft::async_runtime::WatchReceiver;
use openraft::{BasicNode, Config, ServerState, SnapshotPolicy};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::proposer::{Pending, Proposer, XcronRaft, write};
use super::settings::{
    ENTRIES_IN_FLIGHT, RaftSettings, SNAPSHOT_CHECK, SNAPSHOT_MAX, SNAPSHOT_RETRY, START_MAX,
};
use super::shared::Shared;
use crate::disk::{DirLock, Disk};
use crate::log::{Log, LogSettings, Threads};
use crate::log_store::LogStore;
use crate::machine::{Machine, Newest, Published};
use crate::network::NoPeers;
use crate::snapshot::Snapshots;
use crate::types::{Batch, Reply};
use crate::wire::change::encode_life;
use crate::{Error, ErrorKind};

/// A started node.
#[derive(Debug)]
pub(super) struct Node {
    raft: XcronRaft,
    shared: Arc<Shared>,
    snapshots: Snapshots,
    newest: Newest,
    _lock: Box<dyn DirLock>,
}

/// Asks for a snapshot of all that is applied, and is answered when it is written.
pub(super) type SnapshotRequest = oneshot::Sender<Result<(), Error>>;

impl Node {
    /// Reads everything back and waits until this node leads and its new life is committed.
    pub(super) async fn start(disk: Arc<dyn Disk>, settings: RaftSettings) -> Result<Self, Error> {
        settings.check()?;
        let lock = disk.lock()?;
        let published = Arc::new(Published::default());
        let snapshots = Snapshots::new(disk.clone(), settings.cluster_id.into());
        let machine = Machine::open(snapshots.clone(), published.clone())?;
        let newest = machine.newest();
        let (snapshot, snapshot_bytes) = newest.position();
        let log = Arc::new(Log::open(disk, log_settings(&settings))?);
        check_joined(&log, snapshot.map(|id| id.index))?;
        let shared = Arc::new(Shared::new(settings, published, log.clone()));
        let counters = &shared.counters;
        counters.snapshot_index.store(snapshot.map_or(0, |id| id.index), Ordering::Relaxed);
        counters.snapshot_bytes.store(snapshot_bytes, Ordering::Relaxed);
        let config = raft_config(&shared.settings)?;
        let node_id = shared.settings.node_id;
        let raft = XcronRaft::new(node_id, config, NoPeers, LogStore(log), machine).await;
        let raft = raft.map_err(|error| stopped(&error))?;
        let node = Self { raft, shared, snapshots, newest, _lock: lock };
        match node.begin().await {
            Ok(()) => Ok(node),
            Err(error) => {
                node.stop().await;
                Err(error)
            }
        }
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// Founds the cluster if there is none, leads it, and begins a new life.
    async fn begin(&self) -> Result<(), Error> {
        let deadline = Instant::now() + START_MAX;
        let node_id = self.shared.settings.node_id;
        if self.raft.is_initialized().await.map_err(|error| stopped(&error))? {
            let elected = self.raft.trigger().elect(false).await;
            elected.map_err(|error| stopped(&error))?;
        } else {
            let members = BTreeMap::from([(node_id, BasicNode::default())]);
            self.raft.initialize(members).await.map_err(|error| stopped(&error))?;
        }
        while self.update_tenure() == 0 {
            if let Some(error) = self.shared.log.fatal().borrow().clone() {
                return Err(error);
            }
            if Instant::now() > deadline {
                let message = format!("node {node_id} was not elected within {START_MAX:?}");
                return Err(Error::new(ErrorKind::Storage, message));
            }
            sleep(std::time::Duration::from_millis(1)).await;
        }
        let commands = vec![encode_life(node_id)];
        let replies = write(&self.raft, &self.shared, Batch { commands }, deadline).await;
        let replies = replies.map_err(|error| {
            let failure = self.shared.log.fatal().borrow().clone();
            failure.unwrap_or_else(|| stopped(&error))
        })?;
        match replies.first() {
            Some(Reply::Life(life)) => self.shared.life.store(*life, Ordering::SeqCst),
            _ => {
                return Err(stopped(&"the entry that begins a life came back without its number"));
            }
        }
        Ok(())
    }

    /// Serves commits until `shutdown`, then stops raft and closes the log.
    pub(super) async fn serve(
        self,
        queue: mpsc::Receiver<Pending>,
        mut requests: mpsc::Receiver<SnapshotRequest>,
        mut shutdown: oneshot::Receiver<()>,
    ) {
        let proposer = Proposer::new(self.raft.clone(), self.shared.clone());
        let mut proposer = tokio::spawn(proposer.run(queue));
        let mut metrics = self.raft.server_metrics();
        let mut log_fatal = self.shared.log.fatal();
        let mut running = None;
        let mut snapshot_check = interval(SNAPSHOT_CHECK);
        snapshot_check.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                _ = &mut shutdown => break,
                _ = &mut proposer => break,
                failed = log_fatal.changed() => {
                    let error = log_fatal.borrow_and_update().clone();
                    if let Some(error) = error {
                        self.shared.fail(error);
                    }
                    if failed.is_err() {
                        break;
                    }
                }
                changed = metrics.changed() => {
                    self.update_tenure();
                    if changed.is_err() {
                        self.shared.fail(stopped(&"its task has ended"));
                        break;
                    }
                    self.check_running();
                }
                Some(request) = requests.recv() => self.answer_snapshot(request),
                _ = snapshot_check.tick() => self.maybe_snapshot(&mut running),
            }
        }
        proposer.abort();
        self.stop().await;
    }

    async fn stop(&self) {
        if let Err(error) = self.raft.shutdown().await {
            tracing::error!(%error, "raft did not stop cleanly");
        }
        self.snapshots.wait();
        self.shared.log.close();
        self.shared.fail(Error::new(ErrorKind::Stopped, "the store has been shut down"));
    }

    /// Notes whether this node leads, and returns the term in which it does, or 0.
    fn update_tenure(&self) -> u64 {
        let metrics = self.raft.server_metrics();
        let metrics = metrics.borrow_watched();
        let term = metrics.vote.leader_id().term;
        let is_leader = metrics.state == ServerState::Leader && metrics.vote.is_committed();
        self.shared.counters.term.store(term, Ordering::Relaxed);
        let tenure = if is_leader { term } else { 0 };
        self.shared.set_tenure(tenure);
        tenure
    }

    /// Notes when raft has stopped by itself, as it does when an entry cannot be applied.
    fn check_running(&self) {
        let metrics = self.raft.metrics();
        let state = metrics.borrow_watched().running_state.clone();
        if let Err(error) = state {
            let failure = self.shared.log.fatal().borrow().clone();
            self.shared.fail(failure.unwrap_or_else(|| stopped(&error)));
        }
    }

    /// Writes a snapshot when enough log has been written since the last one.
    fn maybe_snapshot(&self, running: &mut Option<Running>) {
        self.check_running();
        let now = Instant::now();
        if running.as_ref().is_some_and(|running| !running.is_over(now)) {
            return;
        }
        let counters = &self.shared.counters;
        let written = self.shared.log.stats().bytes.load(Ordering::Relaxed);
        let since = written - counters.log_bytes_at_snapshot.load(Ordering::Relaxed);
        let least = self.shared.settings.snapshot_log_bytes;
        if since >= least.max(counters.snapshot_bytes.load(Ordering::Relaxed) / 2) {
            let task = tokio::spawn(self.snapshot());
            *running = Some(Running { task, since: now });
        }
    }

    fn answer_snapshot(&self, request: SnapshotRequest) {
        let snapshot = self.snapshot();
        tokio::spawn(async move {
            let done = timeout(SNAPSHOT_MAX, snapshot).await;
            let late = |_| Error::new(ErrorKind::Storage, "the snapshot was not written in time");
            // Whoever asked may have left.
            let _left = request.send(done.map_err(late).flatten());
        });
    }

    /// Writes a snapshot of all that is applied by now and lets raft purge the log behind it. A
    /// failure changes nothing; it is tried again later.
    fn snapshot(&self) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let (raft, shared) = (self.raft.clone(), self.shared.clone());
        let (snapshots, newest) = (self.snapshots.clone(), self.newest.clone());
        async move {
            let view = shared.published.view();
            let log_bytes = shared.log.stats().bytes.load(Ordering::Relaxed);
            if newest.position().0 >= view.applied {
                return Ok(());
            }
            let (sender, saved) = oneshot::channel();
            let started = snapshots.save_apart((*view).clone(), move |saved| {
                // Nobody waits any more after a shutdown; the file is whole all the same.
                let _gone = sender.send(saved);
            });
            started.map_err(|e| Error::disk("cannot start the snapshot thread", &e))?;
            let saved = saved.await.map_err(|_| stopped(&"the snapshot thread ended")).flatten();
            if newest.position().0 >= view.applied {
                return Ok(());
            }
            let file = saved.inspect_err(|error| tracing::warn!(%error, "no snapshot"))?;
            let counters = &shared.counters;
            counters.log_bytes_at_snapshot.store(log_bytes, Ordering::Relaxed);
            counters.snapshot_bytes.store(file.bytes, Ordering::Relaxed);
            let index = file.meta.last_log_id.map_or(0, |id| id.index);
            counters.snapshot_index.store(index, Ordering::Relaxed);
            newest.prepare(file);
            raft.trigger().snapshot().await.map_err(|error| stopped(&error))
        }
    }
}

/// A snapshot that is being written, or was.
#[derive(Debug)]
struct Running {
    task: JoinHandle<Result<(), Error>>,
    since: Instant,
}

impl Running {
    /// Whether the next one may begin.
    fn is_over(&self, now: Instant) -> bool {
        self.task.is_finished() && now.duration_since(self.since) >= SNAPSHOT_RETRY
    }
}

fn log_settings(settings: &RaftSettings) -> LogSettings {
    LogSettings {
        cluster_id: settings.cluster_id.into(),
        segment_bytes: settings.segment_bytes,
        cache_bytes: settings.log_cache_bytes,
        // Salts only have to differ between lives and to be unknown to users.
        salt_seed: RandomState::new().build_hasher().finish(),
        threads: Threads::Own,
    }
}

fn raft_config(settings: &RaftSettings) -> Result<Arc<Config>, Error> {
    let config = Config {
        cluster_name: settings.cluster_id.to_string(),
        heartbeat_interval: settings.heartbeat_ms,
        election_timeout_min: settings.election_timeout_ms,
        election_timeout_max: 2 * settings.election_timeout_ms,
        install_snapshot_timeout: 600_000,
        // Bytes of log decide, not entries: one entry may carry a single command or thousands.
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: 0,
        enable_pre_vote: Some(true),
        // How far entries are committed is saved lazily, so leadership is always won anew.
        enable_leader_restore: Some(false),
        ..Config::default()
    };
    let invalid = |error: openraft::ConfigError| Error::new(ErrorKind::Invalid, error.to_string());
    Ok(Arc::new(config.validate().map_err(invalid)?))
}

/// Refuses a log and a snapshot that do not belong together.
fn check_joined(log: &Log, snapshot: Option<u64>) -> Result<(), Error> {
    let state = log.state();
    let purged = state.purged.map(|id| id.index);
    if purged > snapshot {
        let what = format!("the log begins after entry {}, but no snapshot", purged.unwrap_or(0));
        return Err(Error::damaged("snapshot", 0, format!("{what} holds what was before")));
    }
    if snapshot.is_some() && state.last.is_none() && state.vote.is_none() {
        return Err(Error::damaged("log", 0, "there is a snapshot, but no log"));
    }
    Ok(())
}

fn stopped(why: &impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Storage, format!("raft has stopped: {why}"))
}

const _: () = assert!(ENTRIES_IN_FLIGHT >= 2, "one entry gathers while another is synced");
