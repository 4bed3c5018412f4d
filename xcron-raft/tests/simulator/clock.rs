//! The wall clock of a node: the truth, put off and drifting.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};
use xcron_core::{Clock, RECHECK, Timestamp};

/// True time of a simulation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Truth {
    began: Instant,
    began_us: i64,
}

impl Truth {
    /// Begins at `began_s` seconds of unix time.
    pub(crate) fn begin(began_s: i64) -> Self {
        Self { began: Instant::now(), began_us: began_s * 1_000_000 }
    }

    /// Microseconds of unix time.
    pub(crate) fn now_us(&self) -> i64 {
        self.began_us + self.began.elapsed().as_micros() as i64
    }

    /// Since the beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

#[derive(Debug)]
struct Error {
    /// How far ahead of the truth it was at `since_us`.
    ahead_us: i64,
    drift_ppm: i64,
    since_us: i64,
}

/// A clock that may be wrong.
#[derive(Debug)]
pub(crate) struct NodeClock {
    truth: Truth,
    error: Mutex<Error>,
}

impl NodeClock {
    pub(crate) fn new(truth: Truth, ahead_ms: i64, drift_ppm: i64) -> Self {
        let error = Error { ahead_us: ahead_ms * 1_000, drift_ppm, since_us: truth.now_us() };
        Self { truth, error: Mutex::new(error) }
    }

    /// How far it is ahead of the truth.
    pub(crate) fn ahead_us(&self) -> i64 {
        let error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        let since = self.truth.now_us() - error.since_us;
        error.ahead_us.saturating_add(since * error.drift_ppm / 1_000_000)
    }

    /// Sets it: from now on it is `ahead_ms` ahead and drifts by so much.
    pub(crate) fn set(&self, ahead_ms: i64, drift_ppm: i64) {
        let mut error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        let (ahead_us, since_us) = (ahead_ms.saturating_mul(1_000), self.truth.now_us());
        *error = Error { ahead_us, drift_ppm, since_us };
    }
}

#[async_trait]
impl Clock for NodeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(
            self.truth.now_us().saturating_add(self.ahead_us()).div_euclid(1_000),
        )
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.since(self.now());
            if left.is_zero() {
                return;
            }
            sleep(left.min(RECHECK)).await;
        }
    }

    async fn sleep(&self, span: Duration) {
        sleep(span).await;
    }
}
