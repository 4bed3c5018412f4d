//! Every node makes callbacks: what the leader has no place for the others make.

use crate::api::one_shot;
use crate::cluster::{Cluster, RECOVERY};
use crate::target::{Call, Target, now_secs, times};
use crate::turn;
use crate::view::query;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// How many callbacks a node makes at a time.
const PLACES: usize = 4;

/// Three nodes with so many places, one at the same target for each, and tasks for all of them.
async fn three_nodes_and(tasks: usize, url: &str) -> Cluster {
    let cluster = Cluster::prepare(3)
        .with("XCRON_CALLBACK__MAX_IN_FLIGHT", PLACES)
        .with("XCRON_CALLBACK__MAX_IN_FLIGHT_PER_HOST", PLACES)
        .formed()
        .await;
    let due = now_secs() + 3;
    for number in 0..tasks {
        cluster.done("/xcron/createTask", one_shot(&format!("task-{number}"), due, url)).await;
    }
    cluster
}

/// Which node made the only run of each task, once all of them have succeeded.
async fn made_by(cluster: &mut Cluster, tasks: usize) -> BTreeMap<String, u64> {
    let leader = cluster.leader().await;
    let mut made_by = BTreeMap::new();
    for number in 0..tasks {
        let id = format!("task-{number}");
        let ended = async || {
            let (_, task) = query(cluster.http(leader), &id, "linearizable").await?;
            let run = &task["last_runs"][0];
            let is_done = task["run_count"] == json!(1) && run["status"] == json!("succeeded");
            is_done.then(|| run["node"].as_u64().expect("a node"))
        };
        let node = cluster.until(RECOVERY, "every run has succeeded", ended).await;
        made_by.insert(id, node);
    }
    made_by
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_has_no_place_for_the_others_call() {
    let _turn = turn::beside_others().await;
    let target = Target::start().await;
    let tasks = 6 * PLACES;
    let mut cluster = three_nodes_and(tasks, &target.slow(500)).await;
    target.await_calls("all of them", |calls| calls.len() == tasks).await;
    let made_by = made_by(&mut cluster, tasks).await;
    let nodes: BTreeSet<u64> = made_by.values().copied().collect();
    assert_eq!(nodes.len(), 3, "{made_by:?}");
    let calls = target.calls();
    assert!(times(&calls).values().all(|&times| times == 1), "{:?}", times(&calls));
    calls.iter().for_each(Call::assert_not_early);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_node_was_calling_is_called_by_another() {
    let _turn = turn::beside_others().await;
    let target = Target::start().await;
    // Of a target that takes its time a node keeps one place free.
    let tasks = 3 * (PLACES - 1);
    let mut cluster = three_nodes_and(tasks, &target.slow(3_000)).await;
    target.await_calls("what there are places for", |calls| calls.len() >= tasks - 1).await;
    let leader = cluster.leader().await;
    let follower = (leader + 1) % 3;
    cluster.kill(follower).await;
    made_by(&mut cluster, tasks).await;
    let calls = target.calls();
    let again: Vec<String> =
        times(&calls).into_iter().filter(|(_, times)| *times > 1).map(|(id, _)| id).collect();
    assert!((1..PLACES).contains(&again.len()), "{:?}", times(&calls));
    for id in again {
        let of_task: Vec<&Call> = calls.iter().filter(|call| call.task() == id).collect();
        let [first, second] = of_task[..] else { panic!("{of_task:?}") };
        assert_eq!((first.run(), first.attempt(), second.attempt()), (second.run(), 1, 2));
        assert!(first.fence() < second.fence(), "{first:?} {second:?}");
    }
}
