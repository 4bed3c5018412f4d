//! What may be wished of a task that exists: pauses, updates, runs by hand, failed runs again.

use crate::world::{World, at, cron, one_shot, seconds, task_id};
use std::sync::Arc;
use std::time::Duration;
use xcron_core::decide::{AdmitError, AmendError, By, update};
use xcron_core::task::state::OPEN_RUNS_MAX;
use xcron_core::{
    Callback, ChangeError, Clock, Consistency, Counters, CreateError, Created, DeleteError,
    Misfire, NewTask, Outcome, Overlap, RunEnd, RunRecord, Schedule, Scheduler, Settings,
    TaskDefinition, TaskStatus,
};

async fn definition(scheduler: &Scheduler, id: &str) -> TaskDefinition {
    let found = scheduler.get(&task_id(id), Consistency::Linearizable).await.expect("answered");
    (*found.expect("kept").task.definition).clone()
}

fn ends(history: &[RunRecord]) -> Vec<(RunEnd, u64)> {
    history.iter().rev().map(|record| (record.end, record.count)).collect()
}

#[tokio::test]
async fn what_passes_while_a_task_is_paused_is_skipped_and_recorded_at_its_resume() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(cron("t", "*/10 * * * * *")).await.expect("created");
    let script = async {
        world.clock.sleep_until(at(25)).await;
        scheduler.pause(&task_id("t"), Some("on holiday")).await.expect("paused");
        let state = world.task("t").await.expect("kept").task.state;
        assert_eq!(state.note.as_deref(), Some("on holiday"));
        assert_eq!((state.status, state.due_at), (TaskStatus::Paused, None));
        scheduler.pause(&task_id("t"), None).await.expect("paused already");
        assert_eq!(
            world.task("t").await.expect("kept").task.state.note.as_deref(),
            state.note.as_deref()
        );
        world.clock.sleep_until(at(55)).await;
        scheduler.resume(&task_id("t")).await.expect("resumed");
        scheduler.resume(&task_id("t")).await.expect("active already");
    };
    world.run_with(&scheduler, 72, script).await;
    assert_eq!(world.arrivals(), [10, 20, 60, 70]);
    let found = world.task("t").await.expect("kept");
    assert_eq!(found.task.state.counters.skipped_paused, 3, "30, 40 and 50");
    let ok = (RunEnd::Succeeded, 1);
    assert_eq!(ends(&found.history), [ok, ok, (RunEnd::SkippedPaused, 3), ok, ok]);
    assert_eq!(found.task.state.note, None);
}

#[tokio::test]
async fn a_one_shot_whose_time_passed_while_paused_follows_its_misfire_policy() {
    let window = Duration::from_secs(3);
    for (misfire, window, expected) in [
        (Misfire::FireOnce, None, Some(20)),
        (Misfire::FireAll, None, Some(20)),
        (Misfire::FireOnce, Some(window), None),
        (Misfire::Skip, None, None),
    ] {
        let world = World::new();
        let scheduler = world.scheduler();
        let mut task = one_shot("t", 10);
        task.paused = true;
        task.definition.misfire = misfire;
        task.definition.misfire_window = window.unwrap_or(misfire.default_window());
        scheduler.create(task).await.expect("created");
        let script = async {
            world.clock.sleep_until(at(20)).await;
            scheduler.resume(&task_id("t")).await.expect("resumed");
        };
        world.run_with(&scheduler, 30, script).await;
        assert_eq!(world.arrivals(), expected.into_iter().collect::<Vec<_>>(), "{misfire:?}");
        let state = world.task("t").await.expect("kept").task.state;
        assert_eq!(state.status, TaskStatus::Finished);
        assert_eq!(state.counters.skipped_misfire, u64::from(expected.is_none()));
    }
}

#[tokio::test]
async fn a_finished_task_is_neither_paused_nor_resumed_and_a_missing_one_is_missing() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(one_shot("t", 1)).await.expect("created");
    world.run_until(&scheduler, 3).await;
    let finished = Err(ChangeError::Refused(AmendError::Finished));
    assert_eq!(scheduler.pause(&task_id("t"), None).await, finished);
    assert_eq!(scheduler.resume(&task_id("t")).await, finished);
    let id = task_id("nobody");
    let missing = ChangeError::Missing(id.clone());
    assert_eq!(scheduler.pause(&id, None).await, Err(missing.clone()));
    assert_eq!(scheduler.resume(&id).await, Err(missing.clone()));
    assert_eq!(scheduler.trigger(&id).await, Err(missing.clone()));
    assert_eq!(scheduler.retry(&id, None).await, Err(missing.clone()));
    let definition = one_shot("nobody", 9).definition;
    assert_eq!(scheduler.update(&id, definition, None).await, Err(missing));
}

#[tokio::test]
async fn another_schedule_counts_from_now_on_and_nothing_is_lost_or_doubled() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(cron("t", "*/10 * * * * *")).await.expect("created");
    let id = task_id("t");
    let script = async {
        world.clock.sleep_until(at(20)).await;
        // At the very instant of an occurrence: it comes first.
        let mut changed = definition(&scheduler, "t").await;
        changed.schedule = Schedule::parse_cron("*/7 * * * * *", "UTC").expect("good");
        assert_eq!(scheduler.update(&id, changed.clone(), Some(1)).await, Ok(2));
        let stale = AmendError::Version { expected: 1, current: 2 };
        let refused = scheduler.update(&id, changed.clone(), Some(1)).await;
        assert_eq!(refused, Err(ChangeError::Refused(stale)));
        assert_eq!(scheduler.update(&id, changed, Some(2)).await, Ok(2), "nothing changes");
    };
    world.run_with(&scheduler, 40, script).await;
    // The world begins at second 20 of a minute: 35, 42, 49 and 56 follow, then a full minute.
    assert_eq!(world.arrivals(), [10, 20, 22, 29, 36, 40]);
    let state = world.task("t").await.expect("kept").task.state;
    assert_eq!(state.expected_before, 2, "the occurrences of the first schedule");
    assert_eq!(state.counters.claimed, 6);
}

#[tokio::test]
async fn what_is_due_and_finds_no_room_is_owed_when_the_schedule_changes() {
    // Four are claimed for the one place that hangs; from 50 on there is no room.
    for (misfire, now, owed) in [
        (Misfire::FireOnce, 55, 1),
        (Misfire::FireOnce, 75, 3),
        (Misfire::FireAll, 75, 3),
        (Misfire::Skip, 75, 3),
    ] {
        let settings = Settings { in_flight_per_destination_max: 1, ..Settings::default() };
        let world = World::with_settings(settings);
        let scheduler = world.scheduler();
        let mut task = cron("t", "*/10 * * * * *");
        (task.definition.misfire, task.definition.retry.max_attempts) = (misfire, 1);
        task.definition.misfire_window = misfire.default_window();
        task.definition.timeout = seconds(100);
        scheduler.create(task).await.expect("created");
        world.targets.hold("t");
        let script = async {
            world.clock.sleep_until(at(now)).await;
            let found = world.task("t").await.expect("kept");
            assert_eq!(found.task.state.next, Some(at(50)), "not begun");
            let mut changed = (*found.task.definition).clone();
            changed.schedule = Schedule::Once(at(100));
            assert_eq!(scheduler.update(&task_id("t"), changed, None).await, Ok(2));
            assert_eq!(world.clock.now(), at(now), "nothing was waited for");
            world.clock.sleep_until(at(100)).await;
            world.targets.release("t");
        };
        world.run_with(&scheduler, 130, script).await;
        let arrivals = world.arrivals();
        assert_eq!((arrivals[0], arrivals.len()), (10, 4 + owed + 1), "{misfire:?} at {now}");
        assert!(arrivals[1..].iter().all(|arrival| *arrival >= 100), "{arrivals:?}");
        let state = world.task("t").await.expect("kept").task.state;
        assert_eq!((state.status, state.expected_before), (TaskStatus::Finished, 4 + owed as u64));
        assert_eq!(state.counters.succeeded, 4 + owed as u64 + 1);
    }
}

#[tokio::test]
async fn what_is_owed_is_judged_by_the_policies_as_an_occurrence_is() {
    use RunEnd::{SkippedMisfire, SkippedOverlap, Succeeded};
    let (skip, once, all) = (Misfire::Skip, Misfire::FireOnce, Misfire::FireAll);
    let (any, alone, queue) = (Overlap::Allow, Overlap::Skip, Overlap::Queue);
    for (misfire, overlap, by_hand, now, arrivals, ended) in [
        (skip, any, false, 25, &[60][..], &[SkippedMisfire, SkippedMisfire][..]),
        (once, any, false, 35, &[35, 60], &[SkippedMisfire, SkippedMisfire, Succeeded]),
        (all, any, false, 25, &[25, 25, 60], &[Succeeded, Succeeded]),
        (all, alone, false, 35, &[35, 60], &[SkippedOverlap, SkippedOverlap, Succeeded]),
        (all, queue, false, 35, &[35, 35, 60], &[SkippedOverlap, Succeeded, Succeeded]),
        (once, queue, true, 15, &[15, 15, 60], &[Succeeded, Succeeded]),
        (once, alone, true, 15, &[15, 60], &[SkippedOverlap, Succeeded]),
    ] {
        let world = World::new();
        let mut task = cron("t", "*/10 * * * * *");
        (task.definition.misfire, task.definition.overlap) = (misfire, overlap);
        let scheduler = world.scheduler();
        scheduler.create(task).await.expect("created");
        if by_hand {
            scheduler.trigger(&task_id("t")).await.expect("open");
        }
        // Nobody runs it until now.
        world.clock.set(at(now));
        let mut changed = definition(&scheduler, "t").await;
        changed.schedule = Schedule::Once(at(60));
        assert_eq!(scheduler.update(&task_id("t"), changed, None).await, Ok(2));
        world.run_until(&scheduler, 70).await;
        let found = world.task("t").await.expect("kept");
        let case = format!("{misfire:?} {overlap:?} at {now}");
        assert_eq!(world.arrivals(), arrivals, "{case}");
        let ends = ends(&found.history);
        let mut expected: Vec<_> = ended.iter().map(|end| (*end, 1)).collect();
        expected.push((Succeeded, 1));
        assert_eq!(ends, expected, "{case}");
        let Counters { claimed, succeeded, .. } = found.task.state.counters;
        assert_eq!((claimed, succeeded), (arrivals.len() as u64, arrivals.len() as u64), "{case}");
    }
}

#[tokio::test]
async fn what_is_owed_and_spread_overlaps_nothing_at_its_instant_either() {
    for id in ["a", "b", "c", "d", "e"] {
        let world = World::new();
        let scheduler = world.scheduler();
        let mut task = cron(id, "*/10 * * * * *");
        (task.definition.overlap, task.definition.jitter) = (Overlap::Queue, seconds(8));
        task.definition.timeout = seconds(100);
        scheduler.create(task).await.expect("created");
        world.targets.hold(id);
        let script = async {
            world.clock.sleep_until(at(20)).await;
            let mut changed = definition(&scheduler, id).await;
            changed.schedule = Schedule::Once(at(200));
            assert_eq!(scheduler.update(&task_id(id), changed, None).await, Ok(2));
            world.clock.sleep_until(at(40)).await;
            assert_eq!(world.receipts().len(), 1, "{id}: the other one waits");
            world.targets.release(id);
        };
        world.run_with(&scheduler, 60, script).await;
        assert_eq!(world.arrivals()[1..], [40], "{id}");
    }
}

#[tokio::test]
async fn what_is_owed_and_skipped_is_none_of_the_runs_that_a_task_may_have() {
    let world = World::new();
    let scheduler = world.scheduler();
    let mut task = cron("t", "*/10 * * * * *");
    (task.definition.misfire, task.definition.max_runs) = (Misfire::Skip, Some(2));
    scheduler.create(task).await.expect("created");
    world.clock.set(at(25));
    let mut changed = definition(&scheduler, "t").await;
    changed.schedule = Schedule::parse_cron("*/20 * * * * *", "UTC").expect("good");
    assert_eq!(scheduler.update(&task_id("t"), changed, None).await, Ok(2));
    world.run_until(&scheduler, 120).await;
    assert_eq!(world.arrivals(), [40, 60]);
    let state = world.task("t").await.expect("kept").task.state;
    assert_eq!((state.status, state.counters.skipped_misfire), (TaskStatus::Finished, 2));
}

#[tokio::test]
async fn more_than_may_be_open_is_begun_before_the_schedule_changes() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(cron("t", "* * * * * *")).await.expect("created");
    let found = world.task("t").await.expect("kept");
    let mut changed = (*found.task.definition).clone();
    changed.schedule = Schedule::Once(at(900));
    let changed = Arc::new(changed);
    let update = |now| {
        let by = By::new(at(now), 1);
        update(&found.task, &changed, None, scheduler.calendar(), by).map(|amended| amended.state)
    };
    let most = OPEN_RUNS_MAX as i64;
    assert_eq!(update(most).expect("owed").runs.len(), OPEN_RUNS_MAX);
    assert_eq!(update(most + 1), Err(AmendError::Busy));
}

#[tokio::test]
async fn another_callback_leaves_the_schedule_alone() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(cron("t", "*/10 * * * * *")).await.expect("created");
    let script = async {
        world.clock.sleep_until(at(15)).await;
        let mut changed = definition(&scheduler, "t").await;
        changed.callback = Callback::new("elsewhere");
        let next = world.task("t").await.expect("kept").task.state.next;
        assert_eq!(scheduler.update(&task_id("t"), changed, None).await, Ok(2));
        assert_eq!(world.task("t").await.expect("kept").task.state.next, next);
        world.targets.script("elsewhere", [Outcome::refused("no")]);
    };
    world.run_with(&scheduler, 25, script).await;
    let found = world.task("t").await.expect("kept");
    assert_eq!(ends(&found.history), [(RunEnd::Succeeded, 1), (RunEnd::Failed, 1)]);
}

#[tokio::test]
async fn a_one_shot_is_moved_but_not_to_a_time_at_which_it_ran() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(one_shot("t", 10)).await.expect("created");
    let id = task_id("t");
    let move_to = async |secs: i64| {
        let mut changed = definition(&scheduler, "t").await;
        changed.schedule = Schedule::Once(at(secs));
        scheduler.update(&id, changed, None).await
    };
    let script = async {
        world.clock.sleep_until(at(5)).await;
        assert_eq!(move_to(3).await, Ok(2), "a moment ago: it fires at once");
        world.clock.sleep_until(at(6)).await;
        assert_eq!(move_to(3).await, Ok(2), "as it is");
        assert_eq!(move_to(2).await, Err(ChangeError::Refused(AmendError::Decided)));
        world.clock.sleep_until(at(90)).await;
        let late = AdmitError::Past { late: seconds(70) };
        assert_eq!(move_to(20).await, Err(ChangeError::Refused(late.into())));
        assert_eq!(move_to(100).await, Ok(3), "finished, and active again");
        assert_eq!(world.task("t").await.expect("kept").task.state.status, TaskStatus::Active);
    };
    world.run_with(&scheduler, 110, script).await;
    assert_eq!(world.arrivals(), [5, 100]);
    let state = world.task("t").await.expect("kept").task.state;
    assert_eq!((state.status, state.counters.succeeded), (TaskStatus::Finished, 2));
    assert_eq!(state.expected_before, 1);
}

#[tokio::test]
async fn what_was_claimed_ahead_stays_decided_when_a_one_shot_is_moved() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(one_shot("t", 10)).await.expect("created");
    let move_to = async |secs: i64| {
        let mut changed = definition(&scheduler, "t").await;
        changed.schedule = Schedule::Once(at(secs));
        scheduler.update(&task_id("t"), changed, None).await
    };
    let script = async {
        world.clock.sleep_until(at(10).minus(Duration::from_millis(20))).await;
        let state = world.task("t").await.expect("kept").task.state;
        assert_eq!(state.decided_until, at(10), "claimed ahead");
        assert_eq!(move_to(60).await, Ok(2));
        let state = world.task("t").await.expect("kept").task.state;
        assert_eq!((state.runs.len(), state.decided_until), (1, at(10)));
        assert_eq!(move_to(10).await, Err(ChangeError::Refused(AmendError::Decided)));
    };
    world.run_with(&scheduler, 70, script).await;
    assert_eq!(world.arrivals(), [10, 60]);
}

#[tokio::test]
async fn an_update_is_judged_as_a_create_is() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(cron("t", "*/10 * * * * *")).await.expect("created");
    let mut never = definition(&scheduler, "t").await;
    never.end_time = Some(at(5));
    let refused = scheduler.update(&task_id("t"), never.clone(), None).await;
    let never_fires = AmendError::from(AdmitError::NeverFires);
    assert_eq!(refused, Err(ChangeError::Refused(never_fires)));
    never.end_time = None;
    never.max_runs = Some(0);
    let refused = scheduler.update(&task_id("t"), never, None).await;
    assert!(matches!(refused, Err(ChangeError::Refused(AmendError::Refused(_)))), "{refused:?}");
    assert_eq!(world.task("t").await.expect("kept").task.state.version, 1, "left as it was");
}

#[tokio::test]
async fn a_task_runs_once_now_whatever_its_status_and_its_schedule_goes_on() {
    let world = World::new();
    let scheduler = world.scheduler();
    let mut task = cron("t", "*/10 * * * * *");
    task.definition.max_runs = Some(2);
    scheduler.create(task).await.expect("created");
    let id = task_id("t");
    let script = async {
        for (second, number) in [(3, 1), (14, 2), (33, 3)] {
            world.clock.sleep_until(at(second)).await;
            if second == 14 {
                scheduler.pause(&id, None).await.expect("paused");
            }
            let run = scheduler.trigger(&id).await.expect("triggered");
            assert_eq!(run.to_string(), format!("t@manual-{number}"));
            world.clock.sleep_until(at(second + 1)).await;
            if second == 14 {
                scheduler.resume(&id).await.expect("resumed");
            }
        }
    };
    world.run_with(&scheduler, 40, script).await;
    assert_eq!(world.arrivals(), [3, 10, 14, 20, 33]);
    let state = world.task("t").await.expect("kept").task.state;
    assert_eq!((state.counters.manual, state.counters.succeeded), (3, 5));
    assert_eq!((state.status, state.finished_at), (TaskStatus::Finished, Some(at(33))));
}

#[tokio::test]
async fn a_failed_run_is_attempted_again_under_its_name_with_higher_numbers() {
    let world = World::new();
    let scheduler = world.scheduler();
    let mut task = one_shot("t", 1);
    task.definition.retry.max_attempts = 2;
    scheduler.create(task).await.expect("created");
    let failed = || Outcome::failed("503");
    world.targets.script("t", [failed(), failed(), failed(), Outcome::succeeded()]);
    let id = task_id("t");
    let script = async {
        world.clock.sleep_until(at(20)).await;
        assert_eq!(world.task("t").await.expect("kept").task.state.counters.failed, 1);
        let name = world.receipts()[0].run_id.clone();
        let wrong = AmendError::NotFailed("t@1".into());
        assert_eq!(scheduler.retry(&id, Some("t@1")).await, Err(ChangeError::Refused(wrong)));
        let again = scheduler.retry(&id, Some(&name)).await.expect("tried again");
        assert_eq!((again.len(), again[0].to_string()), (1, name.clone()));
        assert_eq!(scheduler.retry(&id, Some(&name)).await, Ok(Vec::new()), "open already");
    };
    world.run_with(&scheduler, 60, script).await;
    let receipts = world.receipts();
    let attempts: Vec<u32> = receipts.iter().map(|receipt| receipt.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4]);
    assert!(receipts.iter().all(|receipt| receipt.run_id == receipts[0].run_id));
    assert!(receipts.windows(2).all(|pair| pair[0].fence < pair[1].fence));
    let found = world.task("t").await.expect("kept");
    let counters = found.task.state.counters;
    assert_eq!((counters.claimed, counters.failed, counters.succeeded), (1, 0, 1));
    assert_eq!(found.task.state.status, TaskStatus::Finished);
    assert_eq!(scheduler.retry(&id, None).await, Ok(Vec::new()), "nothing has failed");
}

#[tokio::test]
async fn no_more_runs_are_asked_for_than_may_be_open() {
    let world = World::new();
    let scheduler = world.scheduler();
    let mut task = one_shot("t", 1);
    task.definition.retry.max_attempts = 1;
    scheduler.create(task).await.expect("created");
    world.targets.script("t", [Outcome::failed("503")]);
    world.run_until(&scheduler, 5).await;
    let id = task_id("t");
    for _ in 0..OPEN_RUNS_MAX {
        scheduler.trigger(&id).await.expect("there is room");
    }
    let full = ChangeError::Refused(AmendError::Full);
    assert_eq!(scheduler.trigger(&id).await, Err(full.clone()));
    assert_eq!(scheduler.retry(&id, None).await, Err(full.clone()));
    let name = world.receipts()[0].run_id.clone();
    assert_eq!(scheduler.retry(&id, Some(&name)).await, Err(full));
    world.run_until(&scheduler, 10).await;
    assert_eq!(world.receipts().len(), 1 + OPEN_RUNS_MAX, "each of them is made");
    assert_eq!(scheduler.retry(&id, None).await.map(|runs| runs.len()), Ok(1));
}

#[tokio::test]
async fn a_run_by_hand_ignores_the_overlap_policy_and_later_occurrences_see_it() {
    let world = World::new();
    let scheduler = world.scheduler();
    let mut task = cron("t", "*/10 * * * * *");
    task.definition.overlap = Overlap::Skip;
    scheduler.create(task).await.expect("created");
    world.targets.hold("t");
    let script = async {
        world.clock.sleep_until(at(12)).await;
        scheduler.trigger(&task_id("t")).await.expect("triggered");
        world.clock.sleep_until(at(25)).await;
        world.targets.release("t");
    };
    world.run_with(&scheduler, 32, script).await;
    assert_eq!(world.arrivals(), [10, 12, 30]);
    assert_eq!(world.task("t").await.expect("kept").task.state.counters.skipped_overlap, 1);
}

#[tokio::test]
async fn a_batch_is_answered_item_by_item_and_a_bad_one_keeps_no_other_from_it() {
    let world = World::with_settings(Settings { tasks_max: 4, ..Settings::default() });
    let scheduler = world.scheduler();
    scheduler.create(one_shot("there", 5)).await.expect("created");
    let late = one_shot("late", -90);
    let other = NewTask::new(task_id("there"), one_shot("there", 6).definition);
    let tasks = vec![
        one_shot("a", 5),
        late,
        one_shot("there", 5),
        other,
        one_shot("a", 5),
        one_shot("b", 5),
        one_shot("c", 5),
        one_shot("d", 5),
    ];
    let answers = scheduler.create_many(tasks).await;
    let past = CreateError::Refused(AdmitError::Past { late: seconds(90) });
    assert_eq!(answers[0], Ok(Created::New));
    assert_eq!(answers[1], Err(past));
    assert_eq!(answers[2], Ok(Created::Existing));
    assert_eq!(answers[3], Err(CreateError::Exists(task_id("there"))));
    assert_eq!(answers[4], Ok(Created::Existing));
    assert_eq!(scheduler.counts().total(), 4, "{answers:?}");
    let ids = ["a", "nobody", "there"].map(task_id);
    let deleted = scheduler.delete_many(&ids).await;
    assert_eq!(deleted[0], Ok(()));
    assert_eq!(deleted[1], Err(DeleteError::Missing(task_id("nobody"))));
    assert_eq!(deleted[2], Ok(()));
}
