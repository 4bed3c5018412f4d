//! Owed runs: occurrences that were due and had not begun when their schedule was changed.
//!
//! Whether they were missed or are merely late, and whether they overlap, only who claims them can
//! tell. So they become open runs of which no attempt was made, and the claim judges them as it
//! judges occurrences, by the policies that the task has then.

use crate::Timestamp;
use crate::decide::occurrences::Occurrences;
use crate::decide::{AmendError, jitter};
use crate::task::Task;
use crate::task::id::Occurrence;
use crate::task::policy::Overlap;
use crate::task::state::{OPEN_RUNS_MAX, OpenRun, Phase, RunEnd, TaskState};

/// Opens a run for each occurrence of `task` that is due.
pub(super) fn open(
    state: &mut TaskState,
    occurrences: Occurrences<'_>,
    task: &Task,
    now: Timestamp,
) -> Result<(), AmendError> {
    let due = occurrences.undecided(state, state.decided_until, now);
    let room = OPEN_RUNS_MAX.saturating_sub(state.runs.len()) as u64;
    if due > room {
        return Err(AmendError::Busy);
    }
    while let Some(at) = state.next.filter(|next| *next <= now) {
        let until = at.plus(jitter(&task.definition, task.id.as_str(), at));
        state.runs.push(OpenRun::new(Occurrence::At(at), now, Phase::Waiting { until }));
        state.counters.claimed += 1;
        state.decided_until = at;
        state.next = occurrences.next_of(state);
    }
    Ok(())
}

/// When `run` was due, if it is owed.
fn owed_at(run: &OpenRun) -> Option<Timestamp> {
    match (run.occurrence, run.phase) {
        (Occurrence::At(at), Phase::Waiting { .. }) if run.attempt == 0 => Some(at),
        _ => None,
    }
}

/// Whether `run` is owed.
pub(super) fn is(run: &OpenRun) -> bool {
    owed_at(run).is_some()
}

/// The occurrences of owed runs that may be attempted at `now`, oldest first.
pub(super) fn ready(state: &TaskState, now: Timestamp) -> Vec<Timestamp> {
    let is_ready = |run: &&OpenRun| match run.phase {
        Phase::Waiting { until } => until <= now,
        Phase::Queued | Phase::Sending { .. } => false,
    };
    let mut ready: Vec<_> = state.runs.iter().filter(is_ready).filter_map(owed_at).collect();
    ready.sort_unstable();
    ready
}

/// What a policy that lets no runs overlap makes of the owed run at `index`: it ends so, waits in
/// the queue from here on, or is left as it is.
pub(super) fn overlap(state: &mut TaskState, index: usize, policy: Overlap) -> Option<RunEnd> {
    let is_under_way = |run: &OpenRun| run.phase != Phase::Queued && !is(run);
    let overlaps = index > 0 || state.runs[index..].iter().any(is_under_way);
    let is_queue_full = state.runs.iter().any(|run| run.phase == Phase::Queued);
    match policy {
        Overlap::Skip if overlaps => Some(RunEnd::SkippedOverlap),
        Overlap::Queue if overlaps && is_queue_full => Some(RunEnd::SkippedOverlap),
        Overlap::Queue if overlaps => {
            state.runs[index].phase = Phase::Queued;
            None
        }
        Overlap::Allow | Overlap::Skip | Overlap::Queue => None,
    }
}
