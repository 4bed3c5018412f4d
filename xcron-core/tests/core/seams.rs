//! The core's own implementations of the seams keep their contracts.

use crate::world::{one_shot, task_id};
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use xcron_core::testing::{SimClock, clock_suite, store_suite};
use xcron_core::{
    Clock, Consistency, Delivery, MemoryStore, Outcome, RECHECK, Schedule, Scheduler, Store,
    SystemClock, Timestamp, dispatch_fn,
};

#[tokio::test]
async fn the_memory_store_keeps_the_contract() {
    store_suite::run(|| async {
        Arc::new(MemoryStore::with_history(store_suite::HISTORY)) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn the_system_clock_keeps_the_contract() {
    clock_suite::run(&SystemClock::new()).await;
}

#[tokio::test]
async fn a_clock_set_back_while_somebody_sleeps_wakes_nobody_early() {
    let clock = SimClock::at(Timestamp::from_secs(100));
    let sleeper = clock.clone();
    let sleeping = tokio::spawn(async move {
        sleeper.sleep_until(Timestamp::from_secs(110)).await;
        sleeper.now()
    });
    tokio::task::yield_now().await;
    for secs in [105, 50, 109, 111] {
        assert!(!sleeping.is_finished());
        clock.set(Timestamp::from_secs(secs));
        tokio::task::yield_now().await;
    }
    assert_eq!(sleeping.await.expect("no panic"), Timestamp::from_secs(111));
}

/// The machine's clock, set forward.
#[derive(Clone, Debug, Default)]
struct Ahead(Arc<AtomicI64>);

#[async_trait]
impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        let ahead = self.0.load(Ordering::Relaxed);
        Timestamp::from_millis(SystemClock::new().now().as_millis() + ahead)
    }

    async fn sleep_until(&self, at: Timestamp) {
        while self.now() < at {
            tokio::time::sleep(at.since(self.now()).min(RECHECK)).await;
        }
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

#[tokio::test]
async fn a_clock_set_forward_cuts_no_attempt_short() {
    let clock = Ahead::default();
    let (ended, stop) = futures::channel::oneshot::channel::<()>();
    let (set, mut ended) = (clock.clone(), Some(ended));
    let answer = move |_: Delivery| {
        set.0.fetch_add(3_600_000, Ordering::Relaxed);
        let ended = ended.take();
        async move {
            tokio::time::sleep(RECHECK * 2).await;
            drop(ended);
            Outcome::succeeded()
        }
    };
    let answer = std::sync::Mutex::new(answer);
    let dispatcher = dispatch_fn(move |delivery| (answer.lock().expect("no panic"))(delivery));
    let store = Arc::new(MemoryStore::new());
    let scheduler = Scheduler::builder(Arc::clone(&store) as Arc<dyn Store>, dispatcher)
        .clock(Arc::new(clock.clone()))
        .build();
    let mut task = one_shot("a", 0);
    task.definition.schedule = Schedule::Once(clock.now());
    scheduler.create(task).await.expect("created");
    let stop = async {
        let _ended = stop.await;
    };
    scheduler.run(stop).await.expect("it stops when told to");
    let found = store.get(&task_id("a"), Consistency::Linearizable).await.expect("answered");
    let counters = found.expect("kept").task.state.counters;
    assert_eq!((counters.succeeded, counters.failed), (1, 0));
}
