//! Values that the suites store, and that tests may use as well.

use crate::Timestamp;
use crate::schedule::Schedule;
use crate::store::{Change, Claim};
use crate::task::Revision;
use crate::task::attempt::{AttemptEnd, AttemptRecord};
use crate::task::callback::Callback;
use crate::task::definition::TaskDefinition;
use crate::task::id::{Occurrence, TaskId};
use crate::task::state::{
    Counters, Holder, OpenRun, Phase, RunEnd, RunRecord, TaskState, TaskStatus,
};
use std::sync::Arc;

/// The task id `text`.
///
/// # Panics
/// When it is not a task id.
#[must_use]
pub fn id(text: &str) -> TaskId {
    match TaskId::parse(text) {
        Ok(id) => id,
        Err(error) => panic!("a sample id is good: {error}"),
    }
}

/// A one-shot at second `secs` that calls the target `url`.
#[must_use]
pub fn one_shot(url: &str, secs: i64) -> TaskDefinition {
    TaskDefinition::new(Schedule::Once(Timestamp::from_secs(secs)), Callback::new(url))
}

/// The state of an active task that is due at second `secs`.
#[must_use]
pub fn due_at(secs: i64) -> TaskState {
    TaskState {
        status: TaskStatus::Active,
        created_at: Timestamp::from_secs(0),
        finished_at: None,
        version: 1,
        decided_until: Timestamp::from_secs(secs - 1),
        next: Some(Timestamp::from_secs(secs)),
        deferred_until: None,
        due_at: Some(Timestamp::from_secs(secs)),
        runs: Vec::new(),
        counters: Counters::default(),
        note: None,
        scheduled_since: None,
        expected_before: 0,
    }
}

/// The state of a task that finished at second `secs`.
#[must_use]
pub fn finished_at(secs: i64) -> TaskState {
    TaskState {
        status: TaskStatus::Finished,
        finished_at: Some(Timestamp::from_secs(secs)),
        next: None,
        due_at: None,
        ..due_at(secs)
    }
}

/// The state of a task whose run of second `secs` is sent by `holder`, as attempt `attempt`.
#[must_use]
pub fn sending(secs: i64, attempt: u32, holder: Holder) -> TaskState {
    let at = Timestamp::from_secs(secs);
    let run = OpenRun {
        occurrence: Occurrence::At(at),
        attempt,
        lost: 0,
        fence: u64::from(attempt),
        claimed_at: at,
        phase: Phase::Sending { holder, not_before: at },
        earlier: Vec::new(),
    };
    TaskState { decided_until: at, next: None, due_at: None, runs: vec![run], ..due_at(secs) }
}

/// The claim that [`sending`] of the task `name` holds.
#[must_use]
pub fn claim(name: &str, secs: i64, attempt: u32, holder: Holder) -> Claim {
    Claim {
        task: id(name),
        occurrence: Occurrence::At(Timestamp::from_secs(secs)),
        attempt,
        fence: u64::from(attempt),
        holder,
    }
}

/// The record of a failed attempt to which the target answered `answer`.
#[must_use]
pub fn attempted(attempt: u32, answer: &str) -> AttemptRecord {
    let started_at = Timestamp::from_secs(attempt.into());
    AttemptRecord {
        attempt,
        node: 1,
        started_at,
        ended_at: started_at,
        end: AttemptEnd::Failed,
        code: Some(503),
        error: None,
        answer: Some(answer.into()),
    }
}

/// The record of a run of second `secs` that succeeded.
#[must_use]
pub fn succeeded(secs: i64) -> RunRecord {
    let at = Timestamp::from_secs(secs);
    RunRecord {
        occurrence: Occurrence::At(at),
        end: RunEnd::Succeeded,
        count: 1,
        attempts: 1,
        started_at: at,
        ended_at: at,
        node: 1,
        code: Some(200),
        error: None,
        answer: None,
        earlier: Vec::new(),
    }
}

/// Creates the task `name` in `state`.
#[must_use]
pub fn create(name: &str, state: TaskState) -> Change {
    Change::Create { id: id(name), definition: Arc::new(one_shot("target", 1)), state }
}

/// Puts `state` on the task `name`, as decided on `expected`.
#[must_use]
pub fn put(name: &str, expected: Revision, state: TaskState) -> Change {
    Change::Put { id: id(name), expected, definition: None, state, ended: Vec::new() }
}

/// Deletes the task `name`, whatever its revision.
#[must_use]
pub fn delete(name: &str) -> Change {
    Change::Delete { id: id(name), expected: None }
}
