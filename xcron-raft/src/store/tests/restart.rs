//! Restarts: from the log, from a snapshot and the log behind it, and from damaged files.

use super::{all, create_one, open};
use crate::ErrorKind;
use crate::cluster::identity::Belonging;
use crate::disk::Disk;
use crate::disk::memory::MemoryDisk;
use crate::peer::Identity;
use crate::snapshot::Snapshots;
use crate::state::FORMAT_MAX;

fn names(disk: &MemoryDisk, suffix: &str) -> Vec<String> {
    let names = disk.list().unwrap().into_iter().map(|entry| entry.name);
    names.filter(|name| name.ends_with(suffix)).collect()
}

/// A store with a snapshot and some commits after it.
async fn with_snapshot(disk: &MemoryDisk) -> Vec<(String, xcron_core::Revision)> {
    let store = open(disk).await.unwrap();
    for n in 0..30 {
        create_one(&store, &format!("before-{n}")).await.unwrap();
    }
    store.snapshot().await.unwrap();
    for n in 0..10 {
        create_one(&store, &format!("after-{n}")).await.unwrap();
    }
    all(&store).await
}

#[tokio::test]
async fn a_restart_from_a_snapshot_and_the_log_behind_it_gives_the_same_tasks() {
    let disk = MemoryDisk::default();
    let expected = with_snapshot(&disk).await;
    assert_eq!(names(&disk, ".snap").len(), 1);
    disk.crash(1);
    for _ in 0..3 {
        let store = open(&disk).await.unwrap();
        assert_eq!(all(&store).await, expected);
        assert!(store.stats().snapshot_index > 30);
        assert!(store.stats().snapshot_age.is_some());
    }
}

#[tokio::test]
async fn snapshots_come_by_themselves_and_the_log_behind_them_goes() {
    let disk = MemoryDisk::default();
    let store = open(&disk).await.unwrap();
    assert_eq!(store.stats().snapshot_age, None);
    let mut count = 0;
    while store.stats().snapshot_index == 0 || names(&disk, ".seg").len() > 2 {
        create_one(&store, &format!("task-{count}")).await.unwrap();
        count += 1;
        assert!(count < 100_000, "no snapshot after {count} commits");
    }
    let expected = all(&store).await;
    drop(store);
    assert!(!names(&disk, ".seg").contains(&"log-0000000000000001.seg".to_owned()));
    let store = open(&disk).await.unwrap();
    assert_eq!(all(&store).await, expected);
}

#[tokio::test]
async fn a_damaged_snapshot_is_refused_at_every_byte() {
    let disk = MemoryDisk::default();
    with_snapshot(&disk).await;
    let name = names(&disk, ".snap").remove(0);
    let bytes = disk.bytes(&name).len();
    let cluster = Belonging::load(&disk).unwrap().identity.cluster;
    let snapshots =
        |disk: &MemoryDisk| Snapshots::new(std::sync::Arc::new(disk.clone()), cluster, FORMAT_MAX);
    assert!(snapshots(&disk).load().is_ok());
    for offset in 0..bytes {
        disk.flip(&name, offset, (offset % 8) as u8);
        let error = snapshots(&disk).load().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "byte {offset}: {error}");
        assert!(error.to_string().contains(&name));
        disk.flip(&name, offset, (offset % 8) as u8);
    }
    for len in 0..bytes {
        let copy = disk.fork();
        copy.truncate(&name, len);
        let error = snapshots(&copy).load().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "cut to {len}: {error}");
    }
    disk.edit(&name, |bytes| bytes.push(0));
    assert!(snapshots(&disk).load().is_err());
    let error = open(&disk).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
}

#[tokio::test]
async fn a_lost_log_or_a_lost_snapshot_is_refused() {
    let disk = MemoryDisk::default();
    with_snapshot(&disk).await;
    let without_log = disk.fork();
    for name in names(&disk, ".seg") {
        without_log.remove(&name).unwrap();
    }
    let error = open(&without_log).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
    let without_snapshot = disk.fork();
    without_snapshot.remove(&names(&disk, ".snap")[0]).unwrap();
    let error = open(&without_snapshot).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
}

#[tokio::test]
async fn a_log_of_which_no_segment_is_left_is_refused_and_not_begun_anew() {
    let disk = MemoryDisk::default();
    open(&disk).await.unwrap().shutdown().await;
    for name in names(&disk, ".seg") {
        disk.remove(&name).unwrap();
    }
    let error = open(&disk).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
    assert!(error.to_string().contains("no segment is there"), "{error}");
}

#[tokio::test]
async fn a_second_store_on_the_same_directory_is_told_so() {
    let disk = MemoryDisk::default();
    let store = open(&disk).await.unwrap();
    assert_eq!(open(&disk).await.unwrap_err().kind(), ErrorKind::InUse);
    store.shutdown().await;
    open(&disk).await.unwrap();
}

#[tokio::test]
async fn a_store_of_another_cluster_is_refused() {
    let disk = MemoryDisk::default();
    with_snapshot(&disk).await;
    let identity = Identity { cluster: 2, node: 1 };
    let other = Belonging { identity, has_log: true, ..Belonging::default() };
    other.save(&disk).unwrap();
    let error = open(&disk).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Foreign);
}
