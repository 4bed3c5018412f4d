//! Runs that somebody asks for: one beside the schedule, or a failed one again.

use crate::decide::{AmendError, Amended, By, attempts, conclude, open_run};
use crate::mutant::{self, Mutant};
use crate::task::Task;
use crate::task::id::Occurrence;
use crate::task::state::{OPEN_RUNS_MAX, OpenRun, Phase, RunEnd, RunRecord, TaskState, TaskStatus};

/// Opens one run of `task` beside its schedule, due at once, whatever the task's status.
///
/// It runs beside others, whatever the overlap policy; occurrences that become due meanwhile see it
/// as an open run.
///
/// # Errors
/// When as many runs are open as a task may have.
pub fn trigger(task: &Task, by: By) -> Result<(Amended, Occurrence), AmendError> {
    let mut state = task.state.clone();
    state.counters.manual += 1;
    state.counters.claimed += 1;
    let occurrence = Occurrence::Manual { number: state.counters.manual, at: by.now };
    if mutant::is_on(Mutant::TriggerIsForgotten) {
        return Ok((Amended::state(state), occurrence));
    }
    open(&mut state, occurrence, 0, by)?;
    conclude(&mut state, &task.definition, task.id.as_str(), by.now);
    Ok((Amended::state(state), occurrence))
}

/// Opens the `failed` runs of `task` again, due at once, as many as may be open; answers which.
///
/// Their attempts go on counting, so that a receiver sees which came later; the failures before
/// count no more, and neither does the age. One that is open already is left alone.
#[must_use]
pub fn retry<'a>(
    task: &Task,
    failed: impl IntoIterator<Item = &'a RunRecord>,
    by: By,
) -> (Amended, Vec<Occurrence>) {
    let mut state = task.state.clone();
    let mut opened = Vec::new();
    for record in failed.into_iter().filter(|record| record.end == RunEnd::Failed) {
        let is_open = open_run(&state, record.occurrence).is_some();
        if !is_open && open(&mut state, record.occurrence, record.attempts, by).is_ok() {
            let last = state.runs.len() - 1;
            attempts::keep(&mut state, last, record.made());
            // It has failed no more, and was claimed once.
            state.counters.failed = state.counters.failed.saturating_sub(1);
            opened.push(record.occurrence);
        }
    }
    conclude(&mut state, &task.definition, task.id.as_str(), by.now);
    (Amended::state(state), opened)
}

/// Opens a run of which so many attempts were made before.
fn open(
    state: &mut TaskState,
    occurrence: Occurrence,
    attempts: u32,
    by: By,
) -> Result<(), AmendError> {
    if state.runs.len() >= OPEN_RUNS_MAX {
        return Err(AmendError::Full);
    }
    if state.status == TaskStatus::Finished {
        // It is finished again once the run has ended.
        state.status = TaskStatus::Active;
        state.finished_at = None;
    }
    let run = OpenRun::new(occurrence, by.now, Phase::Waiting { until: by.now });
    state.runs.push(OpenRun { attempt: attempts, lost: attempts, ..run });
    Ok(())
}
