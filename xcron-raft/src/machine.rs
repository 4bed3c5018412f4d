//! The state machine as raft sees it: applies entries, publishes views, builds snapshots.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures::{Stream, TryStreamExt};
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{OptionalSend, RaftSnapshotBuilder};
use tokio::sync::{oneshot, watch};

use crate::log::Log;
use crate::replay::{self, replay};
use crate::snapshot::{RECEIVED, SnapshotFile, Snapshots};
use crate::state::View;
use crate::types::{LogId, SnapshotMeta, StoredMembership, TypeConfig};
use crate::{Error, ErrorKind};

type Snapshot = openraft::type_config::alias::SnapshotOf<TypeConfig, SnapshotFile>;

/// The newest view, for readers.
#[derive(Debug, Default)]
pub(crate) struct Published {
    view: RwLock<Arc<View>>,
    changed: watch::Sender<u64>,
}

impl Published {
    /// The newest view.
    pub(crate) fn view(&self) -> Arc<View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes with every published view.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Wakes those who wait for a change, although the view is the same.
    pub(crate) fn wake(&self) {
        self.changed.send_modify(|number| *number += 1);
    }

    fn publish(&self, view: &View) {
        let view = Arc::new(view.clone());
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
        self.wake();
    }
}

/// The newest snapshot, shared by the machine and whoever writes snapshots for it.
///
/// A snapshot that is worth its while is written *before* raft is asked to build one, because raft
/// takes a build that fails (on a full disk, say) for the end of the node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Newest {
    current: Arc<Mutex<Option<SnapshotFile>>>,
    /// Written, and not yet known to raft.
    ready: Arc<Mutex<Option<SnapshotFile>>>,
}

impl Newest {
    /// Takes in a snapshot that raft is about to be told of.
    pub(crate) fn prepare(&self, file: SnapshotFile) {
        *lock(&self.ready) = Some(file.clone());
        self.set(file);
    }

    /// Position of the newest snapshot, and its length.
    pub(crate) fn position(&self) -> (Option<LogId>, u64) {
        lock(&self.current).as_ref().map_or((None, 0), |file| (file.meta.last_log_id, file.bytes))
    }

    /// When the newest entry that it holds was made.
    pub(crate) fn time(&self) -> Option<xcron_core::Timestamp> {
        lock(&self.current).as_ref().and_then(|file| file.time)
    }

    fn set(&self, file: SnapshotFile) {
        *lock(&self.current) = Some(file);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The replicated state and what is made of it.
#[derive(Debug)]
pub(crate) struct Machine {
    view: View,
    published: Arc<Published>,
    snapshots: Snapshots,
    newest: Newest,
}

impl Machine {
    /// A machine that goes on from the newest snapshot.
    pub(crate) fn open(snapshots: Snapshots, published: Arc<Published>) -> Result<Self, Error> {
        let (file, view) = match snapshots.load()? {
            Some((file, view)) => (Some(file), view),
            None => (None, View::default()),
        };
        let newest = Newest::default();
        file.into_iter().for_each(|file| newest.set(file));
        Ok(Self { view, published, snapshots, newest })
    }

    /// Takes in what `log` knows to be committed, and publishes what it comes to.
    ///
    /// Raft would do so too, but some entries at a time, with a view published after each time.
    /// What is published is shared, and every change of what is shared copies it first.
    pub(crate) fn catch_up(&mut self, log: &Log) -> Result<(), Error> {
        let committed = log.state().committed.map_or(0, |id| id.index + 1);
        replay(&mut self.view, log, committed, self.snapshots.format_max())?;
        self.published.publish(&self.view);
        Ok(())
    }

    /// The newest snapshot, now and later.
    pub(crate) fn newest(&self) -> Newest {
        self.newest.clone()
    }
}

impl RaftStateMachine<TypeConfig> for Machine {
    type SnapshotData = SnapshotFile;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        Ok((self.view.applied, (*self.view.membership).clone()))
    }

    async fn apply<Strm>(&mut self, mut entries: Strm) -> io::Result<()>
    where
        Strm: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin + OptionalSend,
    {
        let mut answers = Vec::new();
        while let Some((entry, responder)) = entries.try_next().await? {
            let replies = replay::apply(&mut self.view, entry, self.snapshots.format_max())?;
            answers.extend(responder.map(|responder| (responder, replies)));
        }
        // Published first: whoever is answered must see what the answer is about.
        self.published.publish(&self.view);
        for (responder, replies) in answers {
            responder.send(replies);
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder {
            view: self.view.clone(),
            snapshots: self.snapshots.clone(),
            newest: self.newest.clone(),
            ready: lock(&self.newest.ready).take(),
        }
    }

    async fn install_snapshot(
        &mut self,
        _meta: &SnapshotMeta,
        snapshot: SnapshotFile,
    ) -> io::Result<()> {
        let view = match &snapshot.view {
            Some(view) => (**view).clone(),
            None => self.snapshots.read(&snapshot)?,
        };
        let file = if snapshot.name == RECEIVED {
            self.snapshots.adopt(snapshot)?
        } else if self.snapshots.owns(&snapshot) {
            snapshot
        } else {
            self.snapshots.save(&view)?
        };
        self.newest.set(file);
        self.view = view;
        self.published.publish(&self.view);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<Snapshot>> {
        let current = lock(&self.newest.current).clone();
        Ok(current.map(|file| Snapshot { meta: file.meta.clone(), snapshot: file }))
    }
}

/// Gives raft the snapshot that is ready, or writes one on a thread of its own: writing blocks.
#[derive(Debug)]
pub(crate) struct Builder {
    view: View,
    snapshots: Snapshots,
    newest: Newest,
    ready: Option<SnapshotFile>,
}

impl RaftSnapshotBuilder<TypeConfig> for Builder {
    type SnapshotData = SnapshotFile;

    async fn build_snapshot(&mut self) -> io::Result<Snapshot> {
        if let Some(file) = self.ready.take() {
            return Ok(Snapshot { meta: file.meta.clone(), snapshot: file });
        }
        let (sender, receiver) = oneshot::channel();
        self.snapshots.save_apart(self.view.clone(), move |saved| {
            // Nobody waits any more if raft was shut down; the file is whole all the same.
            let _gone = sender.send(saved);
        })?;
        let stopped = |_| Error::new(ErrorKind::Stopped, "the snapshot thread ended");
        let file = receiver.await.map_err(stopped)??;
        self.newest.set(file.clone());
        Ok(Snapshot { meta: file.meta.clone(), snapshot: file })
    }
}
