//! The seam to time: wall-clock instants and waiting for one.

use crate::Timestamp;
use async_trait::async_trait;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest that a clock sleeps before it looks at the wall clock again.
///
/// Timers ride the monotonic clock, which stands still in suspend and knows nothing of a step.
pub const RECHECK: Duration = Duration::from_secs(1);

/// A wall clock.
///
/// # Contract
///
/// - `sleep_until_never_returns_early`: when `sleep_until(at)` returns, `now() >= at`, also when
///   the wall clock was set back meanwhile.
/// - `sleep_until_the_past_returns_at_once`.
/// - `a_sleep_may_be_dropped`.
/// - `sleep_takes_the_span`.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Waits until [`now`](Self::now) is `at` or later; re-reads the wall clock at least every
    /// second, so a step of it is noticed.
    async fn sleep_until(&self, at: Timestamp);

    /// Waits for `span`, whatever the wall clock is set to meanwhile: timeouts are measured so.
    ///
    /// As it is given here it follows [`now`](Self::now), as befits a clock that is never set.
    async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now().plus(span)).await;
    }
}

/// The machine's clock.
///
/// It needs no async runtime: a helper thread, shared by the whole process, keeps its timers.
///
/// ```
/// use xcron_core::{Clock, SystemClock, Timestamp};
///
/// assert!(SystemClock::new().now() > Timestamp::from_secs(1_700_000_000));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock(());

impl SystemClock {
    /// The machine's clock.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

/// The time since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "the one seam that reads the wall clock")]
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(since_epoch().as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep_until(&self, at: Timestamp) {
        let at = Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(0));
        loop {
            // To the microsecond: by whole milliseconds, as `now` says it, it would oversleep by
            // half of one.
            let left = at.saturating_sub(since_epoch());
            if left.is_zero() {
                return;
            }
            futures_timer::Delay::new(left.min(RECHECK)).await;
        }
    }

    async fn sleep(&self, span: Duration) {
        futures_timer::Delay::new(span).await;
    }
}
