//! What fires, when, and what does not.

use crate::api::one_shot;
use crate::process::Home;
use crate::target::{Target, now_millis, now_secs, sleep_until, times};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

#[tokio::test]
async fn a_created_task_calls_back_once_and_never_early() {
    let (home, target) = (Home::new(), Target::start().await);
    let server = home.start().await;
    let mut api = server.api().await;
    let due = now_secs() + 2;
    api.create(one_shot("invoice-7", due, &target.prompt())).await;
    target.await_calls("the callback", |calls| !calls.is_empty()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let calls = target.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    calls[0].assert_not_early();
    assert_eq!((calls[0].task(), calls[0].scheduled()), ("invoice-7", due));
    assert_eq!(calls[0].header("xcron-attempt"), "1");
    assert_eq!(calls[0].header("content-type"), "application/json");
    assert_eq!(calls[0].header("idempotency-key"), calls[0].run());
    assert_eq!(calls[0].body, "{\"of\":\"invoice-7\"}");
    let task = api.query("invoice-7").await;
    assert_eq!((&task["state"], &task["success_count"]), (&json!("finished"), &json!(1)), "{task}");
    server.stop().await;
}

#[tokio::test]
async fn a_callback_is_signed_by_both_secrets_that_are_configured() {
    let secrets = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let home = Home::new().with("XCRON_CALLBACK__SIGNING_SECRET_ENV", "HOOKS");
    let (home, target) = (home.with("HOOKS", secrets), Target::start().await);
    let server = home.start().await;
    let mut api = server.api().await;
    api.create(one_shot("signed", now_secs(), &target.prompt())).await;
    target.await_calls("the callback", |calls| !calls.is_empty()).await;
    let call = &target.calls()[0];
    assert_eq!(call.header("webhook-id"), call.run());
    assert!(call.header("webhook-timestamp").parse::<u64>().is_ok(), "{call:?}");
    let signatures: Vec<&str> = call.header("webhook-signature").split(' ').collect();
    assert!(signatures.len() == 2 && signatures.iter().all(|it| it.starts_with("v1,")), "{call:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_task_of_every_second_misses_none_and_doubles_none() {
    const SECONDS: usize = 5;
    let (home, target) = (Home::new(), Target::start().await);
    let server = home.start().await;
    let mut api = server.api().await;
    for n in 0..5 {
        let callback = json!({ "url": target.prompt() });
        let task = json!({ "task_id": format!("tick-{n}"), "type": 1, "format": "* * * * * *",
            "callback": callback });
        api.create(task).await;
    }
    let all = |calls: &[_]| {
        let times = times(calls);
        times.len() == 5 && times.values().all(|n| *n >= SECONDS)
    };
    target.await_calls("five seconds of five tasks", all).await;
    server.stop().await;
    let mut seconds: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for call in target.calls() {
        call.assert_not_early();
        seconds.entry(call.task().to_owned()).or_default().push(call.scheduled());
    }
    for (task, mut seconds) in seconds {
        seconds.sort_unstable();
        let first = seconds[0];
        let expected: Vec<u64> = (first..first + seconds.len() as u64).collect();
        assert_eq!(seconds, expected, "{task}");
    }
}

/// A callback that left before its task was deleted may arrive this long after.
const UNDER_WAY_MILLIS: u64 = 1_000;

#[tokio::test]
async fn a_deleted_task_never_fires_again() {
    const TASKS: usize = 600;
    // Few places and slow answers, so that deletes meet tasks in every state: pending, claimed,
    // waiting for a place, under way, settled.
    let home = Home::new().with("XCRON_CALLBACK__MAX_IN_FLIGHT", 4);
    let target = Target::start().await;
    let server = home.start().await;
    let mut api = server.api().await;
    let name = |n: usize| format!("task-{n:03}");
    let due = now_secs() + 5;
    for n in 0..TASKS {
        api.create(one_shot(&name(n), due, &target.slow(20))).await;
    }
    sleep_until(due * 1_000 - 5).await;
    let deleted_at = Arc::new(Mutex::new(BTreeMap::new()));
    let mut deleting = JoinSet::new();
    for connection in 0..4 {
        // Tasks fire in the order of their names: two connections follow them, two come from the
        // other end.
        let half = connection % 2 * (TASKS / 2)..(connection % 2 + 1) * (TASKS / 2);
        let mut numbers: Vec<usize> = half.skip(connection / 2).step_by(2).collect();
        if connection % 2 == 1 {
            numbers.reverse();
        }
        let (mut api, deleted_at) = (server.api().await, Arc::clone(&deleted_at));
        deleting.spawn(async move {
            for n in numbers {
                assert_eq!(api.delete(&name(n)).await, 0, "{n}");
                deleted_at.lock().await.insert(name(n), now_millis());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
    }
    while let Some(ended) = deleting.join_next().await {
        ended.expect("every delete is acknowledged");
    }
    tokio::time::sleep(Duration::from_millis(2 * UNDER_WAY_MILLIS)).await;
    let (deleted_at, calls) = (deleted_at.lock().await, target.calls());
    for call in &calls {
        call.assert_not_early();
        let late = call.at.saturating_sub(deleted_at[call.task()]);
        assert!(late < UNDER_WAY_MILLIS, "called {late} ms after its delete: {call:?}");
    }
    let called = times(&calls);
    assert!(called.values().all(|n| *n == 1), "{called:?}");
    assert!(!called.is_empty() && called.len() < TASKS, "{} of {TASKS} fired", called.len());
    assert_eq!(api.delete(&name(0)).await, 1404);
    server.stop().await;
}

#[tokio::test]
async fn the_same_task_created_again_fires_once() {
    let (home, target) = (Home::new(), Target::start().await);
    let server = home.start().await;
    let (mut one, mut other) = (server.api().await, server.api().await);
    let due = now_secs() + 2;
    for n in 0..50 {
        let task = one_shot(&format!("twice-{n}"), due, &target.prompt());
        tokio::join!(one.create(task.clone()), other.create(task));
    }
    target.await_calls("all tasks", |calls| times(calls).len() == 50).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let runs: BTreeSet<String> = target.calls().iter().map(|call| call.run().into()).collect();
    assert_eq!((target.calls().len(), runs.len()), (50, 50));
    let other = one_shot("twice-0", due + 1, &target.prompt());
    assert_eq!(one.call("/xcron/createTask", other).await.expect("an answer").0, 1409);
    server.stop().await;
}
