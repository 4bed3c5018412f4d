//! A file of the log: its name, its salt and how far it is filled.

use std::sync::Arc;

use super::frame::{FRAME_HEAD_BYTES, FrameHead};
use super::header::HEADER_BYTES;
use crate::disk::DiskFile;

const PREFIX: &str = "log-";
const SUFFIX: &str = ".seg";

/// Prefix of files that hold no log: prepared or purged segments.
pub(crate) const SPARE_PREFIX: &str = "spare-";

/// Bytes at the end of a segment that only its seal may use.
pub(crate) const SEAL_BYTES: u64 = FRAME_HEAD_BYTES as u64;

/// An open segment.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) seq: u64,
    pub(crate) name: String,
    pub(crate) salt: u32,
    pub(crate) bytes: u64,
    pub(crate) file: Arc<dyn DiskFile>,
}

/// The segment that is written to.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) segment: Arc<Segment>,
    /// Where the next frame begins.
    pub(crate) position: u64,
    /// Number of the next frame.
    pub(crate) number: u32,
    /// Greatest index of an entry that was ever appended to it.
    pub(crate) max_index: Option<u64>,
}

/// A sealed segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closed {
    pub(crate) seq: u64,
    pub(crate) max_index: Option<u64>,
}

impl Active {
    /// A segment without frames.
    pub(crate) fn new(segment: Arc<Segment>) -> Self {
        Self { segment, position: HEADER_BYTES as u64, number: 0, max_index: None }
    }

    /// Bytes left for frames.
    pub(crate) fn room(&self) -> u64 {
        (self.segment.bytes - SEAL_BYTES).saturating_sub(self.position)
    }

    /// What remains to be known of it once it is sealed.
    pub(crate) fn closed(&self) -> Closed {
        Closed { seq: self.segment.seq, max_index: self.max_index }
    }
}

/// Name of the segment with this number.
pub(crate) fn segment_name(seq: u64) -> String {
    format!("{PREFIX}{seq:016}{SUFFIX}")
}

/// Number of the segment with this name, if it is the name of one.
pub(crate) fn segment_seq(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let seq = digits.parse().ok()?;
    (segment_name(seq) == name).then_some(seq)
}

/// A salt for segment `seq`: not that of the file's former use, and none under which zeros check.
///
/// It is unpredictable (`seed` is), so that nobody can store a payload that passes for a frame.
pub(crate) fn salt(seed: u64, seq: u64, former: Option<u32>) -> u32 {
    let zeros = [0; FRAME_HEAD_BYTES];
    let mut state = seed ^ seq.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    loop {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let salt = (z ^ (z >> 31)) as u32;
        if Some(salt) != former && FrameHead::parse(&zeros, salt).is_none() {
            return salt;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_segments_are_taken_for_segments() {
        assert_eq!(segment_seq(&segment_name(17)), Some(17));
        for name in ["log-17.seg", "log-.seg", "spare-0000000000000017.seg", "lock", ""] {
            assert_eq!(segment_seq(name), None, "{name}");
        }
    }

    #[test]
    fn a_reused_file_gets_another_salt() {
        let first = salt(1, 2, None);
        assert_ne!(salt(1, 2, Some(first)), first);
    }
}
