//! A clock that stands still until a test moves it.

use crate::{Clock, Timestamp};
use async_trait::async_trait;
use futures::channel::oneshot;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A clock that stands still until it is told otherwise; clones show the same time.
///
/// ```
/// use std::time::Duration;
/// use xcron_core::testing::SimClock;
/// use xcron_core::{Clock, Timestamp};
///
/// let clock = SimClock::at(Timestamp::from_secs(1_000));
/// clock.advance(Duration::from_secs(5));
/// assert_eq!(clock.now(), Timestamp::from_secs(1_005));
/// ```
#[derive(Clone, Debug)]
pub struct SimClock(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    now: Timestamp,
    sleepers: Vec<(Timestamp, oneshot::Sender<()>)>,
}

impl SimClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Inner { now, sleepers: Vec::new() })))
    }

    /// Sets the clock, forward or back, and wakes whoever slept until then.
    pub fn set(&self, now: Timestamp) {
        let mut inner = self.inner();
        inner.now = now;
        let sleepers = std::mem::take(&mut inner.sleepers);
        for (at, waker) in sleepers {
            if at <= now {
                // Whoever slept may have left meanwhile; then nobody needs to be woken.
                let _left = waker.send(());
            } else if !waker.is_canceled() {
                inner.sleepers.push((at, waker));
            }
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let now = self.inner().now.plus(by);
        self.set(now);
    }

    /// The earliest instant that somebody sleeps until.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let mut inner = self.inner();
        inner.sleepers.retain(|(_, waker)| !waker.is_canceled());
        inner.sleepers.iter().map(|(at, _)| *at).min()
    }

    /// The instants that somebody sleeps until, the earliest first.
    pub(super) fn wakes(&self) -> Vec<Timestamp> {
        let inner = self.inner();
        let waiting = inner.sleepers.iter().filter(|(_, waker)| !waker.is_canceled());
        let mut wakes: Vec<Timestamp> = waiting.map(|(at, _)| *at).collect();
        wakes.sort_unstable();
        wakes
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.inner().now
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let woken = {
                let mut inner = self.inner();
                if inner.now >= at {
                    return;
                }
                let (waker, woken) = oneshot::channel();
                inner.sleepers.push((at, waker));
                woken
            };
            if woken.await.is_err() {
                return;
            }
        }
    }
}
