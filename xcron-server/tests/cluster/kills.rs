//! Kills of the leader, one after the other, under load.

use crate::cluster::{Cluster, RECOVERY};
use crate::hearing::{assert_settled, hear};
use crate::lateness::{Late, median};
use crate::load::{Load, Plan};
use crate::target::Target;
use crate::timeline::plainly;
use crate::turn;
use std::time::Duration;
use tokio::time::sleep;

const KILLS: u64 = 20;

/// How long the leader stays dead.
const DEAD: Duration = Duration::from_millis(1_500);

/// The most that a run due after a kill may be late, in milliseconds.
const LATE_MAX_MS: u64 = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_of_the_leader_under_load_lose_nothing() {
    let _turn = turn::alone().await;
    let target = Target::start().await;
    let mut cluster = Cluster::prepare(3).formed().await;
    let load = Load::begin(&cluster.addresses, &target, Plan::default()).await;
    sleep(Duration::from_secs(2)).await;
    for round in 0..KILLS {
        let leader = cluster.leader().await;
        cluster.kill(leader).await;
        sleep(DEAD).await;
        cluster.start(leader).await;
        cluster.await_whole(2 * RECOVERY).await;
        // At another point of the second each time.
        sleep(Duration::from_millis(400 + round * 137 % 700)).await;
    }
    sleep(Duration::from_secs(2)).await;
    let ledger = load.end().await;
    let faults = cluster.faults();
    let heard = hear(&ledger, &target, &faults).await;
    let worst = heard.lateness.after_each(&faults);
    for (fault, late) in faults.iter().zip(&worst) {
        plainly(&format!("  {} at {}: worst {late}", fault.what, fault.at));
    }
    let by = |late: &Late| late.by;
    let (middle, most) = (median(worst.iter().map(by)), worst.iter().map(by).max().expect("kills"));
    plainly(&format!(
        "P11: worst lateness after each of {} kills of the leader: median {middle} ms (goal 800), \
         worst {most} ms (goal 1500)",
        worst.len()
    ));
    heard.assert_clean("kills of the leader", &ledger);
    assert_settled(&cluster, &ledger).await;
    assert!(most <= LATE_MAX_MS, "{most} ms late");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_followers_under_load_disturb_nobody() {
    let _turn = turn::beside_others().await;
    let target = Target::start().await;
    let mut cluster = Cluster::prepare(3).formed().await;
    let load = Load::begin(&cluster.addresses, &target, Plan::default()).await;
    sleep(Duration::from_secs(1)).await;
    for step in 1..=2 {
        let follower = (cluster.leader().await + step) % 3;
        cluster.kill(follower).await;
        sleep(DEAD).await;
        cluster.start(follower).await;
        cluster.await_whole(2 * RECOVERY).await;
    }
    let ledger = load.end().await;
    let heard = hear(&ledger, &target, &cluster.faults()).await;
    heard.assert_clean("kills of followers", &ledger);
    assert_settled(&cluster, &ledger).await;
    let worst = heard.lateness.worst();
    assert!(worst.by <= LATE_MAX_MS, "{worst}");
}
