//! A hash of all that a view holds, to compare replicas by.

use std::io;
use std::sync::{Mutex, PoisonError};

use super::writer;
use crate::disk::DiskFile;
use crate::disk::memory::MemoryDisk;
use crate::state::View;

/// A hash of what a snapshot of `view` would hold.
pub(crate) fn hash(view: &View) -> String {
    let sink = Sink::default();
    let (no_disk, no_cluster) = (MemoryDisk::default(), 0);
    // Writing into the sink cannot fail.
    let written = writer::write(&no_disk, &sink, view, no_cluster).unwrap_or(0);
    let sum = *sink.0.lock().unwrap_or_else(PoisonError::into_inner);
    format!("{written:x}-{sum:016x}")
}

/// A file that keeps nothing but a sum of what was written, in order.
#[derive(Debug, Default)]
struct Sink(Mutex<u64>);

impl DiskFile for Sink {
    fn write_at(&self, _offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut sum = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let crc = u64::from(crc32c::crc32c(bytes));
        *sum = (*sum ^ crc ^ (bytes.len() as u64) << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Ok(())
    }

    fn read_at(&self, _offset: u64, _buf: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(0)
    }
}
