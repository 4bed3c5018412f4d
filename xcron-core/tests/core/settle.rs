//! The settle table: what an outcome makes of its run.

use crate::world::{at, one_shot, seconds};
use std::sync::Arc;
use xcron_core::decide::{ClaimContext, admit, claim, settle};
use xcron_core::{
    Calendar, Claim, DeliveryMode, Holder, NewTask, Outcome, Phase, Revision, RunEnd, Task,
};

const ME: Holder = Holder { node: 1, incarnation: 1 };

/// A task whose run was claimed at its instant.
fn claimed(new: NewTask) -> (Task, Claim) {
    let calendar = Calendar::new(10);
    let state = admit(&new, &calendar, at(0)).expect("admitted");
    let definition = Arc::new(new.definition);
    let mut task = Task { id: new.id, definition, state, revision: Revision(1) };
    let context = ClaimContext {
        calendar: &calendar,
        now: at(10),
        until: at(10),
        active_since: at(0),
        holder: ME,
        is_gone: &|_| false,
    };
    let made = claim(&task, &context);
    task.state = made.state;
    (task, made.start.expect("due").claim)
}

#[test]
fn an_outcome_ends_the_run_or_sets_the_next_attempt() {
    let (task, claim) = claimed(one_shot("t", 10));
    let cases = [
        (Outcome::succeeded(), Some(RunEnd::Succeeded)),
        (Outcome::refused("410"), Some(RunEnd::Failed)),
        (Outcome::failed("500"), None),
        (Outcome::not_started(), None),
    ];
    for (outcome, end) in cases {
        let settled = settle(&task, &claim, &outcome, Some(at(10)), at(11)).expect("it stands");
        assert_eq!(settled.ended.as_ref().map(|run| run.end), end, "{outcome:?}");
        assert_eq!(settled.state.runs.is_empty(), end.is_some(), "{outcome:?}");
        assert_eq!(settled.state.finished_at.is_some(), end.is_some(), "{outcome:?}");
        assert_eq!(settled.state.counters.ended(), u64::from(end.is_some()), "{outcome:?}");
    }
}

#[test]
fn a_claim_is_settled_once() {
    let (mut task, claim) = claimed(one_shot("t", 10));
    let first = settle(&task, &claim, &Outcome::failed("500"), None, at(11)).expect("it stands");
    task.state = first.state;
    assert_eq!(settle(&task, &claim, &Outcome::succeeded(), None, at(12)), None);
}

#[test]
fn the_backoff_doubles_up_to_its_bound_and_never_undercuts_it() {
    let mut new = one_shot("t", 10);
    new.definition.retry.max_attempts = 10;
    new.definition.retry.max_backoff_seconds = 20;
    let (mut task, mut claim) = claimed(new);
    for expected in [1, 2, 4, 8, 16, 20, 20, 20, 20] {
        let now = at(1_000);
        let settled = settle(&task, &claim, &Outcome::failed("500"), None, now).expect("stands");
        task.state = settled.state;
        let Phase::Waiting { until } = task.state.runs[0].phase else { panic!("it waits") };
        let backoff = until.since(now);
        let most = seconds(expected).mul_f64(1.25).min(seconds(20));
        assert!((seconds(expected)..=most).contains(&backoff), "{expected}: {backoff:?}");
        let context = ClaimContext {
            calendar: &Calendar::new(10),
            now: until,
            until,
            active_since: at(0),
            holder: ME,
            is_gone: &|_| false,
        };
        let made = xcron_core::decide::claim(&task, &context);
        task.state = made.state;
        claim = made.start.expect("due again").claim;
    }
    let last = settle(&task, &claim, &Outcome::failed("500"), None, at(2_000)).expect("stands");
    assert_eq!(last.ended.map(|run| (run.end, run.attempts)), Some((RunEnd::Failed, 10)));
}

#[test]
fn a_run_is_not_attempted_beyond_its_age() {
    let mut new = one_shot("t", 10);
    new.definition.retry.max_age_seconds = 60;
    let (task, claim) = claimed(new);
    let fail = Outcome::failed("500");
    let in_time = settle(&task, &claim, &fail, None, at(60)).expect("it stands");
    assert_eq!(in_time.ended, None);
    let too_late = settle(&task, &claim, &fail, None, at(70)).expect("it stands");
    assert_eq!(too_late.ended.map(|run| run.end), Some(RunEnd::Failed));
}

#[test]
fn an_at_most_once_run_is_not_repeated_unless_nothing_left() {
    let mut new = one_shot("t", 10);
    new.definition.delivery = DeliveryMode::AtMostOnce;
    let (task, claim) = claimed(new);
    let failed = settle(&task, &claim, &Outcome::failed("500"), None, at(11)).expect("it stands");
    assert_eq!(failed.ended.map(|run| run.end), Some(RunEnd::Failed));
    let unsent = settle(&task, &claim, &Outcome::not_started(), None, at(11)).expect("it stands");
    assert_eq!(unsent.ended, None);
}

#[test]
fn a_long_error_is_cut_between_characters() {
    let (task, claim) = claimed(one_shot("t", 10));
    let outcome = Outcome::refused("ä".repeat(1_000));
    let settled = settle(&task, &claim, &outcome, None, at(11)).expect("it stands");
    let error = settled.ended.and_then(|run| run.error).expect("an error");
    assert_eq!((error.len(), error.chars().count()), (256, 128));
}
