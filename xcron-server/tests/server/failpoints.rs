//! A kill at every named point of the log and snapshot path (feature `failpoints`).

use crate::api::{Gone, one_shot};
use crate::process::{Home, PATIENCE};
use crate::target::{Target, now_secs, times};
use std::collections::BTreeSet;
use tokio::time::{Instant, timeout};
use xcron_raft::disk::failpoint::{
    FAILPOINTS, LOG_AFTER_SYNC, LOG_AFTER_WRITE, LOG_BEFORE_WRITE, LOG_ROLL_AFTER_HEADER,
    LOG_ROLL_AFTER_RENAME,
};

/// The most tasks that are created to reach a point.
const TASKS_MAX: usize = 20_000;

/// A server with a log so small that it rolls, takes snapshots and purges within a second.
fn home() -> Home {
    let home = Home::new().with("XCRON_RAFT__SEGMENT_BYTES", 65_536);
    home.with("XCRON_RAFT__SNAPSHOT_LOG_BYTES", 65_536)
}

/// Creates tasks until the server has ended at the point; those acknowledged.
async fn create_until_killed(home: &Home, due: u64, url: &str) -> BTreeSet<String> {
    let mut acknowledged = BTreeSet::new();
    // A point that is reached at start kills the server before it says where it listens.
    let Ok(mut server) = home.try_start().await else { return acknowledged };
    let Ok(mut api) = server.try_api().await else { return acknowledged };
    let begun = Instant::now();
    for n in 0..TASKS_MAX {
        let id = format!("task-{n}");
        match api.call("/xcron/createTask", one_shot(&id, due, url)).await {
            Ok((0, _)) => drop(acknowledged.insert(id)),
            Ok((code, answer)) => panic!("{code}: {answer}"),
            Err(Gone) => break,
        }
        assert!(begun.elapsed() < PATIENCE, "the point was not reached");
    }
    let (status, said) = server.ended().await;
    assert!(!status.success(), "the point was not reached: {said}");
    acknowledged
}

/// The how-manieth time a point is lethal: some are passed by the first start already.
fn times_reached(point: &str) -> u32 {
    match point {
        LOG_BEFORE_WRITE | LOG_AFTER_WRITE | LOG_AFTER_SYNC => 50,
        LOG_ROLL_AFTER_HEADER | LOG_ROLL_AFTER_RENAME => 2,
        _ => 1,
    }
}

#[tokio::test]
async fn a_kill_at_any_point_of_the_write_path_loses_and_repeats_nothing() {
    for point in FAILPOINTS {
        let target = Target::start().await;
        let home = home().with("XCRON_FAILPOINT", format!("{point}:{}", times_reached(point)));
        let due = now_secs() + 3_600;
        let acknowledged = create_until_killed(&home, due, &target.prompt()).await;

        let home = home.without("XCRON_FAILPOINT");
        let server = timeout(PATIENCE, home.start()).await.expect("a start in time");
        let mut api = server.api().await;
        for task in &acknowledged {
            assert_eq!(api.query(task).await["state"], "active", "{point}: {task}");
        }
        api.create(one_shot("after", now_secs() + 1, &target.prompt())).await;
        target.await_calls("the next task", |calls| !calls.is_empty()).await;
        let called = times(&target.calls());
        assert_eq!(called.keys().collect::<Vec<_>>(), ["after"], "{point}");
        println!("{point}: {} acknowledged", acknowledged.len());
        server.stop().await;
    }
}
