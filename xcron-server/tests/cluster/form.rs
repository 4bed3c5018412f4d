//! Formation, and that it makes no difference which node is asked.

use crate::api::one_shot;
use crate::cluster::{Cluster, RECOVERY};
use crate::target::{Target, now_secs};
use crate::turn;
use crate::view::{self, NodeView, View};
use hyper::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::sleep;

const FORMATION: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_form_one_cluster_in_any_order_of_start() {
    let _turn = turn::beside_others().await;
    for order in [[0, 1, 2], [2, 0, 1]] {
        let mut cluster = Cluster::prepare(3);
        for place in order {
            cluster.start(place).await;
            let (status, _) = view::page(cluster.http(place), "/healthz").await.expect("it lives");
            assert_eq!(status, StatusCode::OK, "it listens at once");
            sleep(Duration::from_millis(700)).await;
            if cluster.running().len() == 1 {
                let (status, why) = cluster.readiness(place).await.expect("it answers");
                assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "one of three is ready: {why}");
                assert!(!why.trim().is_empty(), "it says why");
            }
        }
        cluster.await_whole(FORMATION).await;
        let mut ids = BTreeSet::new();
        let mut clusters = BTreeSet::new();
        for place in 0..3 {
            let view = cluster.view(place).await;
            ids.insert(view.node_id());
            clusters.insert(view.cluster_id());
            assert_eq!(view.voters().len(), 3, "{view:?}");
        }
        assert_eq!((ids.len(), clusters.len()), (3, 1), "{ids:?} {clusters:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_answers_every_request_alike() {
    let _turn = turn::beside_others().await;
    let target = Target::start().await;
    let cluster = Cluster::prepare(3).formed().await;
    let mut apis = [cluster.api(0).await, cluster.api(1).await, cluster.api(2).await];
    let due = now_secs() + 3_600;
    for writer in 0..3 {
        for round in 0..10 {
            let id = format!("from-{writer}-{round}");
            let task = one_shot(&id, due, &target.prompt());
            apis[writer].create(task.clone()).await;
            for (place, api) in apis.iter_mut().enumerate() {
                // At once, and linearizable: it was acknowledged before this was asked.
                let (code, found) = api.get(&query(&id)).await.expect("an answer");
                assert_eq!((code, &found["task_id"]), (0, &json!(id)), "at {place}: {found}");
                let (code, _) = create(api, task.clone()).await;
                assert_eq!(code, 0, "the same again at {place}");
                let other = one_shot(&id, due + 1, &target.prompt());
                assert_eq!(create(api, other).await.0, 1409, "another definition at {place}");
            }
            let deleter = (writer + 1 + round % 2) % 3;
            assert_eq!(apis[deleter].delete(&id).await, 0, "{id}");
            for (place, api) in apis.iter_mut().enumerate() {
                let (code, found) = api.get(&query(&id)).await.expect("an answer");
                assert_eq!(code, 1404, "deleted, but at {place}: {found}");
                assert_eq!(api.delete(&id).await, 1404, "deleted again at {place}");
            }
        }
    }
    for (place, api) in apis.iter_mut().enumerate() {
        let mut task = one_shot("bad", due, &target.prompt());
        task["format"] = json!("soon");
        assert_eq!(create(api, task).await.0, 1001, "at {place}");
        let too_late = one_shot("late", now_secs() - 3_600, &target.prompt());
        assert_eq!(create(api, too_late).await.0, 1002, "at {place}");
        assert_eq!(api.get("/xcron/queryTask").await.expect("an answer").0, 1000, "at {place}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_description_of_the_cluster_is_true() {
    let _turn = turn::beside_others().await;
    let mut cluster = Cluster::prepare(3).formed().await;
    let leader = cluster.leader().await;
    let leader_id = cluster.node_id(leader).await;
    for place in 0..3 {
        let view = cluster.view(place).await;
        assert_eq!(view.leader(), Some(leader_id), "as {place} sees it: {view:?}");
        let leads = |node: &&NodeView| node.role() == "leader";
        let leaders: Vec<_> = view.nodes().iter().filter(leads).map(NodeView::id).collect();
        assert_eq!(leaders, [leader_id], "as {place} sees it: {view:?}");
        // Who stood for election may still have said so last.
        let what = format!("two follow, as {place} sees it");
        let follow = async || {
            let view = View::of(cluster.http(place)).await?;
            let nodes = view.nodes();
            (nodes.iter().filter(|node| node.role() == "follower").count() == 2).then_some(())
        };
        cluster.until(RECOVERY, &what, follow).await;
        let own = view.node(view.node_id()).expect("it knows itself");
        let port = cluster.members[place].peer_port;
        assert!(own.address().ends_with(&format!(":{port}")), "{own:?}");
        assert!(own.json()["version"].is_string(), "{own:?}");
    }
    // The leader knows of the others what they last told it, which is a moment old.
    let view = cluster
        .until(RECOVERY, "the leader knows how far all are", async || {
            let view = View::of(cluster.http(leader)).await?;
            view.nodes().iter().all(|node| node.json()["applied"].is_u64()).then_some(view)
        })
        .await;
    for node in view.nodes().iter().filter(|node| node.id() != leader_id) {
        assert_eq!(node.json()["is_reachable"], json!(true), "{node:?}");
        let offset = node.json()["clock_offset_ms"].as_f64().expect("a number");
        assert!(offset.abs() < 300.0, "they share a clock: {node:?}");
        assert!(node.json()["lag"].is_u64() && node.json()["applied"].is_u64(), "{node:?}");
    }

    let dead = (leader + 1) % 3;
    let dead_id = cluster.node_id(dead).await;
    cluster.kill(dead).await;
    for expected in [false, true] {
        if expected {
            cluster.start(dead).await;
        }
        let what = format!("the leader says that reachability is {expected}");
        cluster
            .until(RECOVERY, &what, async || reaches(&cluster, leader, dead_id, expected).await)
            .await;
    }
    cluster.await_whole(RECOVERY).await;
}

/// Whether the node at `place` says that it reaches a node or not, as expected.
async fn reaches(cluster: &Cluster, place: usize, node_id: u64, expected: bool) -> Option<()> {
    let view = View::of(cluster.http(place)).await?;
    let node = view.node(node_id)?;
    (node.json()["is_reachable"] == json!(expected)).then_some(())
}

fn query(task: &str) -> String {
    format!("/xcron/queryTask?task_id={task}")
}

async fn create(api: &mut crate::api::Api, task: Value) -> (i64, Value) {
    api.call("/xcron/createTask", task).await.expect("an answer")
}
