//! Reads the log back: a torn last frame is cut, anything else that is not as written is refused.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use xcron_core::mutant::{self, Mutant};

use super::flusher::Position;
use super::frame::{FRAME_ALIGN, FRAME_HEAD_BYTES, FrameHead, FrameWriter, GROUP, records};
use super::header::{HEADER_BYTES, Header};
use super::id::{Checkpoint, RecordKind};
use super::mark::Mark;
use super::memory::{Memory, Place};
use super::segment::{Active, Closed, SEAL_BYTES, Segment, segment_seq};
use super::settings::{LogSettings, SEGMENT_BYTES_MAX};
use crate::disk::Disk;
use crate::{Error, ErrorKind};

/// Every segment has room for its header and its seal.
const SEGMENT_BYTES_LEAST: u64 = HEADER_BYTES as u64 + SEAL_BYTES;

/// A log that was read back.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) memory: Memory,
    pub(crate) segments: BTreeMap<u64, Arc<Segment>>,
    pub(crate) position: Position,
}

/// How far the frames of a segment reach.
#[derive(Debug)]
struct End {
    active: Active,
    is_sealed: bool,
    last_frame: Option<(u64, Vec<u8>)>,
}

/// Reads the log on `disk`; `None` if there is none.
pub(crate) fn recover(disk: &dyn Disk, settings: &LogSettings) -> Result<Option<Recovered>, Error> {
    let headers = open_segments(disk, settings)?;
    let Some((_, first)) = headers.first() else {
        Mark::check_new(disk)?;
        return Ok(None);
    };
    let before = first.checkpoint;
    let mut memory = Memory::new(before, settings.cache_bytes);
    let mut written = before;
    let mut segments = BTreeMap::new();
    let mut ends: Vec<End> = Vec::new();
    // One for all segments: fresh memory is slow.
    let mut bytes = Vec::new();
    for (segment, header) in headers {
        if header.checkpoint != written {
            let what = "its header does not continue the segment before it";
            return Err(Error::damaged(&segment.name, 0, what));
        }
        segments.insert(segment.seq, segment.clone());
        ends.push(replay(segment, &mut bytes, &mut memory, &mut written)?);
    }
    drop(bytes);
    memory.evict();
    check_complete(&memory, before, &ends)?;
    let mark = Mark::open(disk)?;
    if let Some(end) = ends.last() {
        let checked = mark.check(&end.active.segment, end.active.position);
        checked.or_else(|error| if is_cut() { Ok(()) } else { Err(error) })?;
    }
    settle(disk, &mut ends)?;
    let Some(last) = ends.pop() else {
        return Ok(None);
    };
    let closed: VecDeque<Closed> = ends.iter().map(|end| end.active.closed()).collect();
    let position = Position { active: last.active, closed, written, mark };
    Ok(Some(Recovered { memory, segments, position }))
}

/// Opens all segments in order and checks their headers.
fn open_segments(
    disk: &dyn Disk,
    settings: &LogSettings,
) -> Result<Vec<(Arc<Segment>, Header)>, Error> {
    let mut opened: Vec<(Arc<Segment>, Header)> = Vec::new();
    for entry in disk.list().map_err(|e| Error::disk("cannot list the log", &e))? {
        let Some(seq) = segment_seq(&entry.name) else {
            continue;
        };
        let name = entry.name;
        let failed = |e| Error::disk(format!("cannot read {name}"), &e);
        if let Some((before, _)) = opened.last()
            && before.seq.checked_add(1) != Some(seq)
        {
            let what = format!("a segment between {} and this one is missing", before.name);
            return Err(Error::damaged(&name, 0, what));
        }
        if !(SEGMENT_BYTES_LEAST..=SEGMENT_BYTES_MAX).contains(&entry.len) {
            let what = format!("no segment is {} bytes long", entry.len);
            return Err(Error::damaged(&name, entry.len, what));
        }
        let file = disk.open(&name).map_err(failed)?;
        let mut sector = [0; HEADER_BYTES];
        file.read_at(0, &mut sector).map_err(failed)?;
        let header = Header::decode(&name, &sector)?;
        if header.seq != seq || header.group != GROUP {
            let what = format!("it is segment {} of group {}", header.seq, header.group);
            return Err(Error::damaged(&name, 0, what));
        }
        if header.cluster_id != settings.cluster_id {
            let (found, own) = (header.cluster_id, settings.cluster_id);
            return Err(Error::new(
                ErrorKind::Foreign,
                format!("{name} belongs to cluster {found:032x}, this node to {own:032x}"),
            ));
        }
        if header.segment_bytes != entry.len {
            let what = format!("it is {} bytes long, not {}", entry.len, header.segment_bytes);
            return Err(Error::damaged(&name, entry.len, what));
        }
        let (salt, bytes) = (header.salt, entry.len);
        opened.push((Arc::new(Segment { seq, name, salt, bytes, file }), header));
    }
    Ok(opened)
}

/// Takes in all frames of a segment, which is read into `bytes`.
fn replay(
    segment: Arc<Segment>,
    bytes: &mut Vec<u8>,
    memory: &mut Memory,
    written: &mut Checkpoint,
) -> Result<End, Error> {
    bytes.resize(segment.bytes as usize, 0);
    let read = segment.file.read_at(0, bytes);
    read.map_err(|e| Error::disk(format!("cannot read {}", segment.name), &e))?;
    let mut active = Active::new(segment.clone());
    let mut is_sealed = false;
    let mut last_frame = None;
    while !is_sealed {
        let at = active.position as usize;
        let Some((head, frame)) = next_frame(bytes, &active)? else {
            check_tail(&segment, bytes, at)?;
            break;
        };
        for record in records(&segment.name, active.position, frame, segment.salt)? {
            let offset = (at + record.offset) as u32;
            let refused = |why| Error::damaged(&segment.name, u64::from(offset), why);
            if record.head.kind == RecordKind::Append {
                let id = record.head.id;
                let payload = Bytes::copy_from_slice(record.payload);
                let ticket = memory.append(id, payload).map_err(refused)?;
                let len = (super::frame::RECORD_HEAD_BYTES + record.payload.len()) as u32;
                memory.set_place(id.index, ticket, Place { segment: segment.seq, offset, len });
                memory.evict();
                active.max_index = active.max_index.max(Some(id.index));
            } else {
                memory.apply(record.head).map_err(refused)?;
            }
            written.apply(record.head).map_err(refused)?;
        }
        last_frame = Some((active.position, at..at + frame.len()));
        let end = active.position + frame.len() as u64;
        if !head.is_sealed && end > segment.bytes - SEAL_BYTES {
            return Err(Error::damaged(&segment.name, active.position, "a frame leaves no room"));
        }
        active.position = end;
        active.number += 1;
        is_sealed = head.is_sealed;
    }
    let last_frame = last_frame.map(|(at, range)| (at, bytes[range].to_vec()));
    Ok(End { active, is_sealed, last_frame })
}

/// The frame at the position, unless it is torn or there is none.
fn next_frame<'a>(
    bytes: &'a [u8],
    active: &Active,
) -> Result<Option<(FrameHead, &'a [u8])>, Error> {
    let (segment, at) = (&active.segment, active.position as usize);
    let rest = bytes.get(at..).unwrap_or_default();
    let Some(head) = FrameHead::parse(rest, segment.salt) else {
        return Ok(None);
    };
    let damaged = |what: &str| Error::damaged(&segment.name, active.position, what);
    if head.number != active.number {
        return Err(damaged("a frame is out of order"));
    }
    if !head.body_bytes.is_multiple_of(FRAME_ALIGN) {
        return Err(damaged("a frame ends between two places where frames begin"));
    }
    let Some(frame) = rest.get(..head.frame_bytes()) else {
        return Err(damaged("a frame is longer than the segment"));
    };
    let is_whole = head.is_head_of(&frame[FRAME_HEAD_BYTES..], segment.salt);
    Ok(is_whole.then_some((head, frame)))
}

/// Whether damage passes for a torn end, and all that follows is cut off with it.
fn is_cut() -> bool {
    mutant::is_on(Mutant::DamageCutAsTorn)
}

/// Refuses a tail that cannot be torn: a frame behind it was written after it had been synced.
fn check_tail(segment: &Segment, bytes: &[u8], at: usize) -> Result<(), Error> {
    if is_cut() {
        let nothing = vec![0; bytes.len() - at];
        let cut = segment.file.write_at(at as u64, &nothing);
        return cut.map_err(|e| Error::disk(format!("cannot cut {}", segment.name), &e));
    }
    let later = (at + FRAME_ALIGN..bytes.len())
        .step_by(FRAME_ALIGN)
        .find(|&later| FrameHead::parse(&bytes[later..], segment.salt).is_some());
    match later {
        None => Ok(()),
        Some(later) => Err(Error::damaged(
            &segment.name,
            at as u64,
            format!("no valid frame there, but one follows at byte {later}"),
        )),
    }
}

/// Refuses a log from which entries or whole segments are missing.
fn check_complete(memory: &Memory, before: Checkpoint, ends: &[End]) -> Result<(), Error> {
    let count = ends.len();
    for (number, end) in ends.iter().enumerate() {
        let segment = &end.active.segment;
        let damaged = |what| Error::damaged(&segment.name, end.active.position, what);
        let is_last = number + 1 == count;
        if is_last && end.is_sealed {
            return Err(damaged("the segment after it is missing"));
        }
        let next_is_empty = number + 2 == count && ends[number + 1].last_frame.is_none();
        if !is_last && !end.is_sealed && !next_is_empty {
            return Err(damaged("it ends before its seal"));
        }
    }
    // What stood before the first segment must have been purged since.
    let kept_from = memory.state().purged.map_or(0, |purged| purged.index + 1);
    match ends.first() {
        Some(end) if before.last.is_some() && memory.range().start > kept_from => {
            let what = format!("entries {kept_from} to {} are missing", memory.range().start - 1);
            Err(Error::damaged(&end.active.segment.name, 0, what))
        }
        _ => Ok(()),
    }
}

/// Makes durable what was read: an earlier process may have ended between a write and its sync,
/// and after a failed sync the system may even hold the last frame as clean without storing it, so
/// that frame is written again.
fn settle(disk: &dyn Disk, ends: &mut [End]) -> Result<(), Error> {
    let count = ends.len();
    for end in ends.iter_mut().skip(count.saturating_sub(2)) {
        let segment = end.active.segment.clone();
        let failed = |e| Error::disk(format!("cannot write {}", segment.name), &e);
        if let Some((at, frame)) = &end.last_frame {
            segment.file.write_at(*at, frame).map_err(failed)?;
        }
        segment.file.sync_data().map_err(failed)?;
    }
    if let Some(end) = ends.iter_mut().rev().nth(1).filter(|end| !end.is_sealed) {
        let segment = end.active.segment.clone();
        let failed = |e| Error::disk(format!("cannot seal {}", segment.name), &e);
        let mut writer = FrameWriter::default();
        writer.begin(segment.salt, end.active.number);
        segment.file.write_at(end.active.position, writer.finish(true)).map_err(failed)?;
        segment.file.sync_data().map_err(failed)?;
        end.is_sealed = true;
    }
    disk.sync_dir().map_err(|e| Error::disk("cannot sync the data directory", &e))
}
