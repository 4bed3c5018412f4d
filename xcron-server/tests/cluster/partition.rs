//! Partitions between peers while clients and callbacks get through: no stale read, no second
//! claim, and silence from whoever has lost the others.

use crate::api::one_shot;
use crate::cluster::{Cluster, RECOVERY};
use crate::hearing::{assert_settled, hear};
use crate::load::{Load, Plan};
use crate::net::Net;
use crate::target::{Call, Target, now_millis, now_secs, sleep_until};
use crate::tools::did_not_run;
use crate::turn;
use crate::view::query;
use hyper::StatusCode;
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::time::sleep;

const HTTP_PORT: u16 = 8_000;
const PEER_PORT: u16 = 8_899;

/// The variable that holds the peers' secret, which a host that is no loopback address needs.
const SECRET: &str = "CLUSTER_SECRET";

/// How long a node that has lost the others may still send, in milliseconds.
const LEASE_MS: u64 = 2_000;

/// How long a node that is cut off is asked.
const ASKED: Duration = Duration::from_secs(2);

/// What is cut.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// A node from all others.
    Isolated,
    /// What it sends to the others.
    Mute,
    /// What the others send to it.
    Deaf,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_cut_off_is_silent_and_the_others_go_on() {
    let _turn = turn::beside_others().await;
    let Some((net, mut cluster, target)) = world("partitions of the leader").await else { return };
    let plan = Plan { per_second: 100, ..Plan::default() };
    let load = Load::begin(&cluster.addresses, &target, plan).await;
    sleep(Duration::from_secs(1)).await;
    for (round, cut) in [Cut::Isolated, Cut::Mute, Cut::Deaf].into_iter().enumerate() {
        let leader = cluster.leader().await;
        let (old, new) = (format!("old-{round}"), format!("new-{round}"));
        let far = now_secs() + 3_600;
        cluster.done("/xcron/createTask", one_shot(&old, far, &target.prompt())).await;
        let begun = now_millis();
        cluster.timeline.fault(format!("member {leader}: {cut:?}"));
        apply(&net, cut, leader);
        let another = async || (cluster.leader_now().await? != leader).then_some(());
        cluster.until(RECOVERY, "another leads", another).await;
        cluster.timeline.note("another leads");
        cluster.done("/xcron/createTask", one_shot(&new, far, &target.prompt())).await;
        cluster.done("/xcron/deleteTask", json!({ "task_id": old })).await;
        assert_nothing_stale(cluster.http(leader), &new, &old).await;
        // Long enough for its silence to mean something.
        sleep_until(begun + LEASE_MS + 1_500).await;
        let ended = now_millis();
        cluster.timeline.fault("healed");
        net.heal();
        cluster.await_whole(RECOVERY).await;
        let from = IpAddr::V4(net.client_address(leader));
        let late =
            |call: &&Call| call.from.ip() == from && (begun + LEASE_MS..ended).contains(&call.at);
        let spoke: Vec<Call> = target.calls().iter().filter(late).cloned().collect();
        assert!(spoke.is_empty(), "{cut:?}: it called {} times, as {:?}", spoke.len(), spoke[0]);
    }
    let ledger = load.end().await;
    let heard = hear(&ledger, &target, &cluster.faults()).await;
    heard.assert_clean("partitions of the leader", &ledger);
    assert_settled(&cluster, &ledger).await;
    stop(&mut cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minority_and_all_alone_promise_nothing_and_recover() {
    let _turn = turn::beside_others().await;
    let Some((net, mut cluster, target)) = world("partitions of all").await else { return };
    let plan = Plan { per_second: 100, ..Plan::default() };
    let load = Load::begin(&cluster.addresses, &target, plan).await;
    sleep(Duration::from_secs(1)).await;

    // A follower alone: the others do not even change their leader.
    let leader = cluster.leader().await;
    let follower = (leader + 1) % 3;
    cluster.timeline.fault(format!("member {follower}: isolated"));
    net.isolate(follower);
    await_unready(&cluster, follower).await;
    let task = one_shot("minority", now_secs() + 3_600, &target.prompt());
    cluster.done("/xcron/createTask", task).await;
    let found = query(cluster.http(follower), "minority", "linearizable").await;
    assert!(found.as_ref().is_none_or(|(code, _)| *code == 1503), "{found:?}");
    cluster.timeline.fault("healed");
    net.heal();
    cluster.await_whole(RECOVERY).await;

    // The leader and one follower lose each other, a third node reaches both.
    let leader = cluster.leader().await;
    let other = (leader + 1) % 3;
    cluster.timeline.fault(format!("members {leader} and {other}: cut from each other"));
    net.lose(leader, other);
    net.lose(other, leader);
    sleep(Duration::from_secs(3)).await;
    let task = one_shot("triangle", now_secs() + 3_600, &target.prompt());
    cluster.done("/xcron/createTask", task).await;
    cluster.timeline.fault("healed");
    net.heal();
    cluster.await_whole(RECOVERY).await;

    // Nobody reaches anybody.
    cluster.timeline.fault("all isolated");
    for place in 0..3 {
        net.isolate(place);
    }
    for place in 0..3 {
        await_unready(&cluster, place).await;
        let found = query(cluster.http(place), "minority", "linearizable").await;
        assert!(found.as_ref().is_none_or(|(code, _)| *code == 1503), "{place}: {found:?}");
        // It goes on: whoever leads after it may skip all that was missed meanwhile.
        cluster.timeline.fault("all still isolated");
    }
    cluster.timeline.fault("healed");
    net.heal();
    cluster.await_whole(RECOVERY).await;
    let ledger = load.end().await;
    let heard = hear(&ledger, &target, &cluster.faults()).await;
    heard.assert_clean("partitions of all", &ledger);
    assert_settled(&cluster, &ledger).await;
    stop(&mut cluster).await;
}

/// Three nodes in a network that can be cut, and a target outside of it.
async fn world(test: &str) -> Option<(Net, Cluster, Target)> {
    let net = match Net::lay(3) {
        Ok(net) => net,
        Err(why) => {
            did_not_run(test, &why);
            return None;
        }
    };
    let target = Target::start_at(net.outside()).await;
    let mut cluster = Cluster::prepare(3)
        .with("XCRON_HOST", "0.0.0.0")
        .with("XCRON_AUTH__ALLOW_ANONYMOUS", true)
        .with("XCRON_HTTP_PORT", HTTP_PORT)
        .with("XCRON_PEER_PORT", PEER_PORT)
        .with("XCRON_PEER__SECRET_ENV", SECRET)
        .with(SECRET, "a secret that all members know");
    let host = |node| format!("{}:{PEER_PORT}", net.peer_address(node));
    let hosts = json!((0..3).map(host).collect::<Vec<_>>());
    for (place, member) in cluster.members.iter_mut().enumerate() {
        member.home.set("XCRON_PEER__PEER_HOSTS", &hosts);
        member.home.set("XCRON_PEER__ADVERTISE", host(place));
        let runner = net.runner(place);
        member.home.run_by(&runner.iter().map(String::as_str).collect::<Vec<_>>());
        member.peer_port = PEER_PORT;
        member.seen_at = Some(SocketAddr::from((net.client_address(place), HTTP_PORT)));
    }
    Some((net, cluster.formed().await, target))
}

fn apply(net: &Net, cut: Cut, node: usize) {
    let others = (0..3).filter(|other| *other != node);
    match cut {
        Cut::Isolated => net.isolate(node),
        Cut::Mute => others.for_each(|other| net.lose(node, other)),
        Cut::Deaf => others.for_each(|other| net.lose(other, node)),
    }
}

/// A node that is cut off shows what was created without it, and not what was deleted, or says
/// that it does not know.
async fn assert_nothing_stale(address: SocketAddr, new: &str, old: &str) {
    let begun = Instant::now();
    while begun.elapsed() < ASKED {
        for (task, expected) in [(new, 0), (old, 1404)] {
            if let Some((code, said)) = query(address, task, "linearizable").await {
                let known = code == expected || code == 1503;
                assert!(known, "{task}: {code}, not {expected}: {said}");
            }
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn await_unready(cluster: &Cluster, place: usize) {
    let what = format!("member {place} says that it is not ready");
    let unready = async || {
        let (status, _) = cluster.readiness(place).await?;
        (status == StatusCode::SERVICE_UNAVAILABLE).then_some(())
    };
    cluster.until(RECOVERY, &what, unready).await;
}

/// Ends the nodes before their network goes.
async fn stop(cluster: &mut Cluster) {
    cluster.kill_all().await;
}
