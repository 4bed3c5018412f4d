//! The calls about the cluster.

use super::Client;
use super::backup::Backup;
use super::error::ClientError;
use super::exchange::Done;
use crate::cluster::ClusterStatus;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

#[derive(Deserialize)]
struct Transferred {
    leader: u64,
}

/// # The cluster
impl Client {
    /// What the node that is asked knows of its cluster.
    ///
    /// # Errors
    /// Code 1404 when the server has no cluster.
    pub async fn cluster(&self) -> Result<ClusterStatus, ClientError> {
        self.get("/xcron/cluster", &[]).await
    }

    /// Takes a node out of the cluster for good.
    ///
    /// # Errors
    /// Code 1404 when there is no such node, 1409 when it cannot be spared.
    pub async fn remove_node(&self, node_id: u64) -> Result<(), ClientError> {
        let body = json!({ "node_id": node_id });
        let _done: Done = self.post("/xcron/cluster/removeNode", &body).await?;
        Ok(())
    }

    /// Hands leadership over, to the most suitable other node unless one is named; who leads then.
    ///
    /// # Errors
    /// Code 1404 when there is no such node, 1409 when it cannot lead.
    pub async fn transfer_leader(&self, node_id: Option<u64>) -> Result<u64, ClientError> {
        let body = json!({ "node_id": node_id });
        let transferred: Transferred = self.post("/xcron/cluster/transferLeader", &body).await?;
        Ok(transferred.leader)
    }

    /// Begins a backup, which comes chunk by chunk.
    ///
    /// # Errors
    /// Code 1429 when too many are on their way.
    pub async fn backup(&self) -> Result<Backup<'_>, ClientError> {
        let deadline = Instant::now() + self.timeout;
        let request = self.request(Method::GET, "/xcron/cluster/backup", Bytes::new())?;
        let (connection, answer) = self.exchange(request, deadline).await?;
        if answer.status() == StatusCode::OK {
            return Ok(Backup::new(self, connection, answer));
        }
        let (head, body) = answer.into_parts();
        let body = self.whole(body, deadline).await?;
        let refused = self.understood::<Done>(&head.headers, &body);
        let refused = refused
            .map_err(|problem| self.not_understood(&format!("{}, {problem}", head.status)))?;
        match refused {
            Err(refused) => Err(refused),
            Ok(_done) => Err(self.not_understood(&format!("{} with no backup", head.status))),
        }
    }
}
