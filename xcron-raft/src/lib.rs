//! A durable, replicated [`Store`](xcron_core::Store) for xcron: raft over a checksummed log with
//! group commit.
//!
//! ```
//! use xcron_core::Store;
//! use xcron_raft::{RaftSettings, RaftStore};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let dir = tempfile::tempdir()?;
//! let store = RaftStore::open(RaftSettings::new(dir.path())).await?;
//! store.ready().await?;
//! store.shutdown().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # Map
//!
//! - [`RaftStore`]: commits through raft, reads from the newest published view.
//! - `log`: segments of frames; one write and one sync for all that waits.
//! - `state`: the replicated state, a function of the log. `snapshot`: that state in a file.
//! - `wire`: the messages that reach disk and wire.
//! - `consensus`: the raft library, run; `types`, `log_store`, `machine`, `network`: what it is
//!   given.
//! - `peer`, [`net`]: how nodes talk. `cluster`: who belongs together, and how they keep in touch.
//! - `DueIndex` (feature `testing`): what a node does with due tasks, for benches.
//! - `recovery`: a new cluster from a backup, or from the last node.
//! - `peer`: requests between nodes, proved, bounded and counted; it knows nothing of raft.
//! - `runtime`: the seam to tasks, threads and randomness; a whole node becomes a process of a
//!   simulation there.
//! - [`disk`]: the seam to the file system, and (feature `testing`) a disk that fails on command.
//! - [`net`]: the seam to the network, and (feature `testing`) a network in memory.
#![doc = include_str!("../DESIGN.md")]

mod cluster;
mod consensus;
pub mod disk;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod log;
mod log_store;
mod machine;
pub mod net;
mod network;
mod peer;
mod recovery;
mod replay;
#[cfg(any(test, feature = "testing"))]
pub mod runtime;
#[cfg(not(any(test, feature = "testing")))]
mod runtime;
mod snapshot;
mod state;
mod store;
#[cfg(test)]
mod suite_tests;
mod types;
mod wire;

pub use cluster::standing::Role;
pub use cluster::status::{ClusterStatus, NodeStatus};
pub use error::{Error, ErrorKind};
pub use peer::{PeerCounts, PeerTls, Secret};
pub use recovery::{Recovered, force_new_cluster, restore};
#[cfg(feature = "testing")]
pub use store::DueIndex;
pub use store::{Backup, LATENCY_BUCKETS_US, Peering, RaftSettings, RaftStore, StoreStats};
