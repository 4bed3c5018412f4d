//! How an occurrence ended, as bytes.

use prost::Message;
use xcron_core::Timestamp;
use xcron_core::task::id::Occurrence;
use xcron_core::task::state::{RunEnd, RunRecord};

use super::attempt::{self, AttemptMessage};
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
    /// From format 4 on, like the rest.
    #[prost(string, optional, tag = "11")]
    answer: Option<String>,
    /// Their starts from the occurrence.
    #[prost(message, repeated, tag = "12")]
    earlier: Vec<AttemptMessage>,
}

/// What of a record its attempts take; reading this alone skips the rest.
#[derive(Clone, PartialEq, Message)]
struct AttemptsMessage {
    #[prost(string, optional, tag = "11")]
    answer: Option<String>,
    #[prost(message, repeated, tag = "12")]
    earlier: Vec<AttemptMessage>,
}

/// What the attempts of the record whose bytes these are count for in the limits of a history.
pub(crate) fn attempts_bytes(bytes: &[u8]) -> Result<usize, Unreadable> {
    let message = AttemptsMessage::decode(bytes)?;
    let earlier = message.earlier.into_iter().map(|made| attempt::decode(made, Timestamp::MIN));
    let earlier = earlier.map(|made| made.map(|made| made.bytes())).sum::<Result<usize, _>>()?;
    Ok(earlier + message.answer.map_or(0, |answer| answer.len()))
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
        answer: record.answer.as_ref().map(ToString::to_string),
        earlier: record.earlier.iter().map(|made| attempt::encode(made, at)).collect(),
    }
    .encode_to_vec()
}

/// The record whose bytes these are.
pub(crate) fn decode(bytes: &[u8]) -> Result<RunRecord, Unreadable> {
    let message = RecordMessage::decode(bytes)?;
    let at = Timestamp::from_millis(message.at_ms);
    let started_at = moved(at, message.started);
    let code = message.code.map(u16::try_from).transpose();
    let earlier = message.earlier.into_iter().map(|made| attempt::decode(made, at));
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
        answer: message.answer.map(Into::into),
        earlier: earlier.collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use xcron_core::testing::sample::{attempted, succeeded};

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
            answer: Some("not now".into()),
            earlier: vec![attempted(1, "busy"), attempted(2, "")],
        };
        assert_eq!(decode(&encode(&record)).unwrap(), record);
        assert_eq!(attempts_bytes(&encode(&record)).unwrap(), record.attempts_bytes());
        record = RunRecord {
            occurrence: Occurrence::At(Timestamp::from_secs(8)),
            end: RunEnd::Succeeded,
            count: 1,
            code: None,
            error: None,
            answer: None,
            earlier: Vec::new(),
            ..record
        };
        assert_eq!(decode(&encode(&record)).unwrap(), record);
    }
    #[test]
    fn a_record_of_an_earlier_format_is_read_and_written_again_as_it_was() {
        // Of second 2, on node 1, with status 200: as format 3 wrote it.
        let earlier = [8, 160, 31, 40, 1, 64, 1, 72, 200, 1];
        assert_eq!(decode(&earlier).unwrap(), succeeded(2));
        assert_eq!(encode(&succeeded(2)), earlier, "what is absent takes no byte");
    }
}
