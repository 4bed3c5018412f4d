//! One task as it is kept: bytes, from which its parts are read when they are needed.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, iter, str};

use prost::encoding::{decode_varint, encode_varint};
use triomphe::ThinArc;
use xcron_core::store::FAILED_RUNS_MAX;
use xcron_core::task::attempt::runs_with_attempts;
use xcron_core::task::state::{
    Counters, Holder, OPEN_RUNS_MAX, OpenRun, Phase, RunEnd, TaskState, TaskStatus,
};
use xcron_core::{Occurrence, Revision, Task, TaskId, TaskWithHistory, Timestamp};

use crate::wire::change::Keeping;
use crate::wire::{Unreadable, definition, record, state};

/// The most bytes in front of a field's content.
const HEAD_MAX: usize = 11;

/// The greatest number of a task's counters: all of them together stay in range.
const TASK_COUNT_MAX: u64 = 1 << 56;

/// The most attempts of a run: one a second for a hundred years are fewer.
const ATTEMPTS_MAX: u32 = u32::MAX - 1_000;

/// One task, in the bytes that stand for it in a snapshot (`TaskMessage`), and nothing else: that
/// takes one allocation, and a third of the memory of the values that they stand for. A clone
/// shares them.
///
/// ```text
/// 1: id   2: definition   3: state   4: revision   5: run*   6: failed run*
/// ```
#[derive(Clone)]
pub(crate) struct Record(ThinArc<(), u8>);

/// What a record begins with.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Parts<'a> {
    pub(crate) id: &'a [u8],
    pub(crate) definition: &'a [u8],
    pub(crate) state: &'a [u8],
    pub(crate) revision: u64,
}

/// What is kept of the runs of a task that have ended, newest first. A failed run is either kept
/// apart or in the history.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs<'a> {
    history: Vec<Cow<'a, [u8]>>,
    failed: Vec<Cow<'a, [u8]>>,
}

/// What the indexes need of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) status: TaskStatus,
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) holders: Vec<Holder>,
}

impl Keys {
    /// The keys of the state whose bytes these are.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, Unreadable> {
        Ok(Self::of_state(&state::decode(bytes)?))
    }

    /// The keys of `state`.
    pub(crate) fn of_state(state: &TaskState) -> Self {
        let TaskState { status, due_at, finished_at, ref runs, .. } = *state;
        let holder = |phase| match phase {
            Phase::Sending { holder, .. } => Some(holder),
            Phase::Queued | Phase::Waiting { .. } => None,
        };
        let mut holders: Vec<Holder> = runs.iter().filter_map(|run| holder(run.phase)).collect();
        holders.sort_unstable();
        holders.dedup();
        Self { status, due_at, finished_at, holders }
    }
}

/// What of `state` cannot be, if anything: the next decision about the task would panic at it.
pub(crate) fn check(state: &TaskState) -> Result<(), &'static str> {
    let Counters { claimed, succeeded, failed, unknown, cancelled, .. } = state.counters;
    let Counters { skipped_misfire, skipped_overlap, skipped_paused, .. } = state.counters;
    let Counters { skipped_dst, manual, .. } = state.counters;
    let runs = [claimed, succeeded, failed, unknown, cancelled, manual];
    let skipped = [skipped_misfire, skipped_overlap, skipped_paused, skipped_dst];
    if runs
        .into_iter()
        .chain(skipped)
        .chain([state.version, state.expected_before])
        .any(|count| count > TASK_COUNT_MAX)
    {
        return Err("has a counter that no task reaches");
    }
    if state.next.is_some_and(|next| next <= state.decided_until) {
        return Err("has decided about its next occurrence already");
    }
    if state.runs.len() > OPEN_RUNS_MAX {
        return Err("has too many open runs");
    }
    for (number, run) in state.runs.iter().enumerate() {
        if run.attempt.max(run.lost) > ATTEMPTS_MAX {
            return Err("has a run of more attempts than can be made");
        }
        let is_again = |other: &OpenRun| other.occurrence == run.occurrence;
        if state.runs[..number].iter().any(is_again) {
            return Err("has a run twice");
        }
        if matches!(run.occurrence, Occurrence::At(at) if at > state.decided_until) {
            return Err("has a run that was never decided");
        }
    }
    Ok(())
}

/// The keys of fields in front of bytes, and in front of the revision.
const ID: u8 = 0x0a;
const DEFINITION: u8 = 0x12;
const STATE: u8 = 0x1a;
const REVISION: u8 = 0x20;
const RUN: u8 = 0x2a;
const FAILED_RUN: u8 = 0x32;

/// Takes the field of bytes that `rest` begins with, if it is `key`.
pub(crate) fn take<'a>(rest: &mut &'a [u8], key: u8) -> Option<&'a [u8]> {
    let mut after = rest.strip_prefix(&[key])?;
    let len = decode_varint(&mut after).ok()?;
    let (bytes, after) = after.split_at_checked(usize::try_from(len).ok()?)?;
    *rest = after;
    Some(bytes)
}

fn put(buffer: &mut Vec<u8>, key: u8, bytes: &[u8]) {
    buffer.push(key);
    encode_varint(bytes.len() as u64, buffer);
    buffer.extend_from_slice(bytes);
}

/// Takes the fields in front of the runs.
fn take_parts<'a>(rest: &mut &'a [u8]) -> Option<Parts<'a>> {
    let id = take(rest, ID)?;
    let (definition, state) = (take(rest, DEFINITION)?, take(rest, STATE)?);
    let mut after = rest.strip_prefix(&[REVISION])?;
    let revision = decode_varint(&mut after).ok()?;
    *rest = after;
    Some(Parts { id, definition, state, revision })
}

impl Record {
    /// A task of which no run has ended.
    pub(crate) fn new(parts: &Parts<'_>) -> Self {
        Self::keeping(parts, &Runs::default())
    }

    /// A task of which these runs are kept.
    pub(crate) fn keeping(parts: &Parts<'_>, runs: &Runs<'_>) -> Self {
        let Parts { id, definition, state, revision } = *parts;
        let runs_bytes = runs.history.iter().chain(&runs.failed).map(|run| run.len() + HEAD_MAX);
        let fields_bytes = id.len() + definition.len() + state.len() + 4 * HEAD_MAX;
        let mut bytes = Vec::with_capacity(fields_bytes + runs_bytes.sum::<usize>());
        put(&mut bytes, ID, id);
        put(&mut bytes, DEFINITION, definition);
        put(&mut bytes, STATE, state);
        bytes.push(REVISION);
        encode_varint(revision, &mut bytes);
        runs.history.iter().for_each(|run| put(&mut bytes, RUN, run));
        runs.failed.iter().for_each(|run| put(&mut bytes, FAILED_RUN, run));
        Self(ThinArc::from_header_and_slice((), &bytes))
    }

    /// The task that stands in a snapshot as `bytes`.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut rest = bytes;
        let parts = take_parts(&mut rest);
        while take(&mut rest, RUN).is_some() {}
        while take(&mut rest, FAILED_RUN).is_some() {}
        if parts.is_none() || !rest.is_empty() {
            return Err(Unreadable::new("a task whose fields are not those that are written"));
        }
        Ok(Self(ThinArc::from_header_and_slice((), bytes)))
    }

    /// The bytes that stand for it in a snapshot.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0.slice
    }

    /// Whether both are one, not only alike.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(self.bytes(), other.bytes())
    }

    /// The id, as it orders.
    #[inline]
    pub(crate) fn id_bytes(&self) -> &[u8] {
        let mut bytes = self.bytes();
        match *bytes {
            // Every comparison comes here, and nearly every length is a single byte.
            [ID, len @ ..0x80, ref rest @ ..] => rest.get(..usize::from(len)),
            _ => take(&mut bytes, ID),
        }
        .unwrap_or_default()
    }

    /// All but the runs.
    pub(crate) fn parts(&self) -> Parts<'_> {
        self.split().0
    }

    /// All but the runs, and the bytes of the runs.
    pub(super) fn split(&self) -> (Parts<'_>, &[u8]) {
        let mut rest = self.bytes();
        // Every way to make a record makes sure of it.
        (take_parts(&mut rest).unwrap_or_default(), rest)
    }

    /// The revision of the task.
    pub(crate) fn revision(&self) -> u64 {
        self.parts().revision
    }

    /// The runs that have ended, newest first.
    pub(crate) fn history(&self) -> impl Iterator<Item = &[u8]> {
        let (_, mut rest) = self.split();
        iter::from_fn(move || take(&mut rest, RUN))
    }

    /// Failed runs that are kept apart, newest first; none of the history then.
    pub(crate) fn failed(&self) -> impl Iterator<Item = &[u8]> {
        let (_, mut rest) = self.split();
        while take(&mut rest, RUN).is_some() {}
        iter::from_fn(move || take(&mut rest, FAILED_RUN))
    }

    /// How many failed runs are kept apart.
    pub(crate) fn failed_count(&self) -> usize {
        self.failed().count()
    }

    /// The runs that are kept.
    pub(crate) fn runs(&self) -> Runs<'_> {
        let (history, failed) = (self.history(), self.failed());
        Runs { history: history.map(Cow::from).collect(), failed: failed.map(Cow::from).collect() }
    }

    /// The id of the task.
    pub(crate) fn id(&self) -> Result<TaskId, Unreadable> {
        let text = str::from_utf8(self.id_bytes());
        let text = text.map_err(|error| Unreadable::new(error.to_string()))?;
        TaskId::parse(text).map_err(|error| Unreadable::new(error.to_string()))
    }

    /// The task.
    pub(crate) fn task(&self) -> Result<Task, Unreadable> {
        let Parts { definition, state, revision, .. } = self.parts();
        Ok(Task {
            id: self.id()?,
            definition: Arc::new(definition::decode(definition)?),
            state: state::decode(state)?,
            revision: Revision(revision),
        })
    }

    /// The state of the task.
    pub(crate) fn task_state(&self) -> Result<TaskState, Unreadable> {
        state::decode(self.parts().state)
    }

    /// The task and its history.
    pub(crate) fn task_with_history(&self) -> Result<TaskWithHistory, Unreadable> {
        let history = self.failed().chain(self.history()).map(record::decode);
        let mut history = history.collect::<Result<Vec<_>, _>>()?;
        if self.failed_count() > 0 {
            history.sort_by_key(|record| Reverse(record.ended_at));
        }
        Ok(TaskWithHistory { task: self.task()?, history })
    }

    /// The same with another revision.
    pub(crate) fn with_revision(&self, revision: u64) -> Self {
        Self::keeping(&Parts { revision, ..self.parts() }, &self.runs())
    }

    /// The same with another state.
    pub(crate) fn with_state(&self, state: &[u8]) -> Self {
        Self::keeping(&Parts { state, ..self.parts() }, &self.runs())
    }

    /// The same with the failed runs of its history kept apart, as they are from a newer format on;
    /// none if there are none.
    pub(crate) fn with_failed_apart(&self) -> Result<Option<Self>, Unreadable> {
        let Runs { history, mut failed } = self.runs();
        let (before, mut others) = (failed.len(), Vec::new());
        for run in history {
            let is_failed = record::decode(&run)?.end == RunEnd::Failed;
            let kept = if is_failed { &mut failed } else { &mut others };
            kept.push(run);
        }
        if failed.len() == before {
            return Ok(None);
        }
        failed.truncate(FAILED_RUNS_MAX);
        Ok(Some(Self::keeping(&self.parts(), &Runs { history: others, failed })))
    }

    /// What is kept of the runs once `ended` (oldest first) have ended.
    pub(crate) fn remember<'a>(
        &'a self,
        ended: &'a [bytes::Bytes],
        keeping: Keeping,
    ) -> Result<Runs<'a>, Unreadable> {
        let (mut failed, mut history) = (Vec::new(), Vec::new());
        let mut ends = Vec::new();
        for bytes in ended.iter().rev() {
            let run = record::decode(bytes)?;
            let is_apart = keeping.failed_max > 0 && run.end == RunEnd::Failed;
            let kept = if is_apart { &mut failed } else { &mut history };
            kept.push(Cow::from(&bytes[..]));
            ends.push((run.occurrence, run.ended_at));
        }
        history.extend(self.history().map(Cow::from));
        history.truncate(keeping.history_max as usize);
        let Some(now) = ends.iter().map(|(_, ended_at)| *ended_at).max() else {
            return Ok(Runs { history, failed: self.failed().map(Cow::from).collect() });
        };
        bound_attempts(&mut history, keeping.other_attempts_kib_max)?;
        let expired = now.minus(Duration::from_secs(keeping.failed_retention_s));
        for bytes in self.failed() {
            let old = record::decode(bytes)?;
            let is_again = ends.iter().any(|(occurrence, _)| *occurrence == old.occurrence);
            if !is_again && old.ended_at >= expired {
                failed.push(Cow::from(bytes));
            }
        }
        failed.truncate(keeping.failed_max as usize);
        bound_attempts(&mut failed, keeping.failed_attempts_kib_max)?;
        Ok(Runs { history, failed })
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({}@{})", String::from_utf8_lossy(self.id_bytes()), self.revision())
    }
}

/// Why a task is not taken in.
pub(super) fn refused(record: &Record, what: &str) -> Unreadable {
    Unreadable::new(format!("task {} {what}", String::from_utf8_lossy(record.id_bytes())))
}

/// Lets go of the attempts of all of these runs but the newest ones, which may take so much.
fn bound_attempts(newest_first: &mut [Cow<'_, [u8]>], kib_max: u32) -> Result<(), Unreadable> {
    if kib_max == 0 {
        // There are none in a cluster of an earlier format.
        return Ok(());
    }
    let bytes = newest_first.iter().map(|run| record::attempts_bytes(run));
    let bytes = bytes.collect::<Result<Vec<_>, _>>()?;
    let kept = runs_with_attempts(bytes.iter().copied(), kib_max as usize * 1_024);
    for (run, bytes) in newest_first.iter_mut().zip(bytes).skip(kept) {
        if bytes > 0 {
            let mut thinned = record::decode(run)?;
            thinned.forget_attempts();
            *run = record::encode(&thinned).into();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use prost::Message;

    use super::*;
    use crate::wire::snapshot::TaskMessage;

    #[test]
    fn a_record_is_the_message_of_a_snapshot() {
        let message = |history: &[&'static str], failed: &[&'static str]| {
            let runs = |runs: &[&'static str]| runs.iter().map(|run| Bytes::from(*run)).collect();
            TaskMessage {
                id: "x".repeat(128),
                definition: "d".repeat(70_000).into(),
                state: "s".into(),
                revision: u64::MAX >> 1,
                history: runs(history),
                failed: runs(failed),
            }
        };
        for (history, failed) in [(&["1", "2"][..], &["3"][..]), (&[], &["4"]), (&[], &[])] {
            let message = message(history, failed);
            let (id, definition) = (message.id.as_bytes(), &message.definition[..]);
            let parts = Parts { id, definition, state: b"s", revision: message.revision };
            let cows = |runs: &[&'static str]| {
                runs.iter().map(|run| Cow::from(run.as_bytes())).collect::<Vec<_>>()
            };
            let runs = Runs { history: cows(history), failed: cows(failed) };
            let record = Record::keeping(&parts, &runs);
            assert_eq!(record.bytes(), message.encode_to_vec());
            let again = Record::read(record.bytes()).unwrap();
            assert_eq!(again.history().map(Cow::from).collect::<Vec<_>>(), runs.history);
            assert_eq!(again.failed().map(Cow::from).collect::<Vec<_>>(), runs.failed);
            assert_eq!((again.id_bytes(), again.revision()), (id, message.revision));
            assert_eq!((again.parts().definition, again.parts().state), (definition, &b"s"[..]));
        }
    }

    #[test]
    fn bytes_that_are_no_record_are_refused() {
        let record = Record::new(&Parts { id: b"a", definition: b"d", state: b"s", revision: 300 });
        let bytes = record.bytes();
        for end in 0..bytes.len() {
            assert!(Record::read(&bytes[..end]).is_err(), "{end} of {} bytes", bytes.len());
        }
        assert!(Record::read(&[bytes, &[0x3a, 0]].concat()).is_err(), "a field of a later version");
        assert!(Record::read(&[bytes, bytes].concat()).is_err());
    }
}
