//! How far the log is known to reach, kept beside it.
//!
//! A damaged last frame looks like a torn one. The mark tells them apart: it is written after each
//! sync of a frame, so what lies in front of it was durable. It is not synced itself except when
//! the log is closed, so after a crash it may be some seconds old; it is never ahead of the log.

use std::sync::Arc;

use bytes::{Buf, BufMut};

use super::segment::Segment;
use crate::Error;
use crate::disk::{Disk, DiskFile, SECTOR_BYTES};

/// Name of the mark's file.
const NAME: &str = "log-mark";

/// Bytes of the sector in front of its checksum.
const CHECKED_BYTES: usize = 16;

/// The file that holds the mark.
#[derive(Debug)]
pub(crate) struct Mark {
    file: Arc<dyn DiskFile>,
    /// Segment and position; zeros in a new log.
    reached: (u64, u64),
}

impl Mark {
    /// The mark of a new log.
    pub(crate) fn create(disk: &dyn Disk) -> Result<Self, Error> {
        let file = disk.create_zeroed(NAME, SECTOR_BYTES as u64);
        let file = file.map_err(|e| Error::disk("cannot create the log", &e))?;
        Ok(Self { file, reached: (0, 0) })
    }

    /// The mark of an existing log.
    pub(crate) fn open(disk: &dyn Disk) -> Result<Self, Error> {
        let mut sector = [0; SECTOR_BYTES];
        let opened = disk.open(NAME).and_then(|file| file.read_at(0, &mut sector).map(|()| file));
        let file = opened.map_err(|e| Error::damaged(NAME, 0, e))?;
        if sector.iter().all(|&byte| byte == 0) {
            return Ok(Self { file, reached: (0, 0) });
        }
        let (checked, mut rest) = sector.split_at(CHECKED_BYTES);
        let is_whole = crc32c::crc32c(checked) == rest.get_u32_le();
        if !is_whole || rest.iter().any(|&byte| byte != 0) {
            return Err(Error::damaged(NAME, 0, "its checksum does not match"));
        }
        let mut buf = checked;
        let reached = (buf.get_u64_le(), buf.get_u64_le());
        Ok(Self { file, reached })
    }

    /// Refuses to begin a new log where the mark says that there was one. A mark that says nothing,
    /// or is cut short, is what a crash of the very first start leaves.
    pub(crate) fn check_new(disk: &dyn Disk) -> Result<(), Error> {
        let entries = disk.list().map_err(|e| Error::disk("cannot list the log", &e))?;
        let is_whole = |len| len >= SECTOR_BYTES as u64;
        if !entries.iter().any(|entry| entry.name == NAME && is_whole(entry.len)) {
            return Ok(());
        }
        let (seq, at) = Self::open(disk)?.reached;
        if (seq, at) == (0, 0) {
            return Ok(());
        }
        let what = format!("the log reached byte {at} of segment {seq}, but no segment is there");
        Err(Error::damaged(NAME, 0, what))
    }

    /// Refuses a log that ends at `position` of `last`, if it once reached further.
    pub(crate) fn check(&self, last: &Segment, position: u64) -> Result<(), Error> {
        let (seq, at) = self.reached;
        if (last.seq, position) >= self.reached {
            return Ok(());
        }
        let what = format!("no valid frame there, but the log reached byte {at} of segment {seq}");
        Err(Error::damaged(&last.name, position, what))
    }

    /// Notes that the log is durable up to `position` of segment `seq`.
    pub(crate) fn set(&mut self, seq: u64, position: u64) -> Result<(), Error> {
        self.reached = (seq, position);
        let mut sector = [0; SECTOR_BYTES];
        let mut buf = &mut sector[..];
        buf.put_u64_le(seq);
        buf.put_u64_le(position);
        let crc = crc32c::crc32c(&sector[..CHECKED_BYTES]);
        sector[CHECKED_BYTES..CHECKED_BYTES + 4].copy_from_slice(&crc.to_le_bytes());
        self.file.write_at(0, &sector).map_err(|e| Error::disk("cannot write log-mark", &e))
    }

    /// Makes the mark durable.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(|e| Error::disk("cannot sync log-mark", &e))
    }
}
