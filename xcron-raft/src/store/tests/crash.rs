//! Power cuts at every failpoint and at any moment, under load: nothing acknowledged is lost, and
//! what was acknowledged keeps its revision.

use std::collections::BTreeMap;
use std::sync::Arc;

use xcron_core::{Revision, StoreErrorKind};

use super::{all, create_one, open};
use crate::RaftStore;
use crate::disk::failpoint::FAILPOINTS;
use crate::disk::memory::MemoryDisk;

const WRITERS: usize = 8;

/// Creates tasks and writes snapshots until the disk dies; returns what was acknowledged.
async fn work(store: RaftStore, disk: &MemoryDisk, life: u64) -> BTreeMap<String, Revision> {
    let store = Arc::new(store);
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let (store, disk) = (store.clone(), disk.clone());
        writers.push(tokio::spawn(async move {
            let mut acked = BTreeMap::new();
            for n in 0..150 {
                let name = format!("life-{life}-writer-{writer}-{n}");
                match create_one(&store, &name).await {
                    Ok(revision) => acked.insert(name, revision),
                    Err(error) => {
                        assert_ne!(error.kind(), StoreErrorKind::Overloaded, "{error}");
                        break;
                    }
                };
            }
            disk.die();
            acked
        }));
    }
    let snapshots = tokio::spawn({
        let store = store.clone();
        async move { while store.snapshot().await.is_ok() {} }
    });
    let mut acked = BTreeMap::new();
    for writer in writers {
        acked.extend(writer.await.unwrap());
    }
    snapshots.abort();
    acked
}

/// Lives on one disk, each ended by a power cut at `point` or at random.
async fn lives(point: Option<&str>, seed: u64) {
    let disk = MemoryDisk::default();
    let mut expected = BTreeMap::new();
    for life in 0..3 {
        let store = open(&disk).await.unwrap_or_else(|e| panic!("seed {seed}, {point:?}: {e}"));
        let found: BTreeMap<_, _> = all(&store).await.into_iter().collect();
        for (name, revision) in &expected {
            assert_eq!(found.get(name), Some(revision), "{name}, seed {seed}, {point:?}");
        }
        expected = found;
        if let Some(point) = point {
            disk.arm(point, 1 + seed % 3 + life);
        }
        expected.extend(work(store, &disk, life).await);
        disk.crash(seed * 10 + life);
    }
}

#[tokio::test]
async fn a_power_cut_at_any_failpoint_loses_nothing_acknowledged() {
    for (seed, point) in (0..).zip(FAILPOINTS) {
        lives(Some(point), seed).await;
    }
}

#[tokio::test]
async fn a_power_cut_at_any_moment_loses_nothing_acknowledged() {
    for seed in 0..6 {
        lives(None, seed).await;
    }
}
