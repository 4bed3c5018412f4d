//! What is left to do after a disaster: a cluster from a backup, or from its last node.

use crate::config::Config;
use crate::error::ServerError;
use std::path::Path;

/// Starts a new cluster of one in `raft_dir`, which must be empty or not exist, from the backup
/// in `file`; the line to print says what was restored.
///
/// # Errors
/// When the file is not a whole backup or the directory cannot be used.
pub async fn restore(config: &Config, file: &Path) -> Result<String, ServerError> {
    let _unused = (config, file);
    Err(ServerError::NotBuiltIn("restore"))
}

/// Makes the node in `raft_dir` a new cluster of one; the line to print says what it holds.
///
/// # Errors
/// When the directory holds no node or cannot be used.
pub async fn force_new_cluster(config: &Config) -> Result<String, ServerError> {
    let _unused = config;
    Err(ServerError::NotBuiltIn("force-new-cluster"))
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
