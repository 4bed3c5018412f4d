//! The clock that a scheduler over this store should use: the machine's, or the median of the
//! members' while the machine's is off it.
//!
//! A node whose clock is off does not lead, but it may have read its clock a moment before it knew.
//! Read through here, no decision and no send ever sees a time that the cluster does not share.

use std::sync::Arc;

use async_trait::async_trait;
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
        let off = self.0.guard.off(Instant::now(), wall).unwrap_or(0);
        Timestamp::from_millis(wall.as_millis().saturating_add(off))
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.since(self.now());
            if left.is_zero() {
                return;
            }
            let wait = left.min(RECHECK);
            self.0.clock.sleep_until(self.0.clock.now().plus(wait)).await;
        }
    }
}
