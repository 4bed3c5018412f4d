//! Settlement: from what an attempt came to, to the end of its run or the next attempt.

use crate::Timestamp;
use crate::decide::{attempts, conclude, count, open_run, scatter};
use crate::dispatch::{Outcome, Verdict};
use crate::store::Claim;
use crate::task::Task;
use crate::task::attempt::{ANSWER_BYTES_MAX, AttemptEnd, AttemptRecord, clip};
use crate::task::definition::TaskDefinition;
use crate::task::policy::DeliveryMode;
use crate::task::state::{ERROR_BYTES_MAX, OpenRun, Phase, RunEnd, RunRecord, TaskState};
use std::time::Duration;

/// The longest that a target may put off the next attempt.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);

/// What an outcome makes of its task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The task's new state.
    pub state: TaskState,
    /// How the run ended, if it did.
    pub ended: Option<RunRecord>,
}

/// Decides what `outcome` of the attempt that `claim` names makes of `task`.
///
/// `started_at` is when the attempt left, if it did. `None` when the claim no longer stands: the
/// run was settled, or its attempt given to somebody else.
#[must_use]
pub fn settle(
    task: &Task,
    claim: &Claim,
    outcome: &Outcome,
    started_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<Settled> {
    if !claim.stands_in(&task.state) {
        return None;
    }
    let mut state = task.state.clone();
    let index = open_run(&state, claim.occurrence)?;
    let run = &mut state.runs[index];
    let (end, waits) = match outcome.verdict {
        Verdict::Succeeded => (AttemptEnd::Succeeded, None),
        Verdict::Refused => (AttemptEnd::Failed, None),
        Verdict::Failed => (AttemptEnd::Failed, next_attempt(task, run, outcome.retry_after, now)),
        Verdict::NotStarted => {
            let Phase::Sending { not_before, .. } = run.phase else {
                return None;
            };
            run.lost += 1;
            (AttemptEnd::NotSent, Some(not_before))
        }
    };
    let made = AttemptRecord {
        attempt: run.attempt,
        node: claim.holder.node,
        started_at: started_at.unwrap_or(now),
        ended_at: now,
        end,
        code: outcome.code,
        error: outcome.error.as_deref().map(|error| clip(error, ERROR_BYTES_MAX)),
        answer: outcome.answer.as_deref().map(|answer| clip(answer, ANSWER_BYTES_MAX)),
    };
    let ended = match waits {
        Some(until) => {
            run.phase = Phase::Waiting { until };
            attempts::keep(&mut state, index, [made]);
            None
        }
        None => {
            let run = state.runs.remove(index);
            let is_success = made.end == AttemptEnd::Succeeded;
            let end = if is_success { RunEnd::Succeeded } else { RunEnd::Failed };
            count(&mut state, end, 1);
            Some(record(run, end, made))
        }
    };
    conclude(&mut state, &task.definition, task.id.as_str(), now);
    Some(Settled { state, ended })
}

/// How `run` ended by its last attempt.
pub(super) fn record(run: OpenRun, end: RunEnd, last: AttemptRecord) -> RunRecord {
    RunRecord {
        occurrence: run.occurrence,
        end,
        count: 1,
        attempts: last.attempt,
        started_at: last.started_at,
        ended_at: last.ended_at,
        node: last.node,
        code: last.code,
        error: last.error,
        answer: last.answer,
        earlier: run.earlier,
    }
}

/// When the next attempt of `run` is due, if the task's policies allow one.
fn next_attempt(
    task: &Task,
    run: &OpenRun,
    retry_after: Option<Duration>,
    now: Timestamp,
) -> Option<Timestamp> {
    let definition: &TaskDefinition = &task.definition;
    let retry = &definition.retry;
    let failures = run.attempt.saturating_sub(run.lost).max(1);
    if definition.delivery == DeliveryMode::AtMostOnce || failures >= retry.max_attempts {
        return None;
    }
    let min = u64::from(retry.min_backoff_seconds) * 1_000;
    let max = u64::from(retry.max_backoff_seconds) * 1_000;
    let backoff = min.saturating_mul(1 << (failures - 1).min(32)).min(max);
    let occurrence = run.occurrence.time();
    let spread = scatter(task.id.as_str(), occurrence, run.attempt.into()) % (backoff / 4 + 1);
    let backoff = Duration::from_millis((backoff + spread).min(max));
    let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
    let until = now.plus(backoff.max(asked));
    (!is_too_old(definition, run, until)).then_some(until)
}

/// Whether `run` is too old at `at` for another attempt after one that failed.
fn is_too_old(definition: &TaskDefinition, run: &OpenRun, at: Timestamp) -> bool {
    let max_age = Duration::from_secs(definition.retry.max_age_seconds.into());
    at.since(run.claimed_at) > max_age
}

/// The failure that `run` ends with, if it is too old for another attempt at `at`: it has waited
/// for that longer than was thought when the failure was settled.
///
/// An attempt that was lost may be repeated however old its run is: nobody knows what it came to.
pub(super) fn last_failure<'a>(
    definition: &TaskDefinition,
    run: &'a OpenRun,
    at: Timestamp,
) -> Option<&'a AttemptRecord> {
    if !is_too_old(definition, run, at) || run.attempt == run.lost {
        return None;
    }
    let newest = run.earlier.iter().rfind(|made| made.end != AttemptEnd::NotSent);
    newest.filter(|made| made.end == AttemptEnd::Failed)
}

/// Whether the attempt that `claim` names has waited so long that it is not to be sent any more:
/// its run has failed before and is too old for another attempt. Handed back as
/// [not started](Outcome::not_started), it ends its run when it is claimed again.
#[must_use]
pub fn is_too_late(task: &Task, claim: &Claim, now: Timestamp) -> bool {
    let run = open_run(&task.state, claim.occurrence).map(|index| &task.state.runs[index]);
    run.is_some_and(|run| last_failure(&task.definition, run, now).is_some())
}
