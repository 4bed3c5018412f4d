//! The cluster of the store, as the API asks for it.

use crate::storage::role;
use async_trait::async_trait;
use std::sync::Arc;
use xcron_core::Effect;
use xcron_http::{Backup, Cluster, ClusterError, ClusterErrorKind, ClusterStatus, NodeStatus};
use xcron_raft::{Error, ErrorKind, RaftStore};

/// The cluster that a store is a node of.
#[derive(Debug)]
pub struct Membership {
    store: Arc<RaftStore>,
}

impl Membership {
    /// The cluster of `store`.
    #[must_use]
    pub const fn of(store: Arc<RaftStore>) -> Self {
        Self { store }
    }
}

fn refused(error: &Error) -> ClusterError {
    let (kind, effect) = match error.kind() {
        ErrorKind::NoSuchNode => (ClusterErrorKind::NoSuchNode, Effect::None),
        ErrorKind::Refused => (ClusterErrorKind::Refused, Effect::None),
        ErrorKind::Unavailable | ErrorKind::Stopped => {
            (ClusterErrorKind::Unavailable, Effect::Unknown)
        }
        _ => (ClusterErrorKind::Internal, Effect::Unknown),
    };
    ClusterError::new(kind, effect, error.to_string())
}

fn shown(node: xcron_raft::NodeStatus) -> NodeStatus {
    NodeStatus {
        node_id: node.node_id,
        addr: node.address,
        role: role(node.role),
        is_voter: node.is_voter,
        is_reachable: node.is_reachable,
        last_seen_ms: node.silence.map(|silence| silence.as_millis() as u64),
        last_log: node.last_log,
        committed: node.committed,
        applied: node.applied,
        lag: node.lag,
        snapshot: node.snapshot,
        version: node.version,
        format_max: node.format_max,
        clock_offset_ms: node.clock_offset_ms,
    }
}

#[async_trait]
impl Cluster for Membership {
    fn status(&self) -> ClusterStatus {
        let status = self.store.status();
        ClusterStatus {
            cluster_id: format!("{:032x}", status.cluster_id),
            node_id: status.node_id,
            leader: status.leader,
            term: status.term,
            format: status.format,
            ready: status.obstacle,
            nodes: status.nodes.into_iter().map(shown).collect(),
        }
    }

    async fn remove_node(&self, node_id: u64) -> Result<(), ClusterError> {
        self.store.remove_node(node_id).await.map_err(|error| refused(&error))
    }

    async fn transfer_leader(&self, node_id: Option<u64>) -> Result<u64, ClusterError> {
        self.store.transfer_leader(node_id).await.map_err(|error| refused(&error))
    }

    async fn backup(&self) -> Result<Backup, ClusterError> {
        let backup = self.store.backup().await.map_err(|error| refused(&error))?;
        Ok(Backup { name: backup.name, chunks: backup.chunks })
    }
}
