//! Raft in this crate's own words: the one file through which everything else runs the library.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::async_runtime::{Instant as _, WatchReceiver};
use openraft::errors::{ClientWriteError, RaftError};
use openraft::raft::AppendEntriesResponse;
use openraft::{BasicNode, ChangeMembers, Config, Raft, ReadPolicy, ServerState, SnapshotPolicy};
use tokio::time::Instant;
use xcron_core::mutant::{self, Mutant};

use crate::cluster::standing::{Role, Standing};
use crate::log::Log;
use crate::log_store::LogStore;
use crate::machine::Machine;
use crate::network::Network;
use crate::snapshot::SnapshotFile;
use crate::store::RaftSettings;
use crate::types::{Batch, Replies, StoredMembership, TypeConfig, Vote};
use crate::wire::raft as messages;
use crate::{Error, ErrorKind};

/// How long raft may take to know who the members are that its log names.
const MEMBERS_MAX: Duration = Duration::from_secs(30);

/// Raft, running.
#[derive(Debug, Clone)]
pub(crate) struct Consensus {
    raft: Raft<TypeConfig, Machine>,
}

/// Why a batch was not applied.
#[derive(Debug)]
pub(crate) enum NotApplied {
    /// It was refused before it was appended: it certainly has no effect.
    NotAppended,
    /// It was appended and may yet be committed.
    Unknown(String),
    /// Raft has ended.
    Ended(String),
}

/// Where raft stands, and what follows for this node.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Role, term, positions and members; `leader` is whom raft remembers.
    pub(crate) standing: Standing,
    /// When a majority has last confirmed this node as the leader, at the latest.
    pub(crate) confirmed: Option<Instant>,
    /// The term in which this node leads, once it has applied an entry of its own: then it knows
    /// all that was decided before. 0 if it does not lead.
    pub(crate) tenure: u64,
    /// Why raft has ended by itself, if it has.
    pub(crate) ended: Option<String>,
}

/// Tells when the facts may have changed.
pub(crate) struct Changes(
    openraft::type_config::alias::WatchReceiverOf<TypeConfig, openraft::RaftMetrics<TypeConfig>>,
);

impl Changes {
    /// Waits for the next change; false once raft has ended.
    pub(crate) async fn next(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

impl Consensus {
    /// Starts raft for node `node_id` of `cluster_id`.
    pub(crate) async fn start(
        node_id: u64,
        cluster_id: u128,
        settings: &RaftSettings,
        network: Network,
        log: Arc<Log>,
        machine: Machine,
    ) -> Result<Self, Error> {
        let config = config(settings, cluster_id)?;
        let raft = Raft::new(node_id, config, network, LogStore(log), machine).await;
        Ok(Self { raft: raft.map_err(ended)? })
    }

    /// Begins a cluster with these members.
    pub(crate) async fn found(
        &self,
        members: impl IntoIterator<Item = (u64, String)>,
    ) -> Result<(), Error> {
        let members = members.into_iter().map(|(id, addr)| (id, BasicNode { addr }));
        let founded = self.raft.initialize(members.collect::<BTreeMap<_, _>>()).await;
        founded.map_err(ended)
    }

    /// Waits until raft knows its members, which its log or snapshot names.
    pub(crate) async fn know_members(&self) -> Result<(), Error> {
        let wait = self.raft.wait(Some(MEMBERS_MAX));
        let has_members = |metrics: &openraft::RaftMetrics<TypeConfig>| {
            metrics.membership_config.voter_ids().next().is_some()
        };
        wait.metrics(has_members, "its members").await.map(drop).map_err(ended)
    }

    /// Stands for election now.
    pub(crate) async fn stand(&self) -> Result<(), Error> {
        self.raft.trigger().elect(false).await.map_err(ended)
    }

    /// Lets this node stand for election by itself, or not.
    pub(crate) fn may_stand(&self, may: bool) {
        self.raft.runtime_config().elect(may);
    }

    /// Whether raft looks several times a second whether a heartbeat is due or missing.
    pub(crate) fn watch_time(&self, watches: bool) {
        self.raft.runtime_config().tick(watches);
    }

    /// Lets a voter take over, at once and whatever the leases say.
    pub(crate) async fn hand_over_to(&self, node: u64) -> Result<(), Error> {
        self.raft.trigger().transfer_leader(node).await.map_err(ended)
    }

    /// Takes note of the newest snapshot and purges the log behind it.
    pub(crate) async fn take_snapshot(&self) -> Result<(), Error> {
        self.raft.trigger().snapshot().await.map_err(ended)
    }

    /// Ends raft.
    pub(crate) async fn shutdown(&self) {
        if let Err(error) = self.raft.shutdown().await {
            tracing::error!(%error, "raft did not stop cleanly");
        }
    }

    /// Appends `batch` if this node leads, and waits until it is applied.
    pub(crate) async fn write(&self, batch: Batch) -> Result<Replies, NotApplied> {
        match self.raft.client_write(batch).await {
            Ok(response) => Ok(response.data),
            Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_))) => {
                Err(NotApplied::NotAppended)
            }
            Err(RaftError::APIError(error)) => Err(NotApplied::Unknown(error.to_string())),
            Err(RaftError::Fatal(error)) => Err(NotApplied::Ended(error.to_string())),
        }
    }

    /// How far a read has to wait, after a majority has confirmed that this node leads.
    pub(crate) async fn read_index(&self) -> Result<u64, String> {
        let asked = self.raft.get_read_log_id(ReadPolicy::ReadIndex).await;
        let (id, _applied) = asked.map_err(|error| error.to_string())?;
        Ok(id.log_id().index)
    }

    /// Adds a member that does not vote.
    pub(crate) async fn add_learner(&self, id: u64, addr: String) -> Result<(), String> {
        self.change(ChangeMembers::AddNodes(BTreeMap::from([(id, BasicNode { addr })]))).await
    }

    /// Lets a learner vote.
    pub(crate) async fn promote(&self, id: u64) -> Result<(), String> {
        self.change(ChangeMembers::AddVoterIds(BTreeSet::from([id]))).await
    }

    /// Lets a member go.
    pub(crate) async fn drop_member(&self, id: u64, is_voter: bool) -> Result<(), String> {
        let ids = BTreeSet::from([id]);
        let members = if is_voter {
            ChangeMembers::RemoveVoters(ids)
        } else {
            ChangeMembers::RemoveNodes(ids)
        };
        self.change(members).await
    }

    /// Goes the other half of the way of a change whose leader was lost in between.
    pub(crate) async fn finish_change(&self) -> Result<(), String> {
        self.change(ChangeMembers::AddVoterIds(BTreeSet::new())).await
    }

    async fn change(&self, members: ChangeMembers<u64, BasicNode>) -> Result<(), String> {
        let changed = self.raft.change_membership(members, false).await;
        changed.map(drop).map_err(|error| error.to_string())
    }

    /// How many entries a member is known to be behind the end of this leader's log.
    pub(crate) fn behind(&self, id: u64) -> Option<u64> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let at = metrics.replication.as_ref()?.get(&id)?.as_ref()?.index;
        Some(metrics.last_log_index.unwrap_or(0).saturating_sub(at))
    }

    /// Tells of changes from now on.
    pub(crate) fn changes(&self) -> Changes {
        Changes(self.raft.metrics())
    }

    /// Where raft stands now; `me` is this node.
    pub(crate) fn facts(&self, me: u64) -> Facts {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let (members, committed) =
            (&metrics.membership_config, &metrics.committed_membership_config);
        let is_joint = members.membership().get_joint_config().len() > 1;
        let mut standing = Standing {
            role: role(metrics.state),
            term: metrics.vote.leader_id().term,
            leader: metrics.current_leader,
            last_log: metrics.last_log_index,
            committed: metrics.local_committed.map(|id| id.index),
            is_changing: is_joint || members.log_id() != committed.log_id(),
            is_half_changed: is_joint && members.log_id() == committed.log_id(),
            ..Standing::default()
        };
        take_members(&mut standing, members, me);
        let leads = metrics.state == ServerState::Leader && metrics.vote.is_committed();
        let own = metrics.vote.leader_id();
        let knows = metrics.last_applied.is_some_and(|id| id.leader_id == *own);
        // Read in this order the result is never later than the truth.
        let now = Instant::now();
        Facts {
            tenure: if leads && knows { standing.term } else { 0 },
            confirmed: metrics.last_quorum_acked.map(|acked| now - acked.elapsed()),
            ended: metrics.running_state.as_ref().err().map(ToString::to_string),
            standing,
        }
    }

    /// Takes entries from a leader: the answer, and whether it was one to listen to.
    pub(crate) async fn append(&self, body: Bytes) -> Result<(Bytes, bool), String> {
        let rpc = messages::decode_append(body).map_err(text)?;
        let answer = self.raft.append_entries(rpc).await.map_err(text)?;
        let is_leader = !matches!(answer, AppendEntriesResponse::HigherVote(_));
        Ok((messages::encode_appended(&answer), is_leader))
    }

    /// Answers a candidate.
    pub(crate) async fn vote(&self, body: Bytes) -> Result<Bytes, String> {
        let rpc = messages::decode_vote_request(body).map_err(text)?;
        Ok(messages::encode_vote_answer(&self.raft.vote(rpc).await.map_err(text)?))
    }

    /// Answers whoever asks whether it would be voted for.
    pub(crate) async fn pre_vote(&self, body: Bytes) -> Result<Bytes, String> {
        let rpc = messages::decode_vote_request(body).map_err(text)?;
        Ok(messages::encode_vote_answer(&self.raft.pre_vote(rpc).await.map_err(text)?))
    }

    /// Takes over from a leader that asks for it; whether this node can.
    pub(crate) async fn take_over(&self, body: Bytes) -> Result<bool, String> {
        let rpc = messages::decode_transfer(body).map_err(text)?;
        Ok(self.raft.handle_transfer_leader(rpc).await.map_err(text)?.is_ok())
    }

    /// Installs a snapshot that a leader has sent; this node's vote, which may stand against it.
    pub(crate) async fn install(&self, vote: Vote, file: SnapshotFile) -> Result<Vote, String> {
        let snapshot = openraft::Snapshot { meta: file.meta.clone(), snapshot: file };
        let installed = self.raft.install_full_snapshot(vote, snapshot).await;
        Ok(installed.map_err(text)?.vote)
    }
}

fn take_members(standing: &mut Standing, stored: &StoredMembership, me: u64) {
    let membership = stored.membership();
    let voters: BTreeSet<u64> = membership.voter_ids().collect();
    standing.voters = voters.into_iter().collect();
    standing.learners = membership.learner_ids().collect();
    standing.is_alone = standing.voters == [me];
    standing.addresses = membership.nodes().map(|(id, node)| (*id, node.addr.clone())).collect();
}

fn role(state: ServerState) -> Role {
    match state {
        ServerState::Leader => Role::Leader,
        ServerState::Candidate => Role::Candidate,
        ServerState::Follower => Role::Follower,
        ServerState::Learner | ServerState::Shutdown => Role::Learner,
    }
}

fn config(settings: &RaftSettings, cluster_id: u128) -> Result<Arc<Config>, Error> {
    let config = Config {
        cluster_name: format!("{cluster_id:032x}"),
        heartbeat_interval: settings.heartbeat_ms,
        election_timeout_min: settings.election_timeout_min_ms(),
        election_timeout_max: settings.election_timeout_max_ms(),
        install_snapshot_timeout: 600_000,
        // Bytes of log decide, not entries: one entry may carry a single command or thousands.
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: 0,
        enable_pre_vote: Some(true),
        // How far entries are committed is saved lazily, so leadership is always won anew.
        enable_leader_restore: Some(false),
        allow_log_reversion: Some(mutant::is_on(Mutant::IdReusedAfterWipe)),
        ..Config::default()
    };
    let invalid = |error: openraft::ConfigError| Error::new(ErrorKind::Invalid, error.to_string());
    Ok(Arc::new(config.validate().map_err(invalid)?))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn ended(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Storage, format!("raft has stopped: {why}"))
}
