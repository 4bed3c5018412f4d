//! The account of all tasks as metrics.

use crate::stores::Broken;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use xcron_core::{
    Callback, Change, Consistency, Effect, MemoryStore, NewTask, Outcome, Schedule, Scheduler,
    Store, StoreErrorKind, TaskDefinition, TaskId, dispatch_fn,
};
use xcron_http::Metrics;

/// More than a few pages of tasks.
const TASKS: usize = 300;

fn scheduler(store: Arc<dyn Store>) -> Scheduler {
    Scheduler::builder(store, dispatch_fn(|_delivery| async { Outcome::succeeded() })).build()
}

/// Counts `more` successes of a task that nobody has run.
async fn miscount(store: &MemoryStore, name: &str, more: u64) {
    let id = TaskId::parse(name).unwrap();
    let task = store.get(&id, Consistency::Linearizable).await.unwrap().unwrap().task;
    let mut state = task.state;
    state.counters.succeeded = more;
    let (expected, ended) = (task.revision, Vec::new());
    let change = Change::Put { id, expected, definition: None, state, ended };
    assert!(store.commit(vec![change]).await.unwrap()[0].is_ok());
}

/// What is exported after `seconds` of adding up.
async fn exported(metrics: &Metrics, scheduler: &Scheduler, seconds: u64) -> String {
    let adding_up = metrics.sample_audit(scheduler.clone());
    assert!(timeout(Duration::from_secs(seconds), adding_up).await.is_err(), "it never ends");
    metrics.encode()
}

#[tokio::test(start_paused = true)]
async fn a_difference_of_any_task_is_a_metric() {
    let store = Arc::new(MemoryStore::new());
    let scheduler = scheduler(store.clone());
    for number in 0..TASKS {
        let yearly = Schedule::parse_cron("@yearly", "UTC").unwrap();
        let definition = TaskDefinition::new(yearly, Callback::new("http://127.0.0.1:1/"));
        let id = TaskId::parse(&format!("t{number:03}")).unwrap();
        scheduler.create(NewTask::new(id, definition)).await.unwrap();
    }
    let metrics = Metrics::new();
    assert!(!metrics.encode().contains("xcron_audit_"), "nothing is said before it is known");
    let has = |text: &str, line: &str| {
        assert!(text.lines().any(|known| known == line), "{line} in {text}");
    };
    let text = exported(&metrics, &scheduler, 30).await;
    for line in [
        "xcron_audit_difference 0",
        "xcron_audit_tasks 300",
        "xcron_audit_unreadable_tasks 0",
        "xcron_audit_expected_occurrences 0",
        "xcron_audit_pending_occurrences 0",
        "xcron_audit_occurrences{outcome=\"succeeded\"} 0",
        "xcron_audit_occurrences{outcome=\"skipped_dst\"} 0",
    ] {
        has(&text, line);
    }
    assert!(text.contains("xcron_audit_timestamp_seconds "));

    miscount(&store, "t000", 1).await;
    miscount(&store, "t299", 2).await;
    has(&metrics.encode(), "xcron_audit_difference 0"); // of the last round
    has(&exported(&metrics, &scheduler, 30).await, "xcron_audit_difference 3");
    // And again a minute later, by itself.
    let mending = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        miscount(&store, "t299", 0).await;
    };
    let (text, ()) = tokio::join!(exported(&metrics, &scheduler, 90), mending);
    has(&text, "xcron_audit_difference 1");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_leaves_no_account_to_believe() {
    let metrics = Metrics::new();
    let broken = Broken::new(StoreErrorKind::Unavailable, Effect::None);
    let text = exported(&metrics, &scheduler(Arc::new(broken)), 200).await;
    assert!(!text.contains("xcron_audit_"), "{text}");
}
