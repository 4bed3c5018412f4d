//! Updates: another definition for a task that exists, without losing or doubling an occurrence.

use crate::Timestamp;
use crate::decide::admit::late_start;
use crate::decide::occurrences::Occurrences;
use crate::decide::pause::skip_paused;
use crate::decide::{AdmitError, AmendError, Amended, By, conclude, owed};
use crate::mutant::{self, Mutant};
use crate::schedule::{Calendar, Schedule};
use crate::task::Task;
use crate::task::definition::TaskDefinition;
use crate::task::state::{TaskState, TaskStatus};
use std::sync::Arc;

/// Gives `task` another `definition`. Another schedule counts from now on; a run that is open goes
/// on, and is attempted again by the new definition. Occurrences of the present schedule that are
/// due and have not begun, because their target has no room, are owed: they become open runs too.
///
/// # Errors
/// When the definition would not be admitted, when `version` is not that of the task, or while more
/// occurrences of the present schedule are due than runs may be open: they come first.
pub fn update(
    task: &Task,
    definition: &Arc<TaskDefinition>,
    version: Option<u64>,
    calendar: &Calendar,
    by: By,
) -> Result<Amended, AmendError> {
    let current = task.state.version;
    if let Some(expected) = version.filter(|expected| *expected != current) {
        return Err(AmendError::Version { expected, current });
    }
    definition.check().map_err(AdmitError::from)?;
    let mut state = task.state.clone();
    if **definition == *task.definition {
        return Ok(Amended::state(state));
    }
    state.version += 1;
    let mut ended = Vec::new();
    if has_other_occurrences(&task.definition, definition) {
        let before = Occurrences::new(calendar, &task.definition);
        if !before.is_readable() {
            return Err(AmendError::Busy);
        }
        match state.status {
            TaskStatus::Paused => ended.extend(skip_paused(&mut state, before, by)),
            TaskStatus::Active if mutant::is_on(Mutant::UpdateDropsDue) => {}
            TaskStatus::Active => owed::open(&mut state, before, task, by.now)?,
            TaskStatus::Finished => {}
        }
        state.expected_before += before.expected(&state, state.decided_until);
        let since = before.since(&state);
        let passed = state.decided_until.max(by.now);
        state.counters.skipped_dst += before.skipped_by_clocks(&state, since, passed);
        reschedule(&mut state, Occurrences::new(calendar, definition), definition, by.now)?;
    }
    conclude(&mut state, definition, task.id.as_str(), by.now);
    Ok(Amended { state, ended, definition: Some(Arc::clone(definition)) })
}

/// Whether the two may have different occurrences.
fn has_other_occurrences(a: &TaskDefinition, b: &TaskDefinition) -> bool {
    a.schedule != b.schedule
        || a.start_time != b.start_time
        || a.end_time != b.end_time
        || a.max_runs != b.max_runs
}

/// Begins with the occurrences of another schedule.
fn reschedule(
    state: &mut TaskState,
    occurrences: Occurrences<'_>,
    definition: &TaskDefinition,
    now: Timestamp,
) -> Result<(), AmendError> {
    let decided = state.decided_until;
    state.decided_until = decided.max(now);
    if let Schedule::Once(at) = definition.schedule {
        let start = late_start(at, now)?;
        let is_untouched = state.counters.claimed == 0 && state.counters.skipped() == 0;
        if at <= decided && !is_untouched {
            return Err(AmendError::Decided);
        }
        // What was claimed ahead of its instant stays decided; a task that has done nothing yet
        // may go back.
        state.decided_until = if at <= decided { start } else { start.max(decided) };
    }
    state.scheduled_since = Some(state.decided_until);
    state.deferred_until = None;
    state.next = occurrences.next_of(state);
    let had_all = occurrences.has_had_all_runs(state);
    if state.next.is_none() && !had_all {
        return Err(AdmitError::NeverFires.into());
    }
    if state.next.is_some() && state.status == TaskStatus::Finished {
        state.status = TaskStatus::Active;
        state.finished_at = None;
    }
    Ok(())
}
