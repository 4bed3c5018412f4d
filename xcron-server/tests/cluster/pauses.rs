//! A leader that sleeps and wakes up: silent about what others have decided meanwhile.

use crate::api::{Api, one_shot};
use crate::cluster::{Cluster, RECOVERY};
use crate::hearing::{assert_settled, hear};
use crate::load::{Load, Plan};
use crate::target::{Target, now_secs};
use crate::timeline::plainly;
use crate::turn;
use serde_json::json;
use std::time::Duration;
use tokio::time::{sleep, timeout};

const ROUNDS: u64 = 8;

/// How long one that just woke up is asked.
const ASKED: Duration = Duration::from_millis(800);

/// How long an answer may take that is given at all.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// The most that a run due after a stop may be late, in milliseconds.
const LATE_MAX_MS: u64 = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_slept_is_silent_and_reads_nothing_stale() {
    let _turn = turn::alone().await;
    let target = Target::start().await;
    let mut cluster = Cluster::prepare(3).formed().await;
    let load = Load::begin(&cluster.addresses, &target, Plan::default()).await;
    sleep(Duration::from_secs(1)).await;
    let far = now_secs() + 3_600;
    for round in 0..ROUNDS {
        let (old, new) = (format!("old-{round}"), format!("new-{round}"));
        let sleeper = cluster.leader().await;
        cluster.done("/xcron/createTask", one_shot(&old, far, &target.prompt())).await;
        // One connection is open before the leader sleeps, another is made when it woke up.
        let open = cluster.api(sleeper).await;
        cluster.pause(sleeper);
        cluster.addresses.remove(sleeper);
        sleep(Duration::from_millis(2_000 + round * 613 % 2_000)).await;
        let leader = cluster.leader().await;
        cluster.timeline.note(format!("member {leader} leads instead"));
        cluster.done("/xcron/createTask", one_shot(&new, far, &target.prompt())).await;
        cluster.done("/xcron/deleteTask", json!({ "task_id": old })).await;
        // Sent while it sleeps, after the writes were acknowledged; answered first of all.
        let asking = tokio::spawn(ask(open, new.clone(), old.clone()));
        sleep(Duration::from_millis(50)).await;
        cluster.resume(sleeper);
        cluster.addresses.insert(sleeper, cluster.http(sleeper));
        let begun = std::time::Instant::now();
        while begun.elapsed() < ASKED {
            let fresh = cluster.api(sleeper).await;
            let read = timeout(ANSWER_TIME, ask(fresh, new.clone(), old.clone())).await;
            read.expect("an answer in time");
        }
        let read = timeout(ANSWER_TIME, asking).await.expect("an answer in time");
        read.expect("what was asked before it woke up is not answered with something stale");
        cluster.await_whole(2 * RECOVERY).await;
    }
    let ledger = load.end().await;
    let faults = cluster.faults();
    let heard = hear(&ledger, &target, &faults).await;
    let worst = heard.lateness.after_each(&faults).into_iter().max().expect("something was due");
    plainly(&format!("a leader asleep: worst lateness after its stop {worst}"));
    heard.assert_clean("a leader asleep", &ledger);
    assert_settled(&cluster, &ledger).await;
    assert!(worst.by <= LATE_MAX_MS, "{worst}");
}

/// Reads both tasks, linearizably: what was created is there and what was deleted is not, unless
/// the node says that it does not know.
async fn ask(mut api: Api, new: String, old: String) {
    for (task, expected) in [(new, 0), (old, 1404)] {
        // The end of the connection is no answer, and so not a stale one.
        let path = format!("/xcron/queryTask?task_id={task}");
        let Ok((code, said)) = api.get(&path).await else { return };
        assert!(code == expected || code == 1503, "{task}: {code}, not {expected}: {said}");
    }
}
