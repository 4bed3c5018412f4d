//! The clock that a scheduler over this store should use: the machine's, or the median of the
//! members' while the machine's is off it.
//!
//! A node whose clock is off does not lead, but it may have read its clock a moment before it knew.
//! Read through here, no decision and no send ever sees a time that the cluster does not share.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use tokio::time::Instant;
use xcron_core::{Clock, RECHECK, Timestamp};

use crate::store::Shared;

/// The machine's clock, corrected while it is off the members' median.
#[derive(Debug)]
pub(crate) struct MedianClock(pub(crate) Arc<Shared>);

#[async_trait]
impl Clock for MedianClock {
    fn now(&self) -> Timestamp {
        let wall = self.0.clock.now();
        let off = self.0.guard.correction(Instant::now(), wall);
        Timestamp::from_millis(wall.as_millis().saturating_add(off))
    }

    async fn sleep_until(&self, at: Timestamp) {
        sleep(&self.0.clock, || at.since(self.now()).min(RECHECK)).await;
    }

    async fn sleep(&self, span: Duration) {
        self.0.clock.sleep(span).await;
    }
}

/// Sleeps by the `wall` clock until nothing is `left`.
///
/// A nap that began while that clock was ahead would go on for as long as it was, once it is set
/// back. So whenever the nap looks up, which is every [`RECHECK`], one that is longer than what is
/// left is given up.
async fn sleep(wall: &Arc<dyn Clock>, left: impl Fn() -> Duration + Send) {
    let mut nap = None;
    poll_fn(|cx| {
        loop {
            let left = left();
            if left.is_zero() {
                return Poll::Ready(());
            }
            let end = wall.now().plus(left);
            if nap.as_ref().is_none_or(|(ends, _)| *ends > end) {
                let wall = Arc::clone(wall);
                nap = Some((end, async move { wall.sleep_until(end).await }.boxed()));
            }
            if let Some((_, sleeping)) = &mut nap
                && sleeping.poll_unpin(cx).is_pending()
            {
                return Poll::Pending;
            }
            nap = None;
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    /// A wall clock that is ahead of the truth.
    #[derive(Debug)]
    struct Wrong {
        began: Instant,
        ahead_ms: AtomicI64,
    }

    impl Wrong {
        fn truth(&self) -> Timestamp {
            Timestamp::from_secs(1_700_000_000).plus(self.began.elapsed())
        }
    }

    #[async_trait]
    impl Clock for Wrong {
        fn now(&self) -> Timestamp {
            let ahead = self.ahead_ms.load(Ordering::Relaxed);
            Timestamp::from_millis(self.truth().as_millis() + ahead)
        }

        async fn sleep_until(&self, at: Timestamp) {
            while self.now() < at {
                tokio::time::sleep(at.since(self.now()).min(RECHECK)).await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_that_began_while_the_clock_was_ahead_ends_in_time_once_it_is_set_back() {
        for (before_ms, after_ms) in [(3_600_000, 0), (0, 3_600_000), (0, -3_600_000), (0, 0)] {
            let (began, ahead_ms) = (Instant::now(), AtomicI64::new(before_ms));
            let clock = Arc::new(Wrong { began, ahead_ms });
            let wall: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
            let end = clock.truth().plus(Duration::from_millis(10_300));
            let set = async {
                tokio::time::sleep(Duration::from_millis(4_500)).await;
                clock.ahead_ms.store(after_ms, Ordering::Relaxed);
            };
            let slept = sleep(&wall, || end.since(clock.truth()).min(RECHECK));
            let slept = tokio::time::timeout(Duration::from_secs(60), slept);
            let (slept, ()) = futures::join!(slept, set);
            assert!(slept.is_ok(), "from {before_ms} to {after_ms} ms ahead: never");
            let late = clock.truth().since(end);
            assert!(late <= Duration::from_millis(1), "from {before_ms} to {after_ms}: {late:?}");
        }
    }
}
