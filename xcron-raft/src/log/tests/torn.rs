//! A crash while the last frame is written: that frame is there whole or not at all.

use std::collections::BTreeSet;

use proptest::prelude::{Strategy, any, proptest};
use proptest::test_runner::Config;

use super::{Acks, append, content, filled, id, open, payload};
use crate::disk::SECTOR_BYTES;
use crate::disk::failpoint;
use crate::disk::memory::MemoryDisk;
use crate::log::segment::segment_name;

/// A disk with three frames, and the range of the third in its file.
fn three_frames() -> (MemoryDisk, std::ops::Range<usize>) {
    let disk = MemoryDisk::default();
    let log = filled(&disk, 2);
    let before = log.stats().room.load(std::sync::atomic::Ordering::Relaxed);
    append(&log, 1, 2, 700, &Acks::default()).unwrap();
    let after = log.stats().room.load(std::sync::atomic::Ordering::Relaxed);
    // The power went before the mark, which is not synced, reached the disk.
    let copy = disk.fork();
    copy.zero("log-mark", 0..SECTOR_BYTES);
    let end = 4_096 - 24 - after as usize;
    (copy, end - (before - after) as usize..end)
}

#[test]
fn a_last_frame_cut_at_any_byte_is_cut_off() {
    let (disk, frame) = three_frames();
    let name = segment_name(1);
    for cut in frame.clone() {
        let disk = disk.fork();
        let bytes = disk.bytes(&name);
        disk.zero(&name, cut..frame.end);
        let is_whole = disk.bytes(&name) == bytes;
        let log = open(&disk, 2).unwrap();
        assert_eq!(log.range(), 0..if is_whole { 3 } else { 2 }, "cut at {cut}");
        append(&log, 1, log.range().end, 100, &Acks::default()).unwrap();
        let expected = content(&log);
        drop(log);
        assert_eq!(content(&open(&disk, 3).unwrap()), expected, "cut at {cut}");
    }
}

#[test]
fn a_last_frame_lost_from_any_sector_on_is_cut_off() {
    let (disk, frame) = three_frames();
    for from in (0..frame.end).step_by(SECTOR_BYTES) {
        let disk = disk.fork();
        disk.zero(&segment_name(1), from.max(frame.start)..frame.end);
        assert_eq!(open(&disk, 2).unwrap().range(), 0..2);
    }
}

fn kept_sectors() -> impl Strategy<Value = BTreeSet<usize>> {
    any::<[bool; 8]>().prop_map(|kept| (0..8).filter(|&sector| kept[sector]).collect())
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(512) })]

    #[test]
    fn any_subset_of_the_sectors_of_an_unsynced_batch_leaves_a_sound_log(
        kept in kept_sectors(),
        lengths in proptest::collection::vec(1_usize..400, 1..8),
        next in 1_usize..400,
    ) {
        let disk = MemoryDisk::default();
        let log = filled(&disk, 2);
        let before = content(&log);
        disk.arm(failpoint::LOG_AFTER_WRITE, 1);
        let batch = lengths.iter().zip(2..).map(|(&n, index)| (id(1, index), payload(index, n)));
        let batch: Vec<_> = batch.collect();
        let acks = Acks::default();
        log.append(batch.clone(), acks.done()).unwrap();
        assert_eq!(acks.acked(), 0);
        drop(log);
        disk.crash_keeping(&kept);
        let log = open(&disk, 2).unwrap();
        let found = content(&log);
        let mut whole = before.clone();
        whole.entries.extend(batch);
        assert!(found == before || found == whole, "found {:?}", log.range());
        // What comes next must not be confused with what was torn.
        let index = log.range().end;
        append(&log, 2, index, next, &acks).unwrap();
        assert_eq!(acks.acked(), 1);
        let expected = content(&log);
        disk.crash(1);
        assert_eq!(content(&open(&disk, 3).unwrap()), expected);
    }
}
