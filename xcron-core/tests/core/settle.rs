//! The settle table: what an outcome makes of its run.

use crate::world::{at, one_shot, seconds};
use std::sync::Arc;
use xcron_core::decide::{ClaimContext, Claimed, admit, claim, is_too_late, settle};
use xcron_core::{
    Calendar, Claim, DeliveryMode, Holder, NewTask, Outcome, Phase, Revision, RunEnd, Task,
    Timestamp,
};

const ME: Holder = Holder { node: 1, incarnation: 1 };

/// Claims `task`, of which somebody could fire all along, at `now`.
fn claim_at(task: &Task, now: Timestamp, is_gone: bool) -> Claimed {
    let calendar = Calendar::new(10);
    let context = ClaimContext {
        calendar: &calendar,
        now,
        until: now,
        active_since: at(0),
        holder: ME,
        is_gone: &|_| is_gone,
    };
    claim(task, &context)
}

/// A task whose run was claimed at its instant.
fn claimed(new: NewTask) -> (Task, Claim) {
    let state = admit(&new, &Calendar::new(10), at(0)).expect("admitted");
    let definition = Arc::new(new.definition);
    let mut task = Task { id: new.id, definition, state, revision: Revision(1) };
    let made = claim_at(&task, at(10), false);
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
        let made = claim_at(&task, until, false);
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
fn a_retry_that_waited_until_its_run_was_too_old_is_not_made() {
    let mut new = one_shot("t", 10);
    new.definition.retry.max_age_seconds = 60;
    let fail = Outcome::failed("500");
    let (mut task, first) = claimed(new);
    task.state = settle(&task, &first, &fail, Some(at(10)), at(12)).expect("stands").state;

    // It had to wait for room: in time until its last instant, and then no more.
    let in_time = claim_at(&task, at(70), false);
    assert_eq!(in_time.start.map(|start| start.claim.attempt), Some(2));
    let late = claim_at(&task, at(71), false);
    let [ended] = &late.ended[..] else { panic!("one run ended: {:?}", late.ended) };
    assert_eq!((late.start, late.state.runs.len(), late.state.counters.failed), (None, 0, 1));
    assert_eq!((ended.end, ended.attempts, ended.started_at), (RunEnd::Failed, 1, at(10)));
    assert_eq!((ended.error.as_deref(), ended.earlier.len()), (Some("500"), 0));

    // What left nothing behind is not an attempt; what was lost may have been the one that counts.
    let second = claim_at(&task, at(20), false);
    task.state = second.state;
    let claim = second.start.expect("it was in time").claim;
    // The same while it waits for a place, claimed in time.
    assert_eq!([at(70), at(71)].map(|now| is_too_late(&task, &claim, now)), [false, true]);
    let mut unsent = task.clone();
    let outcome = Outcome::not_started();
    unsent.state = settle(&task, &claim, &outcome, None, at(21)).expect("stands").state;
    let late = claim_at(&unsent, at(71), false);
    assert_eq!(late.ended.first().map(|run| (run.end, run.attempts)), Some((RunEnd::Failed, 1)));
    assert_eq!(late.start, None);
    let repeated = claim_at(&task, at(71), true);
    assert_eq!(repeated.start.map(|start| start.claim.attempt), Some(3));
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
