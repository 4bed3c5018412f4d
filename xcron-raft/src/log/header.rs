//! The first sector of a segment: whose it is, and what the log amounted to when it began.

use bytes::{Buf, BufMut};

use super::id::{COUNT_MAX, Checkpoint, LogId, Vote};
use crate::{Error, ErrorKind};

/// Length of the header: one sector, so that it is written whole or not at all.
pub(crate) const HEADER_BYTES: usize = 512;

const MAGIC: &[u8; 8] = b"XCRONLOG";

/// Format of segments, frames and records; a higher one is refused.
const FORMAT_VERSION: u32 = 1;

/// Bytes of the header in front of its checksum.
const CHECKED_BYTES: usize = HEADER_BYTES - 4;

/// What stands in the first sector of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) cluster_id: u128,
    pub(crate) group: u32,
    pub(crate) seq: u64,
    pub(crate) salt: u32,
    pub(crate) segment_bytes: u64,
    pub(crate) checkpoint: Checkpoint,
}

impl Header {
    /// The sector to write.
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut sector = [0; HEADER_BYTES];
        let mut buf = &mut sector[..];
        buf.put_slice(MAGIC);
        buf.put_u32_le(FORMAT_VERSION);
        buf.put_u32_le(self.group);
        buf.put_u128_le(self.cluster_id);
        buf.put_u64_le(self.seq);
        buf.put_u32_le(self.salt);
        buf.put_u64_le(self.segment_bytes);
        let base = self.checkpoint.last.map_or(0, |last| last.index + 1);
        buf.put_u64_le(base);
        put_vote(&mut buf, self.checkpoint.vote);
        put_log_id(&mut buf, self.checkpoint.purged);
        put_log_id(&mut buf, self.checkpoint.last);
        put_log_id(&mut buf, self.checkpoint.committed);
        let crc = crc32c::crc32c(&sector[..CHECKED_BYTES]);
        sector[CHECKED_BYTES..].copy_from_slice(&crc.to_le_bytes());
        sector
    }

    /// The header in `sector` of `file`; an error says why it is none.
    pub(crate) fn decode(file: &str, sector: &[u8; HEADER_BYTES]) -> Result<Self, Error> {
        let (checked, mut stored) = sector.split_at(CHECKED_BYTES);
        if crc32c::crc32c(checked) != stored.get_u32_le() {
            return Err(Error::damaged(file, 0, "the checksum of its header does not match"));
        }
        let mut buf = checked;
        let mut magic = [0; 8];
        buf.copy_to_slice(&mut magic);
        if &magic != MAGIC {
            return Err(Error::damaged(file, 0, "it does not begin as a log segment"));
        }
        let version = buf.get_u32_le();
        if version != FORMAT_VERSION {
            return Err(Error::new(
                ErrorKind::Foreign,
                format!(
                    "{file} has log format {version}, this version reads {FORMAT_VERSION}; start \
                     the version that wrote it"
                ),
            ));
        }
        let group = buf.get_u32_le();
        let cluster_id = buf.get_u128_le();
        let seq = buf.get_u64_le();
        let salt = buf.get_u32_le();
        let segment_bytes = buf.get_u64_le();
        let _base = buf.get_u64_le();
        let checkpoint = Checkpoint {
            vote: get_vote(&mut buf),
            purged: get_log_id(&mut buf),
            last: get_log_id(&mut buf),
            committed: get_log_id(&mut buf),
        };
        if !(1..=COUNT_MAX).contains(&seq) || !checkpoint.is_possible() {
            return Err(Error::damaged(file, 0, "its header holds numbers that no log reaches"));
        }
        Ok(Self { cluster_id, group, seq, salt, segment_bytes, checkpoint })
    }
}

fn put_vote(buf: &mut &mut [u8], vote: Option<Vote>) {
    buf.put_u8(u8::from(vote.is_some()));
    let vote = vote.unwrap_or_default();
    buf.put_u64_le(vote.term);
    buf.put_u64_le(vote.node);
    buf.put_u8(u8::from(vote.committed));
}

fn get_vote(buf: &mut &[u8]) -> Option<Vote> {
    let present = buf.get_u8() != 0;
    let vote =
        Vote { term: buf.get_u64_le(), node: buf.get_u64_le(), committed: buf.get_u8() != 0 };
    present.then_some(vote)
}

fn put_log_id(buf: &mut &mut [u8], id: Option<LogId>) {
    buf.put_u8(u8::from(id.is_some()));
    let id = id.unwrap_or_default();
    buf.put_u64_le(id.term);
    buf.put_u64_le(id.node);
    buf.put_u64_le(id.index);
}

fn get_log_id(buf: &mut &[u8]) -> Option<LogId> {
    let present = buf.get_u8() != 0;
    let id = LogId { term: buf.get_u64_le(), node: buf.get_u64_le(), index: buf.get_u64_le() };
    present.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        let id = |index| LogId { term: 3, node: 1, index };
        let checkpoint = Checkpoint {
            vote: Some(Vote { term: 4, node: 2, committed: true }),
            purged: Some(id(7)),
            last: Some(id(9)),
            committed: None,
        };
        Header { cluster_id: 5, group: 0, seq: 8, salt: 77, segment_bytes: 65_536, checkpoint }
    }

    #[test]
    fn a_header_comes_back_as_it_was_written() {
        assert_eq!(Header::decode("x", &header().encode()).unwrap(), header());
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_seen() {
        for bit in 0..HEADER_BYTES * 8 {
            let mut sector = header().encode();
            sector[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode("x", &sector).is_err(), "bit {bit}");
        }
    }
}
