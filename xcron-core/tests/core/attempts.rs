//! The attempts of a run one by one: what is kept of them, and how much.

use crate::world::{World, at, one_shot, seconds, task_id};
use std::sync::Arc;
use xcron_core::decide::{By, ClaimContext, admit, claim, retry, settle};
use xcron_core::task::attempt::{ANSWER_BYTES_MAX, EARLIER_ATTEMPTS_MAX, OPEN_ATTEMPTS_BYTES_MAX};
use xcron_core::{
    AttemptEnd, AttemptRecord, Calendar, Claim, DeliveryMode, Holder, NewTask, Outcome, Phase,
    Revision, RunEnd, Task, Timestamp,
};

const ME: Holder = Holder { node: 1, incarnation: 1 };
const GONE: Holder = Holder { node: 2, incarnation: 1 };

fn task(mut new: NewTask, attempts_max: u32) -> Task {
    new.definition.retry.max_attempts = attempts_max;
    let state = admit(&new, &Calendar::new(10), at(0)).expect("admitted");
    let definition = Arc::new(new.definition);
    Task { id: new.id, definition, state, revision: Revision(1) }
}

/// Claims the next attempt, for `holder`; that of [`GONE`] is lost.
fn claim_by(task: &mut Task, now: Timestamp, holder: Holder) -> Option<Claim> {
    let context = ClaimContext {
        calendar: &Calendar::new(10),
        now,
        until: now,
        active_since: at(0),
        holder,
        is_gone: &|holder| holder == GONE,
    };
    let claimed = claim(task, &context);
    task.state = claimed.state;
    claimed.start.map(|start| start.claim)
}

fn waits_until(task: &Task) -> Timestamp {
    let Phase::Waiting { until } = task.state.runs[0].phase else { panic!("it waits") };
    until
}

fn earlier(task: &Task) -> &[AttemptRecord] {
    &task.state.runs[0].earlier
}

#[test]
fn each_attempt_of_a_run_is_kept_with_what_it_came_to() {
    let mut task = task(one_shot("t", 10), 9);
    let busy = Outcome::failed("busy").with_code(503).with_answer(b"later");
    let steps = [
        (ME, Some((busy, true)), AttemptEnd::Failed),
        (ME, Some((Outcome::failed("no answer within 1 s"), true)), AttemptEnd::Failed),
        (ME, Some((Outcome::not_started(), false)), AttemptEnd::NotSent),
        (GONE, None, AttemptEnd::Lost),
    ];
    let mut now = at(10);
    for (holder, outcome, _) in &steps {
        let claim = claim_by(&mut task, now, *holder).expect("it is due");
        let Some((outcome, is_sent)) = outcome else { continue };
        let left = is_sent.then_some(now);
        now = now.plus(seconds(1));
        task.state = settle(&task, &claim, outcome, left, now).expect("it stands").state;
        now = now.max(waits_until(&task));
    }
    let last = claim_by(&mut task, now, ME).expect("the lost one is repeated");
    let kept: Vec<_> = earlier(&task).iter().map(|a| (a.attempt, a.node, a.end)).collect();
    let expected = steps.iter().zip(1..).map(|((by, _, end), n)| (n, by.node, *end));
    assert_eq!(kept, expected.collect::<Vec<_>>());
    let first = &earlier(&task)[0];
    assert_eq!((first.code, first.latency_ms()), (Some(503), Some(1_000)));
    assert_eq!((first.error.as_deref(), first.answer.as_deref()), (Some("busy"), Some("later")));
    let late = &earlier(&task)[1];
    assert_eq!((late.code, late.error.as_deref()), (None, Some("no answer within 1 s")));
    assert!(earlier(&task)[2..].iter().all(|attempt| attempt.latency_ms().is_none()));

    let done = Outcome::succeeded().with_code(200).with_answer(b"done");
    let ended = settle(&task, &last, &done, Some(now), now).expect("it stands").ended;
    let record = ended.expect("it succeeded");
    assert_eq!((record.answer.as_deref(), record.earlier.len()), (Some("done"), 4));
    let made: Vec<_> = record.made().map(|attempt| attempt.attempt).collect();
    assert_eq!(made, [1, 2, 3, 4, 5]);
    let last = record.made().last().expect("five");
    assert_eq!((last.end, last.code), (AttemptEnd::Succeeded, Some(200)));
}

#[test]
fn of_many_attempts_the_newest_are_kept() {
    let mut task = task(one_shot("t", 10), 100);
    for number in 1..=30 {
        let now = if number == 1 { at(10) } else { waits_until(&task) };
        let claim = claim_by(&mut task, now, ME).expect("it is due");
        let outcome = Outcome::failed("no");
        task.state = settle(&task, &claim, &outcome, None, now).expect("it stands").state;
    }
    let kept: Vec<_> = earlier(&task).iter().map(|attempt| attempt.attempt).collect();
    assert_eq!(kept, (31 - EARLIER_ATTEMPTS_MAX as u32..=30).collect::<Vec<_>>());
}

#[test]
fn attempts_of_all_open_runs_of_a_task_share_a_bound() {
    let mut task = task(one_shot("t", 10), 100);
    let by = By::new(at(0), 1);
    for _ in 0..20 {
        task.state = xcron_core::decide::trigger(&task, by).expect("there is room").0.state;
    }
    let answer = "x".repeat(5 * ANSWER_BYTES_MAX);
    for round in 0..40 {
        let now = at(1_000 * (round + 1));
        let claim = claim_by(&mut task, now, ME).expect("it is due");
        let outcome = Outcome { answer: Some(answer.as_str().into()), ..Outcome::failed("no") };
        task.state = settle(&task, &claim, &outcome, None, now).expect("it stands").state;
        let all = task.state.runs.iter().flat_map(|run| &run.earlier);
        assert!(all.clone().map(AttemptRecord::bytes).sum::<usize>() <= OPEN_ATTEMPTS_BYTES_MAX);
        let newest = all.max_by_key(|attempt| attempt.ended_at).expect("the newest is kept");
        assert_eq!(newest.ended_at, now);
        let kept = newest.answer.as_deref().map(str::len);
        assert_eq!(kept, Some(ANSWER_BYTES_MAX), "cut by whoever the dispatcher is");
    }
}

#[test]
fn a_failed_run_that_is_retried_keeps_its_attempts() {
    let mut task = task(one_shot("t", 10), 1);
    let claim = claim_by(&mut task, at(10), ME).expect("it is due");
    let gone = Outcome::refused("gone").with_code(410).with_answer(b"moved away");
    let settled = settle(&task, &claim, &gone, Some(at(10)), at(11)).expect("it stands");
    task.state = settled.state;
    let record = settled.ended.expect("it failed");
    let (amended, opened) = retry(&task, [&record], By::new(at(20), 1));
    task.state = amended.state;
    assert_eq!(opened.len(), 1);
    let claim = claim_by(&mut task, at(20), ME).expect("it is due at once");
    let done = settle(&task, &claim, &Outcome::succeeded(), Some(at(20)), at(20));
    let made: Vec<_> = done.and_then(|done| done.ended).expect("it ended").made().collect();
    assert_eq!(made.iter().map(|attempt| attempt.attempt).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((made[0].code, made[0].answer.as_deref()), (Some(410), Some("moved away")));
}

#[test]
fn the_only_attempt_of_an_at_most_once_run_is_shown_as_lost() {
    let mut task = task(one_shot("t", 10), 1);
    Arc::make_mut(&mut task.definition).delivery = DeliveryMode::AtMostOnce;
    claim_by(&mut task, at(10), GONE).expect("it is due");
    let context = ClaimContext {
        calendar: &Calendar::new(10),
        now: at(11),
        until: at(11),
        active_since: at(0),
        holder: ME,
        is_gone: &|holder| holder == GONE,
    };
    let record = claim(&task, &context).ended.remove(0);
    assert_eq!(record.end, RunEnd::Unknown);
    let made: Vec<_> = record.made().map(|a| (a.attempt, a.node, a.end)).collect();
    assert_eq!(made, [(1, 2, AttemptEnd::Lost)]);
}

#[tokio::test]
async fn the_history_shows_what_the_engine_attempted() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(one_shot("a", 1)).await.expect("created");
    let fail = |code: u16| Outcome::failed("no").with_code(code).with_answer(b"try again");
    world.targets.script("a", [fail(500), fail(503)]);
    world.run_until(&scheduler, 60).await;
    let found = world.task(task_id("a").as_str()).await.expect("kept");
    let made: Vec<_> = found.history[0].made().map(|a| (a.attempt, a.code, a.end)).collect();
    let failed = AttemptEnd::Failed;
    let expected =
        [(1, Some(500), failed), (2, Some(503), failed), (3, None, AttemptEnd::Succeeded)];
    assert_eq!(made, expected);
}
