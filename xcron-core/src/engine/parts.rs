//! What a scheduler is made of: its seams, its limits, and what the engine has in hand.

use super::Load;
use crate::dispatch::Dispatcher;
use crate::observe::{Event, Observer};
use crate::schedule::Calendar;
use crate::settings::Settings;
use crate::store::{Change, Committed, Store, StoreError};
use crate::{Clock, Timestamp};
use std::sync::Arc;

/// The parts that the handle and the engine share.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dispatcher: Arc<dyn Dispatcher>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) settings: Settings,
    pub(crate) calendar: Calendar,
    pub(crate) load: Load,
}

impl Parts {
    /// The present instant, to decide by on what somebody wishes.
    pub(crate) fn decide_at(&self) -> Result<Timestamp, StoreError> {
        // Read first: a fault that is seen after that may have been there.
        let now = self.clock.now();
        self.store.clock_fault().map_or(Ok(now), Err)
    }

    /// Makes `changes` durable, and tells how long that took.
    pub(crate) async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        let began = self.clock.now();
        let committed = self.store.commit(changes).await?;
        let (changes, took) = (committed.len(), self.clock.now().since(began));
        self.observer.observe(&Event::Committed { changes, took });
        Ok(committed)
    }
}
