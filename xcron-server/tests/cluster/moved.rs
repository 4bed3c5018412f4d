//! A node that comes back with another address.

use crate::api::one_shot;
use crate::cluster::{Cluster, RECOVERY, host};
use crate::ports::free_port;
use crate::target::{Target, now_secs};
use crate::turn;
use crate::view::View;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_another_address_is_found_again() {
    let _turn = turn::beside_others().await;
    let target = Target::start().await;
    let mut cluster = Cluster::prepare(3).formed().await;
    let leader = cluster.leader().await;
    // A follower moves, then the leader.
    for (round, mover) in [(leader + 1) % 3, leader].into_iter().enumerate() {
        let id = cluster.node_id(mover).await;
        let (status, _) = cluster.terminate(mover).await;
        assert_eq!(status.code(), Some(0), "{}", cluster.members[mover].last_words());
        let port = free_port();
        let member = &mut cluster.members[mover];
        member.peer_port = port;
        member.home.set("XCRON_PEER_PORT", port);
        member.home.set("XCRON_PEER__ADVERTISE", host(port));
        cluster.start(mover).await;
        cluster.await_whole(2 * RECOVERY).await;
        let other = (mover + 1) % 3;
        let what = "the others know where it is now";
        cluster
            .until(RECOVERY, what, async || {
                let view = View::of(cluster.http(other)).await?;
                (view.node(id)?.address() == host(port)).then_some(())
            })
            .await;
        assert_eq!(cluster.node_id(mover).await, id, "it is the same node");

        // Its vote is needed when another is dead.
        cluster.kill(other).await;
        cluster.await_whole(RECOVERY).await;
        let task = one_shot(&format!("moved-{round}"), now_secs() + 1, &target.prompt());
        cluster.done("/xcron/createTask", task).await;
        target.await_calls("the callback", |calls| calls.len() > round).await;
        cluster.start(other).await;
        cluster.await_whole(2 * RECOVERY).await;
    }
}
