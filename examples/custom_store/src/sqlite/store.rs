//! The store: each call of the contract as a statement or a transaction.

use super::failure::Failure;
use super::life::Life;
use super::{change, life, rows};
use crate::batch;
use async_trait::async_trait;
use futures_timer::Delay;
use rusqlite::{Connection, TransactionBehavior, params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use xcron_core::store::PAGE_HISTORIES_MAX;
use xcron_core::{Agenda, Change, Claim, Committed, Consistency, Effect, Holder, Store};
use xcron_core::{StoreError, Task, TaskCounts, TaskId, TaskWithHistory, Timestamp};

/// How often a store looks for changes that another one made, and for lives that ended.
pub const POLL: Duration = Duration::from_millis(100);
/// How long a statement waits for another scheduler's transaction; it blocks its caller.
const BUSY_MAX: Duration = Duration::from_secs(1);

/// Tasks in a SQLite file that several schedulers of one machine may share.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Mutex<Connection>,
    life: Life,
    vacancy: Option<Duration>,
    history_max: usize,
}

impl SqliteStore {
    /// Opens the database at `path`, which is made if need be, and keeps the newest
    /// `history_max` runs of each task.
    ///
    /// # Errors
    /// When the file cannot be opened, locked or brought to this version's tables.
    pub fn open(path: &Path, history_max: usize) -> Result<Self, StoreError> {
        Self::begin(path, history_max).map_err(|failure| failure.with(Effect::None))
    }

    fn begin(path: &Path, history_max: usize) -> Result<Self, Failure> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_MAX)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Acknowledged is on disk: WAL alone would lose the last commits with the power.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(include_str!("schema.sql"))?;
        transaction.commit()?;
        let life = Life::begin(&mut connection, path)?;
        life.bury(&mut connection)?;
        // While others lived nothing was missed, it is merely late.
        let vacancy = life.has_others(&connection)?.then_some(Duration::ZERO);
        Ok(Self { connection: Mutex::new(connection), life, vacancy, history_max })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        query(&self.connection()).map_err(|failure| failure.with(Effect::None))
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        batch::bound(&changes)?;
        let none = |failure: Failure| failure.with(Effect::None);
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| none(error.into()))?;
        // A transaction that is dropped before its commit is rolled back: nothing happened.
        let committed = change::apply(&transaction, changes, self.history_max).map_err(none)?;
        let unknown = |error| Failure::Sql(error).with(Effect::Unknown);
        transaction.commit().map_err(unknown)?;
        Ok(committed)
    }

    async fn get(
        &self,
        id: &TaskId,
        _consistency: Consistency,
    ) -> Result<Option<TaskWithHistory>, StoreError> {
        let rest = "WHERE id = ?1";
        self.read(|connection| Ok(rows::page_with_history(connection, rest, [id.as_str()])?.pop()))
    }

    async fn scan(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        _consistency: Consistency,
    ) -> Result<Vec<Task>, StoreError> {
        let rest = "WHERE id > ?1 ORDER BY id LIMIT ?2";
        let after = after.map_or("", TaskId::as_str);
        self.read(|connection| rows::page(connection, rest, params![after, rows::limit(limit)]))
    }

    async fn scan_history(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        failed: bool,
        _consistency: Consistency,
    ) -> Result<Vec<TaskWithHistory>, StoreError> {
        let rest = "WHERE id > ?1 AND (NOT ?2 OR has_failed) ORDER BY id LIMIT ?3";
        let after = after.map_or("", TaskId::as_str);
        let limit = rows::limit(limit.min(PAGE_HISTORIES_MAX));
        let parameters = params![after, failed, limit];
        self.read(|connection| rows::page_with_history(connection, rest, parameters))
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Task>, StoreError> {
        let rest = "WHERE due_at <= ?1 ORDER BY due_at, id LIMIT ?2";
        let parameters = params![until.as_millis(), rows::limit(limit)];
        self.read(|connection| rows::page(connection, rest, parameters))
    }

    async fn finished(&self, limit: usize) -> Result<Vec<Task>, StoreError> {
        let rest = "WHERE finished_at IS NOT NULL ORDER BY finished_at, id LIMIT ?1";
        self.read(|connection| rows::page(connection, rest, [rows::limit(limit)]))
    }

    /// Every store on the file may decide: revisions keep two of them from deciding the same.
    fn agenda(&self) -> Agenda {
        // A database that does not answer is not planned on; it is asked again a poll later. The
        // tenure stays, or what is due meanwhile would count as missed.
        let next_due = self.read(rows::next_due).unwrap_or_default();
        Agenda { tenure: Some(1), next_due, vacancy: self.vacancy, entrusted: None }
    }

    async fn agenda_changed(&self, seen: Agenda) {
        loop {
            // What could not be noted now is noted at the next poll.
            let _later = self.life.bury(&mut self.connection());
            if self.agenda().is_news_to(&seen) {
                return;
            }
            Delay::new(POLL).await;
        }
    }

    fn holder(&self) -> Holder {
        Holder { node: 1, incarnation: self.life.number.cast_unsigned() }
    }

    fn is_gone(&self, holder: Holder) -> bool {
        let life = holder.incarnation.cast_signed();
        self.read(|connection| life::is_gone(connection, life)).unwrap_or(false)
    }

    fn clock_fault(&self) -> Option<StoreError> {
        None
    }

    fn may_send(&self) -> bool {
        true
    }

    fn stands(&self, claim: &Claim) -> bool {
        let state = self.read(|connection| rows::state(connection, &claim.task));
        state.is_ok_and(|state| state.is_some_and(|state| claim.stands_in(&state)))
    }

    fn counts(&self) -> TaskCounts {
        self.read(rows::counts).unwrap_or_default()
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.read(rows::next_due).map(|_| ())
    }
}
