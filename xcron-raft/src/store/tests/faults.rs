//! A disk that freezes, fails or is full, and a store that is asked for too much.

use std::time::Duration;

use futures::FutureExt;
use xcron_core::testing::sample::{create, due_at, id};
use xcron_core::{Consistency, Effect, Store, StoreError, StoreErrorKind};

use super::{all, create_one, open, settings};
use crate::disk::memory::MemoryDisk;
use crate::{ErrorKind, Peering, RaftSettings, RaftStore};

#[tokio::test]
async fn on_a_frozen_disk_reads_answer_and_commits_end_as_unknown() {
    let disk = MemoryDisk::default();
    let settings = RaftSettings { commit_timeout_ms: 300, ..settings() };
    let shared = std::sync::Arc::new(disk.clone());
    let store = RaftStore::open_on(shared, settings, Peering::alone()).await.unwrap();
    create_one(&store, "a").await.unwrap();
    disk.freeze();
    let error = create_one(&store, "b").await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (StoreErrorKind::Unavailable, Effect::Unknown));
    assert!(store.get(&id("a"), Consistency::Linearizable).await.unwrap().is_some());
    assert!(store.get(&id("b"), Consistency::Linearizable).await.unwrap().is_none());
    disk.thaw();
    // What was on its way arrives; resubmitting it is safe.
    let again = store.commit(vec![create("b", due_at(5))]).await.unwrap();
    assert!(again[0].is_err());
    assert_eq!(all(&store).await.len(), 2);
}

#[tokio::test]
async fn a_failed_sync_ends_the_store_and_nothing_acknowledged_is_lost() {
    let disk = MemoryDisk::default();
    let store = open(&disk).await.unwrap();
    create_one(&store, "a").await.unwrap();
    disk.fail_syncs(1);
    let error = create_one(&store, "b").await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (StoreErrorKind::Fatal, Effect::Unknown));
    assert_eq!(store.fatal().await.kind(), ErrorKind::Storage);
    assert_eq!(store.agenda().tenure, None);
    let error = create_one(&store, "c").await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (StoreErrorKind::Fatal, Effect::None));
    drop(store);
    disk.crash(1);
    let found = all(&open(&disk).await.unwrap()).await;
    assert_eq!(found.len(), 1, "{found:?}");
}

#[tokio::test]
async fn a_full_disk_refuses_commits_serves_reads_and_recovers() {
    let disk = MemoryDisk::default();
    let store = open(&disk).await.unwrap();
    create_one(&store, "first").await.unwrap();
    disk.limit_capacity(Some(150_000));
    let mut count = 0;
    let error = loop {
        match create_one(&store, &format!("task-{count}")).await {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), error.effect()), (StoreErrorKind::Overloaded, Effect::None));
    assert!(store.ready().await.is_err());
    assert_eq!(all(&store).await.len(), count + 1);
    disk.limit_capacity(None);
    let mut attempts = 0;
    while create_one(&store, "last").await.is_err() {
        attempts += 1;
        assert!(attempts < 100, "still refused 10 s after there is space");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(store.ready().await.is_ok());
}

#[tokio::test]
async fn a_commit_beyond_a_limit_is_refused_without_effect() {
    let disk = MemoryDisk::default();
    let store = open(&disk).await.unwrap();
    let at = |n: usize| create(&format!("t{n}"), due_at(1));
    let error = store.commit((0..4_097).map(at).collect()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (StoreErrorKind::Overloaded, Effect::None));
    let error = store.commit((0..4_096).map(at).collect()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (StoreErrorKind::Overloaded, Effect::None));
    assert!(error.to_string().contains("bytes, at most 32768"), "{error}");
    store.commit((0..200).map(at).collect()).await.unwrap();
    assert_eq!(all(&store).await.len(), 200);
}

#[tokio::test]
async fn a_full_queue_refuses_and_sheds_nothing_it_took() {
    let disk = MemoryDisk::default();
    let store = open(&disk).await.unwrap();
    disk.freeze();
    let names: Vec<String> = (0..40_000).map(|n| format!("t{n}")).collect();
    let mut waiting: Vec<_> = names.iter().map(|n| Box::pin(create_one(&store, n))).collect();
    let (mut taken, mut refused) = (0, 0);
    let mut count = |outcome: Result<_, StoreError>| match outcome {
        Ok(_) => taken += 1,
        Err(error) => {
            assert_eq!(error.kind(), StoreErrorKind::Overloaded, "{error}");
            assert_eq!(error.effect(), Effect::None);
            refused += 1;
        }
    };
    waiting.retain_mut(|one| match one.now_or_never() {
        Some(outcome) => {
            count(outcome);
            false
        }
        None => true,
    });
    disk.thaw();
    for one in waiting {
        count(one.await);
    }
    assert!(taken >= 10_000 && refused > 0, "{taken} taken, {refused} refused");
    assert_eq!(all(&store).await.len(), taken);
}
