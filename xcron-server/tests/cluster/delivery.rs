//! Runs in flight when their leader dies: attempted again, or given up, as each task asks.

use crate::api::one_shot;
use crate::cluster::{Cluster, RECOVERY};
use crate::target::{Call, Target, now_secs, times};
use crate::turn;
use crate::view::query;
use serde_json::json;

const OF_EACH: usize = 20;

/// How long the target takes: longer than it takes to kill a leader, shorter than a timeout.
const ANSWERED_AFTER_MS: u64 = 4_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_leaders_runs_are_attempted_again_unless_they_may_be_made_once() {
    let _turn = turn::beside_others().await;
    let target = Target::start().await;
    let mut cluster = Cluster::prepare(3).formed().await;
    let due = now_secs() + 2;
    for number in 0..OF_EACH {
        for delivery in ["at_least_once", "at_most_once"] {
            let id = format!("{delivery}-{number}");
            let mut task = one_shot(&id, due, &target.slow(ANSWERED_AFTER_MS));
            task["delivery"] = json!(delivery);
            cluster.done("/xcron/createTask", task).await;
        }
    }
    target.await_calls("all of them", |calls| calls.len() == 2 * OF_EACH).await;
    let leader = cluster.leader().await;
    cluster.kill(leader).await;

    let again = |calls: &[Call]| calls.len() >= 3 * OF_EACH;
    target.await_calls("those that may be repeated", again).await;
    cluster.start(leader).await;
    cluster.await_whole(2 * RECOVERY).await;
    for number in 0..OF_EACH {
        let ended = async || {
            for (delivery, end) in [("at_least_once", "succeeded"), ("at_most_once", "unknown")] {
                let id = format!("{delivery}-{number}");
                let (_, task) = query(cluster.http(leader), &id, "linearizable").await?;
                if task["run_count"] != json!(1) || task["last_runs"][0]["status"] != json!(end) {
                    return None;
                }
            }
            Some(())
        };
        cluster.until(RECOVERY, "every run has its end", ended).await;
    }
    let calls = target.calls();
    for (id, times) in times(&calls) {
        let expected = if id.starts_with("at_most_once") { 1 } else { 2 };
        assert_eq!(times, expected, "{id}");
    }
    for number in 0..OF_EACH {
        let id = format!("at_least_once-{number}");
        let of_task: Vec<&Call> = calls.iter().filter(|call| call.task() == id).collect();
        let [first, second] = of_task[..] else { panic!("{of_task:?}") };
        assert_eq!(first.run(), second.run());
        assert_eq!(first.header("idempotency-key"), second.header("idempotency-key"));
        for header in ["xcron-attempt", "xcron-fence"] {
            let number = |call: &Call| call.header(header).parse::<u64>().expect("a number");
            assert!(number(first) < number(second), "{header}: {first:?} {second:?}");
        }
    }
}
