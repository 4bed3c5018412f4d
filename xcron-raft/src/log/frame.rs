//! What one write puts into a segment: a frame of records under one checksum.
//!
//! Each frame is written and synced before the next one is begun. So at most the last frame of a
//! log can be torn, and a frame that does not check while a later one exists is damage. Without
//! frames that line could not be drawn: a crash may keep the second of two un-synced records and
//! lose the first.
//!
//! ```text
//! frame  = [body length u32][number u32][flags u32][body crc u32][reserved u32][head crc u32] body
//! body   = record*, padded with zeros so that the next frame begins at a multiple of 8
//! record = [payload length u32][crc u32][kind u8][0 u8 u8 u8][group u32][index u64][term u64]
//!          [node u64] payload
//! ```
//!
//! All integers are little-endian. Checksums are CRC-32C combined with the salt of the segment, so
//! that what a recycled file held before never counts.

use bytes::{Buf, BufMut, Bytes};

use super::id::{LogId, RecordHead, RecordKind};
use crate::{Error, ErrorKind};

/// Bytes in front of the body of a frame.
pub(crate) const FRAME_HEAD_BYTES: usize = 24;

/// Bytes in front of the payload of a record.
pub(crate) const RECORD_HEAD_BYTES: usize = 40;

/// Frames begin at multiples of this.
pub(crate) const FRAME_ALIGN: usize = 8;

/// The frame is the last of its segment, and the next segment exists.
const FLAG_SEALED: u32 = 1;

/// The only group of today; the field is there for several logs in one.
pub(crate) const GROUP: u32 = 0;

/// Bytes of a frame before its head checksum.
const HEAD_CHECKED_BYTES: usize = FRAME_HEAD_BYTES - 4;

/// A record of a frame that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) head: RecordHead,
    pub(crate) payload: &'a [u8],
    /// Where the record begins, counted from the start of the frame.
    pub(crate) offset: usize,
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) body_bytes: usize,
    pub(crate) number: u32,
    pub(crate) is_sealed: bool,
    body_crc: u32,
}

impl FrameHead {
    /// The head at the start of `bytes`, if it is one of a segment with this salt.
    pub(crate) fn parse(bytes: &[u8], salt: u32) -> Option<Self> {
        let head = bytes.get(..FRAME_HEAD_BYTES)?;
        let (checked, mut stored) = head.split_at(HEAD_CHECKED_BYTES);
        if crc32c::crc32c(checked) ^ salt != stored.get_u32_le() {
            return None;
        }
        let mut buf = checked;
        let body_bytes = buf.get_u32_le() as usize;
        let number = buf.get_u32_le();
        let flags = buf.get_u32_le();
        let body_crc = buf.get_u32_le();
        Some(Self { body_bytes, number, is_sealed: flags & FLAG_SEALED != 0, body_crc })
    }

    /// Length of head and body.
    pub(crate) fn frame_bytes(&self) -> usize {
        FRAME_HEAD_BYTES + self.body_bytes
    }

    /// Whether `body` is the one this head was written for.
    pub(crate) fn is_head_of(&self, body: &[u8], salt: u32) -> bool {
        crc32c::crc32c(body) ^ salt == self.body_crc
    }
}

/// Builds frames in one reused buffer.
#[derive(Debug, Default)]
pub(crate) struct FrameWriter {
    buf: Vec<u8>,
    salt: u32,
    number: u32,
}

impl FrameWriter {
    /// Begins frame `number` of a segment.
    pub(crate) fn begin(&mut self, salt: u32, number: u32) {
        self.buf.clear();
        self.buf.resize(FRAME_HEAD_BYTES, 0);
        self.salt = salt;
        self.number = number;
    }

    /// Whether no record has been added.
    pub(crate) fn is_empty(&self) -> bool {
        self.buf.len() == FRAME_HEAD_BYTES
    }

    /// Length of the frame if one more record with a payload of `more` bytes is added.
    pub(crate) fn bytes_with(&self, more: usize) -> usize {
        (self.buf.len() + RECORD_HEAD_BYTES + more).next_multiple_of(FRAME_ALIGN)
    }

    /// Adds a record and returns where it begins in the frame.
    pub(crate) fn push(&mut self, head: RecordHead, payload: &[u8]) -> usize {
        let offset = self.buf.len();
        self.buf.put_u32_le(payload.len() as u32);
        self.buf.put_u32_le(0);
        self.buf.put_u8(head.kind as u8);
        self.buf.put_slice(&[0; 3]);
        self.buf.put_u32_le(GROUP);
        self.buf.put_u64_le(head.id.index);
        self.buf.put_u64_le(head.id.term);
        self.buf.put_u64_le(head.id.node);
        self.buf.put_slice(payload);
        let crc = crc32c::crc32c(&self.buf[offset + 8..]) ^ self.salt;
        self.buf[offset + 4..offset + 8].copy_from_slice(&crc.to_le_bytes());
        offset
    }

    /// The finished frame.
    pub(crate) fn finish(&mut self, is_sealed: bool) -> &[u8] {
        self.buf.resize(self.buf.len().next_multiple_of(FRAME_ALIGN), 0);
        let (mut head, body) = self.buf.split_at_mut(FRAME_HEAD_BYTES);
        let body_crc = crc32c::crc32c(body) ^ self.salt;
        let flags = if is_sealed { FLAG_SEALED } else { 0 };
        head.put_u32_le(body.len() as u32);
        head.put_u32_le(self.number);
        head.put_u32_le(flags);
        head.put_u32_le(body_crc);
        let crc = crc32c::crc32c(&self.buf[..HEAD_CHECKED_BYTES]) ^ self.salt;
        self.buf[HEAD_CHECKED_BYTES..FRAME_HEAD_BYTES].copy_from_slice(&crc.to_le_bytes());
        &self.buf
    }
}

/// The records of a frame whose checksums match; `at` is where it stands in `file`.
pub(crate) fn records<'a>(
    file: &str,
    at: u64,
    frame: &'a [u8],
    salt: u32,
) -> Result<Vec<Record<'a>>, Error> {
    let mut records = Vec::new();
    let mut offset = FRAME_HEAD_BYTES;
    while frame.len() - offset >= RECORD_HEAD_BYTES {
        let record = record(file, at + offset as u64, &frame[offset..], salt)?;
        let bytes = RECORD_HEAD_BYTES + record.payload.len();
        records.push(Record { offset, ..record });
        offset += bytes;
    }
    Ok(records)
}

/// The record at the start of `bytes`, which stand at `at` of `file`.
pub(crate) fn record<'a>(
    file: &str,
    at: u64,
    bytes: &'a [u8],
    salt: u32,
) -> Result<Record<'a>, Error> {
    let damaged = |what: &str| Error::damaged(file, at, what);
    let mut buf = bytes.get(..RECORD_HEAD_BYTES).ok_or_else(|| damaged("a record is cut"))?;
    let payload_bytes = buf.get_u32_le() as usize;
    let crc = buf.get_u32_le();
    let end = RECORD_HEAD_BYTES + payload_bytes;
    let checked = bytes.get(8..end).ok_or_else(|| damaged("a record is cut"))?;
    if crc32c::crc32c(checked) ^ salt != crc {
        return Err(damaged("the checksum of a record does not match"));
    }
    let number = buf.get_u8();
    buf.advance(3);
    let group = buf.get_u32_le();
    let kind = RecordKind::from_number(number);
    let (Some(kind), GROUP) = (kind, group) else {
        let what = format!("record kind {number} of group {group} is of a newer version");
        return Err(Error::new(ErrorKind::Foreign, format!("{file} at byte {at}: {what}")));
    };
    let (index, term, node) = (buf.get_u64_le(), buf.get_u64_le(), buf.get_u64_le());
    let head = RecordHead { kind, id: LogId { term, node, index } };
    Ok(Record { head, payload: &bytes[RECORD_HEAD_BYTES..end], offset: 0 })
}

/// The payload of the entry `id` whose record is `bytes`, read from `at` of `file`.
pub(crate) fn entry_payload(
    file: &str,
    at: u64,
    bytes: Bytes,
    salt: u32,
    id: LogId,
) -> Result<Bytes, Error> {
    let record = record(file, at, &bytes, salt)?;
    if record.head != (RecordHead { kind: RecordKind::Append, id }) {
        return Err(Error::damaged(file, at, format!("entry {} is not where it was", id.index)));
    }
    Ok(bytes.slice(RECORD_HEAD_BYTES..RECORD_HEAD_BYTES + record.payload.len()))
}
