//! The suites of the core.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use xcron_core::Store;
use xcron_core::testing::{durable_suite, store_suite};

use crate::disk::memory::MemoryDisk;
use crate::state::FORMAT_MAX;
use crate::{Peering, RaftSettings, RaftStore};

/// The store once its cluster writes the newest format, as it does soon after it was founded.
async fn of_newest_format(store: RaftStore) -> RaftStore {
    while store.status().format < FORMAT_MAX {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    store
}

#[tokio::test]
async fn the_store_passes_the_suite_of_stores() {
    let settings = RaftSettings { history_max: store_suite::HISTORY as u32, ..super::settings() };
    store_suite::run(|| async {
        let disk = Arc::new(MemoryDisk::default());
        let store = RaftStore::open_on(disk, settings.clone(), Peering::alone()).await.unwrap();
        Arc::new(of_newest_format(store).await) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn the_store_passes_the_suite_of_durable_stores() {
    let disks: Mutex<BTreeMap<&str, MemoryDisk>> = Mutex::default();
    durable_suite::run(|name| {
        let disk = disks.lock().unwrap().entry(name).or_default().clone();
        async move { Arc::new(super::open(&disk).await.unwrap()) as Arc<dyn Store> }
    })
    .await;
}

#[tokio::test]
async fn the_store_passes_both_suites_on_real_files() {
    let root = tempfile::tempdir().unwrap();
    let count = Mutex::new(0);
    let open = |name: String, history_max| {
        let data_dir = root.path().join(name);
        let settings = RaftSettings { data_dir, history_max, ..super::settings() };
        async move {
            let store = RaftStore::open(settings).await.unwrap();
            Arc::new(of_newest_format(store).await) as Arc<dyn Store>
        }
    };
    store_suite::run(|| {
        let mut count = count.lock().unwrap();
        *count += 1;
        open(format!("fresh-{count}"), store_suite::HISTORY as u32)
    })
    .await;
    durable_suite::run(|name| open(format!("durable-{name}"), 20)).await;
}
