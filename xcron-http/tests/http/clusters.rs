//! A cluster that answers what a test tells it to.

use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Mutex;
use tokio::sync::mpsc;
use xcron_core::Effect;
use xcron_http::{
    Backup, Cluster, ClusterError, ClusterErrorKind, ClusterStatus, NodeRole, NodeStatus,
};

/// A chunk of a backup, or the reason why there are no more.
pub(crate) type Chunk = Result<Bytes, String>;

/// A cluster of two that notes what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    error: Option<ClusterError>,
    asked: Mutex<Vec<String>>,
    backups: Mutex<Vec<mpsc::Receiver<Chunk>>>,
}

impl Scripted {
    /// One that does what it is asked.
    pub(crate) fn sound() -> Self {
        Self::default()
    }

    /// One that fails whatever it is asked.
    pub(crate) fn failing(kind: ClusterErrorKind, effect: Effect) -> Self {
        Self { error: Some(ClusterError::new(kind, effect, "so it is")), ..Self::default() }
    }

    /// What the next backup will consist of.
    pub(crate) fn backing_up(&self) -> mpsc::Sender<Chunk> {
        let (sender, receiver) = mpsc::channel(1);
        self.backups.lock().unwrap().push(receiver);
        sender
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn answer<T>(&self, question: String, answer: T) -> Result<T, ClusterError> {
        self.asked.lock().unwrap().push(question);
        self.error.clone().map_or(Ok(answer), Err)
    }
}

#[async_trait]
impl Cluster for Scripted {
    fn status(&self) -> ClusterStatus {
        let leader = NodeStatus {
            node_id: 1,
            addr: "10.0.0.1:8899".into(),
            role: NodeRole::Leader,
            is_voter: true,
            is_reachable: true,
            last_log: Some(12),
            committed: Some(11),
            applied: Some(10),
            lag: Some(0),
            snapshot: Some(5),
            version: "0.1.0".into(),
            format_max: 2,
            ..NodeStatus::default()
        };
        let learner = NodeStatus {
            node_id: 7,
            addr: "[::1]:8899".into(),
            role: NodeRole::Learner,
            last_seen_ms: Some(30_000),
            clock_offset_ms: Some(-25),
            ..NodeStatus::default()
        };
        ClusterStatus {
            cluster_id: "00112233445566778899aabbccddeeff".into(),
            node_id: 1,
            leader: self.error.is_none().then_some(1),
            term: 3,
            format: 1,
            ready: self.error.as_ref().map(ToString::to_string),
            nodes: vec![leader, learner],
        }
    }

    async fn remove_node(&self, node_id: u64) -> Result<(), ClusterError> {
        self.answer(format!("remove {node_id}"), ())
    }

    async fn transfer_leader(&self, node_id: Option<u64>) -> Result<u64, ClusterError> {
        self.answer(format!("transfer to {node_id:?}"), node_id.unwrap_or(2))
    }

    async fn backup(&self) -> Result<Backup, ClusterError> {
        let scripted = self.backups.lock().unwrap().pop();
        let chunks = scripted.unwrap_or_else(|| mpsc::channel(1).1);
        self.answer("backup".into(), Backup { name: "xcron 1.backup".into(), chunks })
    }
}
