//! Leadership handed over on purpose: by a stop, and by request.

use crate::cluster::{Cluster, RECOVERY};
use crate::hearing::{assert_settled, hear};
use crate::load::{Load, Plan};
use crate::target::Target;
use crate::timeline::plainly;
use crate::turn;
use std::time::Duration;
use tokio::time::sleep;

/// How long a clean stop may take.
const STOP: Duration = Duration::from_secs(10);

/// What a hand-over may cost in lateness, in milliseconds; the goal is a quarter of it.
const LATE_MAX_MS: u64 = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_of_the_leader_under_load_loses_and_doubles_nothing() {
    let _turn = turn::alone().await;
    let target = Target::start().await;
    let mut cluster = Cluster::prepare(3).formed().await;
    let load = Load::begin(&cluster.addresses, &target, Plan::default()).await;
    sleep(Duration::from_secs(2)).await;
    for round in 0..3 {
        let leader = cluster.leader().await;
        let (status, time) = cluster.terminate(leader).await;
        assert_eq!(status.code(), Some(0), "{}", cluster.members[leader].last_words());
        assert!(time <= STOP, "the stop took {time:?}");
        sleep(Duration::from_millis(500 + 333 * round)).await;
        cluster.start(leader).await;
        cluster.await_whole(2 * RECOVERY).await;
        sleep(Duration::from_millis(700)).await;
    }
    let ledger = load.end().await;
    let heard = hear(&ledger, &target, &[]).await;
    let worst = heard.lateness.worst();
    plainly(&format!("P11: SIGTERM of the leader under load: worst lateness {worst} (goal 500)"));
    heard.assert_clean("stops of the leader", &ledger);
    assert_settled(&cluster, &ledger).await;
    assert!(worst.by <= LATE_MAX_MS, "{worst}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_given_to_each_node_in_turn_loses_and_doubles_nothing() {
    let _turn = turn::alone().await;
    let target = Target::start().await;
    let cluster = Cluster::prepare(3).formed().await;
    let load = Load::begin(&cluster.addresses, &target, Plan::default()).await;
    sleep(Duration::from_secs(1)).await;
    let first = cluster.leader().await;
    for step in 1..=6 {
        cluster.transfer((first + step) % 3).await;
        sleep(Duration::from_millis(800)).await;
    }
    // To whom is the cluster's choice when nobody is named.
    let before = cluster.leader().await;
    cluster.done("/xcron/cluster/transferLeader", serde_json::json!({})).await;
    let moved = async || (cluster.leader_now().await? != before).then_some(());
    cluster.until(RECOVERY, "somebody else leads", moved).await;
    let ledger = load.end().await;
    let heard = hear(&ledger, &target, &[]).await;
    let worst = heard.lateness.worst();
    plainly(&format!("P11: transfers of leadership under load: worst lateness {worst}"));
    heard.assert_clean("transfers of leadership", &ledger);
    assert_settled(&cluster, &ledger).await;
    assert!(worst.by <= LATE_MAX_MS, "{worst}");
}
