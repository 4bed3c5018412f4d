//! The store against the suites of the core, and against a disk that fails.

mod crash;
mod faults;
mod formats;
mod restart;
mod several;
mod suites;

use std::sync::Arc;

use xcron_core::testing::sample::create;
use xcron_core::{Consistency, Revision, Store, StoreError};

use super::{Peering, RaftSettings, RaftStore};
use crate::Error;
use crate::disk::memory::MemoryDisk;

/// Settings whose segments and snapshots come often.
fn settings() -> RaftSettings {
    RaftSettings {
        segment_bytes: 64 << 10,
        log_cache_bytes: 16 << 10,
        snapshot_log_bytes: 64 << 10,
        commit_timeout_ms: 5_000,
        ..RaftSettings::default()
    }
}

async fn open(disk: &MemoryDisk) -> Result<RaftStore, Error> {
    RaftStore::open_on(Arc::new(disk.of_this_life()), settings(), Peering::alone()).await
}

/// Creates a task of some 150 bytes.
async fn create_one(store: &RaftStore, name: &str) -> Result<Revision, StoreError> {
    let at = xcron_core::testing::sample::due_at(5);
    let committed = store.commit(vec![create(name, at)]).await?;
    Ok(committed[0].unwrap_or_else(|conflict| panic!("{name}: {conflict}")))
}

/// Names and revisions of all tasks.
async fn all(store: &RaftStore) -> Vec<(String, Revision)> {
    let mut found: Vec<(String, Revision)> = Vec::new();
    let mut after = None;
    loop {
        let page = store.scan(after.as_ref(), 500, Consistency::Linearizable).await.unwrap();
        let Some(last) = page.last() else {
            return found;
        };
        after = Some(last.id.clone());
        found.extend(page.into_iter().map(|task| (task.id.to_string(), task.revision)));
    }
}
