//! The types that raft is run with, and their counterparts in the log.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use openraft::vote::RaftVote;
use openraft::{BasicNode, EntryPayload, Membership};
use serde::{Deserialize, Serialize};

use crate::log;
use crate::runtime::RaftRuntime;

openraft::declare_raft_types!(
    /// Raft as xcron runs it.
    pub(crate) TypeConfig:
        D = Batch,
        R = Replies,
        NodeId = u64,
        Node = BasicNode,
        AsyncRuntime = RaftRuntime,
);

pub(crate) type Payload = EntryPayload<Batch, u64, BasicNode>;
pub(crate) type Entry = openraft::type_config::alias::EntryOf<TypeConfig>;
pub(crate) type LogId = openraft::type_config::alias::LogIdOf<TypeConfig>;
pub(crate) type LeaderId = openraft::type_config::alias::LeaderIdOf<TypeConfig>;
pub(crate) type Vote = openraft::type_config::alias::VoteOf<TypeConfig>;
pub(crate) type StoredMembership = openraft::type_config::alias::StoredMembershipOf<TypeConfig>;
pub(crate) type SnapshotMeta = openraft::type_config::alias::SnapshotMetaOf<TypeConfig>;

/// Commands that one entry carries, in order; each is one atomic step.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) commands: Vec<Bytes>,
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} commands)", self.commands.len())
    }
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What each command of a batch came to, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replies(pub(crate) Vec<Reply>);

/// What one command came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// Its changes, in order.
    Committed(Vec<Answer>),
    /// The number of the life that began.
    Life(u64),
    /// The number of the node that was admitted.
    Admitted(u64),
    /// What was to be noted of the cluster is noted.
    Noted,
}

/// What one change came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    Done(u64),
    Exists,
    Missing,
    Stale(u64),
}

impl Deref for Replies {
    type Target = [Reply];

    fn deref(&self) -> &[Reply] {
        &self.0
    }
}

/// Raft's position as the log keeps it.
pub(crate) fn to_log(id: &LogId) -> log::LogId {
    log::LogId { term: id.leader_id.term, node: id.leader_id.node_id, index: id.index }
}

/// The log's position as raft knows it.
pub(crate) fn from_log(id: log::LogId) -> LogId {
    LogId { leader_id: LeaderId { term: id.term, node_id: id.node }, index: id.index }
}

/// Raft's vote as the log keeps it.
pub(crate) fn to_log_vote(vote: &Vote) -> log::Vote {
    let leader = vote.leader_id();
    log::Vote { term: leader.term, node: leader.node_id, committed: vote.is_committed() }
}

/// The log's vote as raft knows it.
pub(crate) fn from_log_vote(vote: log::Vote) -> Vote {
    let leader = LeaderId { term: vote.term, node_id: vote.node };
    Vote::from_leader_id(leader, vote.committed)
}

/// A membership in which all of these nodes vote.
pub(crate) fn membership(
    position: Option<LogId>,
    voters: impl IntoIterator<Item = (u64, String)>,
) -> StoredMembership {
    let nodes = voters.into_iter().map(|(id, addr)| (id, BasicNode { addr }));
    let nodes: BTreeMap<u64, BasicNode> = nodes.collect();
    let voters = vec![nodes.keys().copied().collect()];
    let membership = Membership::new(voters, nodes);
    StoredMembership::new(position, membership.expect("every voter is a node"))
}
