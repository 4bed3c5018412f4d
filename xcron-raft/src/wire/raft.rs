//! Raft's requests and answers as messages between peers.

use bytes::Bytes;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, TransferLeaderRequest, VoteRequest, VoteResponse,
};
use prost::Message;

use super::peer::{
    AppendMessage, AppendedKind, AppendedMessage, EntryAtMessage, TransferMessage,
    VoteAnswerMessage, VoteMessage, VoteRequestMessage,
};
use super::snapshot::LogIdMessage;
use super::{Unreadable, entry};
use crate::log;
use crate::types::{Entry, LogId, TypeConfig, Vote, from_log, from_log_vote, to_log, to_log_vote};

/// The message of a position.
pub(crate) fn log_id(id: &LogId) -> LogIdMessage {
    to_log(id).into()
}

/// The position of a message, if there can be one: raft counts on from it.
fn to_log_id(message: LogIdMessage) -> Result<LogId, Unreadable> {
    let id: log::LogId = message.into();
    if id.is_possible() {
        return Ok(from_log(id));
    }
    Err(Unreadable::new(format!("entry {} of term {} cannot be", id.index, id.term)))
}

/// The same for one that need not be there.
fn to_log_id_if(message: Option<LogIdMessage>) -> Result<Option<LogId>, Unreadable> {
    message.map(to_log_id).transpose()
}

/// The message of a vote.
pub(crate) fn vote(vote: &Vote) -> VoteMessage {
    let log::Vote { term, node, committed } = to_log_vote(vote);
    VoteMessage { term, node, committed }
}

/// The vote of a message, if there can be one: whoever stands next counts on from its term.
pub(crate) fn to_vote(message: VoteMessage) -> Result<Vote, Unreadable> {
    let VoteMessage { term, node, committed } = message;
    if term > log::COUNT_MAX {
        return Err(Unreadable::new(format!("a vote of term {term} cannot be")));
    }
    Ok(from_log_vote(log::Vote { term, node, committed }))
}

/// What must be there.
fn needed<T>(part: Option<T>, what: &str) -> Result<T, Unreadable> {
    part.ok_or_else(|| Unreadable::unknown(what))
}

pub(crate) fn encode_append(rpc: AppendEntriesRequest<TypeConfig>) -> Bytes {
    let entry = |entry: Entry| EntryAtMessage {
        id: Some(log_id(&entry.log_id)),
        payload: entry::encode(entry.payload),
    };
    let message = AppendMessage {
        vote: Some(vote(&rpc.vote)),
        previous: rpc.prev_log_id.as_ref().map(log_id),
        entries: rpc.entries.into_iter().map(entry).collect(),
        committed: rpc.leader_commit.as_ref().map(log_id),
    };
    message.encode_to_vec().into()
}

pub(crate) fn decode_append(body: Bytes) -> Result<AppendEntriesRequest<TypeConfig>, Unreadable> {
    let message = AppendMessage::decode(body)?;
    let entry = |at: EntryAtMessage| {
        let log_id = to_log_id(needed(at.id, "position of an entry")?)?;
        Ok(Entry { log_id, payload: entry::decode(at.payload)? })
    };
    Ok(AppendEntriesRequest {
        vote: to_vote(needed(message.vote, "vote")?)?,
        prev_log_id: to_log_id_if(message.previous)?,
        entries: message.entries.into_iter().map(entry).collect::<Result<_, Unreadable>>()?,
        leader_commit: to_log_id_if(message.committed)?,
    })
}

pub(crate) fn encode_appended(answer: &AppendEntriesResponse<TypeConfig>) -> Bytes {
    let (kind, upto, higher) = match answer {
        AppendEntriesResponse::Success => (AppendedKind::Success, None, None),
        AppendEntriesResponse::PartialSuccess(upto) => {
            (AppendedKind::Partial, upto.as_ref().map(log_id), None)
        }
        AppendEntriesResponse::Conflict => (AppendedKind::Conflict, None, None),
        AppendEntriesResponse::HigherVote(higher) => {
            (AppendedKind::HigherVote, None, Some(vote(higher)))
        }
    };
    AppendedMessage { kind: kind.into(), upto, vote: higher }.encode_to_vec().into()
}

pub(crate) fn decode_appended(
    body: Bytes,
) -> Result<AppendEntriesResponse<TypeConfig>, Unreadable> {
    let message = AppendedMessage::decode(body)?;
    Ok(match message.kind() {
        AppendedKind::Success => AppendEntriesResponse::Success,
        AppendedKind::Partial => AppendEntriesResponse::PartialSuccess(to_log_id_if(message.upto)?),
        AppendedKind::Conflict => AppendEntriesResponse::Conflict,
        AppendedKind::HigherVote => {
            AppendEntriesResponse::HigherVote(to_vote(needed(message.vote, "higher vote")?)?)
        }
        AppendedKind::Unknown => return Err(Unreadable::unknown("answer to entries")),
    })
}

pub(crate) fn encode_vote_request(rpc: &VoteRequest<TypeConfig>) -> Bytes {
    let message = VoteRequestMessage {
        vote: Some(vote(&rpc.vote)),
        last: rpc.last_log_id.as_ref().map(log_id),
        is_transfer: rpc.leadership_transfer,
    };
    message.encode_to_vec().into()
}

pub(crate) fn decode_vote_request(body: Bytes) -> Result<VoteRequest<TypeConfig>, Unreadable> {
    let message = VoteRequestMessage::decode(body)?;
    let vote = to_vote(needed(message.vote, "vote")?)?;
    let mut rpc = VoteRequest::new(vote, to_log_id_if(message.last)?);
    rpc.leadership_transfer = message.is_transfer;
    Ok(rpc)
}

pub(crate) fn encode_vote_answer(answer: &VoteResponse<TypeConfig>) -> Bytes {
    let message = VoteAnswerMessage {
        vote: Some(vote(&answer.vote)),
        granted: answer.vote_granted,
        last: answer.last_log_id.as_ref().map(log_id),
    };
    message.encode_to_vec().into()
}

pub(crate) fn decode_vote_answer(body: Bytes) -> Result<VoteResponse<TypeConfig>, Unreadable> {
    let message = VoteAnswerMessage::decode(body)?;
    let vote = to_vote(needed(message.vote, "vote")?)?;
    Ok(VoteResponse::new(vote, to_log_id_if(message.last)?, message.granted))
}

pub(crate) fn encode_transfer(rpc: &TransferLeaderRequest<TypeConfig>) -> Bytes {
    let message = TransferMessage {
        from: Some(vote(rpc.from_leader())),
        to: *rpc.to_node_id(),
        last: rpc.last_log_id().map(log_id),
    };
    message.encode_to_vec().into()
}

pub(crate) fn decode_transfer(
    body: Bytes,
) -> Result<TransferLeaderRequest<TypeConfig>, Unreadable> {
    let message = TransferMessage::decode(body)?;
    let from = to_vote(needed(message.from, "vote")?)?;
    Ok(TransferLeaderRequest::new(from, message.to, to_log_id_if(message.last)?))
}

#[cfg(test)]
mod tests {
    use openraft::EntryPayload;

    use super::*;
    use crate::types::{Batch, LeaderId};

    fn at(index: u64) -> LogId {
        LogId { leader_id: LeaderId { term: 3, node_id: 2 }, index }
    }

    fn leader() -> Vote {
        from_log_vote(log::Vote { term: 3, node: 2, committed: true })
    }

    #[test]
    fn requests_come_back_as_they_were() {
        let batch = Batch { commands: vec![Bytes::from_static(b"x")] };
        let rpc = AppendEntriesRequest {
            vote: leader(),
            prev_log_id: Some(at(6)),
            entries: vec![
                Entry { log_id: at(7), payload: EntryPayload::Blank },
                Entry { log_id: at(8), payload: EntryPayload::Normal(batch) },
            ],
            leader_commit: Some(at(5)),
        };
        let back = decode_append(encode_append(rpc.clone())).unwrap();
        assert_eq!(format!("{back:?}"), format!("{rpc:?}"));
        let mut rpc = VoteRequest::new(leader(), Some(at(9)));
        rpc.leadership_transfer = true;
        assert_eq!(decode_vote_request(encode_vote_request(&rpc)).unwrap(), rpc);
        let rpc = TransferLeaderRequest::new(leader(), 4, Some(at(9)));
        assert_eq!(decode_transfer(encode_transfer(&rpc)).unwrap(), rpc);
    }

    #[test]
    fn a_position_or_a_term_from_which_nobody_can_count_on_is_refused() {
        let far = LogIdMessage { term: 1, node: 1, index: u64::MAX };
        let own = Some(vote(&leader()));
        let append = AppendMessage { vote: own, ..AppendMessage::default() };
        assert!(decode_append(append.encode_to_vec().into()).is_ok());
        let entry = EntryAtMessage { id: Some(far), ..EntryAtMessage::default() };
        let term = Some(VoteMessage { term: u64::MAX, ..VoteMessage::default() });
        for append in [
            AppendMessage { previous: Some(far), ..append.clone() },
            AppendMessage { committed: Some(far), ..append.clone() },
            AppendMessage { entries: vec![entry], ..append.clone() },
            AppendMessage { vote: term.clone(), ..append.clone() },
        ] {
            let refused = decode_append(append.encode_to_vec().into()).unwrap_err();
            assert!(refused.to_string().contains("cannot be"), "{refused}");
        }
        let asks = VoteRequestMessage { vote: term, ..VoteRequestMessage::default() };
        assert!(decode_vote_request(asks.encode_to_vec().into()).is_err());
    }

    #[test]
    fn answers_come_back_as_they_were() {
        let answers = [
            AppendEntriesResponse::Success,
            AppendEntriesResponse::PartialSuccess(Some(at(3))),
            AppendEntriesResponse::PartialSuccess(None),
            AppendEntriesResponse::Conflict,
            AppendEntriesResponse::HigherVote(leader()),
        ];
        for answer in answers {
            let back = decode_appended(encode_appended(&answer)).unwrap();
            assert_eq!(format!("{back:?}"), format!("{answer:?}"));
        }
        assert!(decode_appended(Bytes::new()).is_err());
        let answer = VoteResponse::new(leader(), Some(at(3)), true);
        assert_eq!(decode_vote_answer(encode_vote_answer(&answer)).unwrap(), answer);
    }
}
