//! One attempt of a run as bytes: part of the state while the run is open, and of its record then.

use prost::Message;
use xcron_core::{AttemptEnd, AttemptRecord, Timestamp};

use super::{Unreadable, delta, moved};

/// An attempt that has ended.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AttemptMessage {
    #[prost(uint32, tag = "1")]
    attempt: u32,
    #[prost(uint64, tag = "2")]
    node: u64,
    /// From an instant of its run.
    #[prost(sint64, tag = "3")]
    started: i64,
    /// From the start.
    #[prost(sint64, tag = "4")]
    ended: i64,
    #[prost(uint32, tag = "5")]
    end: u32,
    #[prost(uint32, optional, tag = "6")]
    code: Option<u32>,
    #[prost(string, optional, tag = "7")]
    error: Option<String>,
    #[prost(string, optional, tag = "8")]
    answer: Option<String>,
}

/// The message of `attempt`, its start counted from `base`.
pub(crate) fn encode(attempt: &AttemptRecord, base: Timestamp) -> AttemptMessage {
    AttemptMessage {
        attempt: attempt.attempt,
        node: attempt.node,
        started: delta(attempt.started_at, base),
        ended: delta(attempt.ended_at, attempt.started_at),
        end: match attempt.end {
            AttemptEnd::Failed => 0,
            AttemptEnd::Lost => 1,
            AttemptEnd::NotSent => 2,
            AttemptEnd::Succeeded => 3,
        },
        code: attempt.code.map(u32::from),
        error: attempt.error.as_deref().map(str::to_owned),
        answer: attempt.answer.as_deref().map(str::to_owned),
    }
}

/// The attempt that `message` stands for.
pub(crate) fn decode(
    message: AttemptMessage,
    base: Timestamp,
) -> Result<AttemptRecord, Unreadable> {
    let started_at = moved(base, message.started);
    let code = message.code.map(u16::try_from).transpose();
    Ok(AttemptRecord {
        attempt: message.attempt,
        node: message.node,
        started_at,
        ended_at: moved(started_at, message.ended),
        end: match message.end {
            0 => AttemptEnd::Failed,
            1 => AttemptEnd::Lost,
            2 => AttemptEnd::NotSent,
            3 => AttemptEnd::Succeeded,
            _ => return Err(Unreadable::unknown("end of an attempt")),
        },
        code: code.map_err(|_| Unreadable::unknown("status code"))?,
        error: message.error.map(Into::into),
        answer: message.answer.map(Into::into),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_comes_back_as_it_was() {
        let base = Timestamp::from_secs(1_764_331_200);
        let ends =
            [AttemptEnd::Failed, AttemptEnd::Lost, AttemptEnd::NotSent, AttemptEnd::Succeeded];
        for end in ends {
            let plain = AttemptRecord {
                attempt: 7,
                node: 3,
                started_at: Timestamp::MIN,
                ended_at: Timestamp::MAX,
                end,
                code: None,
                error: None,
                answer: None,
            };
            let full = AttemptRecord {
                code: Some(599),
                error: Some("no".into()),
                answer: Some("\0ä".into()),
                ..plain.clone()
            };
            for attempt in [plain, full] {
                let bytes = encode(&attempt, base).encode_to_vec();
                let message = AttemptMessage::decode(&bytes[..]).unwrap();
                assert_eq!(decode(message, base).unwrap(), attempt);
            }
        }
        let later = AttemptMessage { end: 4, ..AttemptMessage::default() };
        assert!(decode(later, base).is_err(), "an end of a newer version is not guessed at");
    }
}
