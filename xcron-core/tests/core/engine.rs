//! The engine as a whole: what targets receive, when, and what is left in the store.

use crate::world::{World, at, cron, one_shot, seconds, task_id};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use xcron_core::testing::sample;
use xcron_core::{
    Change, Clock, Consistency, Created, DeliveryMode, Holder, Misfire, Outcome, Overlap,
    RetryPolicy, RunEnd, Settings, Store, TaskStatus,
};

#[tokio::test]
async fn a_one_shot_fires_once_at_its_instant_and_finishes() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(one_shot("a", 10)).await.expect("created");
    world.run_until(&scheduler, 9).await;
    assert!(world.receipts().is_empty(), "nothing is sent early");
    world.run_until(&scheduler, 20).await;
    assert_eq!(world.arrivals(), [10]);
    let found = world.task("a").await.expect("kept for a while");
    assert_eq!(found.task.state.status, TaskStatus::Finished);
    assert_eq!(found.task.state.counters.succeeded, 1);
    assert_eq!(found.history.len(), 1);
    assert_eq!(found.history[0].end, RunEnd::Succeeded);
}

#[tokio::test]
async fn a_crontab_by_the_second_misses_and_doubles_nothing() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(cron("tick", "* * * * * *")).await.expect("created");
    world.run_until(&scheduler, 60).await;
    assert_eq!(world.arrivals(), (1..=60).collect::<Vec<i64>>());
    let fences: Vec<u64> = world.receipts().iter().map(|receipt| receipt.fence).collect();
    assert!(fences.is_sorted_by(|a, b| a < b), "fences grow with every claim: {fences:?}");
}

#[tokio::test]
async fn ten_thousand_tasks_due_at_once_each_fire_once() {
    let world = World::with_settings(Settings { in_flight_max: 64, ..Settings::default() });
    let scheduler = world.scheduler();
    for n in 0..10_000 {
        scheduler.create(one_shot(&format!("t{n}"), 5)).await.expect("created");
    }
    world.run_until(&scheduler, 6).await;
    let mut runs: Vec<String> = world.receipts().into_iter().map(|r| r.run_id).collect();
    runs.sort();
    runs.dedup();
    assert_eq!((runs.len(), world.receipts().len()), (10_000, 10_000));
    assert_eq!(scheduler.counts().finished, 10_000);
}

#[tokio::test]
async fn a_burst_to_one_fast_target_is_not_put_off() {
    let world = World::new();
    let scheduler = world.scheduler();
    for n in 0..5_000 {
        let mut task = one_shot(&format!("t{n}"), 5);
        task.definition.callback.url = "fast".into();
        scheduler.create(task).await.expect("created");
    }
    world.run_until(&scheduler, 120).await;
    let receipts = world.receipts();
    assert_eq!(receipts.len(), 5_000);
    let latest = receipts.iter().map(|receipt| receipt.at).max().expect("some came");
    let soon = at(5).plus(Duration::from_millis(10));
    assert!(latest <= soon, "its lane moves, so nobody waits for long: {latest:?}");
}

#[tokio::test]
async fn a_deleted_task_never_fires() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(one_shot("a", 10)).await.expect("created");
    scheduler.create(one_shot("b", 10)).await.expect("created");
    let deleter = scheduler.clone();
    let clock = world.clock.clone();
    world
        .run_with(&scheduler, 20, async move {
            // Between the claim, which is committed ahead, and the send.
            clock.sleep_until(at(10).minus(Duration::from_millis(5))).await;
            deleter.delete(&task_id("a")).await.expect("it exists");
        })
        .await;
    let runs: Vec<String> = world.receipts().into_iter().map(|r| r.run_id).collect();
    assert_eq!(runs, [format!("b@{}", at(10).as_secs())]);
    assert!(scheduler.delete(&task_id("a")).await.is_err());
}

#[tokio::test]
async fn a_failed_attempt_is_repeated_with_the_same_run_id_until_the_policy_is_exhausted() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(one_shot("a", 1)).await.expect("created");
    let fail = || Outcome::failed("no").with_code(500);
    world.targets.script("a", [fail(), fail(), fail(), fail()]);
    world.run_until(&scheduler, 60).await;
    let receipts = world.receipts();
    let attempts: Vec<u32> = receipts.iter().map(|receipt| receipt.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert!(receipts.iter().all(|receipt| receipt.run_id == receipts[0].run_id));
    let found = world.task("a").await.expect("kept");
    assert_eq!(found.task.state.counters.failed, 1);
    assert_eq!(found.history[0].end, RunEnd::Failed);
    assert_eq!((found.history[0].attempts, found.history[0].code), (3, Some(500)));
}

#[tokio::test]
async fn a_retry_waits_as_long_as_the_target_asks() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(one_shot("a", 1)).await.expect("created");
    world.targets.script("a", [Outcome::failed("busy").with_retry_after(seconds(30))]);
    world.run_until(&scheduler, 60).await;
    assert_eq!(world.arrivals(), [1, 31]);
}

#[tokio::test]
async fn a_refused_run_and_an_at_most_once_run_are_not_repeated() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(one_shot("gone", 1)).await.expect("created");
    let mut once = one_shot("once", 1);
    once.definition.delivery = DeliveryMode::AtMostOnce;
    scheduler.create(once).await.expect("created");
    world.targets.script("gone", [Outcome::refused("410")]);
    world.targets.script("once", [Outcome::failed("no")]);
    world.run_until(&scheduler, 600).await;
    assert_eq!(world.arrivals(), [1, 1]);
}

#[tokio::test]
async fn a_panicking_dispatcher_costs_one_attempt_and_not_the_engine() {
    let world = World::new();
    let store: Arc<dyn Store> = Arc::clone(&world.store) as Arc<dyn Store>;
    let calls = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let dispatcher = xcron_core::dispatch_fn(move |_delivery| {
        let call = counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            assert!(call > 0, "the first attempt panics");
            Outcome::succeeded()
        }
    });
    let clock = Arc::new(world.clock.clone());
    let scheduler = xcron_core::Scheduler::builder(store, dispatcher).clock(clock).build();
    scheduler.create(one_shot("a", 1)).await.expect("created");
    world.run_until(&scheduler, 10).await;
    assert_eq!(world.task("a").await.expect("kept").task.state.counters.succeeded, 1);
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_target_that_hangs_delays_no_other() {
    let settings =
        Settings { in_flight_max: 8, in_flight_per_destination_max: 2, ..Settings::default() };
    let world = World::with_settings(settings);
    let scheduler = world.scheduler();
    world.targets.hold("black-hole");
    for n in 0..100 {
        let mut task = one_shot(&format!("lost{n}"), 5);
        task.definition.callback.url = "black-hole".into();
        scheduler.create(task).await.expect("created");
        scheduler.create(one_shot(&format!("good{n}"), 5)).await.expect("created");
    }
    let released = world.targets.clone();
    let clock = world.clock.clone();
    world
        .run_with(&scheduler, 300, async move {
            clock.sleep_until(at(100)).await;
            released.release("black-hole");
        })
        .await;
    let receipts = world.receipts();
    let good: Vec<_> = receipts.iter().filter(|r| r.run_id.starts_with("good")).collect();
    assert_eq!(good.len(), 100);
    assert!(good.iter().all(|receipt| receipt.at == at(5)), "the others are on time");
    assert_eq!(receipts.len(), 200, "what was put off is sent once the target answers");
}

#[tokio::test]
async fn while_one_target_answers_few_that_are_not_known_to_are_tried_at_a_time() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(one_shot("answers", 5)).await.expect("created");
    for n in 0..64 {
        let id = format!("hangs{n}");
        world.targets.hold(&id);
        scheduler.create(one_shot(&id, 5)).await.expect("created");
    }
    world.run_until(&scheduler, 6).await;
    let mut sent = BTreeMap::new();
    for receipt in world.receipts() {
        *sent.entry(receipt.at.since(at(5)).as_millis()).or_insert(0) += 1;
    }
    // The first look knows of none that answers; four more when it has, four when that is settled.
    let by_millisecond: Vec<_> = sent.into_iter().collect();
    let expected = [(0, 16 + 4 + 4), (1, 4), (2, 4), (3, 4), (4, 4), (5, 4), (6, 16), (7, 5)];
    assert_eq!(by_millisecond, expected);
}

#[tokio::test]
async fn a_task_that_is_given_another_target_keeps_its_fences_in_order() {
    let settings = Settings { in_flight_per_destination_max: 1, ..Settings::default() };
    let world = World::with_settings(settings);
    let scheduler = world.scheduler();
    let mut task = cron("t", "* * * * * *");
    (task.definition.callback.url, task.definition.timeout) = ("hangs".into(), seconds(30));
    scheduler.create(task.clone()).await.expect("created");
    world.targets.hold("hangs");
    let script = async {
        // The first hangs, and the next ones are claimed and wait for its place.
        world.clock.sleep_until(at(10)).await;
        let mut changed = task.definition.clone();
        changed.callback.url = "answers".into();
        scheduler.update(&task_id("t"), changed, None).await.expect("updated");
        world.clock.sleep_until(at(20)).await;
        world.targets.release("hangs");
    };
    world.run_with(&scheduler, 40, script).await;
    let receipts = world.receipts();
    let waited = receipts.iter().position(|receipt| receipt.at >= at(20)).expect("some");
    assert!(waited > 5, "the new target is called although the old one hangs");
    let fences: Vec<u64> = receipts.iter().map(|receipt| receipt.fence).collect();
    assert!(fences.is_sorted_by(|a, b| a < b), "{fences:?}");
    let counters = world.task("t").await.expect("kept").task.state.counters;
    assert_eq!((counters.claimed, counters.succeeded), (40, 40));
}

#[tokio::test]
async fn overlap_decides_what_happens_while_a_run_is_open() {
    for (overlap, expected, skipped) in [
        (Overlap::Allow, vec![1, 2, 3, 4, 5, 6, 7, 8], 0),
        (Overlap::Skip, vec![1, 6, 7, 8], 4),
        (Overlap::Queue, vec![1, 5, 6, 7, 8], 3),
    ] {
        let world = World::new();
        let scheduler = world.scheduler();
        let mut task = cron("slow", "* * * * * *");
        task.definition.overlap = overlap;
        scheduler.create(task).await.expect("created");
        world.targets.hold("slow");
        let targets = world.targets.clone();
        let clock = world.clock.clone();
        world
            .run_with(&scheduler, 8, async move {
                clock.sleep_until(at(5).plus(Duration::from_millis(500))).await;
                targets.release("slow");
            })
            .await;
        assert_eq!(world.arrivals(), expected, "{overlap:?}");
        let state = world.task("slow").await.expect("active").task.state;
        assert_eq!(state.counters.skipped_overlap, skipped, "{overlap:?}");
        assert_eq!(state.counters.ended() + state.counters.skipped(), 8, "{overlap:?}");
    }
}

#[tokio::test]
async fn what_was_missed_while_nobody_could_fire_follows_the_misfire_policy() {
    for (misfire, caught_up, skipped) in [
        (Misfire::FireOnce, vec![10], 9),
        (Misfire::FireAll, (1..=10).collect(), 0),
        (Misfire::Skip, vec![], 10),
    ] {
        let world = World::new();
        let scheduler = world.scheduler();
        let mut task = cron("tick", "* * * * * *");
        task.definition.misfire = misfire;
        task.definition.misfire_window = misfire.default_window();
        scheduler.create(task).await.expect("created");
        world.clock.set(at(10).plus(Duration::from_millis(1)));
        world.run_until(&scheduler, 15).await;
        let scheduled: Vec<i64> = (world.receipts().iter())
            .map(|receipt| receipt.scheduled_time.as_secs() - crate::world::BEGIN)
            .collect();
        let expected: Vec<i64> = caught_up.into_iter().chain(11..=15).collect();
        assert_eq!(scheduled, expected, "{misfire:?}");
        let state = world.task("tick").await.expect("active").task.state;
        assert_eq!(state.counters.skipped_misfire, skipped, "{misfire:?}");
    }
}

#[tokio::test]
async fn a_run_whose_node_was_lost_is_repeated_with_the_same_run_id_or_reported() {
    for (delivery, receipts, unknown) in
        [(DeliveryMode::AtLeastOnce, 1, 0), (DeliveryMode::AtMostOnce, 0, 1)]
    {
        let world = World::new();
        let scheduler = world.scheduler();
        let mut task = one_shot("a", 5);
        task.definition.delivery = delivery;
        scheduler.create(task).await.expect("created");
        let found = world.task("a").await.expect("created").task;
        let dead = Holder { node: 9, incarnation: 1 };
        let mut state = sample::sending(at(5).as_secs(), 1, dead);
        state.due_at = Some(at(5));
        let change = sample::put("a", found.revision, state);
        world.store.commit(vec![change]).await.expect("memory answers")[0].expect("the newest");
        world.run_until(&scheduler, 20).await;
        assert_eq!(world.receipts().len(), receipts, "{delivery:?}");
        assert!(world.receipts().iter().all(|receipt| receipt.attempt == 2));
        let state = world.task("a").await.expect("kept").task.state;
        assert_eq!(state.counters.unknown, unknown, "{delivery:?}");
        assert_eq!(state.status, TaskStatus::Finished);
    }
}

#[tokio::test]
async fn a_stop_hands_back_what_has_not_left_and_the_next_life_sends_it() {
    let settings = Settings { in_flight_max: 1, drain: seconds(5), ..Settings::default() };
    let world = World::with_settings(settings);
    let scheduler = world.scheduler();
    for name in ["a", "b", "c"] {
        let mut task = one_shot(name, 5);
        task.definition.retry = RetryPolicy { max_attempts: 1, ..RetryPolicy::default() };
        scheduler.create(task).await.expect("created");
    }
    world.targets.hold("a");
    world.run_until(&scheduler, 6).await;
    let state = world.task("b").await.expect("pending").task.state;
    assert_eq!(state.counters.ended(), 0);
    assert!(state.due_at.is_some(), "what was handed back is due");
    world.targets.release("a");
    world.run_until(&scheduler, 30).await;
    let receipts = world.receipts();
    for name in ["b", "c"] {
        let of_task = receipts.iter().filter(|receipt| receipt.run_id.starts_with(name));
        assert_eq!(of_task.count(), 1, "{name}");
    }
}

#[tokio::test]
async fn finished_tasks_go_when_they_are_old_or_too_many() {
    let settings =
        Settings { finished_max: 10, finished_retention: seconds(60), ..Settings::default() };
    let world = World::with_settings(settings);
    let scheduler = world.scheduler();
    for n in 0..30 {
        scheduler.create(one_shot(&format!("t{n:02}"), n + 1)).await.expect("created");
    }
    world.run_until(&scheduler, 31).await;
    assert_eq!(scheduler.counts().finished, 10);
    assert!(world.task("t29").await.is_some(), "the newest are kept");
    world.run_until(&scheduler, 120).await;
    assert_eq!(scheduler.counts().total(), 0);
}

#[tokio::test]
async fn creating_a_task_again_is_no_error_unless_it_differs() {
    let world = World::new();
    let scheduler = world.scheduler();
    assert_eq!(scheduler.create(one_shot("a", 10)).await, Ok(Created::New));
    assert_eq!(scheduler.create(one_shot("a", 10)).await, Ok(Created::Existing));
    assert!(scheduler.create(one_shot("a", 11)).await.is_err());
    world.clock.set(at(1_000));
    assert_eq!(
        scheduler.create(one_shot("a", 10)).await,
        Ok(Created::Existing),
        "its time has passed since, and it exists all the same"
    );
    let found = scheduler.get(&task_id("a"), Consistency::Linearizable).await.expect("memory");
    let change = Change::Delete { id: task_id("a"), expected: found.map(|f| f.task.revision) };
    world.store.commit(vec![change]).await.expect("memory answers")[0].expect("the newest");
    assert!(scheduler.create(one_shot("a", 10)).await.is_err(), "too late for a new one");
}

#[tokio::test]
async fn a_clock_that_jumps_back_fires_nothing_again() {
    let world = World::new();
    let scheduler = world.scheduler();
    scheduler.create(cron("tick", "* * * * * *")).await.expect("created");
    world.run_until(&scheduler, 10).await;
    world.clock.set(at(5));
    world.run_until(&scheduler, 15).await;
    assert_eq!(world.arrivals(), (1..=15).collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_second_run_of_the_same_scheduler_is_refused() {
    let world = World::new();
    let scheduler = world.scheduler();
    let (first, second) = futures::join!(
        scheduler.run(tokio::task::yield_now()),
        scheduler.run(tokio::task::yield_now()),
    );
    assert!(first.is_ok());
    assert_eq!(second, Err(xcron_core::EngineError::Running));
}

#[tokio::test]
async fn overlap_is_judged_at_the_instant_and_not_when_the_claim_is_made_ahead() {
    for overlap in [Overlap::Skip, Overlap::Queue] {
        let world = World::new();
        let scheduler = world.scheduler();
        let mut task = cron("t", "* * * * * *");
        task.definition.overlap = overlap;
        scheduler.create(task).await.expect("created");
        world.targets.hold("t");
        let (targets, clock) = (world.targets.clone(), world.clock.clone());
        world
            .run_with(&scheduler, 4, async move {
                // Each run ends 20 ms before the next is due, which is within the lookahead.
                for n in 1..=3 {
                    clock.sleep_until(at(n).plus(Duration::from_millis(980))).await;
                    targets.release("t");
                    targets.hold("t");
                }
                clock.sleep_until(at(4).minus(Duration::from_millis(1))).await;
                targets.release("t");
            })
            .await;
        assert_eq!(world.arrivals(), [1, 2, 3, 4], "{overlap:?}");
        let state = world.task("t").await.expect("active").task.state;
        assert_eq!(state.counters.skipped_overlap, 0, "{overlap:?}");
    }
}

#[tokio::test]
async fn a_scheduler_that_was_told_to_stop_is_not_ready() {
    let world = World::new();
    let scheduler = world.scheduler();
    assert!(scheduler.ready().await.is_ok());
    world.run_until(&scheduler, 1).await;
    assert!(scheduler.ready().await.is_err());
}
