//! Pauses: a task whose schedule is not followed for a while, and what it missed meanwhile.

use crate::decide::occurrences::Occurrences;
use crate::decide::{AmendError, Amended, By, conclude, count};
use crate::mutant::{self, Mutant};
use crate::schedule::{Calendar, Schedule};
use crate::task::Task;
use crate::task::definition::TEXT_BYTES_MAX;
use crate::task::id::{InvalidField, Occurrence};
use crate::task::policy::Misfire;
use crate::task::state::{RunEnd, RunRecord, TaskState, TaskStatus};
use std::sync::Arc;

/// Stops following the schedule of `task`. Open runs go on; what has not been claimed by now is
/// not sent. A task that is paused already gets the new `note`, if there is one.
///
/// # Errors
/// When the task is finished, or the note too long.
pub fn pause(task: &Task, note: Option<&str>, by: By) -> Result<Amended, AmendError> {
    if let Some(note) = note
        && note.len() > TEXT_BYTES_MAX
    {
        let problem =
            format!("has {} bytes of text, expected at most {TEXT_BYTES_MAX}", note.len());
        return Err(InvalidField::new("note", problem).into());
    }
    let mut state = task.state.clone();
    match state.status {
        TaskStatus::Finished => return Err(AmendError::Finished),
        TaskStatus::Paused if note.is_none() => return Ok(Amended::state(state)),
        TaskStatus::Active | TaskStatus::Paused => {}
    }
    if !mutant::is_on(Mutant::PauseOnlySays) {
        state.status = TaskStatus::Paused;
    }
    state.deferred_until = None;
    state.note = note.map(Arc::from);
    conclude(&mut state, &task.definition, task.id.as_str(), by.now);
    Ok(Amended::state(state))
}

/// Follows the schedule of `task` again, from now on. Each occurrence of a crontab that passed
/// meanwhile is skipped; a one-shot whose time has passed follows its misfire policy.
///
/// # Errors
/// When the task is finished.
pub fn resume(task: &Task, calendar: &Calendar, by: By) -> Result<Amended, AmendError> {
    let mut state = task.state.clone();
    match state.status {
        TaskStatus::Finished => return Err(AmendError::Finished),
        TaskStatus::Active => return Ok(Amended::state(state)),
        TaskStatus::Paused => {}
    }
    let definition = &task.definition;
    let occurrences = Occurrences::new(calendar, definition);
    let mut ended = Vec::new();
    match definition.schedule {
        Schedule::Cron(_) => ended.extend(skip_paused(&mut state, occurrences, by)),
        Schedule::Once(at) => {
            let too_old = at <= by.now.minus(definition.misfire_window);
            if at <= by.now && (too_old || definition.misfire == Misfire::Skip) {
                ended.extend(skip(&mut state, occurrences, by, RunEnd::SkippedMisfire));
            }
        }
    }
    state.status = TaskStatus::Active;
    state.note = None;
    conclude(&mut state, definition, task.id.as_str(), by.now);
    Ok(Amended { state, ended, definition: None })
}

/// Skips what passed until now of a task that is paused.
pub(super) fn skip_paused(
    state: &mut TaskState,
    occurrences: Occurrences<'_>,
    by: By,
) -> Option<RunRecord> {
    skip(state, occurrences, by, RunEnd::SkippedPaused)
}

/// Skips every undecided occurrence until now, as one record.
fn skip(
    state: &mut TaskState,
    occurrences: Occurrences<'_>,
    by: By,
    end: RunEnd,
) -> Option<RunRecord> {
    let next = state.next.filter(|next| *next <= by.now)?;
    let after = state.decided_until;
    let skipped = occurrences.count_within(after, by.now);
    let last = occurrences.last_within(after, by.now).unwrap_or(next);
    state.decided_until = by.now;
    state.next = occurrences.next_of(state);
    count(state, end, skipped);
    Some(RunRecord {
        occurrence: Occurrence::At(last),
        end,
        count: skipped,
        attempts: 0,
        started_at: by.now,
        ended_at: by.now,
        node: by.node,
        code: None,
        error: None,
        answer: None,
        earlier: Vec::new(),
    })
}
