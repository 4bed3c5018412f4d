//! What is left to do after a disaster: a cluster from a backup, or from its last node.

use crate::config::Config;
use crate::error::ServerError;
use crate::storage::{raft_settings, refusal};
use std::net::SocketAddr;
use std::path::Path;
use xcron_raft::{RaftSettings, Recovered};

/// Starts a new cluster of one in `raft_dir`, which must be empty or not exist, from the backup
/// in `file`; the line to print says what was restored.
///
/// # Errors
/// When the file is not a whole backup or the directory cannot be used.
pub async fn restore(config: &Config, file: &Path) -> Result<String, ServerError> {
    let from = file.to_owned();
    let done = apart(config, move |settings| xcron_raft::restore(&settings, &from)).await?;
    let Recovered { cluster_id, node_id, tasks, .. } = done;
    Ok(format!(
        "restored {tasks} tasks into {} as node {node_id} of the new cluster {cluster_id:032x}: \
         start it, and let others in with peer.join",
        config.raft_dir.display()
    ))
}

/// Makes the node in `raft_dir` a new cluster of one; the line to print says what it holds.
///
/// # Errors
/// When the directory holds no node or cannot be used.
pub async fn force_new_cluster(config: &Config) -> Result<String, ServerError> {
    let done = apart(config, |settings| xcron_raft::force_new_cluster(&settings)).await?;
    let Recovered { cluster_id, node_id, tasks, uncommitted, kept } = done;
    let kept =
        kept.map_or_else(String::new, |kept| format!("; the old data is in {}", kept.display()));
    Ok(format!(
        "{} is node {node_id} of the new cluster {cluster_id:032x} with {tasks} tasks; \
         {uncommitted} log entries that may not have been committed are so now{kept}",
        config.raft_dir.display()
    ))
}

/// Does what blocks on the disk on a thread for such work.
async fn apart(
    config: &Config,
    work: impl FnOnce(RaftSettings) -> Result<Recovered, xcron_raft::Error> + Send + 'static,
) -> Result<Recovered, ServerError> {
    let settings = raft_settings(config, SocketAddr::new(config.host, config.peer_port));
    let done = tokio::task::spawn_blocking(move || work(settings)).await;
    let done = done.map_err(|_panicked| ServerError::Bug("the recovery"))?;
    done.map_err(|error| refusal(&config.raft_dir, &error))
}

/// What [`force_new_cluster`] would do, for those who have not confirmed it.
#[must_use]
pub fn what_force_would_do(config: &Config) -> String {
    format!(
        "force-new-cluster would make the node in raft_dir, which is {}, a new cluster of one; \
         what the others alone had acknowledged is lost, and they must be gone for good: add \
         --yes if they are",
        config.raft_dir.display()
    )
}
