//! What opening a log promises about whatever lies in its directory: it is refused with a reason,
//! or it is a log that can be read, written and opened again.

use std::sync::Arc;

use bytes::Bytes;

use super::frame::{FRAME_HEAD_BYTES, FrameWriter, RECORD_HEAD_BYTES};
use super::header::{HEADER_BYTES, Header};
use super::id::{COUNT_MAX, Checkpoint, LogId, RecordHead, RecordKind, Vote};
use super::segment::segment_name;
use super::{Log, LogSettings, LogState, Threads};
use crate::Error;
use crate::disk::memory::MemoryDisk;
use crate::disk::{Disk, SECTOR_BYTES};
use crate::fuzzing::{Draw, assert_told};

const CLUSTER: u128 = 7;
const SALT: u32 = 77;
const SEGMENT_BYTES: usize = 4_096;
/// The most segments that an input lays out.
const SEGMENTS_MAX: usize = 4;

/// Lays out the directory that `bytes` describe and opens it.
///
/// The first byte chooses: segments whose bytes are taken as they are (bit 0 clear), with their
/// checksums put right (bit 1), or records of any kind and number, in frames as the log writes
/// them (bit 0 set). In both cases what is left at the end may damage a byte (bit 2).
pub fn check(bytes: &[u8]) {
    let mut draw = Draw(bytes);
    let how = draw.byte();
    let damage = if how & 4 == 0 { None } else { Some((draw.number(), draw.byte())) };
    let segments = match how & 1 {
        0 => raw_segments(&mut draw, how & 2 != 0),
        _ => written_segments(&mut draw),
    };
    let disk = MemoryDisk::default();
    let failed = "a disk in memory takes a file";
    disk.create_zeroed("log-mark", SECTOR_BYTES as u64).expect(failed);
    let count = segments.len() as u64;
    for (number, (seq, bytes)) in segments.into_iter().enumerate() {
        let (name, len) = (segment_name(seq), bytes.len());
        let file = disk.create_zeroed(&name, len as u64).expect(failed);
        file.write_at(0, &bytes).expect(failed);
        if let Some((at, xor)) = damage.filter(|(at, _)| at % count == number as u64) {
            disk.edit(&name, |bytes| bytes[at as usize % len.max(1)] ^= xor);
        }
    }
    disk.sync_dir().expect(failed);
    match open(&disk) {
        Ok(log) => assert_usable(&disk, log),
        Err(error) => {
            assert_told(&error);
            assert!(error.to_string().contains("log-"), "it names the file: {error}");
        }
    }
}

fn open(disk: &MemoryDisk) -> Result<Log, Error> {
    let settings = LogSettings {
        cluster_id: CLUSTER,
        segment_bytes: SEGMENT_BYTES as u64,
        cache_bytes: 300,
        salt_seed: 5,
        threads: Threads::Caller,
    };
    Log::open(Arc::new(disk.clone()), settings)
}

/// All that a log holds; that all of it can be read is what is checked.
fn content(log: &Log) -> (LogState, Vec<(LogId, Bytes)>) {
    let (state, range) = (log.state(), log.range());
    let entries = log.read(0..u64::MAX, usize::MAX).expect("what was taken in can be read");
    let indexes: Vec<u64> = entries.iter().map(|(id, _)| id.index).collect();
    assert_eq!(indexes, range.clone().collect::<Vec<_>>(), "every entry is there, in order");
    assert!(state.purged.is_none_or(|purged| purged.index < range.start), "{state:?} {range:?}");
    assert!(state.purged.map(|id| id.index) <= state.last.map(|id| id.index), "{state:?}");
    if let Some((last, _)) = entries.last() {
        assert_eq!(state.last.map(|id| id.index), Some(last.index));
        assert_eq!(log.log_id(last.index), Some(*last));
    }
    (state, entries)
}

/// A log that was opened takes a vote, an entry and a purge, and has them when it is opened again.
fn assert_usable(disk: &MemoryDisk, log: Log) {
    let mut expected = content(&log);
    drop(log);
    let log = open(disk).expect("what was opened once opens again");
    assert_eq!(content(&log), expected, "opening changes nothing");
    let newest = log.shared.segments().keys().next_back().copied();
    if newest.max(expected.0.last.map(|last| last.index)) >= Some(COUNT_MAX) {
        return; // nothing can follow
    }
    let vote = Vote { term: 9, node: 1, committed: true };
    let acked = || Box::new(|outcome: Result<(), Error>| outcome.expect("a sound disk"));
    log.save_vote(vote, acked()).expect("an opened log takes a vote");
    let index = expected.0.last.map_or(0, |last| last.index + 1);
    // As long as an entry may be: it takes a segment of its own.
    let payload = Bytes::from(vec![3; log.shared.settings.payload_bytes_max()]);
    let entry = (LogId { term: 9, node: 1, index }, payload);
    log.append(vec![entry.clone()], acked()).expect("an opened log takes the next entry");
    expected.0.vote = Some(vote);
    expected.0.last = Some(entry.0);
    expected.1.push(entry.clone());
    assert_eq!(content(&log), expected);
    drop(log);
    let log = open(disk).expect("what a log wrote opens");
    assert_eq!(content(&log), expected, "what was acknowledged is there");
    log.purge(entry.0).expect("an opened log can be purged");
    drop(log);
    let (state, entries) = content(&open(disk).expect("a purged log opens"));
    assert_eq!((state.purged, entries), (Some(entry.0), Vec::new()));
}

/// Segments of which the bytes say everything but the head of the file.
fn raw_segments(draw: &mut Draw<'_>, is_mended: bool) -> Vec<(u64, Vec<u8>)> {
    let mut segments = Vec::new();
    while !draw.is_empty() && segments.len() < SEGMENTS_MAX {
        let (seq, vote, ids) = (draw.number(), draw.number(), [(); 3].map(|()| position(draw)));
        let vote = (vote > 0).then_some(Vote { term: vote, node: 1, committed: true });
        let checkpoint = Checkpoint { vote, purged: ids[0], last: ids[1], committed: ids[2] };
        let blocks = draw.byte();
        let frames = draw.bytes(usize::from(blocks) * 16);
        let mut bytes = header(seq, checkpoint, HEADER_BYTES + FRAME_HEAD_BYTES + frames.len());
        bytes[HEADER_BYTES..][..frames.len()].copy_from_slice(frames);
        if is_mended {
            mend(&mut bytes);
        }
        segments.push((seq, bytes));
    }
    segments
}

fn position(draw: &mut Draw<'_>) -> Option<LogId> {
    // A header says none as 0 and any other index as one more.
    let index = draw.number().min(u64::MAX - 1);
    (index != 7).then(|| LogId { term: draw.number(), node: 1, index })
}

fn header(seq: u64, checkpoint: Checkpoint, len: usize) -> Vec<u8> {
    let segment_bytes = len as u64;
    let (cluster_id, group, salt) = (CLUSTER, super::frame::GROUP, SALT);
    let header = Header { cluster_id, group, seq, salt, segment_bytes, checkpoint };
    let mut bytes = header.encode().to_vec();
    bytes.resize(len, 0);
    bytes
}

/// Gives every frame its number and every checksum the value that it must have.
fn mend(bytes: &mut [u8]) {
    let (mut at, mut number) = (HEADER_BYTES, 0_u32);
    let u32_at = |bytes: &[u8], at: usize| {
        u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    };
    while at + FRAME_HEAD_BYTES <= bytes.len() {
        let body = u32_at(bytes, at) as usize;
        let is_there = body > 0 || u32_at(bytes, at + 8) > 0;
        let end = at + FRAME_HEAD_BYTES + body;
        if !is_there || end > bytes.len() {
            return;
        }
        let mut record = at + FRAME_HEAD_BYTES;
        while record + RECORD_HEAD_BYTES <= end {
            let next = record + RECORD_HEAD_BYTES + u32_at(bytes, record) as usize;
            if next > end {
                break;
            }
            let crc = crc32c::crc32c(&bytes[record + 8..next]) ^ SALT;
            bytes[record + 4..record + 8].copy_from_slice(&crc.to_le_bytes());
            record = next;
        }
        bytes[at + 4..at + 8].copy_from_slice(&number.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[at + FRAME_HEAD_BYTES..end]) ^ SALT;
        bytes[at + 12..at + 16].copy_from_slice(&crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[at..at + FRAME_HEAD_BYTES - 4]) ^ SALT;
        bytes[at + FRAME_HEAD_BYTES - 4..at + FRAME_HEAD_BYTES].copy_from_slice(&crc.to_le_bytes());
        (at, number) = (end, number + 1);
    }
}

/// Segments as the log writes them, with records that it would and would not write.
fn written_segments(draw: &mut Draw<'_>) -> Vec<(u64, Vec<u8>)> {
    let mut seq = draw.number();
    let mut written = Checkpoint::default();
    let mut segments: Vec<(u64, Vec<u8>)> = Vec::new();
    while !draw.is_empty() && segments.len() < SEGMENTS_MAX {
        let mut bytes = header(seq, written, SEGMENT_BYTES);
        let (mut at, mut number, mut is_sealed) = (HEADER_BYTES, 0, false);
        while !draw.is_empty() && !is_sealed {
            let mut frame = FrameWriter::default();
            frame.begin(SALT, number);
            is_sealed = frame_of(draw, &mut written, &mut frame);
            let frame = frame.finish(is_sealed);
            let Some(place) = bytes.get_mut(at..at + frame.len()) else {
                break;
            };
            place.copy_from_slice(frame);
            (at, number) = (at + frame.len(), number + 1);
        }
        segments.push((seq, bytes));
        seq = seq.wrapping_add(1);
    }
    segments
}

/// Fills one frame; whether it is the last of its segment.
fn frame_of(draw: &mut Draw<'_>, written: &mut Checkpoint, frame: &mut FrameWriter) -> bool {
    while !draw.is_empty() {
        let last = written.last.map_or(0, |last| last.index);
        let next = written.last.map_or(0, |last| last.index.wrapping_add(1));
        let near = |draw: &mut Draw<'_>| last.wrapping_sub(u64::from(draw.byte()));
        let (kind, index) = match draw.byte() % 16 {
            0..=4 => (RecordKind::Append, next),
            5 => (RecordKind::Append, draw.number()),
            6 => (RecordKind::Vote, draw.number() & 1),
            7 => (RecordKind::TruncateAfter, draw.number()),
            8 => (RecordKind::TruncateAfter, near(draw)),
            9 => (RecordKind::TruncateAll, 0),
            10 => (RecordKind::Purge, draw.number()),
            11 => (RecordKind::Purge, near(draw)),
            12 => (RecordKind::Committed, near(draw)),
            13 => (RecordKind::Committed, draw.number()),
            14 => return false,
            _ => return true,
        };
        let term = draw.number();
        let head = RecordHead { kind, id: LogId { term, node: 1, index } };
        let len = if kind == RecordKind::Append { usize::from(draw.byte()) * 8 } else { 0 };
        frame.push(head, &vec![index as u8; len]);
        // What the log would not write stands there all the same.
        let _refused = written.apply(head);
    }
    false
}
