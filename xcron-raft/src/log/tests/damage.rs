//! Bits flip, pages vanish, files are cut: a wrong entry is never served.

use super::{Acks, Content, append, content, filled, id, open};
use crate::ErrorKind;
use crate::disk::memory::MemoryDisk;
use crate::disk::{Disk, SECTOR_BYTES};
use crate::log::frame::{FRAME_ALIGN, FRAME_HEAD_BYTES, FrameWriter};
use crate::log::header::{HEADER_BYTES, Header};
use crate::log::id::{COUNT_MAX, LogId, RecordHead, RecordKind, Vote};
use crate::log::segment::segment_name;

/// A log of several segments that was closed cleanly, and what it holds.
fn closed_log() -> (MemoryDisk, Content, Vec<String>) {
    let disk = MemoryDisk::default();
    let log = filled(&disk, 28);
    let expected = content(&log);
    drop(log);
    let names = disk.list().unwrap().into_iter().map(|entry| entry.name);
    let names: Vec<_> = names.filter(|name| name.ends_with(".seg")).collect();
    assert!(names.len() >= 3, "{names:?}");
    (disk, expected, names)
}

/// Opens a damaged copy: refused, or nothing is missing.
fn judge(disk: &MemoryDisk, expected: &Content, what: &str) -> bool {
    match open(disk, 9) {
        Ok(log) => {
            assert_eq!(&content(&log), expected, "{what}");
            false
        }
        Err(error) => {
            assert_ne!(error.kind(), ErrorKind::Storage, "{what}: {error}");
            let message = error.to_string();
            assert!(message.contains("log-") && message.contains("byte"), "{what}: {message}");
            true
        }
    }
}

#[test]
fn no_flipped_bit_of_a_closed_log_changes_what_it_holds() {
    let (disk, expected, names) = closed_log();
    let mut refused = 0;
    let mut flips = 0;
    for name in &names {
        for offset in 0..disk.bytes(name).len() {
            let bit = (offset % 8) as u8;
            disk.flip(name, offset, bit);
            refused += u64::from(judge(&disk.fork(), &expected, &format!("{name} {offset} {bit}")));
            disk.flip(name, offset, bit);
            flips += 1;
        }
    }
    // What is not refused lies in bytes that hold nothing, or in the final mark.
    assert!(refused > flips * 9 / 10 - 4_096, "{refused} of {flips} refused");
}

#[test]
fn every_flipped_bit_of_a_written_byte_in_front_of_the_last_frame_is_refused() {
    let (disk, expected, names) = closed_log();
    let name = &names[0];
    let used = disk.bytes(name).iter().rposition(|&byte| byte != 0).unwrap();
    for bit in 0..=used * 8 + 7 {
        disk.flip(name, bit / 8, (bit % 8) as u8);
        assert!(judge(&disk.fork(), &expected, &format!("bit {bit}")), "bit {bit} not seen");
        disk.flip(name, bit / 8, (bit % 8) as u8);
    }
}

/// The mark alone must not be what tells damage from a tear: after a power cut it may be old.
#[test]
fn damage_in_front_of_another_frame_is_refused_without_the_mark() {
    let disk = MemoryDisk::default();
    drop(filled(&disk, 8));
    disk.zero("log-mark", 0..SECTOR_BYTES);
    let name = segment_name(1);
    let end = disk.bytes(&name).iter().rposition(|&byte| byte != 0).unwrap();
    for offset in SECTOR_BYTES..end {
        let copy = disk.fork();
        copy.flip(&name, offset, (offset % 8) as u8);
        match open(&copy, 9) {
            Err(error) => assert_eq!(error.kind(), ErrorKind::Damaged, "byte {offset}: {error}"),
            // Only the last frame may be taken for torn.
            Ok(log) => assert!(log.range() == (0..7) || log.range() == (0..8), "byte {offset}"),
        }
    }
}

#[test]
fn a_zeroed_sector_is_refused_or_held_nothing() {
    let (disk, expected, names) = closed_log();
    for name in &names {
        for from in (0..4_096).step_by(SECTOR_BYTES) {
            let copy = disk.fork();
            copy.zero(name, from..from + SECTOR_BYTES);
            let is_refused = judge(&copy, &expected, &format!("{name} {from}"));
            let held_nothing = copy.bytes(name) == disk.bytes(name);
            assert!(is_refused || held_nothing, "{name} {from}");
        }
    }
}

#[test]
fn a_sector_in_the_place_of_another_is_refused() {
    let (disk, expected, names) = closed_log();
    for from in (SECTOR_BYTES..3_072).step_by(SECTOR_BYTES) {
        let copy = disk.fork();
        copy.edit(&names[0], |bytes| bytes.copy_within(from..from + SECTOR_BYTES, from + 512));
        assert!(judge(&copy, &expected, &format!("sector at {from}")));
        let copy = disk.fork();
        let other = disk.bytes(&names[1]);
        copy.edit(&names[0], |bytes| {
            bytes[from..from + SECTOR_BYTES].copy_from_slice(&other[from..from + SECTOR_BYTES]);
        });
        assert!(judge(&copy, &expected, &format!("foreign sector at {from}")));
    }
}

#[test]
fn a_shortened_or_missing_segment_is_refused() {
    let (disk, expected, names) = closed_log();
    for name in &names {
        for len in (0..4_096).step_by(64) {
            let copy = disk.fork();
            copy.truncate(name, len);
            assert!(judge(&copy, &expected, &format!("{name} cut to {len}")));
        }
        let copy = disk.fork();
        copy.remove(name).unwrap();
        assert!(judge(&copy, &expected, &format!("{name} removed")));
    }
}

#[test]
fn a_log_of_another_cluster_is_refused() {
    let (disk, ..) = closed_log();
    let settings = super::LogSettings { cluster_id: 8, ..super::settings(super::Threads::Caller) };
    let error = super::Log::open(std::sync::Arc::new(disk), settings).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Foreign);
    assert!(error.to_string().contains("belongs to cluster"));
}

#[test]
fn what_a_recycled_segment_held_before_never_comes_back() {
    let disk = MemoryDisk::default();
    let log = filled(&disk, 60);
    log.purge(id(1, 55)).unwrap();
    // These go into segments that were used before; most of their old bytes are still there.
    for index in 60..62 {
        append(&log, 2, index, 1_500, &Acks::default()).unwrap();
    }
    let expected = content(&log);
    drop(log);
    let newest = disk.list().unwrap().into_iter().rfind(|e| e.name.ends_with(".seg"));
    let newest = newest.unwrap().name;
    let bytes = disk.bytes(&newest);
    let used = bytes.iter().rposition(|&byte| byte != 0).unwrap();
    assert!(used > 3_500, "no stale bytes, so this test shows nothing: {used}");
    assert_eq!(content(&open(&disk, 3).unwrap()), expected);
    // Every stale position, read as the tail: nothing of it may be taken for a frame.
    for at in (3_072..4_000).step_by(8) {
        let copy = disk.fork();
        copy.edit(&newest, |bytes| bytes.copy_within(at - 2_048..at, 2_040));
        if let Ok(log) = open(&copy, 4) {
            let found = content(&log).entries;
            assert!(expected.entries.starts_with(&found) || found == expected.entries);
        }
    }
}

/// The first segment of a log, with its header changed by `change` and then these frames.
fn segment(change: impl Fn(&mut Header), frames: &[Vec<u8>]) -> MemoryDisk {
    let disk = MemoryDisk::default();
    drop(open(&disk, 1).unwrap());
    let first = segment_name(1);
    let mut bytes = disk.bytes(&first);
    let mut header = Header::decode(&first, bytes[..HEADER_BYTES].try_into().unwrap()).unwrap();
    change(&mut header);
    bytes[..HEADER_BYTES].copy_from_slice(&header.encode());
    let frames = frames.concat();
    bytes[HEADER_BYTES..][..frames.len()].copy_from_slice(&frames);
    disk.remove(&first).unwrap();
    let file = disk.create_zeroed(&segment_name(header.seq), bytes.len() as u64).unwrap();
    file.write_at(0, &bytes).unwrap();
    disk
}

fn frame_of(salt: u32, heads: &[(RecordKind, u64, u64)], payload: &[u8]) -> Vec<u8> {
    let mut frame = FrameWriter::default();
    frame.begin(salt, 0);
    for &(kind, term, index) in heads {
        let payload = if kind == RecordKind::Append { payload } else { &[] };
        frame.push(RecordHead { kind, id: LogId { term, node: 1, index } }, payload);
    }
    frame.finish(false).to_vec()
}

/// They were opened, and the next entry or segment counted beyond the range of its number.
#[test]
fn a_segment_with_numbers_that_no_log_reaches_is_refused() {
    // The greatest that a header can say: none is 0 there.
    let far = Some(LogId { term: 1, node: 1, index: u64::MAX - 1 });
    let changes: [&dyn Fn(&mut Header); 7] = [
        &|header| header.seq = 0,
        &|header| header.seq = u64::MAX,
        &|header| header.seq = COUNT_MAX + 1,
        &|header| header.checkpoint.last = far,
        &|header| (header.checkpoint.last, header.checkpoint.purged) = (far, far),
        &|header| header.checkpoint.purged = Some(LogId::default()),
        &|header| {
            header.checkpoint.vote = Some(Vote { term: u64::MAX, node: 1, committed: false });
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        let error = open(&segment(change, &[]), 9).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "{number}: {error}");
    }
    // Two segments of which the first has no number after it.
    let disk = segment(|header: &mut Header| header.seq = u64::MAX, &[]);
    disk.create_zeroed(&segment_name(1), 4_096).unwrap();
    assert!(open(&disk, 9).is_err());
    for heads in [
        &[(RecordKind::Append, 1, u64::MAX)][..],
        &[(RecordKind::Append, u64::MAX, 1)],
        &[(RecordKind::Purge, 1, u64::MAX)],
        &[(RecordKind::Append, 1, 0), (RecordKind::Committed, 1, 1)],
        &[(RecordKind::Vote, u64::MAX, 0)],
    ] {
        let salted = |header: &mut Header| header.salt = 5;
        let error = open(&segment(salted, &[frame_of(5, heads, b"x")]), 9).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "{heads:?}: {error}");
    }
}

/// They were opened, and the seal went beyond the end of the segment.
#[test]
fn a_frame_where_no_frame_of_the_log_ends_is_refused() {
    let salted = |header: &mut Header| header.salt = 5;
    let room = 4_096 - HEADER_BYTES - 2 * FRAME_HEAD_BYTES - 40;
    for (payload, is_refused) in [(room - FRAME_ALIGN, false), (room, false), (room + 8, true)] {
        let frame = frame_of(5, &[(RecordKind::Append, 1, 0)], &vec![7; payload]);
        let opened = open(&segment(salted, &[frame]), 9);
        assert_eq!(opened.is_err(), is_refused, "{payload} bytes");
    }
}
