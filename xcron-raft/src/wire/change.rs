//! A command: one atomic step of the state machine, as bytes.

use bytes::Bytes;
use prost::Message;
use xcron_core::{Change, Revision, RunRecord, TaskId};

use super::short::{Lasting, leave_out};
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
    /// How many KiB attempts of failed runs take in the history of each changed task, unless those
    /// of the newest take more; from format 4 on, 0 before.
    #[prost(uint32, tag = "5")]
    pub(crate) failed_attempts_kib_max: u32,
    /// The same for all other runs.
    #[prost(uint32, tag = "6")]
    pub(crate) other_attempts_kib_max: u32,
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
    /// How many KiB of attempts of failed runs, and at least those of the newest.
    pub(crate) failed_attempts_kib_max: u32,
    /// The same for all other runs.
    pub(crate) other_attempts_kib_max: u32,
}

impl Keeping {
    /// Whether attempts are kept at all.
    const fn has_attempts(self) -> bool {
        self.failed_attempts_kib_max > 0 || self.other_attempts_kib_max > 0
    }
}

impl CommitMessage {
    /// How much of the history of each changed task is kept.
    pub(crate) const fn keeping(&self) -> Keeping {
        Keeping {
            history_max: self.history_max,
            failed_max: self.failed_max,
            failed_retention_s: self.failed_retention_s,
            failed_attempts_kib_max: self.failed_attempts_kib_max,
            other_attempts_kib_max: self.other_attempts_kib_max,
        }
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
    #[prost(oneof = "ChangeKind", tags = "1, 2, 3, 4")]
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
    /// A put whose state leaves out what the task says already; from format 5 on.
    #[prost(message, tag = "4")]
    ShortPut(PutMessage),
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

/// The bytes of a commit of `changes`, which every format has.
pub(crate) fn encode_commit(changes: &[Change], keeping: Keeping) -> Bytes {
    encode_short_commit(changes, keeping, &|_, _| None)
}

/// The same, and puts leave out what the revision of a task that they name says already, if
/// `lasting` knows it; from format 5 on.
pub(crate) fn encode_short_commit(
    changes: &[Change],
    keeping: Keeping,
    lasting: &dyn Fn(&TaskId, Revision) -> Option<Lasting>,
) -> Bytes {
    let encode_change = |change: &Change| encode_change(change, lasting);
    let changes = if keeping.has_attempts() {
        changes.iter().map(encode_change).collect()
    } else {
        // A node of an earlier version would keep them, and let go of none.
        changes.iter().map(|change| encode_change(&without_attempts(change))).collect()
    };
    let message = CommitMessage {
        changes,
        history_max: keeping.history_max,
        failed_max: keeping.failed_max,
        failed_retention_s: keeping.failed_retention_s,
        failed_attempts_kib_max: keeping.failed_attempts_kib_max,
        other_attempts_kib_max: keeping.other_attempts_kib_max,
    };
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

/// The same change, without attempts and answers.
fn without_attempts(change: &Change) -> Change {
    let mut change = change.clone();
    if let Change::Put { state, ended, .. } = &mut change {
        state.runs.iter_mut().for_each(|run| run.earlier = Vec::new());
        ended.iter_mut().for_each(RunRecord::forget_attempts);
    }
    change
}

fn encode_change(
    change: &Change,
    lasting: &dyn Fn(&TaskId, Revision) -> Option<Lasting>,
) -> ChangeMessage {
    let kind = match change {
        Change::Create { id, definition, state } => ChangeKind::Create(CreateMessage {
            id: id.as_str().to_owned(),
            definition: definition::encode(definition).into(),
            state: state::encode(state).into(),
        }),
        Change::Put { id, expected, definition, state, ended } => {
            let lasting = lasting(id, *expected);
            let left = lasting.and_then(|known| leave_out(state, expected.0, known));
            let kind = if left.is_some() { ChangeKind::ShortPut } else { ChangeKind::Put };
            kind(PutMessage {
                id: id.as_str().to_owned(),
                expected: expected.0,
                definition: definition.as_ref().map(|d| definition::encode(d).into()),
                state: left.unwrap_or_else(|| state::encode(state)).into(),
                ended: ended.iter().map(|run| record::encode(run).into()).collect(),
            })
        }
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
    use xcron_core::testing::sample::{attempted, due_at, id};
    use xcron_core::{Change, Holder, Occurrence, Revision, Timestamp};

    use super::{Keeping, Lasting, encode_commit, encode_short_commit};

    const KEEPING: Keeping = Keeping {
        history_max: 20,
        failed_max: 100,
        failed_retention_s: 1,
        failed_attempts_kib_max: 16,
        other_attempts_kib_max: 2,
    };

    /// Bytes that `change` of a task with `lasting` adds to a commit.
    fn bytes_of(change: &Change, lasting: Option<Lasting>) -> usize {
        let changes = vec![change.clone(); 11];
        let bytes = |count| encode_short_commit(&changes[..count], KEEPING, &|_, _| lasting).len();
        (bytes(11) - bytes(1)) / 10
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_764_331_200_000 + millis)
    }

    fn put(state: TaskState, ended: Vec<RunRecord>) -> Change {
        let (id, expected) = (id("bill-0123456"), Revision(60_000_000));
        Change::Put { id, expected, definition: None, state, ended }
    }

    /// The state of a task with an open run, and the record of that run.
    fn a_run() -> (TaskState, RunRecord) {
        let holder = Holder { node: 3, incarnation: 12 };
        let run = OpenRun {
            occurrence: Occurrence::At(at(60_000)),
            attempt: 1,
            lost: 0,
            fence: 60_000_000,
            claimed_at: at(59_990),
            phase: Phase::Sending { holder, not_before: at(60_000) },
            earlier: Vec::new(),
        };
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
            answer: None,
            earlier: Vec::new(),
        };
        let claimed = TaskState {
            created_at: at(-5_000_000_000),
            decided_until: at(60_000),
            next: Some(at(120_000)),
            due_at: Some(at(120_000)),
            runs: vec![run],
            counters: Counters { claimed: 1_000, succeeded: 999, ..Counters::default() },
            ..due_at(1)
        };
        (claimed, record)
    }

    #[test]
    fn a_claim_and_its_settle_take_few_bytes_of_log() {
        let (claimed, record) = a_run();
        let lasting = Some(Lasting::of_state(&claimed));
        let settled = TaskState { runs: Vec::new(), ..claimed.clone() };
        let claim = put(claimed, Vec::new());
        let settle = put(settled.clone(), vec![record.clone()]);
        let bytes = |lasting| [bytes_of(&claim, lasting), bytes_of(&settle, lasting)];
        let ([claimed, ended], total) = (bytes(lasting), bytes(lasting).iter().sum::<usize>());
        assert!(total <= 125, "{claimed} + {ended} = {total} bytes");
        assert_eq!(bytes(None), [claimed + 14, ended + 9], "the fence is the claim's alone");
        let answered = RunRecord { answer: Some("ok".into()), ..record };
        let with_answer = bytes_of(&put(settled, vec![answered]), lasting);
        assert_eq!(with_answer - ended, 4, "an answer costs its own bytes and two");
    }

    #[test]
    fn a_put_is_whole_if_it_changes_what_lasts_or_the_task_is_not_known() {
        let (claimed, _) = a_run();
        let lasting = Lasting::of_state(&claimed);
        let is_whole = |state: TaskState, known| {
            let change = put(state, Vec::new());
            bytes_of(&change, known) == bytes_of(&change, None)
        };
        assert!(!is_whole(claimed.clone(), Some(lasting)));
        assert!(is_whole(claimed.clone(), None));
        assert!(is_whole(TaskState { version: 2, ..claimed.clone() }, Some(lasting)));
        assert!(is_whole(TaskState { created_at: at(0), ..claimed.clone() }, Some(lasting)));
        let mut queued = claimed;
        queued.runs[0].fence = 0;
        assert!(is_whole(queued, Some(lasting)), "a run without an attempt has no fence");
    }

    #[test]
    fn a_cluster_of_an_earlier_format_is_given_no_attempts() {
        let (plain, record) = a_run();
        let mut state = plain.clone();
        state.runs[0].earlier = vec![attempted(1, "busy")];
        let answer = Some("ok".into());
        let full = RunRecord { answer, earlier: state.runs[0].earlier.clone(), ..record.clone() };
        let (with, without) = (put(state, vec![full]), put(plain, vec![record]));
        let earlier = Keeping { failed_attempts_kib_max: 0, other_attempts_kib_max: 0, ..KEEPING };
        let bytes = |change: &Change, keeping| encode_commit(std::slice::from_ref(change), keeping);
        assert_eq!(bytes(&with, earlier), bytes(&without, earlier));
        assert_ne!(bytes(&with, KEEPING), bytes(&without, KEEPING));
    }
}
