//! The durable store that the configuration asks for, and how it shows in metrics and errors.

use crate::config::Config;
use crate::error::ServerError;
use crate::membership::Membership;
use crate::peer_tls;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use xcron_core::{Clock, Store};
use xcron_http::{Cluster, NodeRole, StoreSample, StoreStats};
use xcron_raft::net::{RealListener, RealNet};
use xcron_raft::{ErrorKind, PeerTls, Peering, RaftSettings, RaftStore, Role, Secret};

/// An open store, which has its directory to itself.
#[derive(Clone, Debug)]
pub struct Storage {
    store: Arc<RaftStore>,
    dir: PathBuf,
}

impl Storage {
    /// Opens the store in `raft_dir`; other nodes are let in through `peers`.
    ///
    /// # Errors
    /// When the directory cannot be used or what it holds cannot be read.
    pub async fn open(config: &Config, peers: TcpListener) -> Result<Self, ServerError> {
        let dir = config.raft_dir.clone();
        let cannot = |error| ServerError::System { what: "the peer port cannot be used", error };
        let address = peers.local_addr().map_err(cannot)?;
        let listener = RealListener::new(peers).map_err(cannot)?;
        let peering = Peering::through(Arc::new(RealNet), Arc::new(listener))
            .secret(secret(config)?)
            .tls(tls(config)?);
        let opened = RaftStore::open_among(raft_settings(config, address), peering).await;
        let store = Arc::new(opened.map_err(|error| refusal(&dir, &error))?);
        Ok(Self { store, dir })
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    /// The clock that its scheduler fires by.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.store.clock()
    }

    /// What metrics say about it.
    #[must_use]
    pub fn stats(&self) -> Arc<dyn StoreStats> {
        Arc::new(Stats { store: Arc::clone(&self.store), opened: Instant::now() })
    }

    /// The cluster that it is a part of, for the API.
    #[must_use]
    pub fn cluster(&self) -> Arc<dyn Cluster> {
        Arc::new(Membership::of(Arc::clone(&self.store)))
    }

    /// How the members of its cluster reach each other, this one included: `host:port`.
    #[must_use]
    pub fn member_addresses(&self) -> Vec<String> {
        self.store.status().nodes.into_iter().map(|node| node.address).collect()
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns once nothing is acknowledged any more, with the reason.
    pub async fn failed(&self) -> ServerError {
        let error = self.store.fatal().await;
        match error.kind() {
            // A node that may not take part is told by the others what to do.
            ErrorKind::Foreign | ErrorKind::Damaged | ErrorKind::Full => refusal(&self.dir, &error),
            ErrorKind::Invalid => ServerError::Unusable(error.to_string()),
            _ => ServerError::Storage { problem: error.to_string() },
        }
    }

    /// Hands leadership over to another node, if this one has it.
    pub async fn hand_over(&self) {
        self.store.hand_over().await;
    }

    /// Ends what is on its way to the disk and lets go of the directory.
    pub async fn close(&self) {
        self.store.shutdown().await;
    }
}

/// The settings of a store whose peers connect to `address`.
pub(crate) fn raft_settings(config: &Config, address: SocketAddr) -> RaftSettings {
    let mut settings = config.raft_settings();
    if settings.advertise.is_empty() {
        settings.advertise = address.to_string();
    }
    settings
}

fn secret(config: &Config) -> Result<Option<Secret>, ServerError> {
    let refused = |error: xcron_raft::Error| ServerError::Settings(error.to_string());
    config.peer.secret().map(Secret::new).transpose().map_err(refused)
}

fn tls(config: &Config) -> Result<Option<PeerTls>, ServerError> {
    let Some(files) = peer_tls::PeerTls::read(&config.peer)? else {
        return Ok(None);
    };
    let tls = PeerTls::from_pem(&files.cert, &files.key, &files.ca);
    let refused = |error: xcron_raft::Error| ServerError::File {
        key: "peer.tls_cert",
        path: config.peer.tls_cert.clone().into(),
        problem: format!("cannot be used with peer.tls_key and peer.tls_ca: {error}"),
    };
    tls.map(Some).map_err(refused)
}

/// Why the store in `dir` cannot be opened, with the cure where the store does not name it.
pub(crate) fn refusal(dir: &Path, error: &xcron_raft::Error) -> ServerError {
    let cure = match error.kind() {
        ErrorKind::Full => ", free some space there or choose another directory",
        ErrorKind::Storage => ", make it writable or choose another directory",
        _ => "",
    };
    ServerError::Directory { path: dir.into(), problem: format!("{error}{cure}") }
}

#[derive(Debug)]
struct Stats {
    store: Arc<RaftStore>,
    opened: Instant,
}

impl StoreStats for Stats {
    fn sample(&self) -> StoreSample {
        let (stats, status) = (self.store.stats(), self.store.status());
        let offset = |node: &xcron_raft::NodeStatus| Some((node.node_id, node.clock_offset_ms?));
        let others = status.nodes.iter().filter(|node| node.node_id != status.node_id);
        StoreSample {
            is_leader: Some(stats.is_leader),
            term: Some(stats.term),
            log_lag: Some(stats.last_log.saturating_sub(stats.last_applied)),
            log_bytes: Some(stats.log_bytes),
            leader_changes: Some(stats.leader_changes),
            dead_letter_runs: Some(stats.failed_runs),
            // Without a snapshot all that this life has written waits for the first one.
            snapshot_age: Some(stats.snapshot_age.unwrap_or_else(|| self.opened.elapsed())),
            nodes: status.nodes.iter().map(|node| role(node.role)).collect(),
            clock_offsets_ms: others.filter_map(offset).collect(),
            peer_rejections: self.store.peer_counts().rejections(),
        }
    }
}

/// A role as the API names it.
pub(crate) const fn role(role: Role) -> NodeRole {
    match role {
        Role::Leader => NodeRole::Leader,
        Role::Follower => NodeRole::Follower,
        Role::Candidate => NodeRole::Candidate,
        _ => NodeRole::Learner,
    }
}

#[cfg(test)]
mod tests {
    use super::refusal;
    use std::path::Path;
    use xcron_raft::{Error, ErrorKind};

    #[test]
    fn a_store_that_cannot_be_opened_names_the_directory_and_a_cure() {
        let cases = [
            (
                ErrorKind::Full,
                "raft_dir: d: why, free some space there or choose another directory",
            ),
            (ErrorKind::Storage, "raft_dir: d: why, make it writable or choose another directory"),
            (ErrorKind::Damaged, "raft_dir: d: why"),
        ];
        for (kind, expected) in cases {
            let error = refusal(Path::new("d"), &Error::new(kind, "why"));
            assert_eq!(error.to_string(), expected);
        }
    }
}
