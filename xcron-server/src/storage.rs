//! The durable store that the configuration asks for, and how it shows in metrics and errors.

use crate::config::Config;
use crate::error::ServerError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xcron_core::Store;
use xcron_http::{StoreSample, StoreStats};
use xcron_raft::{ErrorKind, RaftStore};

/// An open store, which has its directory to itself.
#[derive(Clone, Debug)]
pub struct Storage {
    store: Arc<RaftStore>,
    dir: PathBuf,
}

impl Storage {
    /// Opens the store in `raft_dir`.
    ///
    /// # Errors
    /// When the directory cannot be used or what it holds cannot be read.
    pub async fn open(config: &Config) -> Result<Self, ServerError> {
        let dir = config.raft_dir.clone();
        let opened = RaftStore::open(config.raft_settings()).await;
        let store = Arc::new(opened.map_err(|error| refusal(&dir, &error))?);
        Ok(Self { store, dir })
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    /// What metrics say about it.
    #[must_use]
    pub fn stats(&self) -> Arc<dyn StoreStats> {
        Arc::new(Stats(Arc::clone(&self.store)))
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns once nothing is acknowledged any more, with the reason.
    pub async fn failed(&self) -> ServerError {
        let error = self.store.fatal().await;
        ServerError::Storage { problem: error.to_string() }
    }

    /// Ends what is on its way to the disk and lets go of the directory.
    pub async fn close(&self) {
        self.store.shutdown().await;
    }
}

/// Why the store in `dir` cannot be opened, with the cure where the store does not name it.
fn refusal(dir: &Path, error: &xcron_raft::Error) -> ServerError {
    let cure = match error.kind() {
        ErrorKind::Full => ", free some space there or choose another directory",
        ErrorKind::Storage => ", make it writable or choose another directory",
        _ => "",
    };
    ServerError::Directory { path: dir.into(), problem: format!("{error}{cure}") }
}

#[derive(Debug)]
struct Stats(Arc<RaftStore>);

impl StoreStats for Stats {
    fn sample(&self) -> StoreSample {
        let stats = self.0.stats();
        StoreSample {
            is_leader: Some(stats.is_leader),
            term: Some(stats.term),
            ..StoreSample::default()
        }
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
