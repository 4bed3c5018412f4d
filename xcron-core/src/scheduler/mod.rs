//! The handle that a program or a server holds: create, delete and read tasks, and run them.

mod amend;
mod batch;

pub use amend::ChangeError;

use crate::decide::{AdmitError, admit};
use crate::dispatch::{CallbackError, Dispatcher};
use crate::engine::{Engine, EngineError, Load, Parts};
use crate::observe::{NoObserver, Observer};
use crate::schedule::Calendar;
use crate::settings::Settings;
use crate::store::{
    Change, Conflict, Consistency, Effect, Store, StoreError, StoreErrorKind, TaskCounts,
};
use crate::task::definition::NewTask;
use crate::task::id::TaskId;
use crate::task::{Task, TaskWithHistory};
use crate::{Clock, SystemClock};
use std::future::Future;
use std::sync::Arc;

/// A cheap-clone handle to a scheduler, plus one future, [`run`](Self::run), that fires what is
/// due. It spawns nothing and knows no runtime.
///
/// ```
/// use std::sync::Arc;
/// use xcron_core::{MemoryStore, Outcome, Scheduler, dispatch_fn};
///
/// let dispatcher = dispatch_fn(|delivery| async move {
///     println!("{} is due", delivery.run_id());
///     Outcome::succeeded()
/// });
/// let scheduler = Scheduler::builder(Arc::new(MemoryStore::new()), dispatcher).build();
/// assert_eq!(scheduler.counts().total(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Scheduler {
    pub(crate) parts: Arc<Parts>,
}

/// Puts a scheduler together; what is not named gets its default.
#[derive(Debug)]
pub struct SchedulerBuilder {
    store: Arc<dyn Store>,
    dispatcher: Arc<dyn Dispatcher>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    settings: Settings,
}

impl SchedulerBuilder {
    /// Reads time from `clock` instead of the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Tells `observer` what was decided.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Keeps to `settings`.
    #[must_use]
    pub const fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The scheduler; nothing runs before [`Scheduler::run`] is polled.
    #[must_use]
    pub fn build(self) -> Scheduler {
        let Self { store, dispatcher, clock, observer, settings } = self;
        let calendar = Calendar::new(settings.calendar_entries_max);
        let load = Load::default();
        let parts = Parts { store, clock, dispatcher, observer, settings, calendar, load };
        Scheduler { parts: Arc::new(parts) }
    }
}

/// What a create came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// The task exists from now on.
    New,
    /// It existed already, with the same definition.
    Existing,
}

/// Why a task was not created.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreateError {
    /// A field or the schedule is not acceptable.
    #[error(transparent)]
    Refused(#[from] AdmitError),
    /// The dispatcher would never send the callback.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The id is taken by a task with another definition.
    #[error("task_id {0:?} exists with another definition")]
    Exists(TaskId),
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a task was not deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeleteError {
    /// There is no such task.
    #[error("there is no task {0:?}")]
    Missing(TaskId),
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Scheduler {
    /// Begins a scheduler that keeps its tasks in `store` and fires through `dispatcher`.
    #[must_use]
    pub fn builder(store: Arc<dyn Store>, dispatcher: Arc<dyn Dispatcher>) -> SchedulerBuilder {
        SchedulerBuilder {
            store,
            dispatcher,
            clock: Arc::new(SystemClock::new()),
            observer: Arc::new(NoObserver),
            settings: Settings::default(),
        }
    }

    /// Makes `task` exist; once this returns it is as durable as the store. Creating a task again
    /// with the same definition changes nothing and is no error.
    ///
    /// # Errors
    /// When the task is not acceptable, its id is taken, or the store cannot answer; a store's
    /// error says whether the task may exist now.
    pub async fn create(&self, task: NewTask) -> Result<Created, CreateError> {
        let parts = &self.parts;
        let mut task = task;
        task.definition.callback = parts.dispatcher.validate(task.definition.callback)?;
        let state = match admit(&task, &parts.calendar, parts.decide_at()?) {
            Ok(state) => state,
            // What was acceptable once stays so: its time may have passed since.
            Err(error @ (AdmitError::Past { .. } | AdmitError::NeverFires)) => {
                return match self.existing(&task).await {
                    Ok(Some(created)) => Ok(created),
                    Ok(None) => Err(error.into()),
                    Err(other) => Err(other),
                };
            }
            Err(error) => return Err(error.into()),
        };
        if parts.store.counts().total() >= parts.settings.tasks_max {
            return match self.existing(&task).await? {
                Some(created) => Ok(created),
                None => Err(self.tasks_max_reached().into()),
            };
        }
        let (id, definition) = (task.id.clone(), Arc::new(task.definition.clone()));
        let change = Change::Create { id, definition, state };
        match self.commit_one(change).await? {
            Ok(()) => Ok(Created::New),
            Err(_exists) => self.existing(&task).await?.ok_or_else(|| {
                let message = "the task was deleted while it was created";
                StoreError::new(StoreErrorKind::Unavailable, Effect::None, message).into()
            }),
        }
    }

    /// Makes the task named `id` not exist; once this returns, no attempt of it starts any more.
    ///
    /// # Errors
    /// When there is no such task or the store cannot answer.
    pub async fn delete(&self, id: &TaskId) -> Result<(), DeleteError> {
        let change = Change::Delete { id: id.clone(), expected: None };
        let deleted = self.commit_one(change).await?;
        deleted.map_err(|_missing| DeleteError::Missing(id.clone()))
    }

    /// The task named `id`, with the history of its runs.
    ///
    /// # Errors
    /// When the store cannot answer with the asked consistency now.
    pub async fn get(
        &self,
        id: &TaskId,
        consistency: Consistency,
    ) -> Result<Option<TaskWithHistory>, StoreError> {
        self.parts.store.get(id, consistency).await
    }

    /// Up to `limit` tasks in order of id, those after `after`; at most
    /// [`PAGE_TASKS_MAX`](crate::store::PAGE_TASKS_MAX).
    ///
    /// # Errors
    /// When the store cannot answer with the asked consistency now.
    pub async fn scan(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        consistency: Consistency,
    ) -> Result<Vec<Task>, StoreError> {
        self.parts.store.scan(after, limit, consistency).await
    }

    /// Up to `limit` tasks with their histories in order of id, those after `after`; all of them,
    /// or only those with `failed` runs. At most
    /// [`PAGE_HISTORIES_MAX`](crate::store::PAGE_HISTORIES_MAX).
    ///
    /// # Errors
    /// When the store cannot answer with the asked consistency now.
    pub async fn scan_history(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        failed: bool,
        consistency: Consistency,
    ) -> Result<Vec<TaskWithHistory>, StoreError> {
        self.parts.store.scan_history(after, limit, failed, consistency).await
    }

    /// Finds occurrences; the engine uses the same one.
    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.parts.calendar
    }

    /// The clock that the engine fires by.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.parts.clock
    }

    /// How many tasks there are, by status.
    #[must_use]
    pub fn counts(&self) -> TaskCounts {
        self.parts.store.counts()
    }

    /// What the engine has in hand.
    #[must_use]
    pub fn load(&self) -> &Load {
        &self.parts.load
    }

    /// Returns once a linearizable read and a create would be answered, and what is due fired.
    ///
    /// # Errors
    /// Why they would not be now; a scheduler that was told to stop is not ready.
    pub async fn ready(&self) -> Result<(), StoreError> {
        let why = match &self.parts.load {
            load if load.is_stopping() => Some("the scheduler is stopping"),
            load if load.is_stuck() => Some("the store refuses to take what is due"),
            _ => None,
        };
        if let Some(why) = why {
            return Err(StoreError::new(StoreErrorKind::Unavailable, Effect::None, why));
        }
        self.parts.store.ready().await
    }

    /// Fires what is due until `shutdown` resolves, then waits up to
    /// [`Settings::drain`](crate::Settings::drain) for the attempts in flight.
    ///
    /// # Errors
    /// When the store fails for good: nothing can be fired any more.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<(), EngineError> {
        Engine::new(Arc::clone(&self.parts)).run(shutdown).await
    }

    async fn commit_one(&self, change: Change) -> Result<Result<(), Conflict>, StoreError> {
        let committed = self.parts.commit(vec![change]).await?.pop();
        let unanswered = || {
            let message = "the store did not answer for a change";
            StoreError::new(StoreErrorKind::Fatal, Effect::Unknown, message)
        };
        Ok(committed.ok_or_else(unanswered)?.map(|_revision| ()))
    }

    async fn existing(&self, task: &NewTask) -> Result<Option<Created>, CreateError> {
        let found = self.parts.store.get(&task.id, Consistency::Linearizable).await?;
        match found {
            None => Ok(None),
            Some(found) if *found.task.definition == task.definition => Ok(Some(Created::Existing)),
            Some(_) => Err(CreateError::Exists(task.id.clone())),
        }
    }

    fn tasks_max_reached(&self) -> StoreError {
        let max = self.parts.settings.tasks_max;
        let message = format!("there are {max} tasks, the most allowed by limits.max_tasks");
        StoreError::new(StoreErrorKind::Overloaded, Effect::None, message)
    }
}
