//! The limits and defaults of the log, in one place.

use super::frame::{FRAME_HEAD_BYTES, RECORD_HEAD_BYTES};
use super::header::HEADER_BYTES;
use crate::{Error, ErrorKind};

/// Least length of a segment.
pub(crate) const SEGMENT_BYTES_MIN: u64 = 4_096;

/// Greatest length of a segment; offsets inside it are stored in 32 bits.
pub(crate) const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// The first segment of a log is not longer than this, because its zeroing delays the first start
/// (4 MiB cost some 10 ms); the next one is prepared meanwhile.
pub(crate) const FIRST_SEGMENT_BYTES: u64 = 4 << 20;

/// How much is drained from the queue into one write.
pub(crate) const BATCH_BYTES_MAX: usize = 8 << 20;

/// How much may wait in the queue. Raft keeps only a few proposals in flight, so reaching this is a
/// bug of the caller.
pub(crate) const QUEUE_BYTES_MAX: usize = 256 << 20;

/// How many purged segments are kept for reuse.
pub(crate) const SPARE_SEGMENTS_MAX: usize = 2;

/// How much one read for replication returns, unless a single entry is longer.
pub(crate) const READ_BYTES_MAX: usize = 2 << 20;

/// Who performs the writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// One thread writes and syncs, one prepares segments.
    Own,
    /// The calling thread does everything before its call returns: the order is the caller's.
    #[cfg(any(test, feature = "fuzzing"))]
    Caller,
    /// A task of the simulated process that the log is opened in.
    #[cfg(any(test, feature = "testing"))]
    Task,
}

impl Threads {
    /// Threads, or what stands for them in a simulation.
    pub(crate) fn of_this_process() -> Self {
        #[cfg(any(test, feature = "testing"))]
        if crate::runtime::Process::current().is_some() {
            return Self::Task;
        }
        Self::Own
    }
}

/// How a log behaves.
#[derive(Debug, Clone)]
pub(crate) struct LogSettings {
    /// The cluster that this log belongs to; a log of another one is refused.
    pub(crate) cluster_id: u128,
    /// Length of a segment.
    pub(crate) segment_bytes: u64,
    /// How many bytes of the newest entries are kept in memory.
    pub(crate) cache_bytes: usize,
    /// Where the salts of new segments come from; different at every start.
    pub(crate) salt_seed: u64,
    /// Who performs the writes.
    pub(crate) threads: Threads,
}

impl LogSettings {
    /// Length of the first segment of a new log.
    pub(crate) fn first_segment_bytes(&self) -> u64 {
        self.segment_bytes.min(FIRST_SEGMENT_BYTES)
    }

    /// The longest payload that fits into a segment of standard length.
    pub(crate) fn payload_bytes_max(&self) -> usize {
        let overhead = HEADER_BYTES + 2 * FRAME_HEAD_BYTES + RECORD_HEAD_BYTES + 8;
        (self.segment_bytes as usize).saturating_sub(overhead)
    }

    /// Checks the limits.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&self.segment_bytes) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "segment_bytes is {}, it must be between {SEGMENT_BYTES_MIN} and \
                 {SEGMENT_BYTES_MAX}",
                self.segment_bytes
            ),
        ))
    }
}
