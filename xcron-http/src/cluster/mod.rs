//! Cluster operations: what the API asks of whoever keeps this node's cluster together.
//!
//! This crate knows no consensus. It declares the seam, [`Cluster`], and answers over it; a
//! server without a cluster hands in none.

mod backup;
mod error;
mod status;

pub use backup::Backup;
pub use error::{ClusterError, ClusterErrorKind};
pub use status::{ClusterStatus, NodeRole, NodeStatus};

use async_trait::async_trait;
use std::fmt;

/// The cluster as one of its nodes sees it, and what can be done to it while it runs.
///
/// Every call but [`status`](Self::status) may be made on any node; one that does not lead passes
/// it on. The API waits for an answer as long as
/// [`ServerSettings::request_max`](crate::ServerSettings::request_max) allows and then drops the
/// future, so that what was begun must go on or be undone without it.
///
/// ```
/// use async_trait::async_trait;
/// use xcron_core::Effect;
/// use xcron_http::{Backup, Cluster, ClusterError, ClusterErrorKind, ClusterStatus};
///
/// /// A node that is always alone.
/// #[derive(Debug)]
/// struct Alone(ClusterStatus);
///
/// #[async_trait]
/// impl Cluster for Alone {
///     fn status(&self) -> ClusterStatus {
///         self.0.clone()
///     }
///
///     async fn remove_node(&self, node_id: u64) -> Result<(), ClusterError> {
///         let (kind, message) = if node_id == self.0.node_id {
///             (ClusterErrorKind::Refused, "the last node cannot be removed".to_owned())
///         } else {
///             (ClusterErrorKind::NoSuchNode, format!("there is no node {node_id}"))
///         };
///         Err(ClusterError::new(kind, Effect::None, message))
///     }
///
///     async fn transfer_leader(&self, _to: Option<u64>) -> Result<u64, ClusterError> {
///         Ok(self.0.node_id)
///     }
///
///     async fn backup(&self) -> Result<Backup, ClusterError> {
///         let (sender, chunks) = tokio::sync::mpsc::channel(1);
///         drop(sender);
///         Ok(Backup { name: "nothing.xcron".into(), chunks })
///     }
/// }
/// ```
#[async_trait]
pub trait Cluster: fmt::Debug + Send + Sync + 'static {
    /// What this node knows of the cluster, at once and without asking anyone.
    fn status(&self) -> ClusterStatus;

    /// Takes the node out of the cluster for good.
    ///
    /// # Errors
    /// When there is no such node, the rest would have no quorum, or nobody can decide it now.
    async fn remove_node(&self, node_id: u64) -> Result<(), ClusterError>;

    /// Hands leadership to `node_id`, or to the most suitable other node, and returns the id of
    /// the new leader; that may be the present one when it is asked for by name.
    ///
    /// # Errors
    /// When there is no such node, it may not or cannot lead, or nobody can decide it now.
    async fn transfer_leader(&self, node_id: Option<u64>) -> Result<u64, ClusterError>;

    /// Begins a consistent backup of everything that this node has applied.
    ///
    /// # Errors
    /// When it cannot be begun; what fails later is said in its chunks.
    async fn backup(&self) -> Result<Backup, ClusterError>;
}
