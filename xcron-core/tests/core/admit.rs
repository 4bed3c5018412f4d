//! The admission table.

use crate::world::{at, cron, one_shot};
use xcron_core::decide::{AdmitError, admit};
use xcron_core::{Calendar, NewTask, TaskStatus};

fn with(mut task: NewTask, change: impl FnOnce(&mut NewTask)) -> NewTask {
    change(&mut task);
    task
}

#[test]
fn the_first_occurrence_is_found_at_admission() {
    let minute = || cron("t", "* * * * *");
    // 22:13:20 in the beginning, so the next whole minute is 40 seconds away.
    let cases = [
        ("a one-shot ahead", one_shot("t", 5), Some(5)),
        ("a one-shot now", one_shot("t", 0), Some(0)),
        ("a one-shot 60 seconds late", one_shot("t", -60), Some(-60)),
        ("every minute", minute(), Some(40)),
        ("from a start on", with(minute(), |t| t.definition.start_time = Some(at(100))), Some(100)),
        ("until an end", with(minute(), |t| t.definition.end_time = Some(at(40))), Some(40)),
        ("paused", with(minute(), |t| t.paused = true), Some(40)),
    ];
    for (what, task, next) in cases {
        let state = admit(&task, &Calendar::new(10), at(0)).expect(what);
        assert_eq!(state.next, next.map(at), "{what}");
        let due = if task.paused { None } else { next.map(at) };
        assert_eq!(state.due_at, due, "{what}");
        assert_eq!(state.status == TaskStatus::Paused, task.paused, "{what}");
    }
}

#[test]
fn a_one_shot_is_late_by_whole_seconds() {
    let millis = std::time::Duration::from_millis;
    let admitted = |late| admit(&one_shot("t", -60), &Calendar::new(10), at(0).plus(late));
    assert!(admitted(millis(999)).is_ok(), "60.999 seconds are 60 whole ones");
    assert!(admitted(millis(1_000)).is_err());
}

#[test]
fn what_is_out_of_bounds_or_never_fires_is_refused_by_name() {
    let late = admit(&one_shot("t", -61), &Calendar::new(10), at(0));
    assert!(matches!(late, Err(AdmitError::Past { .. })), "{late:?}");
    let minute = || cron("t", "* * * * *");
    let cases = [
        with(minute(), |t| t.definition.end_time = Some(at(39))),
        with(one_shot("t", 5), |t| t.definition.end_time = Some(at(4))),
        with(one_shot("t", 5), |t| t.definition.start_time = Some(at(6))),
    ];
    for task in cases {
        let refused = admit(&task, &Calendar::new(10), at(0));
        assert_eq!(refused, Err(AdmitError::NeverFires), "{task:?}");
    }
    type Edit = fn(&mut NewTask);
    let fields: [(&str, Edit); 8] = [
        ("name", |t| t.definition.name = Some("x".repeat(257))),
        ("labels", |t| {
            t.definition.labels = (0..17).map(|n| (n.to_string(), String::new())).collect();
        }),
        ("labels", |t| {
            t.definition.labels.insert(String::new(), String::new());
        }),
        ("end_time", |t| {
            t.definition.start_time = Some(at(9));
            t.definition.end_time = Some(at(8));
        }),
        ("max_runs", |t| t.definition.max_runs = Some(0)),
        ("timeout_seconds", |t| t.definition.timeout = std::time::Duration::from_secs(1_801)),
        ("jitter_seconds", |t| t.definition.jitter = std::time::Duration::from_secs(86_401)),
        ("retry.max_attempts", |t| t.definition.retry.max_attempts = 101),
    ];
    for (field, edit) in fields {
        match admit(&with(minute(), edit), &Calendar::new(10), at(0)) {
            Err(AdmitError::Invalid(invalid)) => assert_eq!(invalid.field(), field),
            other => panic!("{field}: {other:?}"),
        }
    }
}
