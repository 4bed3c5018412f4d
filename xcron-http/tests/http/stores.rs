//! Stores that do not behave.

use async_trait::async_trait;
use std::time::Duration;
use tokio::time::sleep;
use xcron_core::{
    Agenda, Change, Claim, Committed, Consistency, Effect, Holder, MemoryStore, Store, StoreError,
    StoreErrorKind, Task, TaskCounts, TaskId, TaskWithHistory, Timestamp,
};

/// A store that fails every call in one way.
#[derive(Debug)]
pub(crate) struct Broken {
    error: Option<StoreError>,
    inner: MemoryStore,
}

impl Broken {
    pub(crate) fn new(kind: StoreErrorKind, effect: Effect) -> Self {
        let error = Some(StoreError::new(kind, effect, "no quorum"));
        Self { error, inner: MemoryStore::new() }
    }

    pub(crate) fn panicking() -> Self {
        Self { error: None, inner: MemoryStore::new() }
    }

    fn fail<T>(&self) -> Result<T, StoreError> {
        Err(self.error.clone().expect("this store is a bug"))
    }
}

#[async_trait]
impl Store for Broken {
    async fn commit(&self, _changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        self.fail()
    }

    async fn get(
        &self,
        _id: &TaskId,
        _consistency: Consistency,
    ) -> Result<Option<TaskWithHistory>, StoreError> {
        self.fail()
    }

    async fn scan(
        &self,
        _after: Option<&TaskId>,
        _limit: usize,
        _consistency: Consistency,
    ) -> Result<Vec<Task>, StoreError> {
        self.fail()
    }

    async fn scan_history(
        &self,
        _after: Option<&TaskId>,
        _limit: usize,
        _failed: bool,
        _consistency: Consistency,
    ) -> Result<Vec<TaskWithHistory>, StoreError> {
        self.fail()
    }

    async fn due(&self, _until: Timestamp, _limit: usize) -> Result<Vec<Task>, StoreError> {
        self.fail()
    }

    async fn finished(&self, _limit: usize) -> Result<Vec<Task>, StoreError> {
        self.fail()
    }

    fn agenda(&self) -> Agenda {
        self.inner.agenda()
    }

    async fn agenda_changed(&self, seen: Agenda) {
        self.inner.agenda_changed(seen).await;
    }

    fn holder(&self) -> Holder {
        self.inner.holder()
    }

    fn is_gone(&self, holder: Holder) -> bool {
        self.inner.is_gone(holder)
    }

    fn clock_fault(&self) -> Option<StoreError> {
        self.inner.clock_fault()
    }

    fn may_send(&self) -> bool {
        self.inner.may_send()
    }

    fn stands(&self, claim: &Claim) -> bool {
        self.inner.stands(claim)
    }

    fn counts(&self) -> TaskCounts {
        self.inner.counts()
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.fail()
    }
}

/// How long a slow store takes.
const SLOW: Duration = Duration::from_millis(200);

/// A store that takes its time.
#[derive(Debug)]
pub(crate) struct Slow(pub(crate) MemoryStore);

#[async_trait]
impl Store for Slow {
    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        sleep(SLOW).await;
        self.0.commit(changes).await
    }

    async fn get(
        &self,
        id: &TaskId,
        consistency: Consistency,
    ) -> Result<Option<TaskWithHistory>, StoreError> {
        sleep(SLOW).await;
        self.0.get(id, consistency).await
    }

    async fn scan(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        consistency: Consistency,
    ) -> Result<Vec<Task>, StoreError> {
        self.0.scan(after, limit, consistency).await
    }

    async fn scan_history(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        failed: bool,
        consistency: Consistency,
    ) -> Result<Vec<TaskWithHistory>, StoreError> {
        self.0.scan_history(after, limit, failed, consistency).await
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Task>, StoreError> {
        self.0.due(until, limit).await
    }

    async fn finished(&self, limit: usize) -> Result<Vec<Task>, StoreError> {
        self.0.finished(limit).await
    }

    fn agenda(&self) -> Agenda {
        self.0.agenda()
    }

    async fn agenda_changed(&self, seen: Agenda) {
        self.0.agenda_changed(seen).await;
    }

    fn holder(&self) -> Holder {
        self.0.holder()
    }

    fn is_gone(&self, holder: Holder) -> bool {
        self.0.is_gone(holder)
    }

    fn clock_fault(&self) -> Option<StoreError> {
        self.0.clock_fault()
    }

    fn may_send(&self) -> bool {
        self.0.may_send()
    }

    fn stands(&self, claim: &Claim) -> bool {
        self.0.stands(claim)
    }

    fn counts(&self) -> TaskCounts {
        self.0.counts()
    }

    async fn ready(&self) -> Result<(), StoreError> {
        sleep(SLOW).await;
        self.0.ready().await
    }
}
