//! Settlement: from what an attempt came to, to the end of its run or the next attempt.

use crate::Timestamp;
use crate::decide::{conclude, count, open_run, scatter};
use crate::dispatch::{Outcome, Verdict};
use crate::store::Claim;
use crate::task::Task;
use crate::task::definition::TaskDefinition;
use crate::task::policy::DeliveryMode;
use crate::task::state::{ERROR_BYTES_MAX, OpenRun, Phase, RunEnd, RunRecord, TaskState};
use std::sync::Arc;
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
    let run = state.runs[index];
    let end = match outcome.verdict {
        Verdict::Succeeded => Some(RunEnd::Succeeded),
        Verdict::Refused => Some(RunEnd::Failed),
        Verdict::NotStarted => {
            let Phase::Sending { not_before, .. } = run.phase else {
                return None;
            };
            state.runs[index].lost += 1;
            state.runs[index].phase = Phase::Waiting { until: not_before };
            None
        }
        Verdict::Failed => match next_attempt(task, &run, outcome.retry_after, now) {
            Some(until) => {
                state.runs[index].phase = Phase::Waiting { until };
                None
            }
            None => Some(RunEnd::Failed),
        },
    };
    let ended = end.map(|end| {
        state.runs.remove(index);
        count(&mut state, end, 1);
        RunRecord {
            occurrence: run.occurrence,
            end,
            count: 1,
            attempts: run.attempt,
            started_at: started_at.unwrap_or(now),
            ended_at: now,
            node: claim.holder.node,
            code: outcome.code,
            error: outcome.error.as_deref().map(clip),
        }
    });
    conclude(&mut state, &task.definition, task.id.as_str(), now);
    Some(Settled { state, ended })
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
    let max_age = Duration::from_secs(retry.max_age_seconds.into());
    (until.since(run.claimed_at) <= max_age).then_some(until)
}

/// The first [`ERROR_BYTES_MAX`] bytes of `error`, cut between characters.
fn clip(error: &str) -> Arc<str> {
    let mut end = error.len().min(ERROR_BYTES_MAX);
    while !error.is_char_boundary(end) {
        end -= 1;
    }
    error[..end].into()
}
