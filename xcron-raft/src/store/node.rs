//! The running raft node: a thread with a runtime of its own, so that nothing else delays its
//! heartbeats.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::backup::Chunks;
use super::proposal::Proposals;
use super::settings::{ENTRIES_IN_FLIGHT, SNAPSHOT_CHECK, SNAPSHOT_MAX, SNAPSHOT_RETRY};
use super::shared::Shared;
use crate::cluster::errands::{Errand, Errands};
use crate::cluster::standing::Role;
use crate::consensus::{Consensus, Facts};
use crate::disk::DirLock;
use crate::machine::Newest;
use crate::snapshot::Snapshots;
use crate::types::{Batch, Reply};
use crate::wire::change::encode_life;
use crate::{Error, ErrorKind};

/// How long noting a life may take before it is tried anew.
const LIFE_MAX: Duration = Duration::from_secs(10);

/// Pause before that.
const LIFE_RETRY: Duration = Duration::from_millis(50);

/// A started node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) raft: Consensus,
    pub(super) shared: Arc<Shared>,
    pub(super) proposals: Proposals,
    pub(super) errands: Errands,
    pub(super) snapshots: Snapshots,
    pub(super) newest: Newest,
    /// What runs beside raft, ended with it.
    pub(super) tasks: Vec<AbortHandle>,
    pub(super) lock: Box<dyn DirLock>,
}

/// What the handles of a store ask its thread for.
#[derive(Debug)]
pub(super) enum Request {
    /// A snapshot of all that is applied; answered when it is written.
    Snapshot(oneshot::Sender<Result<(), Error>>),
    /// Something about the cluster.
    Errand(Errand, oneshot::Sender<Result<u64, Error>>),
    /// All that is applied, in the form of a snapshot, for whoever keeps it elsewhere.
    Backup(Chunks),
}

impl Node {
    /// Serves until `shutdown`, then stops raft and closes the log.
    pub(super) async fn serve(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        mut shutdown: oneshot::Receiver<()>,
    ) {
        let life = crate::runtime::spawn(begin_life(self.proposals.clone()));
        self.tasks.push(life.abort_handle());
        let mut changes = self.raft.changes();
        let log = self.shared.log.get().cloned();
        let mut log_fatal = log.map(|log| log.fatal());
        let mut running = None;
        let mut snapshot_check = interval(SNAPSHOT_CHECK);
        snapshot_check.set_missed_tick_behavior(MissedTickBehavior::Skip);
        self.update_standing();
        loop {
            tokio::select! {
                biased;
                _ = &mut shutdown => break,
                changed = changed(&mut log_fatal) => {
                    if let Some(error) = changed {
                        self.shared.fail(error);
                    }
                }
                is_running = changes.next() => {
                    self.update_standing();
                    if !is_running {
                        self.shared.fail(stopped(&"its task has ended"));
                        break;
                    }
                }
                () = self.shared.news.notified() => self.update_standing(),
                Some(request) = requests.recv() => self.answer(request),
                _ = snapshot_check.tick() => {
                    self.update_standing();
                    self.maybe_snapshot(&mut running);
                }
            }
        }
        self.stop().await;
    }

    /// Ends what runs beside raft, then raft, then the log.
    pub(super) async fn stop(&self) {
        for task in &self.tasks {
            task.abort();
        }
        let log = self.shared.log.get();
        if let Some(log) = log {
            // Raft may be waiting for it.
            log.stop_waiting();
        }
        self.raft.shutdown().await;
        self.snapshots.wait();
        if let Some(log) = log {
            log.close();
        }
        self.shared.fail(Error::new(ErrorKind::Stopped, "the store has been shut down"));
        tracing::debug!(lock = ?self.lock, "the data directory is free");
    }

    /// Notes where raft stands, whether this node leads, and how long it may send.
    pub(super) fn update_standing(&self) {
        let shared = &self.shared;
        let Facts { mut standing, confirmed, tenure, ended } = self.raft.facts(shared.node_id());
        if let Some(why) = ended {
            // As when an entry cannot be applied; a failure of the log says more.
            let log = shared.log.get();
            let failure = log.and_then(|log| log.fatal().borrow().clone());
            shared.fail(failure.unwrap_or_else(|| stopped(&why)));
        }
        standing.leader = standing.leader.filter(|&leader| shared.is_heard(leader));
        let before = shared.standing();
        shared.counters.term.store(standing.term, Ordering::Relaxed);
        if standing.leader.is_some() && standing.leader != before.leader {
            shared.counters.leader_changes.fetch_add(1, Ordering::Relaxed);
        }
        if standing.is_alone && !before.is_alone {
            shared.guard.compare(0, Vec::new(), Instant::now(), shared.clock.now());
        }
        if standing != before {
            // Nobody is waiting for a heartbeat of a leader without anybody else.
            let is_only = standing.is_alone && standing.learners.is_empty();
            self.raft.watch_time(!is_only || standing.role != Role::Leader);
            shared.set_standing(standing);
        }
        if let Some(at) = confirmed {
            shared.extend_lease(at, shared.lease());
        }
        shared.set_tenure(tenure);
        let is_compared = shared.guard.is_compared(Instant::now());
        self.raft.may_stand(shared.clock_fault().is_none() || !is_compared);
    }

    fn answer(&self, request: Request) {
        match request {
            Request::Snapshot(reply) => {
                let snapshot = self.snapshot();
                crate::runtime::spawn(async move {
                    let done = timeout(SNAPSHOT_MAX, snapshot).await;
                    let late =
                        |_| Error::new(ErrorKind::Storage, "the snapshot was not written in time");
                    // Whoever asked may have left.
                    let _left = reply.send(done.map_err(late).flatten());
                });
            }
            Request::Errand(errand, reply) => {
                let errands = self.errands.clone();
                crate::runtime::spawn(async move {
                    let _left = reply.send(errands.run(errand).await);
                });
            }
            Request::Backup(chunks) => {
                let view = self.shared.published.view();
                let snapshots = self.snapshots.clone();
                let started = self.snapshots.apart(move || chunks.fill(&snapshots, &view));
                if let Err(error) = started {
                    tracing::warn!(%error, "a backup cannot be started");
                }
            }
        }
    }

    /// Writes a snapshot when enough log has been written since the last one.
    fn maybe_snapshot(&self, running: &mut Option<Running>) {
        let now = Instant::now();
        if running.as_ref().is_some_and(|running| !running.is_over(now)) {
            return;
        }
        let counters = &self.shared.counters;
        let log = self.shared.log.get();
        let written = log.map_or(0, |log| log.stats().bytes.load(Ordering::Relaxed));
        let since = written - counters.log_bytes_at_snapshot.load(Ordering::Relaxed);
        let least = self.shared.settings.snapshot_log_bytes;
        if since >= least.max(counters.snapshot_bytes.load(Ordering::Relaxed) / 2) {
            let task = crate::runtime::spawn(self.snapshot());
            *running = Some(Running { task, since: now });
        }
    }

    /// Writes a snapshot of all that is applied by now and lets raft purge the log behind it. A
    /// failure changes nothing; it is tried again later.
    fn snapshot(&self) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let (raft, shared) = (self.raft.clone(), self.shared.clone());
        let (snapshots, newest) = (self.snapshots.clone(), self.newest.clone());
        async move {
            let view = shared.published.view();
            let log = shared.log.get();
            let log_bytes = log.map_or(0, |log| log.stats().bytes.load(Ordering::Relaxed));
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
            raft.take_snapshot().await
        }
    }
}

/// The next failure of the log; never, when there is none to come.
async fn changed(fatal: &mut Option<tokio::sync::watch::Receiver<Option<Error>>>) -> Option<Error> {
    let Some(receiver) = fatal else {
        return std::future::pending().await;
    };
    if receiver.changed().await.is_err() {
        *fatal = None;
        return None;
    }
    receiver.borrow_and_update().clone()
}

/// Has the cluster note that this node begins a new life: what an earlier one held is held by
/// nobody.
async fn begin_life(proposals: Proposals) {
    let shared = proposals.network.shared.clone();
    loop {
        let commands = vec![encode_life(shared.node_id())];
        let deadline = Instant::now() + LIFE_MAX;
        match proposals.write(Batch { commands }, deadline).await.as_deref() {
            Ok([Reply::Life(life)]) => {
                shared.life.store(*life, Ordering::SeqCst);
                shared.published.wake();
                return;
            }
            Ok(_) => tracing::warn!("the entry that begins a life came back without its number"),
            Err(error) => tracing::debug!(%error, "this life is not noted yet"),
        }
        if shared.fatal.borrow().is_some() {
            return;
        }
        sleep(LIFE_RETRY).await;
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

pub(super) fn stopped(why: &impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Storage, format!("raft has stopped: {why}"))
}

const _: () = assert!(ENTRIES_IN_FLIGHT >= 2, "one entry gathers while another is synced");
