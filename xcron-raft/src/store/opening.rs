//! From a data directory to a running node: what it belongs to, its log, raft, and its peers.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::node::{Node, Request, stopped};
use super::peering::Peering;
use super::proposal::Proposals;
use super::proposer::{Pending, Proposer};
use super::reads::{Reading, Reads};
use super::settings::{RaftSettings, START_MAX};
use super::shared::Shared;
use crate::cluster::errands::Errands;
use crate::cluster::formation::{Formation, Founding};
use crate::cluster::identity::Belonging;
use crate::cluster::keeper;
use crate::cluster::outreach::Outreach;
use crate::cluster::parts::Parts;
use crate::cluster::service::{NodeService, Running};
use crate::consensus::Consensus;
use crate::disk::{DirLock, Disk};
use crate::log::{Log, LogSettings, Threads};
use crate::machine::Machine;
use crate::network::Network;
use crate::peer::{Identity, Party, Peers, accept_loop};
use crate::runtime;
use crate::snapshot::Snapshots;
use crate::types::LogId;
use crate::{Error, ErrorKind};

/// What the handles of a store send to its thread.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) commits: mpsc::Receiver<Pending>,
    pub(super) reads: mpsc::Receiver<Reading>,
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) stop: oneshot::Receiver<()>,
}

/// A node on its way.
#[derive(Debug)]
pub(super) struct Opening {
    disk: Arc<dyn Disk>,
    lock: Box<dyn DirLock>,
    shared: Arc<Shared>,
    founding: Arc<Founding>,
    network: Network,
    service: Arc<NodeService>,
    tasks: Vec<AbortHandle>,
    random: [u8; 32],
}

/// Opens a node and serves until it is told to stop. `started` is told as soon as it can be
/// talked to: a cluster of one when it can be used, a node of several at once.
pub(super) async fn run(
    disk: Arc<dyn Disk>,
    settings: RaftSettings,
    peering: Peering,
    started: oneshot::Sender<Result<Arc<Shared>, Error>>,
    mut inbox: Inbox,
) {
    let mut opening = match Opening::begin(disk, settings, &peering) {
        Ok(opening) => opening,
        // Whoever opened the store may have left.
        Err(error) => return drop(started.send(Err(error))),
    };
    opening.listen(&peering);
    let shared = opening.shared.clone();
    let is_alone = opening.founding.hosts().len() <= 1 && shared.settings.join.is_empty();
    let mut started = Some(started);
    let mut tell = |outcome| drop(started.take().map(|started| started.send(outcome)));
    if opening.founding.belonging().identity.cluster == 0 && !is_alone {
        tell(Ok(shared.clone()));
    }
    let formed = tokio::select! {
        biased;
        _ = &mut inbox.stop => Err(Error::new(ErrorKind::Stopped, "the store was shut down")),
        formed = opening.form() => formed,
    };
    let tasks = opening.tasks.clone();
    let node = match formed {
        Ok(()) => opening.start(inbox.commits, inbox.reads).await,
        Err(error) => Err(error),
    };
    let node = match node {
        Ok(node) => node,
        Err(error) => {
            tasks.iter().for_each(AbortHandle::abort);
            shared.fail(error.clone());
            return tell(Err(error));
        }
    };
    if shared.standing().is_alone {
        let ready = runtime::spawn(until_usable(shared.clone()));
        let told = started.take();
        runtime::spawn(async move {
            let usable = ready.await.unwrap_or_else(|_| Err(stopped(&"its start panicked")));
            drop(told.map(|told| told.send(usable.map(|()| shared))));
        });
    } else {
        tell(Ok(shared));
    }
    node.serve(inbox.requests, inbox.stop).await;
}

/// Waits until a cluster of one leads and its new life is noted.
async fn until_usable(shared: Arc<Shared>) -> Result<(), Error> {
    let deadline = Instant::now() + START_MAX;
    while shared.life.load(Ordering::SeqCst) == 0 || !shared.is_leader() {
        if let Some(error) = shared.fatal.borrow().clone() {
            return Err(error);
        }
        if Instant::now() > deadline {
            let message = format!("this node could not begin within {START_MAX:?}");
            return Err(Error::new(ErrorKind::Storage, message));
        }
        sleep(std::time::Duration::from_millis(1)).await;
    }
    Ok(())
}

impl Opening {
    /// Takes the directory and reads what it belongs to.
    fn begin(
        disk: Arc<dyn Disk>,
        settings: RaftSettings,
        peering: &Peering,
    ) -> Result<Self, Error> {
        settings.check()?;
        let lock = disk.lock()?;
        let belonging = Belonging::load(&*disk)?;
        let party = Party::new(peering.secret.clone(), peering.tls.clone());
        party.set_identity(belonging.identity);
        let shared = Arc::new(Shared::new(settings, party.clone(), peering.clock.clone()));
        let listens = || peering.listener.as_ref().map(|listener| listener.local_address());
        let advertised = Some(shared.settings.advertise.clone()).filter(|a| !a.is_empty());
        let address = advertised.or_else(listens).unwrap_or_default();
        let _first = shared.address.set(address);
        let mut hosts = shared.settings.peer_hosts.clone();
        hosts.sort_unstable();
        let founding = Arc::new(Founding::new(disk.clone(), belonging, hosts));
        let peers = Peers::new(peering.net.clone(), party);
        let network = Network { peers, shared: shared.clone() };
        let service = Arc::new(NodeService {
            shared: shared.clone(),
            founding: founding.clone(),
            network: network.clone(),
            running: OnceLock::new(),
        });
        let (tasks, random) = (Vec::new(), shared.party.random());
        Ok(Self { disk, lock, shared, founding, network, service, tasks, random })
    }

    /// Lets peers in, for as long as the node lives.
    fn listen(&mut self, peering: &Peering) {
        let Some(listener) = peering.listener.clone() else {
            return;
        };
        let (party, service) = (self.shared.party.clone(), self.service.clone());
        let never = std::future::pending();
        let accepting = runtime::spawn(accept_loop(listener, party, service, never));
        self.tasks.push(accepting.abort_handle());
    }

    /// Waits until this node belongs to a cluster; the first founder, until all know which.
    async fn form(&self) -> Result<(), Error> {
        let (shared, founding) = (self.shared.clone(), self.founding.clone());
        let (peers, random) = (self.network.peers.clone(), self.random);
        let formation = Formation { shared, founding, peers, random };
        if self.founding.belonging().identity.cluster == 0 {
            formation.run().await?;
        }
        let Belonging { identity, founders, has_log, .. } = self.founding.belonging();
        if identity.node == 1 && founders.len() > 1 && !has_log {
            formation.name_cluster().await;
        }
        Ok(())
    }

    /// Reads everything back and starts raft and what runs beside it.
    async fn start(
        self,
        commits: mpsc::Receiver<Pending>,
        reads: mpsc::Receiver<Reading>,
    ) -> Result<Node, Error> {
        let Self { disk, lock, shared, founding, network, service, mut tasks, .. } = self;
        let belonging = founding.belonging();
        let Identity { cluster, node: node_id } = belonging.identity;
        let settings = &shared.settings;
        let snapshots = Snapshots::new(disk.clone(), cluster, settings.format_max);
        let mut machine = Machine::open(snapshots.clone(), shared.published.clone())?;
        let newest = machine.newest();
        let _first = shared.newest.set(newest.clone());
        let log = open_log(&shared, disk, cluster, newest.position())?;
        machine.catch_up(&log)?;
        let is_new = log.state().last.is_none() && log.state().vote.is_none();
        if !belonging.has_log {
            founding.keep(&shared, Belonging { has_log: true, ..belonging.clone() })?;
        }
        let network_of_raft = network.clone();
        let raft =
            Consensus::start(node_id, cluster, settings, network_of_raft, log, machine).await?;
        let proposals = Proposals { raft: raft.clone(), network: network.clone() };
        let errands =
            Errands { raft: raft.clone(), network: network.clone(), proposals: proposals.clone() };
        let running = Running {
            raft: raft.clone(),
            parts: Parts::new(snapshots.clone()),
            proposals: proposals.clone(),
            errands: errands.clone(),
        };
        let proposer = Proposer::new(proposals.clone(), shared.clone());
        let reads = Reads { raft: raft.clone(), network: network.clone() }.run(reads);
        tasks.push(runtime::spawn(proposer.run(commits)).abort_handle());
        tasks.push(runtime::spawn(reads).abort_handle());
        let node = Node { raft, shared, proposals, errands, snapshots, newest, tasks, lock };
        node.begin(&belonging, is_new).await?;
        // Peers are answered from here on: this node knows who it is.
        let _first = service.running.set(running);
        Ok(node.look_around(Outreach::new(network)))
    }
}

impl Node {
    /// Founds the cluster if this node is to, and notes where raft stands.
    async fn begin(&self, belonging: &Belonging, is_new: bool) -> Result<(), Error> {
        let is_founder = belonging.nonce.is_empty() && belonging.identity.node == 1;
        if is_new {
            // Nobody knows of anything that this node could have lost.
            self.shared.arrive();
        }
        if is_new && is_founder && self.shared.published.view().applied.is_none() {
            let address = self.shared.address.get().cloned().unwrap_or_default();
            let hosts = Some(belonging.founders.clone()).filter(|hosts| !hosts.is_empty());
            let hosts = hosts.unwrap_or_else(|| vec![address]).into_iter();
            self.raft.found((1..).zip(hosts)).await?;
        }
        let holds_members = self.shared.log.get().is_some_and(|log| log.state().last.is_some())
            || self.shared.published.view().applied.is_some();
        if holds_members {
            self.raft.know_members().await?;
        }
        self.update_standing();
        if self.shared.standing().is_alone {
            self.shared.arrive();
            self.raft.stand().await?;
        }
        Ok(())
    }

    /// Begins to tell the others how this node is, and to look after them while it leads.
    fn look_around(mut self, outreach: Outreach) -> Self {
        self.tasks.push(runtime::spawn(outreach.run()).abort_handle());
        self.tasks.push(runtime::spawn(keeper::keep(self.errands.clone())).abort_handle());
        self
    }
}

fn open_log(
    shared: &Shared,
    disk: Arc<dyn Disk>,
    cluster: u128,
    (snapshot, snapshot_bytes): (Option<LogId>, u64),
) -> Result<Arc<Log>, Error> {
    let log = Arc::new(Log::open(disk, log_settings(&shared.settings, cluster))?);
    check_joined(&log, snapshot.map(|id| id.index))?;
    let counters = &shared.counters;
    counters.snapshot_index.store(snapshot.map_or(0, |id| id.index), Ordering::Relaxed);
    counters.snapshot_bytes.store(snapshot_bytes, Ordering::Relaxed);
    let _first = shared.log.set(log.clone());
    Ok(log)
}

/// How the log of a store with these settings behaves.
pub(crate) fn log_settings(settings: &RaftSettings, cluster_id: u128) -> LogSettings {
    LogSettings {
        cluster_id,
        segment_bytes: settings.segment_bytes,
        cache_bytes: settings.log_cache_bytes,
        // Salts only have to differ between lives and to be unknown to users.
        salt_seed: runtime::random(),
        threads: Threads::of_this_process(),
    }
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
