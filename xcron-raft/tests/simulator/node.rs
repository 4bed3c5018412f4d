//! One node: a disk and a clock that outlast its lives, and the life that it has now.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use xcron_core::{Clock, Scheduler, Settings};
use xcron_raft::disk::memory::MemoryDisk;
use xcron_raft::net::memory::MemoryNet;
use xcron_raft::runtime::Process;
use xcron_raft::{Error, ErrorKind, Peering, RaftSettings, RaftStore, Secret};

use crate::clock::NodeClock;
use crate::load::{Handle, Handles};
use crate::targets::{SimDispatcher, Targets};

/// Why a life ended by itself.
#[derive(Debug)]
pub(crate) enum Exit {
    /// At a failpoint.
    Died,
    /// It could not be opened, or it failed for good.
    Failed(Error),
    /// As it was told.
    Stopped,
}

/// The end of a life: of which node, of which life, and why.
pub(crate) type Exits = mpsc::UnboundedSender<(u64, u64, Exit)>;

/// What every life of every node is given.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) net: MemoryNet,
    pub(crate) handles: Handles,
    pub(crate) targets: Arc<Targets>,
    pub(crate) exits: Exits,
}

/// A node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) number: u64,
    pub(crate) address: String,
    pub(crate) disk: MemoryDisk,
    pub(crate) clock: Arc<NodeClock>,
    pub(crate) settings: RaftSettings,
    pub(crate) disk_delay: (Duration, Duration),
    pub(crate) places: usize,
    pub(crate) life: Option<Life>,
    pub(crate) lives: u64,
}

/// A life of a node.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) number: u64,
    pub(crate) process: Process,
    stop: Option<oneshot::Sender<()>>,
}

impl Node {
    /// Begins a life, on the disk as it is.
    pub(crate) fn start(&mut self, around: &Surroundings, seed: u64) {
        self.lives += 1;
        let (number, life) = (self.number, self.lives);
        let process = Process::new(seed);
        process.set_disk_delay(self.disk_delay.0, self.disk_delay.1);
        let (dying, exits) = (process.clone(), around.exits.clone());
        self.disk.at_death(move || {
            dying.kill();
            let _over = exits.send((number, life, Exit::Died));
        });
        let (stop, stopped) = oneshot::channel();
        let birth = Birth {
            number,
            life,
            disk: self.disk.clone(),
            clock: self.clock.clone(),
            settings: self.settings.clone(),
            address: self.address.clone(),
            process: process.clone(),
            places: self.places,
            around: around.clone(),
        };
        drop(process.spawn(birth.live(stopped)));
        self.life = Some(Life { number: life, process, stop: Some(stop) });
    }

    /// Ends the life as `kill -9` does; what was written and not synced is still in the cache.
    pub(crate) fn kill(&mut self, around: &Surroundings) {
        if let Some(life) = self.life.take() {
            life.process.kill();
            self.disk.die();
        }
        lock(&around.handles).remove(&self.number);
    }

    /// Asks the life to end in peace.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.life.as_mut().and_then(|life| life.stop.take()) {
            let _over = stop.send(());
        }
    }

    /// Whether it lives and is not paused.
    pub(crate) fn is_awake(&self) -> bool {
        self.life.as_ref().is_some_and(|life| !life.process.is_paused() && !life.process.is_dead())
    }
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What a life begins with.
struct Birth {
    number: u64,
    life: u64,
    disk: MemoryDisk,
    clock: Arc<NodeClock>,
    settings: RaftSettings,
    address: String,
    process: Process,
    places: usize,
    around: Surroundings,
}

impl Birth {
    /// What the server does: open the store, run the scheduler, end when either fails.
    async fn live(self, stopped: oneshot::Receiver<()>) {
        let (number, life, exits) = (self.number, self.life, self.around.exits.clone());
        let handles = self.around.handles.clone();
        let exit = match self.serve(stopped).await {
            Ok(()) => Exit::Stopped,
            Err(error) => Exit::Failed(error),
        };
        lock(&handles).remove(&number);
        let _over = exits.send((number, life, exit));
    }

    async fn serve(self, stopped: oneshot::Receiver<()>) -> Result<(), Error> {
        let listener = Arc::new(self.around.net.listen(&self.address));
        let secret = Secret::new("a secret that all nodes of the simulation know")?;
        let peering = Peering::through(Arc::new(self.around.net.host(&self.address)), listener)
            .secret(Some(secret))
            .clock(self.clock.clone());
        let settings = self.settings.clone();
        let store = RaftStore::open_on(Arc::new(self.disk.clone()), settings, peering).await?;
        let store = Arc::new(store);
        let dispatcher = SimDispatcher {
            node: self.number,
            targets: self.around.targets.clone(),
            process: self.process.clone(),
            clock: store.clock(),
        };
        let settings = Settings {
            drain: Duration::from_secs(3),
            in_flight_per_destination_max: self.places,
            ..Settings::default()
        };
        let scheduler = Scheduler::builder(store.clone(), Arc::new(dispatcher))
            .clock(store.clock() as Arc<dyn Clock>)
            .settings(settings)
            .build();
        let (process, handle_store) = (self.process.clone(), store.clone());
        let handle = Handle { process, scheduler: scheduler.clone(), store: handle_store };
        lock(&self.around.handles).insert(self.number, handle);
        let shutdown = async {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
            lock(&self.around.handles).remove(&self.number);
            store.hand_over().await;
        };
        tokio::select! {
            biased;
            error = store.fatal() => return Err(error),
            ended = scheduler.run(shutdown) => {
                ended.map_err(|error| Error::new(ErrorKind::Storage, error.to_string()))?;
            }
        }
        store.shutdown().await;
        Ok(())
    }
}
