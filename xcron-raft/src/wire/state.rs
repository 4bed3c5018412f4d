//! The mutable state of a task as bytes: instants as differences, zeros left out, because it is
//! written at every claim and settle.

use prost::Message;
use xcron_core::Timestamp;
use xcron_core::task::id::Occurrence;
use xcron_core::task::state::{Counters, Holder, OpenRun, Phase, TaskState, TaskStatus};

use super::attempt::{self, AttemptMessage};
use super::{Unreadable, delta, moved};

#[derive(Clone, PartialEq, Message)]
pub(super) struct StateMessage {
    #[prost(uint32, tag = "1")]
    status: u32,
    #[prost(sint64, tag = "2")]
    pub(super) created_ms: i64,
    /// From `created`.
    #[prost(sint64, optional, tag = "3")]
    finished: Option<i64>,
    #[prost(uint64, tag = "4")]
    pub(super) version: u64,
    /// From `created`.
    #[prost(sint64, tag = "5")]
    decided: i64,
    /// From `decided`.
    #[prost(sint64, optional, tag = "6")]
    next: Option<i64>,
    /// From `decided`.
    #[prost(sint64, optional, tag = "7")]
    deferred: Option<i64>,
    /// From `next`, or from `decided` without one.
    #[prost(sint64, optional, tag = "8")]
    due: Option<i64>,
    #[prost(message, repeated, tag = "9")]
    pub(super) runs: Vec<RunMessage>,
    #[prost(message, optional, tag = "10")]
    counters: Option<CountersMessage>,
    #[prost(string, optional, tag = "11")]
    note: Option<String>,
    /// From `created`.
    #[prost(sint64, optional, tag = "12")]
    scheduled_since: Option<i64>,
    #[prost(uint64, tag = "13")]
    expected_before: u64,
    /// What a run has for its fence that names none; from format 5 on.
    #[prost(uint64, tag = "14")]
    pub(super) fence: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RunMessage {
    /// From `decided`.
    #[prost(sint64, tag = "1")]
    at: i64,
    /// The number of a manual run; 0 for a scheduled one.
    #[prost(uint64, tag = "2")]
    manual: u64,
    #[prost(uint32, tag = "3")]
    attempt: u32,
    #[prost(uint32, tag = "4")]
    lost: u32,
    #[prost(uint64, tag = "5")]
    pub(super) fence: u64,
    /// From the occurrence.
    #[prost(sint64, tag = "6")]
    claimed: i64,
    #[prost(oneof = "PhaseKind", tags = "7, 8, 9")]
    phase: Option<PhaseKind>,
    /// Their starts from the claim; from format 4 on.
    #[prost(message, repeated, tag = "10")]
    earlier: Vec<AttemptMessage>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum PhaseKind {
    #[prost(bool, tag = "7")]
    Queued(bool),
    #[prost(message, tag = "8")]
    Sending(SendingMessage),
    /// From the claim.
    #[prost(sint64, tag = "9")]
    Waiting(i64),
}

#[derive(Clone, PartialEq, Message)]
struct SendingMessage {
    #[prost(uint64, tag = "1")]
    node: u64,
    #[prost(uint64, tag = "2")]
    incarnation: u64,
    /// From the claim.
    #[prost(sint64, tag = "3")]
    not_before: i64,
}

#[derive(Clone, PartialEq, Message)]
struct CountersMessage {
    #[prost(uint64, tag = "1")]
    claimed: u64,
    #[prost(uint64, tag = "2")]
    succeeded: u64,
    #[prost(uint64, tag = "3")]
    failed: u64,
    #[prost(uint64, tag = "4")]
    unknown: u64,
    #[prost(uint64, tag = "5")]
    cancelled: u64,
    #[prost(uint64, tag = "6")]
    skipped_misfire: u64,
    #[prost(uint64, tag = "7")]
    skipped_overlap: u64,
    #[prost(uint64, tag = "8")]
    skipped_paused: u64,
    #[prost(uint64, tag = "9")]
    manual: u64,
    #[prost(uint64, tag = "10")]
    skipped_dst: u64,
}

/// The bytes of `state`.
pub(crate) fn encode(state: &TaskState) -> Vec<u8> {
    message_of(state).encode_to_vec()
}

/// The message of `state`, which is whole.
pub(super) fn message_of(state: &TaskState) -> StateMessage {
    let (created, decided) = (state.created_at, state.decided_until);
    let due_base = state.next.unwrap_or(decided);
    StateMessage {
        status: match state.status {
            TaskStatus::Active => 0,
            TaskStatus::Paused => 1,
            TaskStatus::Finished => 2,
        },
        created_ms: created.as_millis(),
        finished: state.finished_at.map(|at| delta(at, created)),
        version: state.version,
        decided: delta(decided, created),
        next: state.next.map(|at| delta(at, decided)),
        deferred: state.deferred_until.map(|at| delta(at, decided)),
        due: state.due_at.map(|at| delta(at, due_base)),
        runs: state.runs.iter().map(|run| encode_run(run, decided)).collect(),
        counters: (state.counters != Counters::default()).then(|| encode_counters(&state.counters)),
        note: state.note.as_deref().map(str::to_owned),
        scheduled_since: state.scheduled_since.map(|at| delta(at, created)),
        expected_before: state.expected_before,
        fence: 0,
    }
}

/// The state whose bytes these are.
pub(crate) fn decode(bytes: &[u8]) -> Result<TaskState, Unreadable> {
    state_of(StateMessage::decode(bytes)?)
}

/// The state that `message` stands for.
pub(super) fn state_of(message: StateMessage) -> Result<TaskState, Unreadable> {
    let created_at = Timestamp::from_millis(message.created_ms);
    let decided_until = moved(created_at, message.decided);
    let next = message.next.map(|at| moved(decided_until, at));
    let fence = message.fence;
    let runs = message.runs.into_iter().map(|run| decode_run(run, decided_until, fence));
    Ok(TaskState {
        status: match message.status {
            0 => TaskStatus::Active,
            1 => TaskStatus::Paused,
            2 => TaskStatus::Finished,
            _ => return Err(Unreadable::unknown("task status")),
        },
        created_at,
        finished_at: message.finished.map(|at| moved(created_at, at)),
        version: message.version,
        decided_until,
        next,
        deferred_until: message.deferred.map(|at| moved(decided_until, at)),
        due_at: message.due.map(|at| moved(next.unwrap_or(decided_until), at)),
        runs: runs.collect::<Result<_, _>>()?,
        counters: message.counters.map(decode_counters).unwrap_or_default(),
        note: message.note.map(Into::into),
        scheduled_since: message.scheduled_since.map(|at| moved(created_at, at)),
        expected_before: message.expected_before,
    })
}

fn encode_run(run: &OpenRun, decided: Timestamp) -> RunMessage {
    let (at, manual) = match run.occurrence {
        Occurrence::At(at) => (at, 0),
        Occurrence::Manual { number, at } => (at, number),
    };
    let claimed_at = run.claimed_at;
    RunMessage {
        at: delta(at, decided),
        manual,
        attempt: run.attempt,
        lost: run.lost,
        fence: run.fence,
        claimed: delta(claimed_at, at),
        phase: Some(match run.phase {
            Phase::Queued => PhaseKind::Queued(true),
            Phase::Sending { holder, not_before } => PhaseKind::Sending(SendingMessage {
                node: holder.node,
                incarnation: holder.incarnation,
                not_before: delta(not_before, claimed_at),
            }),
            Phase::Waiting { until } => PhaseKind::Waiting(delta(until, claimed_at)),
        }),
        earlier: run.earlier.iter().map(|made| attempt::encode(made, claimed_at)).collect(),
    }
}

fn decode_run(message: RunMessage, decided: Timestamp, fence: u64) -> Result<OpenRun, Unreadable> {
    let at = moved(decided, message.at);
    let claimed_at = moved(at, message.claimed);
    let phase = message.phase.ok_or_else(|| Unreadable::unknown("phase of a run"))?;
    let earlier = message.earlier.into_iter().map(|made| attempt::decode(made, claimed_at));
    Ok(OpenRun {
        occurrence: match message.manual {
            0 => Occurrence::At(at),
            number => Occurrence::Manual { number, at },
        },
        attempt: message.attempt,
        lost: message.lost,
        fence: if message.fence == 0 { fence } else { message.fence },
        claimed_at,
        phase: match phase {
            PhaseKind::Queued(_) => Phase::Queued,
            PhaseKind::Sending(sending) => Phase::Sending {
                holder: Holder { node: sending.node, incarnation: sending.incarnation },
                not_before: moved(claimed_at, sending.not_before),
            },
            PhaseKind::Waiting(until) => Phase::Waiting { until: moved(claimed_at, until) },
        },
        earlier: earlier.collect::<Result<_, _>>()?,
    })
}

fn encode_counters(counters: &Counters) -> CountersMessage {
    CountersMessage {
        claimed: counters.claimed,
        succeeded: counters.succeeded,
        failed: counters.failed,
        unknown: counters.unknown,
        cancelled: counters.cancelled,
        skipped_misfire: counters.skipped_misfire,
        skipped_overlap: counters.skipped_overlap,
        skipped_paused: counters.skipped_paused,
        skipped_dst: counters.skipped_dst,
        manual: counters.manual,
    }
}

fn decode_counters(message: CountersMessage) -> Counters {
    Counters {
        claimed: message.claimed,
        succeeded: message.succeeded,
        failed: message.failed,
        unknown: message.unknown,
        cancelled: message.cancelled,
        skipped_misfire: message.skipped_misfire,
        skipped_overlap: message.skipped_overlap,
        skipped_paused: message.skipped_paused,
        skipped_dst: message.skipped_dst,
        manual: message.manual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xcron_core::testing::sample::attempted;

    fn run(phase: Phase, occurrence: Occurrence) -> OpenRun {
        let claimed_at = Timestamp::from_secs(12);
        let earlier = match phase {
            Phase::Waiting { .. } => vec![attempted(1, "busy"), attempted(2, "")],
            Phase::Queued | Phase::Sending { .. } => Vec::new(),
        };
        OpenRun { occurrence, attempt: 2, lost: 1, fence: 99, claimed_at, phase, earlier }
    }

    #[test]
    fn a_state_comes_back_as_it_was() {
        let at = Timestamp::from_secs(1_764_331_200);
        let holder = Holder { node: 3, incarnation: 4 };
        let manual = Occurrence::Manual { number: 1, at: Timestamp::MIN };
        let mut state = TaskState {
            status: TaskStatus::Active,
            created_at: at,
            finished_at: None,
            version: 1,
            decided_until: Timestamp::MIN,
            next: Some(Timestamp::MAX),
            deferred_until: Some(at),
            due_at: Some(at),
            runs: vec![
                run(Phase::Queued, Occurrence::At(at)),
                run(Phase::Sending { holder, not_before: Timestamp::MAX }, manual),
                run(Phase::Waiting { until: Timestamp::MIN }, Occurrence::At(at)),
            ],
            counters: Counters { claimed: 5, manual: 9, skipped_dst: 2, ..Counters::default() },
            note: Some("for the holidays".into()),
            scheduled_since: Some(Timestamp::MIN),
            expected_before: 7,
        };
        assert_eq!(decode(&encode(&state)).unwrap(), state);
        state = TaskState {
            status: TaskStatus::Finished,
            finished_at: Some(Timestamp::MAX),
            next: None,
            deferred_until: None,
            runs: Vec::new(),
            counters: Counters::default(),
            note: None,
            scheduled_since: None,
            expected_before: 0,
            ..state
        };
        assert_eq!(decode(&encode(&state)).unwrap(), state);
        state.due_at = None;
        assert_eq!(decode(&encode(&state)).unwrap(), state);
    }
}
