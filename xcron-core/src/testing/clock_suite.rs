//! What every [`Clock`] promises, one function a promise.

use crate::{Clock, Timestamp};
use futures::FutureExt;
use std::time::Duration;

/// Runs every function of the suite against `clock`; takes about 30 ms of its time.
pub async fn run(clock: &dyn Clock) {
    sleep_until_never_returns_early(clock).await;
    sleep_until_the_past_returns_at_once(clock);
    a_sleep_may_be_dropped(clock).await;
    sleep_takes_the_span(clock).await;
}

/// When `sleep_until(at)` returns, the clock shows `at` or later.
pub async fn sleep_until_never_returns_early(clock: &dyn Clock) {
    let at = clock.now().plus(Duration::from_millis(10));
    clock.sleep_until(at).await;
    assert!(clock.now() >= at);
}

/// A sleep until an instant that has come does not wait.
pub fn sleep_until_the_past_returns_at_once(clock: &dyn Clock) {
    assert!(clock.sleep_until(Timestamp::MIN).now_or_never().is_some());
    assert!(clock.sleep_until(clock.now()).now_or_never().is_some());
}

/// A dropped sleep leaves the clock as it was.
pub async fn a_sleep_may_be_dropped(clock: &dyn Clock) {
    assert!(clock.sleep_until(Timestamp::MAX).now_or_never().is_none());
    sleep_until_never_returns_early(clock).await;
}

/// A sleep for a span ends once the clock has moved on by as much.
pub async fn sleep_takes_the_span(clock: &dyn Clock) {
    let before = clock.now();
    clock.sleep(Duration::from_millis(10)).await;
    // A timer of the machine may count from the middle of a millisecond.
    assert!(clock.now().since(before) >= Duration::from_millis(9));
}
