//! A cluster of one under the same load and the same judge.

use crate::cluster::{Cluster, RECOVERY};
use crate::hearing::{assert_settled, hear};
use crate::load::{Load, Plan};
use crate::target::Target;
use crate::turn;
use std::time::Duration;
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_node_loses_nothing_through_kills() {
    let _turn = turn::alone().await;
    let target = Target::start().await;
    let mut cluster = Cluster::single();
    cluster.start(0).await;
    cluster.await_ready(0, RECOVERY).await;
    let load = Load::begin(&cluster.addresses, &target, Plan::default()).await;
    for millis in [1_300, 1_700] {
        sleep(Duration::from_millis(millis)).await;
        cluster.kill(0).await;
        sleep(Duration::from_millis(500)).await;
        cluster.start(0).await;
    }
    sleep(Duration::from_secs(1)).await;
    let ledger = load.end().await;
    let heard = hear(&ledger, &target, &cluster.faults()).await;
    heard.assert_clean("kills of a single node", &ledger);
    assert_settled(&cluster, &ledger).await;
}
