//! What a node knows of its cluster.

use serde::{Deserialize, Serialize};

/// What one node knows of the cluster. The API shows every field under its own name.
///
/// ```
/// use xcron_http::ClusterStatus;
///
/// let status = ClusterStatus { node_id: 1, leader: Some(1), term: 3, ..Default::default() };
/// assert!(status.nodes.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterStatus {
    /// The cluster's id, 32 hexadecimal digits; what other clusters send is not listened to.
    pub cluster_id: String,
    /// This node; 0 while it is not a member.
    pub node_id: u64,
    /// Who leads, if it is known.
    pub leader: Option<u64>,
    /// The present term.
    pub term: u64,
    /// The format of the log that is in force: the highest that every node can read.
    pub format: u32,
    /// Why this node is not ready; `None` when it is.
    pub ready: Option<String>,
    /// All members, this one included.
    pub nodes: Vec<NodeStatus>,
}

/// What one node knows of another, or of itself. Only the leader hears from all of them, so that
/// elsewhere most of it is unknown.
///
/// ```
/// use xcron_http::{NodeRole, NodeStatus};
///
/// let node = NodeStatus {
///     node_id: 2,
///     addr: "10.0.0.2:8899".into(),
///     role: NodeRole::Learner,
///     lag: Some(1_000),
///     ..NodeStatus::default()
/// };
/// assert!(!node.is_voter);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Its id, from 1.
    pub node_id: u64,
    /// How the others reach it, as `host:port`.
    pub addr: String,
    /// What it does.
    pub role: NodeRole,
    /// Whether its vote counts.
    pub is_voter: bool,
    /// Whether it answers.
    pub is_reachable: bool,
    /// Milliseconds since it last answered.
    pub last_seen_ms: Option<u64>,
    /// The last entry of its log.
    pub last_log: Option<u64>,
    /// The last entry that it knows to be committed.
    pub committed: Option<u64>,
    /// The last entry that it has applied.
    pub applied: Option<u64>,
    /// How many entries it is behind the leader's last.
    pub lag: Option<u64>,
    /// The last entry in its newest snapshot.
    pub snapshot: Option<u64>,
    /// The version of its program.
    pub version: String,
    /// The highest format of the log that it can read.
    pub format_max: u32,
    /// How many milliseconds its clock is ahead of this node's; negative when it is behind.
    pub clock_offset_ms: Option<i64>,
}

/// What a node does in its cluster.
///
/// ```
/// use xcron_http::NodeRole;
///
/// assert_eq!(NodeRole::Leader.as_str(), "leader");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeRole {
    /// Orders what happens.
    Leader,
    /// Keeps a copy, and votes.
    #[default]
    Follower,
    /// Keeps a copy, without a vote.
    Learner,
    /// Asks for votes, because it hears no leader.
    Candidate,
}

impl NodeRole {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Leader, Self::Follower, Self::Learner, Self::Candidate];

    /// The role's name as users read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Learner => "learner",
            Self::Candidate => "candidate",
        }
    }
}
