//! Raft's own suite for logs and state machines, run against ours.

use std::sync::Arc;

use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};

use crate::disk::memory::MemoryDisk;
use crate::log::{Log, LogSettings, Threads};
use crate::log_store::LogStore;
use crate::machine::{Machine, Published};
use crate::snapshot::Snapshots;
use crate::state::FORMAT_MAX;
use crate::types::TypeConfig;

struct Builder(Threads);

impl StoreBuilder<TypeConfig, LogStore, Machine, ()> for Builder {
    async fn build(&self) -> Result<((), LogStore, Machine), StorageError<TypeConfig>> {
        let disk = Arc::new(MemoryDisk::default());
        let (segment_bytes, cache_bytes) = (4_096, 100);
        let (cluster_id, salt_seed, threads) = (1, 1, self.0);
        let settings = LogSettings { cluster_id, segment_bytes, cache_bytes, salt_seed, threads };
        let log = Log::open(disk.clone(), settings).unwrap();
        let published = Arc::new(Published::default());
        let machine =
            Machine::open(Snapshots::new(disk, cluster_id, FORMAT_MAX), published).unwrap();
        Ok(((), LogStore(Arc::new(log)), machine))
    }
}

#[tokio::test]
async fn log_and_machine_pass_the_suite_with_threads_of_their_own() {
    Suite::test_all(Builder(Threads::Own)).await.unwrap();
}

#[tokio::test]
async fn log_and_machine_pass_the_suite_on_the_calling_thread() {
    Suite::test_all(Builder(Threads::Caller)).await.unwrap();
}
