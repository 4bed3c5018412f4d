//! One node's disk is full, or fails to sync: the others go on.

use crate::api::one_shot;
use crate::broken_disk::{SmallDisk, fail_syncs};
use crate::cluster::{Cluster, RECOVERY};
use crate::target::Target;
use crate::tools::did_not_run;
use crate::tracer::can_trace;
use crate::turn;
use crate::view::{call, query};
use serde_json::{Value, json};
use tokio::time::Instant;

/// Segments of the log that fit the small disk several times.
const SEGMENT_BYTES: u64 = 1_048_576;

/// How much the body of a large task has: some 30 of them fill a segment.
const BODY_BYTES: usize = 32_768;

/// When they are due: in the year 2100, so that the same task can be asked for again.
const FAR: u64 = 4_102_444_800;

/// The most large tasks until a full disk must have been noticed.
const LARGE_MAX: usize = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_with_a_full_disk_steps_down_and_catches_up_when_there_is_space() {
    let _turn = turn::beside_others().await;
    let disk = match SmallDisk::mounted() {
        Ok(disk) => disk,
        Err(why) => return did_not_run("a full disk", &why),
    };
    let target = Target::start().await;
    let mut cluster = Cluster::prepare(3)
        .with("XCRON_RAFT__SEGMENT_BYTES", SEGMENT_BYTES)
        .with("XCRON_RAFT__SNAPSHOT_LOG_BYTES", 4 * SEGMENT_BYTES);
    cluster.members[0].home.set("XCRON_RAFT_DIR", disk.path().display());
    let mut cluster = cluster.formed().await;
    cluster.transfer(0).await;
    create(&cluster, "before", &target).await;
    disk.fill();
    cluster.timeline.note("member 0: its disk is full");

    let mut created = 0;
    while cluster.leader_now().await.is_none_or(|leader| leader == 0) {
        assert!(created < LARGE_MAX, "member 0 still leads after {created} large tasks");
        create(&cluster, &format!("large-{created}"), &target).await;
        created += 1;
    }
    cluster.timeline.note(format!("another leads after {created} large tasks"));
    let begun = Instant::now();
    for number in 0..30 {
        create(&cluster, &format!("after-{number}"), &target).await;
    }
    assert!(begun.elapsed() < RECOVERY, "the others took {:?}", begun.elapsed());
    assert!(!cluster.members[0].has_ended(), "it ended: {}", cluster.members[0].last_words());
    let address = cluster.http(0);
    let (code, said) = query(address, "before", "stale").await.expect("it serves reads");
    assert_eq!(code, 0, "{said}");

    disk.make_room();
    cluster.timeline.note("member 0: its disk has space again");
    let begun = Instant::now();
    let caught_up = async || (query(address, "after-29", "stale").await?.0 == 0).then_some(());
    cluster.until(RECOVERY, "it has caught up", caught_up).await;
    cluster.await_whole(RECOVERY.saturating_sub(begun.elapsed())).await;
    for number in 0..created {
        let id = format!("large-{number}");
        let (code, said) = query(address, &id, "linearizable").await.expect("an answer");
        assert_eq!(code, 0, "{id}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_disk_fails_to_sync_ends_and_the_others_go_on() {
    let _turn = turn::beside_others().await;
    if let Err(why) = can_trace() {
        return did_not_run("a disk that fails to sync", &why);
    }
    let target = Target::start().await;
    let mut cluster = Cluster::prepare(3).formed().await;
    let mut created = 0;
    for step in 0..2 {
        // The leader first, then a follower.
        let victim = (cluster.leader().await + step) % 3;
        let mut tracer = fail_syncs(&cluster, victim).await;
        let begun = Instant::now();
        while !cluster.members[victim].has_ended() {
            assert!(begun.elapsed() < 2 * RECOVERY, "it goes on although its disk fails");
            create(&cluster, &format!("task-{created}"), &target).await;
            created += 1;
        }
        cluster.addresses.remove(victim);
        drop(tracer.wait().await);
        let said = cluster.members[victim].last_words();
        assert!(said.contains("Input/output error"), "it says why: {said}");
        for _ in 0..10 {
            create(&cluster, &format!("task-{created}"), &target).await;
            created += 1;
        }
        cluster.start(victim).await;
        cluster.await_whole(2 * RECOVERY).await;
        for number in 0..created {
            let id = format!("task-{number}");
            let found = query(cluster.http(victim), &id, "linearizable").await;
            assert_eq!(found.expect("an answer").0, 0, "{id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_node_with_a_full_disk_serves_reads_and_resumes_when_there_is_space() {
    let _turn = turn::beside_others().await;
    let disk = match SmallDisk::mounted() {
        Ok(disk) => disk,
        Err(why) => return did_not_run("a full disk of a single node", &why),
    };
    let target = Target::start().await;
    let mut cluster = Cluster::single().with("XCRON_RAFT__SEGMENT_BYTES", SEGMENT_BYTES);
    cluster.members[0].home.set("XCRON_RAFT_DIR", disk.path().display());
    cluster.start(0).await;
    cluster.await_ready(0, RECOVERY).await;
    create(&cluster, "before", &target).await;
    disk.fill();
    cluster.timeline.note("member 0: its disk is full");
    let address = cluster.http(0);
    let mut acknowledged = Vec::new();
    let refused = loop {
        assert!(acknowledged.len() < LARGE_MAX, "the full disk was not noticed");
        let id = format!("large-{}", acknowledged.len());
        let task = large(&id, &target);
        match call(address, "/xcron/createTask", task).await.expect("an answer") {
            (0, _) => acknowledged.push(id),
            (code, said) => {
                assert!(code == 1429 || code == 1503, "{code}: {said}");
                break (id, said);
            }
        }
    };
    let (code, said) = query(address, "before", "stale").await.expect("it serves reads");
    assert_eq!(code, 0, "{said}");
    assert!(!cluster.members[0].has_ended(), "it ended: {}", cluster.members[0].last_words());

    disk.make_room();
    cluster.timeline.note("member 0: its disk has space again");
    let resumed = async || {
        let task = large(&refused.0, &target);
        (call(address, "/xcron/createTask", task).await?.0 == 0).then_some(())
    };
    cluster.until(RECOVERY, "it takes tasks again", resumed).await;
    cluster.kill(0).await;
    cluster.start(0).await;
    cluster.await_ready(0, RECOVERY).await;
    for id in acknowledged.iter().chain([&refused.0]) {
        let found = query(cluster.http(0), id, "linearizable").await;
        assert_eq!(found.expect("an answer").0, 0, "{id}: {}", refused.1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_node_whose_disk_fails_to_sync_ends_and_loses_nothing_acknowledged() {
    let _turn = turn::beside_others().await;
    if let Err(why) = can_trace() {
        return did_not_run("a disk of a single node that fails to sync", &why);
    }
    let target = Target::start().await;
    let mut cluster = Cluster::single();
    cluster.start(0).await;
    cluster.await_ready(0, RECOVERY).await;
    create(&cluster, "before", &target).await;
    let mut tracer = fail_syncs(&cluster, 0).await;
    let task = large("during", &target);
    let answer = call(cluster.http(0), "/xcron/createTask", task).await;
    assert!(answer.as_ref().is_none_or(|(code, _)| *code != 0), "acknowledged: {answer:?}");
    let (status, said) = cluster.ended(0).await;
    assert!(!status.success(), "{said}");
    assert!(said.contains("Input/output error"), "it says why: {said}");
    drop(tracer.wait().await);
    cluster.start(0).await;
    cluster.await_ready(0, RECOVERY).await;
    let found = query(cluster.http(0), "before", "linearizable").await;
    assert_eq!(found.expect("an answer").0, 0);
}

/// A large task that is due much later.
fn large(id: &str, target: &Target) -> Value {
    let mut task = one_shot(id, FAR, &target.prompt());
    task["callback"]["body"] = json!("x".repeat(BODY_BYTES));
    task
}

/// Creates one, and insists.
async fn create(cluster: &Cluster, id: &str, target: &Target) {
    cluster.done("/xcron/createTask", large(id, target)).await;
}
