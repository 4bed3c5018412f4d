//! How the cluster stands, for whoever looks after it.

use std::time::Duration;

use tokio::time::Instant;

use super::outreach::report;
use super::standing::Role;
use crate::store::Shared;
use crate::wire::peer::ReportMessage;

/// How the cluster stands, as one node knows it.
///
/// ```
/// use xcron_raft::ClusterStatus;
/// assert_eq!(ClusterStatus::default().nodes.len(), 0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterStatus {
    /// The cluster's number; 0 while this node belongs to none.
    pub cluster_id: u128,
    /// This node's number; 0 while it has none.
    pub node_id: u64,
    /// The leader's number, if one is known.
    pub leader: Option<u64>,
    /// The term of the newest vote.
    pub term: u64,
    /// The format of entries and snapshots that is written.
    pub format: u32,
    /// Why this node cannot be used for everything now, if so.
    pub obstacle: Option<String>,
    /// All members in order of their numbers.
    pub nodes: Vec<NodeStatus>,
}

/// How one node stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its number.
    pub node_id: u64,
    /// How the others reach it.
    pub address: String,
    /// What it is.
    pub role: Role,
    /// Whether its vote counts.
    pub is_voter: bool,
    /// Whether it has been heard of lately.
    pub is_reachable: bool,
    /// How long ago it was heard of; none if never in this life.
    pub silence: Option<Duration>,
    /// Index of its last log entry.
    pub last_log: Option<u64>,
    /// Index of the last entry that it knows to be committed.
    pub committed: Option<u64>,
    /// Index of the last entry that it has applied.
    pub applied: Option<u64>,
    /// How many entries it has still to apply of those that the leader has.
    pub lag: Option<u64>,
    /// Index of the last entry of its newest snapshot.
    pub snapshot: Option<u64>,
    /// The version that it runs.
    pub version: String,
    /// The newest format that it reads and writes.
    pub format_max: u32,
    /// How many milliseconds its clock is ahead of this node's.
    pub clock_offset_ms: Option<i64>,
    /// Why it should not lead, if so.
    pub unfit: Option<String>,
}

/// How the cluster stands, as this node knows it.
pub(crate) fn status(shared: &Shared) -> ClusterStatus {
    let (standing, view) = (shared.standing(), shared.published.view());
    let identity = shared.party.identity();
    let (me, now) = (identity.node, Instant::now());
    let mut ids: Vec<u64> = standing.voters.iter().chain(&standing.learners).copied().collect();
    ids.extend(view.roster.iter().map(|(id, _)| id));
    ids.sort_unstable();
    ids.dedup();
    let own = report(shared);
    let mut nodes = Vec::new();
    for id in ids.into_iter().filter(|&id| id > 0) {
        let contact = shared.contacts.get(id);
        let mut node = match &contact {
            _ if id == me => described(&own),
            Some(contact) => described(&contact.report),
            None => NodeStatus::default(),
        };
        node.node_id = id;
        if node.address.is_empty() {
            let noted = view.roster.get(id).map(|member| member.address.clone());
            node.address = noted.unwrap_or_default();
        }
        node.is_voter = standing.voters.contains(&id);
        node.role = match node.role {
            _ if !node.is_voter => Role::Learner,
            // What it last told of itself may be older than what is known of its election.
            _ if Some(id) == standing.leader => Role::Leader,
            Role::Leader if standing.leader.is_some() => Role::Follower,
            told => told,
        };
        node.is_reachable = id == me || contact.as_ref().is_some_and(|c| c.is_reachable(now));
        node.silence = contact.as_ref().map(|contact| now.duration_since(contact.seen_at));
        let wall = shared.clock.now();
        let clock = contact.as_ref().and_then(|contact| contact.clock);
        node.clock_offset_ms = clock.map(|reading| reading.ahead_of(now, wall));
        if id == me {
            (node.silence, node.clock_offset_ms) = (Some(Duration::ZERO), Some(0));
        }
        nodes.push(node);
    }
    set_lags(&mut nodes, standing.leader);
    ClusterStatus {
        cluster_id: identity.cluster,
        node_id: me,
        leader: standing.leader,
        term: standing.term,
        format: view.roster.format(),
        obstacle: obstacle(shared),
        nodes,
    }
}

/// Why this node cannot be used for everything now, as far as it can say without asking.
pub(crate) fn obstacle(shared: &Shared) -> Option<String> {
    if let Some(error) = &*shared.fatal.borrow() {
        return Some(error.to_string());
    }
    let standing = shared.standing();
    let no_leader = || shared.obstacle("there is no leader: fewer than half of the nodes answer");
    let leaderless = standing.leader.is_none().then(no_leader);
    leaderless.or_else(|| shared.clock_fault())
}

fn described(report: &ReportMessage) -> NodeStatus {
    NodeStatus {
        address: report.address.clone(),
        role: Role::from_number(report.role),
        last_log: report.last_log,
        committed: report.committed,
        applied: report.applied,
        snapshot: report.snapshot,
        version: report.version.clone(),
        format_max: report.format_max,
        unfit: Some(report.unfit.clone()).filter(|unfit| !unfit.is_empty()),
        ..NodeStatus::default()
    }
}

fn set_lags(nodes: &mut [NodeStatus], leader: Option<u64>) {
    let leads = |node: &&NodeStatus| Some(node.node_id) == leader;
    let Some(last) = nodes.iter().find(leads).and_then(|node| node.last_log) else {
        return;
    };
    for node in nodes {
        node.lag = node.applied.map(|applied| last.saturating_sub(applied));
    }
}
