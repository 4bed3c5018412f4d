//! The account of a task: what its schedule has, against what became of it.

use crate::world::{World, at, cron, one_shot, task_id};
use std::sync::Arc;
use std::time::Duration;
use xcron_core::decide::{Account, By, account, admit, update};
use xcron_core::{
    Calendar, Clock, DstFold, DstGap, Misfire, NewTask, Outcome, Overlap, Revision, Schedule, Task,
    TaskStatus, TaskWithHistory, Timestamp,
};

fn of(found: &TaskWithHistory, from: i64, to: i64, now: i64) -> Account {
    account(found, &Calendar::default(), (at(from), at(to)), at(now)).expect("a readable schedule")
}

#[tokio::test]
async fn every_occurrence_of_a_life_with_everything_in_it_has_one_outcome() {
    let world = World::new();
    let scheduler = world.scheduler();
    let mut task = cron("t", "*/10 * * * * *");
    task.definition.overlap = Overlap::Skip;
    task.definition.retry.max_attempts = 1;
    scheduler.create(task).await.expect("created");
    let id = task_id("t");
    let script = async {
        world.clock.sleep_until(at(15)).await;
        world.targets.script("t", [Outcome::failed("no")]);
        world.clock.sleep_until(at(25)).await;
        world.targets.hold("t");
        world.clock.sleep_until(at(45)).await;
        world.targets.release("t");
        scheduler.pause(&id, None).await.expect("paused");
        world.clock.sleep_until(at(75)).await;
        scheduler.resume(&id).await.expect("resumed");
        scheduler.trigger(&id).await.expect("triggered");
        let found = world.task("t").await.expect("kept");
        let mut changed = (*found.task.definition).clone();
        changed.schedule = Schedule::parse_cron("*/20 * * * * *", "UTC").expect("good");
        scheduler.update(&id, changed, None).await.expect("updated");
    };
    world.run_with(&scheduler, 110, script).await;
    let found = world.task("t").await.expect("kept");
    let expected = Account {
        // 10 to 70 by tens; 80, 100 and 120 by twenties; and one by hand.
        expected: 7 + 3 + 1,
        succeeded: 1 + 1 + 1 + 2,
        failed: 1,
        skipped_overlap: 1,
        skipped_paused: 3,
        pending: 1,
        ..Account::default()
    };
    assert_eq!(of(&found, 0, 130, 110), expected);
    assert_eq!(expected.difference(), 0);
    // The same without what is still to come.
    let so_far = Account { expected: 10, pending: 0, ..expected };
    assert_eq!(of(&found, 0, 110, 110), so_far);
}

#[tokio::test]
async fn an_occurrence_that_was_dropped_or_counted_twice_is_a_difference_of_every_span() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(cron("t", "* * * * * *")).await.expect("created");
    world.run_until(&scheduler, 50).await;
    let found = world.task("t").await.expect("kept");
    assert_eq!(of(&found, 0, 60, 50).difference(), 0);
    for (counted, difference) in [(-1, 1), (1, -1)] {
        let mut wrong = found.clone();
        let counters = &mut wrong.task.state.counters;
        counters.succeeded = counters.succeeded.checked_add_signed(counted).expect("in range");
        assert_eq!(of(&wrong, 0, 60, 50).difference(), difference);
        assert_eq!(of(&wrong, 10, 40, 50).difference(), difference);
    }
}

#[tokio::test]
async fn a_part_of_a_life_is_told_by_what_is_listed_and_says_what_is_not() {
    let world = World::new();
    let scheduler = world.scheduler();
    let mut task = cron("t", "* * * * * *");
    task.definition.retry.max_attempts = 1;
    scheduler.create(task).await.expect("created");
    world.targets.script("t", [Outcome::failed("no"), Outcome::failed("no")]);
    world.run_until(&scheduler, 100).await;
    let found = world.task("t").await.expect("kept");
    assert!(found.history.len() < 30, "most of it is not listed any more");
    let part = |from, to| of(&found, from, to, 100);
    let some = Account { expected: 30, succeeded: 30, ..Account::default() };
    assert_eq!(part(40, 70), some, "only successes are missing");
    assert_eq!(part(1, 31), Account { succeeded: 28, failed: 2, ..some });
    // From 90 on: 11 are decided, and 9 are to come.
    assert_eq!(part(90, 110), Account { expected: 20, succeeded: 11, pending: 9, ..some });
    // Once something else may be missing too, nobody can tell.
    let mut forgotten = found.clone();
    forgotten.history.retain(|record| record.occurrence.time() > at(50));
    let unlisted = of(&forgotten, 1, 31, 100);
    assert_eq!(unlisted, Account { expected: 30, unlisted: 30, ..Account::default() });
    assert_eq!(unlisted.difference(), 0);
}

#[tokio::test]
async fn a_part_of_a_life_leaves_out_what_an_earlier_schedule_had() {
    let world = World::new();
    let scheduler = world.scheduler();
    let mut task = cron("t", "* * * * * *");
    task.definition.retry.max_attempts = 1;
    scheduler.create(task).await.expect("created");
    world.targets.script("t", [Outcome::failed("no")]);
    let script = async {
        world.clock.sleep_until(at(12).plus(Duration::from_millis(500))).await;
        let found = world.task("t").await.expect("kept");
        let mut changed = (*found.task.definition).clone();
        changed.schedule = Schedule::parse_cron("*/10 * * * * *", "UTC").expect("good");
        scheduler.update(&task_id("t"), changed, None).await.expect("updated");
    };
    world.run_with(&scheduler, 45, script).await;
    let found = world.task("t").await.expect("kept");
    let whole = of(&found, 0, 50, 45);
    assert_eq!((whole.expected, whole.failed, whole.difference()), (12 + 3, 1, 0));
    let some = Account { expected: 3, succeeded: 3, ..Account::default() };
    assert_eq!(of(&found, 5, 50, 45), some, "20, 30 and 40");
    assert_eq!(of(&found, 2, 10, 45), Account::default(), "nothing is known of it any more");
}

#[tokio::test]
async fn a_record_of_many_counts_for_the_part_that_lies_within() {
    let world = World::new();
    let mut task = cron("t", "* * * * * *");
    task.definition.misfire = Misfire::Skip;
    world.scheduler().create(task).await.expect("created");
    world.clock.set(at(100));
    world.run_until(&world.scheduler(), 105).await;
    let found = world.task("t").await.expect("kept");
    assert_eq!(found.task.state.counters.skipped_misfire, 99);
    for (from, to, skipped) in [(10, 20, 10), (90, 100, 10), (95, 103, 5), (0, 50, 49)] {
        let part = of(&found, from, to, 105);
        assert_eq!((part.skipped_misfire, part.difference()), (skipped, 0), "{from} to {to}");
    }
}

#[tokio::test]
async fn what_passes_while_a_task_is_paused_is_skipped_before_it_is_resumed() {
    let world = World::new();
    let scheduler = world.scheduler();
    let mut task = cron("t", "*/10 * * * * *");
    (task.paused, task.definition.max_runs) = (true, Some(100));
    scheduler.create(task).await.expect("created");
    let found = world.task("t").await.expect("kept");
    assert_eq!(found.task.state.status, TaskStatus::Paused);
    let account = of(&found, 0, 60, 35);
    let expected = Account { expected: 5, skipped_paused: 3, pending: 2, ..Account::default() };
    assert_eq!(account, expected);
}

#[tokio::test]
async fn a_one_shot_is_one_occurrence_and_a_finished_task_has_no_more() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(one_shot("late", -5)).await.expect("created");
    scheduler.create(one_shot("later", 10)).await.expect("created");
    let mut twice = cron("twice", "*/10 * * * * *");
    twice.definition.max_runs = Some(2);
    scheduler.create(twice).await.expect("created");
    let pending = Account { expected: 2, pending: 2, ..Account::default() };
    let found = world.task("twice").await.expect("kept");
    assert_eq!(of(&found, 0, 1_000, 0), pending, "no more than it may run");
    world.run_until(&scheduler, 100).await;
    for (name, runs) in [("late", 1), ("later", 1), ("twice", 2)] {
        let found = world.task(name).await.expect("kept");
        let all = (Timestamp::from_secs(0), at(1_000));
        let account = account(&found, &Calendar::default(), all, at(100)).expect("readable");
        let expected = Account { expected: runs, succeeded: runs, ..Account::default() };
        assert_eq!(account, expected, "{name}");
    }
}

/// Seconds of 2026-03-28T12:00 in Paris, and of the jump of the night after, from 02:00 to 03:00.
const NOON: i64 = 1_774_695_600;
const JUMP: i64 = 1_774_746_000;
const DAY: i64 = 86_400;

/// A task of every night at 02:30 in Paris that is skipped where there is none.
fn nightly(created: i64, shape: impl FnOnce(&mut NewTask)) -> TaskWithHistory {
    let mut new = cron("t", "30 2 * * *");
    let zone = "Europe/Paris";
    let schedule = Schedule::cron("30 2 * * *", zone, DstGap::Skip, DstFold::First);
    new.definition.schedule = schedule.expect("good");
    shape(&mut new);
    let created = Timestamp::from_secs(created);
    let state = admit(&new, &Calendar::default(), created).expect("admitted");
    let definition = Arc::new(new.definition);
    let task = Task { id: new.id, definition, state, revision: Revision(1) };
    TaskWithHistory { task, history: Vec::new() }
}

fn of_span(found: &TaskWithHistory, (from, to): (i64, i64), now: i64) -> Account {
    let span = (Timestamp::from_secs(from), Timestamp::from_secs(to));
    account(found, &Calendar::default(), span, Timestamp::from_secs(now)).expect("readable")
}

#[test]
fn a_local_time_that_does_not_exist_is_an_occurrence_that_is_skipped() {
    let found = nightly(NOON, |_| {});
    let whole = Account { expected: 3, pending: 2, skipped_dst: 1, ..Account::default() };
    assert_eq!(of_span(&found, (0, NOON + 3 * DAY), NOON), whole, "also what lies ahead");
    assert_eq!(of_span(&found, (0, NOON + 3 * DAY), NOON + 4 * DAY), whole);
    let alone = Account { expected: 1, skipped_dst: 1, ..Account::default() };
    for (span, expected) in [
        ((JUMP, JUMP + 1), alone),
        ((JUMP - DAY, JUMP + DAY / 2), alone),
        ((JUMP - DAY, JUMP), Account::default()),
        ((JUMP + 1, JUMP + DAY / 2), Account::default()),
    ] {
        assert_eq!(of_span(&found, span, NOON), expected, "{span:?}");
    }
    let shifted = nightly(NOON, |task| {
        task.definition.schedule =
            Schedule::parse_cron("30 2 * * *", "Europe/Paris").expect("good");
    });
    let expected = Account { expected: 3, pending: 3, ..Account::default() };
    assert_eq!(of_span(&shifted, (0, NOON + 3 * DAY), NOON), expected);
}

#[test]
fn what_the_clocks_skip_ends_with_the_task() {
    let from_eve = |shape: fn(&mut NewTask)| {
        let found = nightly(NOON - DAY, shape);
        let account = of_span(&found, (0, NOON + 3 * DAY), NOON + 3 * DAY);
        assert_eq!(account.difference(), 0);
        (account.pending, account.skipped_paused, account.skipped_dst)
    };
    assert_eq!(from_eve(|_| {}), (3, 0, 1));
    assert_eq!(from_eve(|task| task.paused = true), (0, 3, 1));
    assert_eq!(from_eve(|task| task.definition.max_runs = Some(1)), (1, 0, 0));
    assert_eq!(from_eve(|task| task.definition.max_runs = Some(2)), (2, 0, 1));
    let second = |at| Some(Timestamp::from_secs(at));
    for (start, end, skipped) in [
        (None, second(JUMP - 1), 0),
        (None, second(JUMP), 1),
        (second(JUMP), None, 1),
        (second(JUMP + 1), None, 0),
    ] {
        let found = nightly(NOON - DAY, |task| {
            (task.definition.start_time, task.definition.end_time) = (start, end);
        });
        let account = of_span(&found, (0, NOON + 3 * DAY), NOON);
        assert_eq!(account.skipped_dst, skipped, "from {start:?} to {end:?}");
    }
}

#[test]
fn what_the_clocks_skipped_stays_counted_when_the_schedule_is_another() {
    let calendar = Calendar::default();
    for (now, skipped) in [(JUMP - 1, 0), (JUMP, 1), (NOON + DAY, 1)] {
        let mut found = nightly(NOON, |_| {});
        let mut changed = (*found.task.definition).clone();
        changed.schedule = Schedule::parse_cron("0 12 * * *", "Europe/Paris").expect("good");
        let by = By::new(Timestamp::from_secs(now), 1);
        let changed = Arc::new(changed);
        let amended = update(&found.task, &changed, None, &calendar, by).expect("updated");
        (found.task.state, found.task.definition) = (amended.state, changed);
        let account = of_span(&found, (0, now + 1), now);
        let expected = Account { expected: skipped, skipped_dst: skipped, ..Account::default() };
        assert_eq!(account, expected, "{now}");
    }
}

/// What follows is found by the account alone: no target misses a run that was to be skipped.
#[cfg(xcron_mutants)]
#[tokio::test]
async fn a_skip_that_is_not_counted_is_a_difference() {
    use xcron_core::mutant::{Mutant, turn_on};
    for (mutant, difference) in [(None, 0), (Some(Mutant::SkipWithoutCount), 1)] {
        let world = World::new();
        let scheduler = world.scheduler();
        let mut task = cron("t", "*/10 * * * * *");
        (task.definition.overlap, task.definition.max_runs) = (Overlap::Skip, Some(3));
        scheduler.create(task).await.expect("created");
        world.targets.hold("t");
        let script = async {
            world.clock.sleep_until(at(25)).await;
            world.targets.release("t");
        };
        turn_on(mutant);
        world.run_with(&scheduler, 60, script).await;
        turn_on(None);
        let found = world.task("t").await.expect("kept");
        assert_eq!(of(&found, 0, 60, 60).difference(), difference, "{mutant:?}");
    }
}
