//! A command: one atomic step of the state machine, as bytes.

use bytes::Bytes;
use prost::Message;
use xcron_core::Change;

use super::{Unreadable, definition, record, state};

/// One step.
#[derive(Clone, PartialEq, Message)]
struct CommandMessage {
    #[prost(oneof = "CommandKind", tags = "1, 2, 3, 4, 5, 6, 7")]
    kind: Option<CommandKind>,
}

/// The kinds of steps.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum CommandKind {
    /// Changes of tasks.
    #[prost(message, tag = "1")]
    Commit(CommitMessage),
    /// A node has started: whatever its earlier life held is held by nobody.
    #[prost(message, tag = "2")]
    BeginLife(BeginLifeMessage),
    /// A node is let in; from format 2 on, like the rest.
    #[prost(message, tag = "3")]
    Admit(AdmitMessage),
    /// A node is let go; its number is never given again.
    #[prost(message, tag = "4")]
    Remove(RemoveMessage),
    /// A node is reached at another address.
    #[prost(message, tag = "5")]
    Move(MoveMessage),
    /// Every member reads this format, so it may be written from here on.
    #[prost(uint32, tag = "6")]
    RaiseFormat(u32),
    /// The leader's wall clock, in milliseconds since the Unix epoch, when it proposed the entry.
    #[prost(sint64, tag = "7")]
    Stamp(i64),
}

/// Changes of tasks.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CommitMessage {
    #[prost(message, repeated, tag = "1")]
    pub(crate) changes: Vec<ChangeMessage>,
    /// How many records of history each changed task keeps; part of the step, so that replicas
    /// with other settings agree.
    #[prost(uint32, tag = "2")]
    pub(crate) history_max: u32,
    /// How many failed runs each changed task keeps apart; from format 3 on, 0 before.
    #[prost(uint32, tag = "3")]
    pub(crate) failed_max: u32,
    /// Failed runs that ended so many seconds before the newest end of their task are forgotten.
    #[prost(uint64, tag = "4")]
    pub(crate) failed_retention_s: u64,
}

/// How much of the history of each changed task is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keeping {
    /// How many of the newest records; of those that did not fail, if `failed_max` is not 0.
    pub(crate) history_max: u32,
    /// How many failed runs, apart from the others.
    pub(crate) failed_max: u32,
    /// For how many seconds failed runs.
    pub(crate) failed_retention_s: u64,
}

impl Keeping {
    /// The newest records, failed or not.
    #[cfg(test)]
    pub(crate) const fn newest(history_max: u32) -> Self {
        Self { history_max, failed_max: 0, failed_retention_s: 0 }
    }
}

impl CommitMessage {
    /// How much of the history of each changed task is kept.
    pub(crate) const fn keeping(&self) -> Keeping {
        let Self { history_max, failed_max, failed_retention_s, .. } = *self;
        Keeping { history_max, failed_max, failed_retention_s }
    }
}

/// A node is let in.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AdmitMessage {
    /// What the node calls itself until it has a number, so that asking twice lets in once.
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) nonce: Bytes,
    #[prost(string, tag = "2")]
    pub(crate) address: String,
}

/// A node is let go.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RemoveMessage {
    #[prost(uint64, tag = "1")]
    pub(crate) node: u64,
}

/// A node is reached at another address.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MoveMessage {
    #[prost(uint64, tag = "1")]
    pub(crate) node: u64,
    #[prost(string, tag = "2")]
    pub(crate) address: String,
}

/// A node has started.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BeginLifeMessage {
    #[prost(uint64, tag = "1")]
    pub(crate) node: u64,
}

/// A change of one task.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ChangeMessage {
    #[prost(oneof = "ChangeKind", tags = "1, 2, 3")]
    pub(crate) kind: Option<ChangeKind>,
}

/// The kinds of changes.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum ChangeKind {
    #[prost(message, tag = "1")]
    Create(CreateMessage),
    #[prost(message, tag = "2")]
    Put(PutMessage),
    #[prost(message, tag = "3")]
    Delete(DeleteMessage),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CreateMessage {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) definition: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) state: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PutMessage {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(uint64, tag = "2")]
    pub(crate) expected: u64,
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub(crate) definition: Option<Bytes>,
    #[prost(bytes = "bytes", tag = "4")]
    pub(crate) state: Bytes,
    #[prost(bytes = "bytes", repeated, tag = "5")]
    pub(crate) ended: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DeleteMessage {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(uint64, optional, tag = "2")]
    pub(crate) expected: Option<u64>,
}

/// The bytes of a commit of `changes`.
pub(crate) fn encode_commit(changes: &[Change], keeping: Keeping) -> Bytes {
    let changes = changes.iter().map(encode_change).collect();
    let Keeping { history_max, failed_max, failed_retention_s } = keeping;
    let message = CommitMessage { changes, history_max, failed_max, failed_retention_s };
    encode(CommandKind::Commit(message))
}

/// The bytes of the command that begins a life of `node`.
pub(crate) fn encode_life(node: u64) -> Bytes {
    encode(CommandKind::BeginLife(BeginLifeMessage { node }))
}

/// The command whose bytes these are.
pub(crate) fn decode(bytes: Bytes) -> Result<CommandKind, Unreadable> {
    CommandMessage::decode(bytes)?.kind.ok_or_else(|| Unreadable::unknown("kind of command"))
}

pub(crate) fn encode(kind: CommandKind) -> Bytes {
    CommandMessage { kind: Some(kind) }.encode_to_vec().into()
}

fn encode_change(change: &Change) -> ChangeMessage {
    let kind = match change {
        Change::Create { id, definition, state } => ChangeKind::Create(CreateMessage {
            id: id.as_str().to_owned(),
            definition: definition::encode(definition).into(),
            state: state::encode(state).into(),
        }),
        Change::Put { id, expected, definition, state, ended } => ChangeKind::Put(PutMessage {
            id: id.as_str().to_owned(),
            expected: expected.0,
            definition: definition.as_ref().map(|d| definition::encode(d).into()),
            state: state::encode(state).into(),
            ended: ended.iter().map(|run| record::encode(run).into()).collect(),
        }),
        Change::Delete { id, expected } => ChangeKind::Delete(DeleteMessage {
            id: id.as_str().to_owned(),
            expected: expected.map(|revision| revision.0),
        }),
    };
    ChangeMessage { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use xcron_core::task::state::{Counters, OpenRun, Phase, RunEnd, RunRecord, TaskState};
    use xcron_core::{Change, Holder, Occurrence, Revision, Timestamp};

    use super::{Keeping, encode_commit};

    /// Bytes that `change` adds to a commit.
    fn bytes_of(change: &Change) -> usize {
        let changes = vec![change.clone(); 11];
        (encode_commit(&changes, Keeping::newest(20)).len()
            - encode_commit(&changes[..1], Keeping::newest(20)).len())
            / 10
    }

    #[test]
    fn a_claim_and_its_settle_take_few_bytes_of_log() {
        let at = |millis: i64| Timestamp::from_millis(1_764_331_200_000 + millis);
        let id = xcron_core::testing::sample::id("bill-0123456");
        let holder = Holder { node: 3, incarnation: 12 };
        let run = OpenRun {
            occurrence: Occurrence::At(at(60_000)),
            attempt: 1,
            lost: 0,
            fence: 50_000_000,
            claimed_at: at(59_990),
            phase: Phase::Sending { holder, not_before: at(60_000) },
        };
        let counters = Counters { claimed: 1_000, succeeded: 999, ..Counters::default() };
        let claimed = TaskState {
            created_at: at(-5_000_000_000),
            decided_until: at(60_000),
            next: Some(at(120_000)),
            due_at: Some(at(120_000)),
            runs: vec![run],
            counters,
            ..xcron_core::testing::sample::due_at(1)
        };
        let settled = TaskState { runs: Vec::new(), ..claimed.clone() };
        let record = RunRecord {
            occurrence: run.occurrence,
            end: RunEnd::Succeeded,
            count: 1,
            attempts: 1,
            started_at: at(60_001),
            ended_at: at(60_120),
            node: 3,
            code: Some(200),
            error: None,
        };
        let put = |state, ended| Change::Put {
            id: id.clone(),
            expected: Revision(60_000_000),
            definition: None,
            state,
            ended,
        };
        let claim = bytes_of(&put(claimed, Vec::new()));
        let settle = bytes_of(&put(settled, vec![record]));
        let total = claim + settle;
        assert!(total <= 175, "{claim} + {settle} = {total} bytes");
    }
}
