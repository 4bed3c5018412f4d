//! Tests of the log against a disk that fails.

mod crash;
mod damage;
mod faults;
mod torn;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::{Done, FIRST_NAME, Log, LogId, LogSettings, LogState, Threads, Vote};
use crate::Error;
use crate::disk::Disk;
use crate::disk::memory::MemoryDisk;

/// Settings with segments so short that a few entries fill one.
fn settings(threads: Threads) -> LogSettings {
    let segment_bytes = 4_096;
    LogSettings { cluster_id: 7, segment_bytes, cache_bytes: 900, salt_seed: 11, threads }
}

/// Opens with the calling thread doing all work; `seed` is that of the salts.
fn open(disk: &MemoryDisk, seed: u64) -> Result<Log, Error> {
    let settings = LogSettings { salt_seed: seed, ..settings(Threads::Caller) };
    Log::open(Arc::new(disk.clone()), settings)
}

fn id(term: u64, index: u64) -> LogId {
    LogId { term, node: 1, index }
}

fn payload(index: u64, bytes: usize) -> Bytes {
    let byte = |i: usize| (index as usize * 31 + i) as u8;
    (0..bytes).map(byte).collect::<Vec<u8>>().into()
}

/// Everything a log is asked for.
#[derive(Debug, Clone, PartialEq, Default)]
struct Content {
    vote: Option<Vote>,
    purged: Option<LogId>,
    entries: Vec<(LogId, Bytes)>,
}

fn content(log: &Log) -> Content {
    let LogState { vote, purged, .. } = log.state();
    let entries = log.read(0..u64::MAX, usize::MAX).unwrap();
    assert_eq!(log.range().end - log.range().start, entries.len() as u64);
    Content { vote, purged, entries }
}

/// Counts acknowledgements and refusals.
#[derive(Debug, Clone, Default)]
struct Acks(Arc<(AtomicU64, AtomicU64)>);

impl Acks {
    fn done(&self) -> Done {
        let counters = self.0.clone();
        Box::new(move |outcome| {
            let counter = if outcome.is_ok() { &counters.0 } else { &counters.1 };
            counter.fetch_add(1, Ordering::SeqCst);
        })
    }

    fn acked(&self) -> u64 {
        self.0.0.load(Ordering::SeqCst)
    }

    fn refused(&self) -> u64 {
        self.0.1.load(Ordering::SeqCst)
    }
}

fn append(log: &Log, term: u64, index: u64, bytes: usize, acks: &Acks) -> Result<(), Error> {
    log.append(vec![(id(term, index), payload(index, bytes))], acks.done())
}

/// A log of `count` entries of 300 bytes, one frame each.
fn filled(disk: &MemoryDisk, count: u64) -> Log {
    let log = open(disk, 1).unwrap();
    let acks = Acks::default();
    log.save_vote(Vote { term: 1, node: 1, committed: true }, acks.done()).unwrap();
    for index in 0..count {
        append(&log, 1, index, 300, &acks).unwrap();
    }
    assert_eq!(acks.acked(), count + 1);
    log
}

#[test]
fn what_was_written_is_there_after_every_reopening() {
    let disk = MemoryDisk::default();
    let mut expected = content(&filled(&disk, 40));
    for round in 0..20 {
        let log = open(&disk, 100 + round).unwrap();
        assert_eq!(content(&log), expected, "round {round}");
        let next = 40 + round;
        append(&log, 1, next, 200, &Acks::default()).unwrap();
        expected.entries.push((id(1, next), payload(next, 200)));
        assert_eq!(content(&log), expected);
    }
}

#[test]
fn a_beginning_that_was_cut_short_leaves_no_spare_behind() {
    let disk = MemoryDisk::default();
    // As it is when the process ends after the first file was made and before it had its name.
    disk.create_zeroed(FIRST_NAME, 4_096).unwrap();
    let expected = content(&filled(&disk, 40));
    assert_eq!(content(&open(&disk, 2).unwrap()), expected);
}

#[test]
fn a_batch_longer_than_a_segment_spans_several() {
    let disk = MemoryDisk::default();
    let log = open(&disk, 1).unwrap();
    let acks = Acks::default();
    let batch: Vec<_> = (0..60).map(|index| (id(1, index), payload(index, 300))).collect();
    log.append(batch.clone(), acks.done()).unwrap();
    assert_eq!(acks.acked(), 1);
    drop(log);
    assert_eq!(content(&open(&disk, 2).unwrap()).entries, batch);
}

#[test]
fn an_entry_too_long_for_a_segment_is_refused_and_harms_nothing() {
    let disk = MemoryDisk::default();
    let log = filled(&disk, 3);
    let acks = Acks::default();
    let bytes_max = settings(Threads::Caller).payload_bytes_max();
    assert!(append(&log, 1, 3, bytes_max + 1, &acks).is_err());
    append(&log, 1, 3, bytes_max, &acks).unwrap();
    assert_eq!((acks.acked(), acks.refused()), (1, 0));
    assert_eq!(log.range(), 0..4);
}

#[test]
fn an_idle_log_does_not_grow_by_being_opened() {
    let disk = MemoryDisk::default();
    drop(filled(&disk, 3));
    let before = disk.bytes("log-0000000000000001.seg");
    for seed in 0..10 {
        drop(open(&disk, seed).unwrap());
    }
    assert_eq!(disk.bytes("log-0000000000000001.seg"), before);
}

#[test]
fn purging_keeps_the_number_of_files_bounded() {
    let disk = MemoryDisk::default();
    let log = filled(&disk, 1);
    for index in 1..400 {
        append(&log, 1, index, 300, &Acks::default()).unwrap();
        if index % 50 == 0 {
            log.purge(id(1, index - 5)).unwrap();
        }
        let files = crate::disk::Disk::list(&disk).unwrap().len();
        assert!(files <= 10, "{files} files");
    }
    let expected = content(&log);
    assert_eq!(expected.entries.first().unwrap().0.index, 346);
    drop(log);
    assert_eq!(content(&open(&disk, 2).unwrap()), expected);
}
