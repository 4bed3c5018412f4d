//! The decisions: pure, synchronous functions of values, which read no clock and draw no number.
//!
//! [`admit`] turns a wish into a task, [`claim`] turns what is due into attempts by the task's
//! policies, [`settle`] turns what came back into an end or a retry. [`update`], [`pause`],
//! [`resume`], [`trigger`] and [`retry`] are what else may be wished of a task. Each answers with
//! the new state of the task; making it durable is the store's business.

mod admit;
mod amend;
mod attempts;
mod audit;
mod claim;
mod entrust;
mod manual;
mod occurrences;
mod owed;
mod pause;
mod settle;
mod update;

pub use admit::{AdmitError, LATE_MAX, admit};
pub use amend::{AmendError, Amended, By};
pub use audit::{Account, account};
pub use claim::{CATCH_UP_PACE, ClaimContext, Claimed, Start, claim, defer};
pub(crate) use entrust::{bound_to, entrust};
pub use manual::{retry, trigger};
pub use pause::{pause, resume};
pub use settle::{Settled, is_too_late, settle};
pub use update::update;

use crate::Timestamp;
use crate::task::definition::TaskDefinition;
use crate::task::id::Occurrence;
use crate::task::state::{OPEN_RUNS_MAX, OpenRun, Phase, RunEnd, TaskState, TaskStatus};
use std::time::Duration;

/// Brings everything that follows from the rest of `state` up to date: whether the task is
/// finished, and when somebody must decide about it next.
fn conclude(state: &mut TaskState, definition: &TaskDefinition, id: &str, now: Timestamp) {
    let decided = state.decided_until;
    let was_decided = |run: &OpenRun| match run.occurrence {
        Occurrence::At(at) => at <= decided,
        Occurrence::Manual { .. } => true,
    };
    assert!(
        state.next.is_none_or(|next| next > decided) && state.runs.iter().all(was_decided),
        "an occurrence is decided once: {id} is decided until {decided:?}, {:?} is next",
        state.next
    );
    let over = state.next.is_none() && state.runs.is_empty();
    if over && state.status == TaskStatus::Active {
        state.status = TaskStatus::Finished;
        state.finished_at = Some(now);
    }
    state.due_at = due_at(state, definition, id);
}

fn due_at(state: &TaskState, definition: &TaskDefinition, id: &str) -> Option<Timestamp> {
    let idle = state.runs.iter().all(|run| run.phase == Phase::Queued);
    let of_run = |run: &OpenRun| match run.phase {
        Phase::Waiting { until } => Some(until),
        Phase::Queued if idle => Some(due_of(definition, id, run)),
        Phase::Queued | Phase::Sending { .. } => None,
    };
    let follows = state.status == TaskStatus::Active && state.runs.len() < OPEN_RUNS_MAX;
    let next = state.next.filter(|_| follows).map(|at| at.plus(jitter(definition, id, at)));
    let earliest = state.runs.iter().filter_map(of_run).chain(next).min()?;
    Some(state.deferred_until.map_or(earliest, |until| until.max(earliest)))
}

/// When a run was due in the first place.
fn due_of(definition: &TaskDefinition, id: &str, run: &OpenRun) -> Timestamp {
    let occurrence = run.occurrence.time();
    occurrence.plus(jitter(definition, id, occurrence))
}

/// How long after its occurrence a run is sent: a function of the run, so that every node and
/// every restart spreads it alike.
fn jitter(definition: &TaskDefinition, id: &str, occurrence: Timestamp) -> Duration {
    let spread = u64::try_from(definition.jitter.as_millis()).unwrap_or(u64::MAX);
    if spread == 0 {
        return Duration::ZERO;
    }
    Duration::from_millis(scatter(id, occurrence, 0) % (spread + 1))
}

/// A number that looks random and is a function of the run and `salt` (FNV-1a with the finalizer
/// of SplitMix64).
fn scatter(id: &str, occurrence: Timestamp, salt: u64) -> u64 {
    let numbers = occurrence.as_millis().to_le_bytes().into_iter().chain(salt.to_le_bytes());
    let hash = id.bytes().chain(numbers).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Counts an occurrence, or `count` skipped ones, among those that came to `end`.
const fn count(state: &mut TaskState, end: RunEnd, count: u64) {
    let counters = &mut state.counters;
    let counter = match end {
        RunEnd::Succeeded => &mut counters.succeeded,
        RunEnd::Failed => &mut counters.failed,
        RunEnd::Unknown => &mut counters.unknown,
        RunEnd::Cancelled => &mut counters.cancelled,
        RunEnd::SkippedMisfire => &mut counters.skipped_misfire,
        RunEnd::SkippedOverlap => &mut counters.skipped_overlap,
        RunEnd::SkippedPaused => &mut counters.skipped_paused,
    };
    *counter += count;
}

/// The open run of `occurrence`, if there is one.
fn open_run(state: &TaskState, occurrence: Occurrence) -> Option<usize> {
    state.runs.iter().position(|run| run.occurrence == occurrence)
}
