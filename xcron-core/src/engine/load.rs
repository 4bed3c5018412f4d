//! What the engine has in hand, readable by anyone at any time.

use crate::Timestamp;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

/// Gauges of a running engine.
#[derive(Debug, Default)]
pub struct Load {
    running: AtomicBool,
    stopping: AtomicBool,
    stuck: AtomicBool,
    idle: AtomicBool,
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

    /// Whether the engine was told to stop: nothing is claimed any more.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Whether the store has refused the engine's commits for seconds: nothing can be fired.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Acquire)
    }

    pub(super) fn set_stuck(&self, stuck: bool) {
        self.stuck.store(stuck, Ordering::Release);
    }

    /// Whether the engine has nothing in hand, so that nothing happens before something is due or
    /// asked for.
    #[cfg(feature = "testing")]
    pub(crate) fn is_idle(&self) -> bool {
        self.idle.load(Ordering::Acquire)
    }

    pub(super) fn set_idle(&self, idle: bool) {
        self.idle.store(idle, Ordering::Release);
    }

    /// Whether an engine runs, so that a second one is refused.
    pub(super) fn begin(&self) -> bool {
        let first = !self.running.swap(true, Ordering::AcqRel);
        if first {
            self.stopping.store(false, Ordering::Release);
            self.stuck.store(false, Ordering::Release);
        }
        first
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
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
