//! Disks that freeze, fail or are full: nothing is acknowledged that is not durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Acks, Threads, append, content, filled, id, open, payload, settings};
use crate::ErrorKind;
use crate::disk::Disk;
use crate::disk::memory::MemoryDisk;
use crate::log::id::RecordHead;
use crate::log::queue::Job;
use crate::log::{Log, LogSettings, Vote};

fn open_threaded(disk: &MemoryDisk) -> Log {
    let settings = LogSettings { segment_bytes: 65_536, ..settings(Threads::Own) };
    Log::open(Arc::new(disk.clone()), settings).unwrap()
}

fn wait_until(what: &str, reached: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !reached() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        thread::yield_now();
    }
}

#[test]
fn a_frozen_disk_acknowledges_nothing_and_reads_still_answer() {
    let disk = MemoryDisk::default();
    let log = open_threaded(&disk);
    let acks = Acks::default();
    append(&log, 1, 0, 100, &acks).unwrap();
    wait_until("the first acknowledgement", || acks.acked() == 1);
    disk.freeze();
    for index in 1..50 {
        append(&log, 1, index, 100, &acks).unwrap();
    }
    log.save_vote(Vote { term: 2, node: 1, committed: false }, acks.done()).unwrap();
    assert_eq!(log.read(0..50, usize::MAX).unwrap().len(), 50);
    assert_eq!(log.state().vote.unwrap().term, 2);
    assert_eq!(acks.acked(), 1);
    let syncs = disk.syncs();
    disk.thaw();
    wait_until("all acknowledgements", || acks.acked() == 51);
    assert!(disk.syncs() - syncs <= 3, "{} syncs for 50 jobs", disk.syncs() - syncs);
}

#[test]
fn what_is_not_synced_yet_does_not_count_as_durable() {
    let disk = MemoryDisk::default();
    let log = open_threaded(&disk);
    let acks = Acks::default();
    let durable = |log: &Log| log.stats().durable.load(Ordering::SeqCst);
    for index in 0..10 {
        append(&log, 1, index, 100, &acks).unwrap();
    }
    wait_until("ten acknowledgements", || acks.acked() == 10);
    assert_eq!(durable(&log), 9);
    disk.freeze();
    for index in 10..20 {
        append(&log, 1, index, 100, &acks).unwrap();
    }
    assert_eq!((durable(&log), log.range()), (9, 0..20));
    disk.crash(0);
    drop(log);
    let log = open_threaded(&disk);
    assert!(log.range().end > 9, "what was durable is there: {:?}", log.range());
    assert_eq!(durable(&log), log.range().end - 1);
    log.purge(id(1, 5)).unwrap();
    log.truncate_after(Some(id(1, 7))).unwrap();
    wait_until("the cut", || durable(&log) == 7);
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_and_no_sync_is_retried() {
    let disk = MemoryDisk::default();
    let log = filled(&disk, 3);
    let acks = Acks::default();
    disk.fail_syncs(1);
    append(&log, 1, 3, 100, &acks).unwrap();
    assert_eq!((acks.acked(), acks.refused()), (0, 1));
    let (syncs, writes) = (disk.syncs(), disk.writes());
    let error = append(&log, 1, 4, 100, &acks).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(log.save_vote(Vote::default(), acks.done()).is_err());
    assert!(log.fatal().borrow().is_some());
    drop(log);
    assert_eq!((acks.acked(), disk.syncs(), disk.writes()), (0, syncs, writes));
}

#[test]
fn what_waited_while_a_sync_failed_is_refused_and_not_written() {
    let disk = MemoryDisk::default();
    let log = filled(&disk, 3);
    disk.fail_syncs(1);
    append(&log, 1, 3, 100, &Acks::default()).unwrap();
    let (syncs, writes, acks) = (disk.syncs(), disk.writes(), Acks::default());
    let waited = Job::single(RecordHead::vote(Vote::default()), Some(acks.done()));
    log.shared.queue.push(waited).unwrap();
    log.flusher().as_mut().unwrap().run_once();
    assert_eq!((acks.acked(), acks.refused()), (0, 1));
    assert_eq!((disk.syncs(), disk.writes()), (syncs, writes));
}

#[test]
fn a_frame_that_a_failed_sync_left_as_clean_is_stored_before_it_counts() {
    let disk = MemoryDisk::default();
    let log = filled(&disk, 3);
    disk.fail_syncs(1);
    append(&log, 1, 3, 100, &Acks::default()).unwrap();
    drop(log);
    disk.kill();
    // The system still serves the frame from its cache, so it is read as an entry ...
    let log = open(&disk, 2).unwrap();
    assert_eq!(log.range(), 0..4);
    // ... and must then survive the power cut that follows.
    disk.crash(0);
    drop(log);
    assert_eq!(open(&disk, 3).unwrap().range(), 0..4);
}

#[test]
fn a_threaded_log_reports_a_failed_sync_to_all_who_wait() {
    let disk = MemoryDisk::default();
    let log = open_threaded(&disk);
    let acks = Acks::default();
    disk.freeze();
    for index in 0..20 {
        append(&log, 1, index, 100, &acks).unwrap();
    }
    disk.fail_syncs(1);
    disk.thaw();
    wait_until("all answers", || acks.acked() + acks.refused() == 20);
    // The first frame failed; those that waited behind it must not be tried.
    assert_eq!((acks.acked(), acks.refused()), (0, 20));
    assert!(log.fatal().borrow().is_some());
    let before = disk.syncs();
    assert!(append(&log, 1, 20, 100, &acks).is_err());
    drop(log);
    assert_eq!(disk.syncs(), before);
}

#[test]
fn a_full_disk_acknowledges_what_fits_the_prepared_segments_and_nothing_more() {
    let disk = MemoryDisk::default();
    let log = filled(&disk, 3);
    disk.limit_capacity(Some(9_000));
    let acks = Acks::default();
    let mut index = 3;
    while append(&log, 1, index, 300, &acks).is_ok() && index < 100 {
        index += 1;
    }
    assert!(acks.acked() > 5 && acks.refused() == 1, "{acks:?}");
    assert_eq!(log.fatal().borrow().as_ref().unwrap().kind(), ErrorKind::Full);
    let acked = 3 + acks.acked();
    drop(log);
    disk.limit_capacity(None);
    disk.crash(5);
    let found = content(&open(&disk, 2).unwrap()).entries;
    assert!(found.len() as u64 >= acked);
    assert!(found.iter().zip(0..).all(|(entry, i)| *entry == (id(1, i), payload(i, 300))));
}

#[test]
fn a_prepared_segment_that_cannot_be_had_is_known_before_it_is_needed() {
    let disk = MemoryDisk::default();
    disk.limit_capacity(Some(100_000));
    let log = open_threaded(&disk);
    wait_until("the failed preparation", || log.full().is_some());
    assert_eq!(log.full().unwrap().kind(), ErrorKind::Full);
    let acks = Acks::default();
    append(&log, 1, 0, 100, &acks).unwrap();
    wait_until("the acknowledgement", || acks.acked() == 1);
}

/// A threaded log with its next segment ready, and more to write than fits the present one.
fn overfull(disk: &MemoryDisk, make_full: impl Fn()) -> (Log, Acks) {
    let log = open_threaded(disk);
    let has_spare = || disk.list().unwrap().iter().any(|entry| entry.name.starts_with("spare-"));
    wait_until("the preparation of a spare", has_spare);
    make_full();
    let acks = Acks::default();
    for index in 0..200 {
        append(&log, 1, index, 1_000, &acks).unwrap();
    }
    wait_until("the wait for space", || log.full().is_some());
    (log, acks)
}

#[test]
fn a_disk_too_full_for_the_name_of_a_segment_is_waited_for_and_ends_nobody() {
    let disk = MemoryDisk::default();
    let (log, acks) = overfull(&disk, || disk.refuse_names(true));
    assert!(log.full().unwrap().to_string().starts_with("cannot begin log-"));
    assert!(log.fatal().borrow().is_none(), "{:?}", log.fatal().borrow());
    assert!(acks.acked() < 70 && acks.refused() == 0, "{acks:?}");
    assert_eq!(log.read(0..200, usize::MAX).unwrap().len(), 200, "it serves reads");
    disk.refuse_names(false);
    wait_until("all acknowledgements", || acks.acked() == 200);
    assert!(log.full().is_none());
    drop(log);
    disk.crash(5);
    let settings = LogSettings { segment_bytes: 65_536, ..settings(Threads::Caller) };
    assert_eq!(Log::open(Arc::new(disk), settings).unwrap().range(), 0..200);
}

#[test]
fn a_disk_too_full_for_another_segment_is_waited_for_and_ends_nobody() {
    let disk = MemoryDisk::default();
    let (log, acks) = overfull(&disk, || disk.limit_capacity(Some(100_000)));
    assert!(log.fatal().borrow().is_none(), "{:?}", log.fatal().borrow());
    assert!(acks.acked() < 200 && acks.refused() == 0, "{acks:?}");
    disk.limit_capacity(None);
    wait_until("all acknowledgements", || acks.acked() == 200);
    assert!(log.fatal().borrow().is_none() && log.full().is_none());
}

#[test]
fn a_log_that_waits_for_space_can_be_closed_and_acknowledges_nothing_more() {
    let disk = MemoryDisk::default();
    let (log, acks) = overfull(&disk, || disk.refuse_names(true));
    let acked = acks.acked();
    log.close();
    assert_eq!((acks.acked(), acks.refused()), (acked, 200 - acked));
}

#[test]
fn a_purge_on_a_disk_too_full_for_another_name_frees_space_all_the_same() {
    let disk = MemoryDisk::default();
    let log = filled(&disk, 60);
    let before = disk.list().unwrap().len();
    disk.refuse_names(true);
    log.purge(id(1, 50)).unwrap();
    assert!(log.fatal().borrow().is_none(), "{:?}", log.fatal().borrow());
    let left = disk.list().unwrap();
    assert!(left.len() < before && !left.iter().any(|entry| entry.name.starts_with("spare-")));
    assert_eq!(log.range(), 51..60);
}

#[test]
fn whoever_waits_to_be_written_does_not_wait_until_all_that_is_purged_is_removed() {
    let disk = MemoryDisk::default();
    drop(filled(&disk, 60));
    let log = Log::open(Arc::new(disk.clone()), settings(Threads::Own)).unwrap();
    let segments = {
        let disk = disk.clone();
        move || disk.list().unwrap().iter().filter(|entry| entry.name.starts_with("log-")).count()
    };
    let before = segments();
    disk.freeze();
    log.purge(id(1, 50)).unwrap();
    wait_until("the writing of the purge", || log.shared.queue.is_empty());
    let left = Arc::new(AtomicUsize::new(0));
    let (seen, counted) = (Arc::clone(&left), segments.clone());
    let done = Box::new(move |_| seen.store(counted(), Ordering::SeqCst));
    log.append(vec![(id(1, 60), payload(60, 300))], done).unwrap();
    disk.thaw();
    wait_until("the append", || left.load(Ordering::SeqCst) > 0);
    assert_eq!(left.load(Ordering::SeqCst), before - 1, "one, and no more");
    wait_until("the removal of the others", || segments() < 5);
}

#[test]
fn many_threads_of_jobs_share_syncs_and_survive() {
    let disk = MemoryDisk::default();
    let log = open_threaded(&disk);
    let acks = Acks::default();
    for index in 0..2_000 {
        append(&log, 1, index, 200, &acks).unwrap();
    }
    wait_until("all acknowledgements", || acks.acked() == 2_000);
    drop(log);
    disk.crash(3);
    let settings = LogSettings { segment_bytes: 65_536, ..settings(Threads::Caller) };
    let log = Log::open(Arc::new(disk), settings).unwrap();
    assert_eq!(log.range(), 0..2_000);
}
