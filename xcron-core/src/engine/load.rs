//! What the engine has in hand, readable by anyone at any time.

use crate::Timestamp;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

/// Gauges of a running engine.
#[derive(Debug, Default)]
pub struct Load {
    running: AtomicBool,
    in_flight: AtomicUsize,
    queued: AtomicUsize,
    oldest_queued: AtomicI64,
}

impl Load {
    /// Attempts that a dispatcher has in hand.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Attempts that are due and wait for a free place.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// When the attempt that waits longest for a free place was due.
    #[must_use]
    pub fn oldest_queued(&self) -> Option<Timestamp> {
        let at = self.oldest_queued.load(Ordering::Relaxed);
        (self.queued() > 0).then(|| Timestamp::from_millis(at))
    }

    /// Whether an engine runs, so that a second one is refused.
    pub(super) fn begin(&self) -> bool {
        !self.running.swap(true, Ordering::AcqRel)
    }

    pub(super) fn end(&self) {
        self.set(0, 0, None);
        self.running.store(false, Ordering::Release);
    }

    pub(super) fn set(&self, in_flight: usize, queued: usize, oldest: Option<Timestamp>) {
        self.in_flight.store(in_flight, Ordering::Relaxed);
        self.queued.store(queued, Ordering::Relaxed);
        self.oldest_queued.store(oldest.map_or(0, Timestamp::as_millis), Ordering::Relaxed);
    }
}
