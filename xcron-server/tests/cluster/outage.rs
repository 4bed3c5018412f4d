//! All nodes without power at once, and a disk that is lost for good.

use crate::api::{Api, one_shot};
use crate::cluster::{Cluster, RECOVERY};
use crate::hearing::{assert_settled, hear};
use crate::load::{Load, Plan};
use crate::target::{Target, now_secs};
use crate::turn;
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;

const FORMATION: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_of_all_nodes_loses_nothing_acknowledged() {
    let _turn = turn::alone().await;
    let target = Target::start().await;
    let mut cluster = Cluster::prepare(3).formed().await;
    let load = Load::begin(&cluster.addresses, &target, Plan::default()).await;
    for order in [[2, 1, 0], [1, 0, 2]] {
        sleep(Duration::from_secs(2)).await;
        cluster.kill_all().await;
        sleep(Duration::from_millis(500)).await;
        for place in order {
            cluster.start(place).await;
            sleep(Duration::from_millis(200)).await;
        }
        cluster.await_whole(2 * RECOVERY).await;
    }
    sleep(Duration::from_secs(1)).await;
    let ledger = load.end().await;
    let heard = hear(&ledger, &target, &cluster.faults()).await;
    heard.assert_clean("power cuts of all nodes", &ledger);
    assert_settled(&cluster, &ledger).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_disk_is_refused_and_its_node_replaced_without_loss() {
    let _turn = turn::beside_others().await;
    let target = Target::start().await;
    let mut cluster = Cluster::prepare(3).formed().await;
    let due = now_secs() + 3_600;
    let ids: Vec<String> = (0..300).map(|n| format!("kept-{n}")).collect();
    let mut api = cluster.api(0).await;
    for id in &ids {
        api.create(one_shot(id, due, &target.prompt())).await;
    }
    // Any of the three, the leader too.
    let lost = cluster.leader().await;
    let lost_id = cluster.node_id(lost).await;
    cluster.kill(lost).await;
    let data = cluster.members[lost].home.path().join("data");
    std::fs::remove_dir_all(&data).expect("its data can be deleted");

    // It would be a founder of a second cluster, or vote again for what it has voted before.
    let (code, said) = cluster.members[lost].refused().await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("removeNode") && said.contains("join"), "it says what to do: {said}");
    let survivor = cluster.running()[0];
    let view = cluster.view(survivor).await;
    assert_eq!(view.nodes().len(), 3, "it left no trace: {view:?}");

    cluster.remove(lost_id).await;
    let joined = cluster.join().await;
    cluster.await_whole(FORMATION).await;
    assert!(cluster.node_id(joined).await > lost_id, "it is a node of its own");
    assert_eq!(cluster.view(joined).await.voters().len(), 3);
    // It carries the cluster with one of the others.
    cluster.kill(survivor).await;
    cluster.await_ready(joined, RECOVERY).await;
    assert_all_there(&mut cluster.api(joined).await, &ids).await;
}

async fn assert_all_there(api: &mut Api, ids: &[String]) {
    for id in ids {
        let path = format!("/xcron/queryTask?task_id={id}");
        let (code, found) = api.get(&path).await.expect("an answer");
        assert_eq!((code, &found["task_id"]), (0, &json!(id)), "{found}");
    }
}
