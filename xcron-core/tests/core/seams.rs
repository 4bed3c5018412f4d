//! The core's own implementations of the seams keep their contracts.

use std::sync::Arc;
use xcron_core::testing::{SimClock, clock_suite, store_suite};
use xcron_core::{Clock, MemoryStore, Store, SystemClock, Timestamp};

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
