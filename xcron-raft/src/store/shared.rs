//! What the handles of a store and its raft thread share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;
use xcron_core::{Agenda, Effect, StoreError, StoreErrorKind};

use super::settings::{ROOM_BYTES_MIN, RaftSettings};
use super::stats::{Counters, StoreStats};
use crate::Error;
use crate::log::Log;
use crate::machine::Published;

/// State that both sides see.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: RaftSettings,
    pub(super) published: Arc<Published>,
    pub(super) counters: Counters,
    pub(super) log: Arc<Log>,
    /// The term in which this node leads; 0 while it does not.
    tenure: AtomicU64,
    /// The number of this life of the node; set once, before the store is handed out.
    pub(super) life: AtomicU64,
    pub(super) fatal: watch::Sender<Option<Error>>,
}

impl Shared {
    pub(super) fn new(settings: RaftSettings, published: Arc<Published>, log: Arc<Log>) -> Self {
        let (counters, tenure, life) = Default::default();
        let fatal = watch::Sender::new(None);
        Self { settings, published, counters, log, tenure, life, fatal }
    }

    /// Notes in which term this node leads; 0 if it does not.
    pub(super) fn set_tenure(&self, term: u64) {
        if self.tenure.swap(term, Ordering::SeqCst) != term {
            self.published.wake();
        }
    }

    /// What this node has to plan.
    pub(super) fn agenda(&self) -> Agenda {
        let term = self.tenure.load(Ordering::SeqCst);
        let tenure = self.is_leader().then_some(term);
        Agenda { tenure, next_due: self.published.view().next_due() }
    }

    /// Whether this node leads; never after a failure.
    pub(super) fn is_leader(&self) -> bool {
        self.tenure.load(Ordering::SeqCst) > 0 && self.fatal.borrow().is_none()
    }

    /// Notes the failure that ends this store; the first one counts.
    pub(super) fn fail(&self, error: Error) {
        let is_first = self.fatal.send_if_modified(|fatal| {
            let is_first = fatal.is_none();
            fatal.get_or_insert(error);
            is_first
        });
        if is_first {
            self.published.wake();
        }
    }

    /// The failure that ended this store, as the caller of a commit or a read is told.
    pub(super) fn failure(&self, effect: Effect) -> Option<StoreError> {
        let fatal = self.fatal.borrow();
        let error = fatal.as_ref()?;
        Some(StoreError::new(StoreErrorKind::Fatal, effect, error.to_string()))
    }

    /// Why a commit of `bytes` cannot be taken now: the disk is full. It is refused before the log
    /// needs the room that is left, so this passes when there is space again.
    pub(super) fn disk_full(&self, bytes: usize) -> Option<StoreError> {
        let full = self.log.full()?;
        let room = self.log.stats().room.load(Ordering::Relaxed);
        let left = ROOM_BYTES_MIN.min(self.settings.segment_bytes / 4);
        let needed = self.counters.in_flight_bytes.load(Ordering::Relaxed) + bytes as u64 + left;
        let message = format!("{full}; {room} bytes of log are left");
        (room < needed).then(|| StoreError::new(StoreErrorKind::Overloaded, Effect::None, message))
    }

    /// All counters.
    pub(super) fn stats(&self) -> StoreStats {
        let stats = self.log.stats();
        let log_bytes = stats.bytes.load(Ordering::Relaxed);
        let at_snapshot = self.counters.log_bytes_at_snapshot.load(Ordering::Relaxed);
        StoreStats {
            is_leader: self.is_leader(),
            last_applied: self.published.view().applied.map_or(0, |id| id.index),
            log_bytes,
            log_bytes_since_snapshot: log_bytes.saturating_sub(at_snapshot),
            log_syncs: stats.syncs.load(Ordering::Relaxed),
            ..self.counters.read()
        }
    }
}
