//! How an occurrence ended, as bytes.

use prost::Message;
use xcron_core::Timestamp;
use xcron_core::task::id::Occurrence;
use xcron_core::task::state::{RunEnd, RunRecord};

use super::{Unreadable, delta, moved};

#[derive(Clone, PartialEq, Message)]
struct RecordMessage {
    #[prost(sint64, tag = "1")]
    at_ms: i64,
    /// The number of a manual run; 0 for a scheduled one.
    #[prost(uint64, tag = "2")]
    manual: u64,
    #[prost(uint32, tag = "3")]
    end: u32,
    /// One less than the number of occurrences.
    #[prost(uint64, tag = "4")]
    more: u64,
    #[prost(uint32, tag = "5")]
    attempts: u32,
    /// From the occurrence.
    #[prost(sint64, tag = "6")]
    started: i64,
    /// From the start.
    #[prost(sint64, tag = "7")]
    ended: i64,
    #[prost(uint64, tag = "8")]
    node: u64,
    #[prost(uint32, optional, tag = "9")]
    code: Option<u32>,
    #[prost(string, optional, tag = "10")]
    error: Option<String>,
}

/// The bytes of `record`.
pub(crate) fn encode(record: &RunRecord) -> Vec<u8> {
    let (at, manual) = match record.occurrence {
        Occurrence::At(at) => (at, 0),
        Occurrence::Manual { number, at } => (at, number),
    };
    RecordMessage {
        at_ms: at.as_millis(),
        manual,
        end: match record.end {
            RunEnd::Succeeded => 0,
            RunEnd::Failed => 1,
            RunEnd::Unknown => 2,
            RunEnd::Cancelled => 3,
            RunEnd::SkippedMisfire => 4,
            RunEnd::SkippedOverlap => 5,
            RunEnd::SkippedPaused => 6,
        },
        more: record.count.wrapping_sub(1),
        attempts: record.attempts,
        started: delta(record.started_at, at),
        ended: delta(record.ended_at, record.started_at),
        node: record.node,
        code: record.code.map(u32::from),
        error: record.error.as_ref().map(ToString::to_string),
    }
    .encode_to_vec()
}

/// The record whose bytes these are.
pub(crate) fn decode(bytes: &[u8]) -> Result<RunRecord, Unreadable> {
    let message = RecordMessage::decode(bytes)?;
    let at = Timestamp::from_millis(message.at_ms);
    let started_at = moved(at, message.started);
    let code = message.code.map(u16::try_from).transpose();
    Ok(RunRecord {
        occurrence: match message.manual {
            0 => Occurrence::At(at),
            number => Occurrence::Manual { number, at },
        },
        end: match message.end {
            0 => RunEnd::Succeeded,
            1 => RunEnd::Failed,
            2 => RunEnd::Unknown,
            3 => RunEnd::Cancelled,
            4 => RunEnd::SkippedMisfire,
            5 => RunEnd::SkippedOverlap,
            6 => RunEnd::SkippedPaused,
            _ => return Err(Unreadable::unknown("end of a run")),
        },
        count: message.more.wrapping_add(1),
        attempts: message.attempts,
        started_at,
        ended_at: moved(started_at, message.ended),
        node: message.node,
        code: code.map_err(|_| Unreadable::unknown("status code"))?,
        error: message.error.map(Into::into),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_as_it_was() {
        let mut record = RunRecord {
            occurrence: Occurrence::Manual { number: 3, at: Timestamp::from_secs(7) },
            end: RunEnd::SkippedPaused,
            count: 12,
            attempts: 3,
            started_at: Timestamp::MIN,
            ended_at: Timestamp::MAX,
            node: 5,
            code: Some(599),
            error: Some("connection refused".into()),
        };
        assert_eq!(decode(&encode(&record)).unwrap(), record);
        record = RunRecord {
            occurrence: Occurrence::At(Timestamp::from_secs(8)),
            end: RunEnd::Succeeded,
            count: 1,
            code: None,
            error: None,
            ..record
        };
        assert_eq!(decode(&encode(&record)).unwrap(), record);
    }
}
