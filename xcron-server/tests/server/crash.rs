//! Kills without warning: whatever was acknowledged happens, and nothing else happens twice.

use crate::api::one_shot;
use crate::process::{Home, Server};
use crate::target::{Call, Target, now_secs, times};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::task::JoinSet;

/// Creates tasks over 8 connections until `numbers` run out or the server is gone; the ids of
/// those that were acknowledged.
async fn create_until_gone(
    server: &Server,
    numbers: std::ops::Range<usize>,
    due: u64,
    url: &str,
) -> JoinSet<BTreeSet<String>> {
    let mut creating = JoinSet::new();
    for connection in 0..8 {
        let (mut api, url, numbers) = (server.api().await, url.to_owned(), numbers.clone());
        creating.spawn(async move {
            let mut acknowledged = BTreeSet::new();
            for n in numbers.skip(connection).step_by(8) {
                let id = format!("task-{n}");
                match api.call("/xcron/createTask", one_shot(&id, due, &url)).await {
                    Ok((0, _)) => drop(acknowledged.insert(id)),
                    Ok((code, answer)) => panic!("{code}: {answer}"),
                    Err(_gone) => break,
                }
            }
            acknowledged
        });
    }
    creating
}

fn assert_runs_are_repeated_only(calls: &[Call], may_repeat: impl Fn(&str) -> bool) {
    let mut runs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for call in calls {
        call.assert_not_early();
        runs.entry(call.task()).or_default().insert(call.run());
    }
    for (task, times) in times(calls) {
        assert!(times == 1 || may_repeat(&task), "{task} was called {times} times");
        assert_eq!(runs[task.as_str()].len(), 1, "{task} had more than one run");
    }
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_fired_after_it() {
    const PENDING: usize = 1_000;
    const IN_FLIGHT: usize = 50;
    // Nothing that is held times out, so that only the kill repeats it.
    let home = Home::new().with("XCRON_CALLBACK__TIMEOUT_SECONDS", 600);
    let target = Target::start().await;
    let server = home.start().await;
    let later = now_secs() + 12;
    let creating = create_until_gone(&server, 0..PENDING, later, &target.prompt()).await;
    let acknowledged = creating.join_all().await.concat_sets();
    assert_eq!(acknowledged.len(), PENDING);
    let (mut api, soon) = (server.api().await, now_secs() + 1);
    for n in 0..IN_FLIGHT {
        api.create(one_shot(&format!("held-{n}"), soon, &target.holding())).await;
    }
    target.await_calls("those in flight", |calls| calls.len() >= IN_FLIGHT).await;
    server.kill().await;
    assert!(now_secs() < later, "the machine is too slow for this test: nothing may be due yet");
    assert_eq!(target.calls().len(), IN_FLIGHT);
    target.let_go();

    let server = home.start().await;
    let everything = PENDING + IN_FLIGHT;
    target.await_calls("all tasks", |calls| times(calls).len() == everything).await;
    let repeated = |calls: &[Call]| calls.len() == everything + IN_FLIGHT;
    target.await_calls("the repeated runs", repeated).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_runs_are_repeated_only(&target.calls(), |task| task.starts_with("held-"));
    let mut api = server.api().await;
    for task in ["task-0", "held-0"] {
        assert_eq!(api.query(task).await["success_count"], json!(1), "{task}");
    }
    let held = api.get("/xcron/queryTask?task_id=held-0&attempts=true").await.expect("an answer").1;
    let attempts = held["last_runs"][0]["attempts"].as_array().expect("a list");
    let status: Vec<_> = attempts.iter().map(|attempt| &attempt["status"]).collect();
    assert_eq!(status, ["lost", "succeeded"], "{held}");
    server.stop().await;
}

#[tokio::test]
async fn a_kill_amid_creates_loses_nothing_acknowledged() {
    let (home, target) = (Home::new(), Target::start().await);
    let mut acknowledged = BTreeSet::new();
    let due = now_secs() + 12;
    for life in 0..4 {
        let server = home.start().await;
        let numbers = life * 1_000_000..(life + 1) * 1_000_000;
        let creating = create_until_gone(&server, numbers, due, &target.prompt()).await;
        tokio::time::sleep(Duration::from_millis(150 + 70 * life as u64)).await;
        server.kill().await;
        acknowledged.extend(creating.join_all().await.concat_sets());
    }
    assert!(!acknowledged.is_empty());
    assert!(now_secs() < due, "the machine is too slow for this test: nothing may be due yet");
    let server = home.start().await;
    let all = |calls: &[Call]| {
        let called = times(calls);
        acknowledged.iter().all(|task| called.contains_key(task))
    };
    target.await_calls("all that was acknowledged", all).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    // What was not acknowledged may exist or not; whatever exists fires once.
    assert_runs_are_repeated_only(&target.calls(), |_| false);
    server.stop().await;
}

#[tokio::test]
async fn a_kill_amid_callbacks_repeats_only_what_was_not_settled() {
    const TASKS: usize = 2_000;
    let (home, target) = (Home::new(), Target::start().await);
    let server = home.start().await;
    let due = now_secs() + 4;
    let creating = create_until_gone(&server, 0..TASKS, due, &target.slow(5)).await;
    assert_eq!(creating.join_all().await.concat_sets().len(), TASKS);
    target.await_calls("some callbacks", |calls| calls.len() > TASKS / 10).await;
    server.kill().await;
    let server = home.start().await;
    target.await_calls("all tasks", |calls| times(calls).len() == TASKS).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    // At most one repetition: the second life was not killed.
    let calls = target.calls();
    assert_runs_are_repeated_only(&calls, |task| times(&calls)[task] == 2);
    let mut api = server.api().await;
    for n in (0..TASKS).step_by(97) {
        let task = api.query(&format!("task-{n}")).await;
        assert_eq!((&task["state"], &task["run_count"]), (&json!("finished"), &json!(1)));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_task_stays_deleted_after_a_kill() {
    let (home, target) = (Home::new(), Target::start().await);
    let server = home.start().await;
    let mut api = server.api().await;
    let due = now_secs() + 4;
    for n in 0..100 {
        api.create(one_shot(&format!("task-{n}"), due, &target.prompt())).await;
    }
    for n in (0..100).step_by(2) {
        assert_eq!(api.delete(&format!("task-{n}")).await, 0);
    }
    server.kill().await;
    let server = home.start().await;
    target.await_calls("those that were kept", |calls| times(calls).len() == 50).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let number = |task: &str| task["task-".len()..].parse::<usize>().expect("a number");
    assert!(times(&target.calls()).keys().all(|task| number(task) % 2 == 1));
    server.stop().await;
}

/// Puts together what several connections saw.
trait ConcatSets {
    fn concat_sets(self) -> BTreeSet<String>;
}

impl ConcatSets for Vec<BTreeSet<String>> {
    fn concat_sets(self) -> BTreeSet<String> {
        self.into_iter().flatten().collect()
    }
}
