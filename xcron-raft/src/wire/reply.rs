//! What commands came to, on its way back from the leader to whoever proposed them.

use super::Unreadable;
use super::peer::ReplyMessage;
use crate::types::{Answer, Reply};

/// An answer is one number: a revision above 0, or one of these, or minus a stale revision.
const EXISTS: i64 = 0;
const MISSING: i64 = i64::MIN;

/// The message of `reply`.
pub(crate) fn encode(reply: &Reply) -> ReplyMessage {
    match reply {
        Reply::Committed(answers) => ReplyMessage {
            answers: answers.iter().copied().map(number).collect(),
            ..ReplyMessage::default()
        },
        Reply::Life(life) => ReplyMessage { life: Some(*life), ..ReplyMessage::default() },
        Reply::Admitted(id) => ReplyMessage { admitted: Some(*id), ..ReplyMessage::default() },
        Reply::Noted => ReplyMessage { noted: true, ..ReplyMessage::default() },
    }
}

/// The reply of `message`.
pub(crate) fn decode(message: ReplyMessage) -> Result<Reply, Unreadable> {
    match (message.life, message.admitted, message.noted) {
        (Some(life), _, _) => Ok(Reply::Life(life)),
        (_, Some(id), _) => Ok(Reply::Admitted(id)),
        (_, _, true) => Ok(Reply::Noted),
        _ if message.answers.is_empty() => Err(Unreadable::unknown("kind of reply")),
        _ => Ok(Reply::Committed(message.answers.into_iter().map(answer).collect())),
    }
}

fn number(answer: Answer) -> i64 {
    match answer {
        Answer::Done(revision) => revision.cast_signed(),
        Answer::Exists => EXISTS,
        Answer::Missing => MISSING,
        Answer::Stale(current) => -current.cast_signed(),
    }
}

fn answer(number: i64) -> Answer {
    match number {
        EXISTS => Answer::Exists,
        MISSING => Answer::Missing,
        revision if revision > 0 => Answer::Done(revision.cast_unsigned()),
        stale => Answer::Stale(stale.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reply_comes_back_as_it_was() {
        let answers = [Answer::Done(1), Answer::Done(1 << 60), Answer::Exists, Answer::Missing];
        let committed = Reply::Committed([&answers[..], &[Answer::Stale(7)]].concat());
        for reply in [committed, Reply::Life(3), Reply::Admitted(9), Reply::Noted] {
            assert_eq!(decode(encode(&reply)).unwrap(), reply);
        }
        assert!(decode(ReplyMessage::default()).is_err());
    }
}
