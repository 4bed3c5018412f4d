//! A cluster grows and shrinks while it fires.

use crate::cluster::{Cluster, RECOVERY};
use crate::hearing::{assert_settled, hear};
use crate::load::{Load, Plan};
use crate::target::Target;
use crate::turn;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::sleep;

/// How long a node may take to be let in and to vote.
const ADMISSION: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_three_five_three_nodes_lose_and_double_nothing() {
    let _turn = turn::alone().await;
    let target = Target::start().await;
    let mut cluster = Cluster::single();
    cluster.start(0).await;
    cluster.await_ready(0, RECOVERY).await;
    let plan = Plan { per_second: 50, one_shots_max: 1_000, crons: 1, ..Plan::default() };
    let load = Load::begin(&cluster.addresses, &target, plan).await;
    let mut ids = BTreeSet::from([cluster.node_id(0).await]);
    for voters in [3, 5] {
        // Two at a time.
        let places = [cluster.join().await, cluster.join().await];
        await_voters(&cluster, voters).await;
        cluster.await_whole(ADMISSION).await;
        for place in places {
            let id = cluster.node_id(place).await;
            assert!(ids.insert(id), "the id {id} was another node's: {ids:?}");
        }
    }

    // The leader first, which runs, then a node that is dead.
    let leader = cluster.leader().await;
    cluster.remove(cluster.node_id(leader).await).await;
    assert_removed(&mut cluster, leader).await;
    await_voters(&cluster, 4).await;
    let dead = *cluster.running().iter().find(|place| **place != 0).expect("four run");
    let dead_id = cluster.node_id(dead).await;
    cluster.kill(dead).await;
    sleep(Duration::from_secs(1)).await;
    cluster.remove(dead_id).await;
    await_voters(&cluster, 3).await;
    cluster.await_whole(ADMISSION).await;

    // Ids are never reused, not even that of the node that left last.
    let place = cluster.join().await;
    cluster.await_whole(ADMISSION).await;
    let id = cluster.node_id(place).await;
    assert!(ids.iter().all(|known| *known < id), "{id} after {ids:?}");
    let what = "a thousand one-shots were asked for";
    cluster.until(4 * RECOVERY, what, async || load.is_spent().then_some(())).await;
    let ledger = load.end().await;
    let heard = hear(&ledger, &target, &cluster.faults()).await;
    heard.assert_clean("one, three, five, three nodes", &ledger);
    assert_settled(&cluster, &ledger).await;

    // A removed node's disk does not come back as a member; the one that died cannot know yet.
    let (code, said) = cluster.members[dead].refused().await;
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(cluster.view(place).await.voters().len(), 4);
}

async fn await_voters(cluster: &Cluster, count: usize) {
    let what = format!("{count} nodes vote");
    cluster
        .until(ADMISSION, &what, async || {
            let leader = cluster.leader_now().await?;
            (cluster.view(leader).await.voters().len() == count).then_some(())
        })
        .await;
}

/// A node that was removed while it ran ends by itself and says so.
async fn assert_removed(cluster: &mut Cluster, place: usize) {
    let (status, said) = cluster.ended(place).await;
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("removed"), "{said}");
}
