//! How a node whose disk is empty comes to belong to a cluster: as its only node, as one of its
//! founders, or let in by a member.
//!
//! Founders all name the same list. None of them begins a cluster before every one has said that it
//! belongs to none and has written down what the cluster is called; so the order in which they
//! start does not matter, and a founder that lost its disk later cannot begin another cluster: the
//! others know better. The first of the list coordinates; its name for the cluster is random.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use tokio::time::{Instant, sleep};
use xcron_core::mutant::{self, Mutant};

use super::identity::{Belonging, cluster_bytes, cluster_id};
use crate::disk::Disk;
use crate::peer::{CallError, CallErrorKind, Identity, Kind, Lane, Peers};
use crate::store::Shared;
use crate::wire::peer::{
    FoundMessage, JoinMessage, JoinedMessage, MeetMessage, MetKind, MetMessage, kind,
};
use crate::{Error, ErrorKind};

/// How long a node may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// How long a request to be let in may take: it is committed.
const JOIN_MAX: Duration = Duration::from_secs(12);

/// Pause before the others are asked again.
const RETRY: Duration = Duration::from_millis(150);

/// What this node knows of a cluster that may not have begun; shared with what it answers.
#[derive(Debug)]
pub(crate) struct Founding {
    disk: Arc<dyn Disk>,
    belonging: Mutex<Belonging>,
    hosts: Vec<String>,
}

impl Founding {
    pub(crate) fn new(disk: Arc<dyn Disk>, belonging: Belonging, hosts: Vec<String>) -> Self {
        Self { disk, belonging: Mutex::new(belonging), hosts }
    }

    fn lock(&self) -> MutexGuard<'_, Belonging> {
        self.belonging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the data directory belongs to.
    pub(crate) fn belonging(&self) -> Belonging {
        self.lock().clone()
    }

    /// Writes down what the data directory belongs to, and then believes it.
    pub(crate) fn keep(&self, shared: &Shared, belonging: Belonging) -> Result<(), Error> {
        let mut kept = self.lock();
        belonging.save(&*self.disk)?;
        shared.party.set_identity(belonging.identity);
        *kept = belonging;
        Ok(())
    }

    /// The founders, in the order of their numbers.
    pub(crate) fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Answers a founder that asks whether there is a cluster already.
    pub(crate) fn meet(&self, shared: &Shared, asked: &MeetMessage) -> MetMessage {
        let belonging = self.belonging();
        let cluster = belonging.identity.cluster;
        let hosts = self.hosts.clone();
        let known_as = member_at(shared, &asked.address);
        let kind = if cluster != 0 {
            if is_pending(shared, &belonging) { MetKind::Pending } else { MetKind::Member }
        } else if self.hosts.is_empty() {
            MetKind::Stranger
        } else {
            MetKind::Blank
        };
        MetMessage { kind: kind.into(), cluster: cluster_bytes(cluster), known_as, hosts }
    }

    /// Takes the name that the first founder gives the cluster.
    pub(crate) fn found(&self, shared: &Shared, message: &FoundMessage) -> Result<(), String> {
        let cluster = cluster_id(&message.cluster).filter(|&id| id != 0);
        let cluster = cluster.ok_or("a cluster has a name of 16 bytes")?;
        let present = self.belonging().identity.cluster;
        if present == cluster {
            return Ok(());
        }
        if present != 0 {
            return Err(format!("this node belongs to cluster {present:032x} already"));
        }
        if self.hosts != message.hosts {
            return Err("this node has another peer.peer_hosts".into());
        }
        let me = shared.address.get();
        let at = self.hosts.iter().position(|host| Some(host) == me);
        let node = at.ok_or("this node is not in peer.peer_hosts")? as u64 + 1;
        let identity = Identity { cluster, node };
        let founders = self.hosts.clone();
        let belonging = Belonging { identity, founders, ..Belonging::default() };
        self.keep(shared, belonging).map_err(|error| error.to_string())
    }
}

/// Whether the founders' cluster may not have begun: this node has voted for nobody and holds
/// nothing.
pub(crate) fn is_pending(shared: &Shared, belonging: &Belonging) -> bool {
    let is_empty = shared.log.get().is_none_or(|log| {
        let state = log.state();
        state.last.is_none() && state.vote.is_none()
    });
    !belonging.founders.is_empty() && is_empty && shared.published.view().applied.is_none()
}

/// The number of the member that is reached at `address`; 0 if there is none.
pub(crate) fn member_at(shared: &Shared, address: &str) -> u64 {
    let view = shared.published.view();
    let noted = view.roster.iter().find(|(_, member)| member.address == address);
    let noted = noted.map(|(id, _)| id);
    let standing = shared.standing();
    let known = standing.addresses.iter().find(|(_, known)| known == address).map(|at| at.0);
    noted.or(known.filter(|&id| !view.roster.is_removed(id))).unwrap_or(0)
}

/// Gives a node whose disk is empty a cluster to belong to.
#[derive(Debug)]
pub(crate) struct Formation {
    pub(crate) shared: Arc<Shared>,
    pub(crate) founding: Arc<Founding>,
    pub(crate) peers: Peers,
    pub(crate) random: [u8; 32],
}

impl Formation {
    /// Waits until this node belongs to a cluster.
    ///
    /// # Errors
    /// When it never will as it is: its disk was lost, or it is not wanted.
    pub(crate) async fn run(&self) -> Result<(), Error> {
        let settings = &self.shared.settings;
        if !settings.join.is_empty() {
            return self.join().await;
        }
        if self.founding.hosts().len() > 1 {
            return self.meet_founders().await;
        }
        let identity = Identity { cluster: self.new_cluster(), node: 1 };
        self.founding.keep(&self.shared, Belonging { identity, ..Belonging::default() })
    }

    fn new_cluster(&self) -> u128 {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.random[..16]);
        // Zero stands for no cluster.
        u128::from_be_bytes(bytes).max(1)
    }

    fn address(&self) -> String {
        self.shared.address.get().cloned().unwrap_or_default()
    }

    /// The other founders.
    fn others(&self) -> impl Iterator<Item = &String> {
        let me = self.address();
        self.founding.hosts().iter().filter(move |host| **host != me)
    }

    async fn call(
        &self,
        address: &str,
        number: u8,
        body: Vec<u8>,
        within: Duration,
    ) -> Result<Bytes, CallError> {
        let deadline = Instant::now() + within;
        self.peers.call(address, None, Lane::Bulk, Kind(number), body.into(), deadline).await
    }

    /// Waits until all founders have met and know what their cluster is called.
    async fn meet_founders(&self) -> Result<(), Error> {
        let hosts = self.founding.hosts();
        let me = self.address();
        if hosts.iter().filter(|host| **host == me).count() != 1 {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "peer.peer_hosts {hosts:?} must hold this node's own address once, which is \
                     {me}: add it, or set peer.advertise to the one that is this node"
                ),
            ));
        }
        loop {
            if self.founding.belonging().identity.cluster != 0 {
                return Ok(());
            }
            match self.meet_once().await? {
                Ok(name) if self.is_first() => {
                    let cluster = if name == 0 { self.new_cluster() } else { name };
                    let identity = Identity { cluster, node: 1 };
                    let founders = self.founding.hosts().to_vec();
                    let belonging = Belonging { identity, founders, ..Belonging::default() };
                    self.founding.keep(&self.shared, belonging)?;
                }
                Ok(_) => self.shared.set_obstacle("the founders have met and begin a cluster"),
                Err(obstacle) => self.shared.set_obstacle(obstacle),
            }
            sleep(RETRY).await;
        }
    }

    fn is_first(&self) -> bool {
        self.founding.hosts().first() == Some(&self.address())
    }

    /// Asks every other founder once: what the cluster is called, 0 if it has no name yet; or what
    /// stands in the way for now.
    async fn meet_once(&self) -> Result<Result<u128, String>, Error> {
        let hosts = self.founding.hosts().to_vec();
        let mut name = 0;
        let mut obstacle = None;
        for host in self.others() {
            let meet = MeetMessage { hosts: hosts.clone(), address: self.address() };
            let answer = self.call(host, kind::MEET, meet.encode_to_vec(), ANSWER_MAX).await;
            let met = answer.map_err(|error| error.to_string());
            let met = match met.and_then(decode::<MetMessage>) {
                Ok(met) => met,
                Err(error) => {
                    obstacle = Some(format!("waiting for the founder {host}: {error}"));
                    continue;
                }
            };
            match met.kind() {
                MetKind::Member if met.known_as > 0 && mutant::is_on(Mutant::IdReusedAfterWipe) => {
                    self.come_back(&met)?;
                    return Ok(Err("it comes back under its old number".to_owned()));
                }
                // Asked before the name came, answered after the cluster had begun with this node.
                MetKind::Member if self.belongs_to(&met) => {
                    return Ok(Err("the founders have met".to_owned()));
                }
                MetKind::Member => return Err(self.too_late(host, &met)),
                MetKind::Pending => name = cluster_id(&met.cluster).unwrap_or(0),
                MetKind::Blank if met.hosts == hosts => {}
                MetKind::Blank => {
                    obstacle = Some(format!("{host} has another peer.peer_hosts than this node"));
                }
                MetKind::Stranger | MetKind::Unknown => {
                    obstacle = Some(format!("{host} has no peer.peer_hosts"));
                }
            }
        }
        Ok(obstacle.map_or(Ok(name), Err))
    }

    /// Whether this node has been told meanwhile that it belongs to the same cluster as `met`.
    fn belongs_to(&self, met: &MetMessage) -> bool {
        let own = self.founding.belonging().identity.cluster;
        own != 0 && cluster_id(&met.cluster) == Some(own)
    }

    /// What [`Mutant::IdReusedAfterWipe`] does instead of refusing: as if it had been let in.
    fn come_back(&self, met: &MetMessage) -> Result<(), Error> {
        let cluster = cluster_id(&met.cluster).unwrap_or(0);
        let identity = Identity { cluster, node: met.known_as };
        let nonce = Bytes::copy_from_slice(&self.random[16..]);
        self.founding.keep(&self.shared, Belonging { identity, nonce, ..Belonging::default() })
    }

    /// Why a founder with an empty disk may not take part in a cluster that has begun.
    fn too_late(&self, host: &str, met: &MetMessage) -> Error {
        let cluster = cluster_id(&met.cluster).unwrap_or(0);
        let known_as = met.known_as;
        let what = if known_as > 0 {
            format!(
                "this node's disk is empty, but {} is node {known_as} of cluster {cluster:032x} \
                 (so says {host}): what it held is gone; let go of it with POST \
                 /xcron/cluster/removeNode {{\"node_id\": {known_as}}} at any other node, then \
                 start it with peer.join instead of peer.peer_hosts",
                self.address()
            )
        } else {
            format!(
                "the nodes of peer.peer_hosts have formed cluster {cluster:032x} without this \
                 one: start it with peer.join instead of peer.peer_hosts"
            )
        };
        Error::new(ErrorKind::Foreign, what)
    }

    /// Tells every other founder what the cluster is called, until all have written it down.
    pub(crate) async fn name_cluster(&self) {
        let Belonging { identity, founders, .. } = self.founding.belonging();
        let cluster = cluster_bytes(identity.cluster);
        let message = FoundMessage { cluster, hosts: founders };
        let mut left: Vec<&String> = self.others().collect();
        while !left.is_empty() {
            let mut still = Vec::new();
            for host in left {
                let told = self.call(host, kind::FOUND, message.encode_to_vec(), ANSWER_MAX).await;
                if let Err(error) = told {
                    self.shared.set_obstacle(format!("waiting for the founder {host}: {error}"));
                    still.push(host);
                }
            }
            left = still;
            if !left.is_empty() {
                sleep(RETRY).await;
            }
        }
    }

    /// Asks the members that the settings name to be let in, until one of them does.
    async fn join(&self) -> Result<(), Error> {
        let settings = &self.shared.settings;
        let mut belonging = self.founding.belonging();
        if belonging.nonce.is_empty() {
            // Written down first: whoever asks again after a crash is let in once.
            belonging.nonce = Bytes::copy_from_slice(&self.random[16..]);
            self.founding.keep(&self.shared, belonging.clone())?;
        }
        let message = JoinMessage {
            nonce: belonging.nonce.clone(),
            address: self.address(),
            format_max: settings.format_max,
            hops: 0,
        };
        loop {
            for host in &settings.join {
                let answer = self.call(host, kind::JOIN, message.encode_to_vec(), JOIN_MAX).await;
                if let Err(CallError { kind: CallErrorKind::Secret, message, .. }) = &answer {
                    let cure = "set peer.secret_env to the same secret on every node";
                    return Err(Error::new(ErrorKind::Invalid, format!("{message}: {cure}")));
                }
                let joined = answer.map_err(|error| error.to_string());
                match joined.and_then(decode::<JoinedMessage>) {
                    Ok(joined) if !joined.refusal.is_empty() => {
                        return Err(Error::new(ErrorKind::Foreign, joined.refusal));
                    }
                    Ok(joined) if joined.node > 0 => {
                        let cluster = cluster_id(&joined.cluster).unwrap_or(0);
                        let identity = Identity { cluster, node: joined.node };
                        let belonging = Belonging { identity, ..belonging };
                        return self.founding.keep(&self.shared, belonging);
                    }
                    Ok(joined) => {
                        let why = joined.not_yet;
                        self.shared.set_obstacle(format!("waiting to be let in by {host}: {why}"));
                    }
                    Err(error) => self.shared.set_obstacle(format!("waiting for {host}: {error}")),
                }
            }
            sleep(RETRY).await;
        }
    }
}

fn decode<M: Message + Default>(body: Bytes) -> Result<M, String> {
    M::decode(body).map_err(|error| format!("its answer cannot be read: {error}"))
}
