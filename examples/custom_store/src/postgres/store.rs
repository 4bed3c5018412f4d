//! The store: each call of the contract as a job of a session, or an answer from what is known.

use super::failure::Failure;
use super::session::Session;
use super::view::{CLOCK_OFF_MAX, Views};
use super::{change, life, rows, watch};
use crate::batch;
use async_trait::async_trait;
use postgres::Config;
use postgres::types::Type;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use xcron_core::store::PAGE_HISTORIES_MAX;
use xcron_core::{Agenda, Change, Claim, Committed, Consistency, Effect, Holder, Store};
use xcron_core::{
    StoreError, StoreErrorKind, Task, TaskCounts, TaskId, TaskWithHistory, Timestamp,
};

/// Tasks in a schema of a PostgreSQL that several schedulers share.
#[derive(Debug)]
pub struct PostgresStore {
    /// Commits and reads.
    work: Session,
    /// Holds the lock of this life, and answers whether claims stand.
    own: Session,
    life: i32,
    vacancy: Option<Duration>,
    views: Arc<Views>,
    is_over: Arc<AtomicBool>,
    history_max: usize,
}

impl PostgresStore {
    /// Opens the tables in the schema `schema`, which are made if need be, of the database that
    /// `database` names, as `postgres://user@host/name` or as `host=/folder user=...`; keeps the
    /// newest `history_max` runs of each task.
    ///
    /// # Errors
    /// When one of the two is not well formed, or the database refuses.
    pub fn open(database: &str, schema: &str, history_max: usize) -> Result<Self, StoreError> {
        let refused = |message| StoreError::new(StoreErrorKind::Fatal, Effect::None, message);
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins = schema.starts_with(|first: char| first.is_ascii_lowercase());
        if !begins || schema.len() > 63 || !schema.bytes().all(plain) {
            let expected = "expected a small letter, then small letters, digits and _, at most 63";
            return Err(refused(format!("schema is {schema:?}, {expected}")));
        }
        let config: Config = database.parse().map_err(|error| {
            refused(format!("database is {error}, expected postgres://user@host/name"))
        })?;
        Ok(Self::begin(&config, schema, history_max)?)
    }

    fn begin(config: &Config, schema: &str, history_max: usize) -> Result<Self, Failure> {
        let (views, is_over) = (Arc::default(), Arc::default());
        let own = Session::open(config, schema, &is_over)?;
        let name = schema.to_owned();
        let life = own.ask_now(move |client| {
            let mut transaction = client.transaction()?;
            // Two that begin at once would make the tables twice.
            let lock = "SELECT pg_advisory_xact_lock(hashtext($1), 0)";
            transaction.query_typed(lock, &[(&name, Type::TEXT)])?;
            transaction.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {name}"))?;
            transaction.batch_execute(include_str!("schema.sql"))?;
            transaction.commit()?;
            life::begin(client)
        })?;
        watch::begin(config, schema, life, &views, &is_over)?;
        // While others lived nothing was missed, it is merely late.
        let others = own.ask_now(move |client| life::others(client, life))?;
        let vacancy = (!others.is_empty()).then_some(Duration::ZERO);
        let work = Session::open(config, schema, &is_over)?;
        Ok(Self { work, own, life, vacancy, views, is_over, history_max })
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        let life = self.life;
        // If it cannot be said, others find out.
        let _found_out = self.own.ask_now(move |client| life::end(client, life));
        self.is_over.store(true, Ordering::Release);
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        batch::bound(&changes)?;
        let (history_max, views) = (self.history_max, Arc::clone(&self.views));
        let committed = self.work.ask(move |client| {
            let (committed, view) = change::commit(client, changes, history_max)?;
            views.put(view);
            Ok(committed)
        });
        Ok(committed.await?)
    }

    async fn get(
        &self,
        id: &TaskId,
        _consistency: Consistency,
    ) -> Result<Option<TaskWithHistory>, StoreError> {
        let id = id.clone();
        let found = self.work.ask(move |client| {
            let parameters = [(&id.as_str() as _, Type::TEXT)];
            Ok(rows::page_with_history(client, "WHERE id = $1", &parameters)?.pop())
        });
        Ok(found.await?)
    }

    async fn scan(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        _consistency: Consistency,
    ) -> Result<Vec<Task>, StoreError> {
        let rest = "WHERE id > $1 ORDER BY id LIMIT $2";
        let (after, limit) = (after.cloned(), rows::limit(limit));
        let page = self.work.ask(move |client| {
            let after = after.as_ref().map_or("", TaskId::as_str);
            rows::page(client, rest, &[(&after, Type::TEXT), (&limit, Type::INT8)])
        });
        Ok(page.await?)
    }

    async fn scan_history(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        failed: bool,
        _consistency: Consistency,
    ) -> Result<Vec<TaskWithHistory>, StoreError> {
        let rest = "WHERE id > $1 AND (NOT $2 OR has_failed) ORDER BY id LIMIT $3";
        let (after, limit) = (after.cloned(), rows::limit(limit.min(PAGE_HISTORIES_MAX)));
        let page = self.work.ask(move |client| {
            let after = after.as_ref().map_or("", TaskId::as_str);
            let parameters =
                [(&after as _, Type::TEXT), (&failed as _, Type::BOOL), (&limit as _, Type::INT8)];
            rows::page_with_history(client, rest, &parameters)
        });
        Ok(page.await?)
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Task>, StoreError> {
        let rest = "WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2";
        let (until, limit) = (until.as_millis(), rows::limit(limit));
        let page = self.work.ask(move |client| {
            rows::page(client, rest, &[(&until, Type::INT8), (&limit, Type::INT8)])
        });
        Ok(page.await?)
    }

    async fn finished(&self, limit: usize) -> Result<Vec<Task>, StoreError> {
        let rest = "WHERE finished_at IS NOT NULL ORDER BY finished_at, id LIMIT $1";
        let limit = rows::limit(limit);
        let page = self.work.ask(move |client| rows::page(client, rest, &[(&limit, Type::INT8)]));
        Ok(page.await?)
    }

    /// Every store on these tables may decide, if its clock is right: revisions keep two of them
    /// from deciding the same. One that is over has something due, so that its engine comes to
    /// hear of it.
    fn agenda(&self) -> Agenda {
        let (view, is_over) = (self.views.get(), self.is_over());
        let tenure = (is_over || view.clock_off <= CLOCK_OFF_MAX).then_some(1);
        let next_due = if is_over { Some(Timestamp::MIN) } else { view.next_due };
        Agenda { tenure, next_due, vacancy: self.vacancy, entrusted: None }
    }

    async fn agenda_changed(&self, seen: Agenda) {
        loop {
            let changed = self.views.next();
            if self.agenda().is_news_to(&seen) || changed.await.is_err() {
                return;
            }
        }
    }

    fn holder(&self) -> Holder {
        Holder { node: 1, incarnation: u64::from(self.life.cast_unsigned()) }
    }

    fn is_gone(&self, holder: Holder) -> bool {
        self.views.get().is_gone(holder.incarnation.cast_signed())
    }

    fn clock_fault(&self) -> Option<StoreError> {
        let off = self.views.get().clock_off;
        (off > CLOCK_OFF_MAX).then(|| {
            let message = format!(
                "the clock of this machine is {off:?} off the database's, at most \
                 {CLOCK_OFF_MAX:?} are allowed"
            );
            StoreError::new(StoreErrorKind::Unavailable, Effect::None, message)
        })
    }

    fn may_send(&self) -> bool {
        !self.is_over()
    }

    fn stands(&self, claim: &Claim) -> bool {
        let claim = claim.clone();
        self.own.ask_now(move |client| rows::holds(client, &claim)).unwrap_or(false)
    }

    fn counts(&self) -> TaskCounts {
        self.views.get().counts
    }

    async fn ready(&self) -> Result<(), StoreError> {
        if let Some(fault) = self.clock_fault() {
            return Err(fault);
        }
        let asked = self.work.ask(|client| Ok(client.batch_execute("SELECT 1")?));
        Ok(asked.await?)
    }
}
