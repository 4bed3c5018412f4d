//! What may be wished of a task that exists: another definition, a pause, a run now.

use super::Scheduler;
use crate::decide::{self, AmendError, Amended, By};
use crate::dispatch::CallbackError;
use crate::observe::tell_ended;
use crate::store::{Change, Conflict, Consistency, Effect, StoreError, StoreErrorKind};
use crate::task::TaskWithHistory;
use crate::task::definition::TaskDefinition;
use crate::task::id::{RunId, TaskId};
use crate::task::state::{RunEnd, RunRecord, TaskState};
use std::sync::Arc;
use std::time::Duration;

/// How often a wish is decided anew because the task changed meanwhile.
const TRIES_MAX: u32 = 50;
/// How long a wish waits at a time for what has to come first.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Why a task was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// There is no such task.
    #[error("there is no task {0:?}")]
    Missing(TaskId),
    /// The task is not changed in this way.
    #[error(transparent)]
    Refused(#[from] AmendError),
    /// The dispatcher would never send the callback.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Scheduler {
    /// Gives the task named `id` another definition, if it has the named version; answers the
    /// version that it has then. Another schedule counts from now on, open runs go on. What is due
    /// by the present schedule is still run, by the policies of the new definition, also if its
    /// target has no room for it now.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use xcron_core::{Callback, MemoryStore, NewTask, Outcome, Schedule, Scheduler};
    /// use xcron_core::{TaskDefinition, TaskId, dispatch_fn};
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dispatcher = dispatch_fn(|_delivery| async { Outcome::succeeded() });
    /// # let scheduler = Scheduler::builder(Arc::new(MemoryStore::new()), dispatcher).build();
    /// let id = TaskId::parse("report")?;
    /// let daily = Schedule::parse_cron("0 8 * * *", "Europe/Berlin")?;
    /// let mut definition = TaskDefinition::new(daily, Callback::new("report"));
    /// scheduler.create(NewTask::new(id.clone(), definition.clone())).await?;
    ///
    /// definition.schedule = Schedule::parse_cron("0 9 * * *", "Europe/Berlin")?;
    /// assert_eq!(scheduler.update(&id, definition, Some(1)).await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When there is no such task, its version is another one, the definition is not acceptable,
    /// or the store cannot answer; its error says whether the task may have changed.
    pub async fn update(
        &self,
        id: &TaskId,
        definition: TaskDefinition,
        version: Option<u64>,
    ) -> Result<u64, ChangeError> {
        let callback = self.parts.dispatcher.validate(definition.callback)?;
        let definition = Arc::new(TaskDefinition { callback, ..definition });
        let calendar = &self.parts.calendar;
        let decide = |found: &TaskWithHistory, by| {
            let amended = decide::update(&found.task, &definition, version, calendar, by)?;
            Ok((amended, ()))
        };
        let (state, ()) = self.amend(id, decide).await?;
        Ok(state.version)
    }

    /// Stops following the schedule of the task named `id` until it is resumed; open runs go on.
    /// Pausing it again changes the note, if there is a new one.
    ///
    /// # Errors
    /// When there is no such task, it is finished, the note is too long, or the store cannot
    /// answer.
    pub async fn pause(&self, id: &TaskId, note: Option<&str>) -> Result<(), ChangeError> {
        let decide = |found: &TaskWithHistory, by| Ok((decide::pause(&found.task, note, by)?, ()));
        self.amend(id, decide).await.map(|_changed| ())
    }

    /// Follows the schedule of the task named `id` again, from now on. What passed meanwhile is
    /// recorded as skipped, but for a one-shot, which follows its misfire policy.
    ///
    /// # Errors
    /// When there is no such task, it is finished, or the store cannot answer.
    pub async fn resume(&self, id: &TaskId) -> Result<(), ChangeError> {
        let calendar = &self.parts.calendar;
        let decide =
            |found: &TaskWithHistory, by| Ok((decide::resume(&found.task, calendar, by)?, ()));
        self.amend(id, decide).await.map(|_changed| ())
    }

    /// Runs the task named `id` once, now, beside its schedule, also when it is paused or
    /// finished; answers the name of the run.
    ///
    /// # Errors
    /// When there is no such task, too many of its runs are open, or the store cannot answer; if
    /// the run may be made, asking again makes another one.
    pub async fn trigger(&self, id: &TaskId) -> Result<RunId, ChangeError> {
        let decide = |found: &TaskWithHistory, by| decide::trigger(&found.task, by);
        let (_, occurrence) = self.amend(id, decide).await?;
        Ok(RunId::new(id.clone(), occurrence))
    }

    /// Attempts failed runs of the task named `id` again, now: the one that is named, or all that
    /// are kept, as many as may be open at a time. Answers which.
    ///
    /// # Errors
    /// When there is no such task or failed run, or the store cannot answer.
    pub async fn retry(&self, id: &TaskId, run: Option<&str>) -> Result<Vec<RunId>, ChangeError> {
        let name = |record: &RunRecord| RunId::new(id.clone(), record.occurrence);
        let decide = |found: &TaskWithHistory, by| {
            let is_meant = |record: &&RunRecord| {
                let is_named = run.is_none_or(|run| name(record).to_string() == run);
                record.end == RunEnd::Failed && is_named
            };
            let mut failed: Vec<&RunRecord> = found.history.iter().filter(is_meant).collect();
            if let Some(run) = run.filter(|_| failed.is_empty()) {
                return Err(AmendError::NotFailed(run.to_owned()));
            }
            // The oldest first: that is the order in which they were due.
            failed.reverse();
            let (amended, opened) = decide::retry(&found.task, failed.iter().copied(), by);
            let open = &found.task.state.runs;
            let is_open =
                |failed: &RunRecord| open.iter().any(|run| run.occurrence == failed.occurrence);
            if opened.is_empty() && !failed.iter().all(|failed| is_open(failed)) {
                return Err(AmendError::Full);
            }
            Ok((amended, opened))
        };
        let (_, opened) = self.amend(id, decide).await?;
        Ok(opened.into_iter().map(|occurrence| RunId::new(id.clone(), occurrence)).collect())
    }

    /// Decides and commits until nobody else was faster; answers the state that came of it.
    async fn amend<T>(
        &self,
        id: &TaskId,
        decide: impl Fn(&TaskWithHistory, By) -> Result<(Amended, T), AmendError>,
    ) -> Result<(TaskState, T), ChangeError> {
        let parts = &self.parts;
        for _ in 0..TRIES_MAX {
            let found = parts.store.get(id, Consistency::Linearizable).await?;
            let found = found.ok_or_else(|| ChangeError::Missing(id.clone()))?;
            let by = By::new(parts.decide_at()?, parts.store.holder().node);
            let (amended, told) = match decide(&found, by) {
                Err(AmendError::Busy) => {
                    parts.clock.sleep_until(by.now.plus(BUSY_PAUSE)).await;
                    continue;
                }
                decided => decided?,
            };
            let Amended { state, ended, definition } = amended;
            if definition.is_none() && state == found.task.state {
                return Ok((state, told));
            }
            let (expected, ended_too) = (found.task.revision, ended.clone());
            let (id, new) = (id.clone(), state.clone());
            let change = Change::Put { id, expected, definition, state: new, ended: ended_too };
            match self.commit_one(change).await? {
                Ok(()) => {
                    tell_ended(parts.observer.as_ref(), &found.task.id, &ended);
                    return Ok((state, told));
                }
                Err(Conflict::Missing) => return Err(ChangeError::Missing(found.task.id)),
                Err(Conflict::Exists | Conflict::Stale { .. }) => {}
            }
        }
        let message = "the task changes all the time, or has runs to begin first: try again";
        Err(StoreError::new(StoreErrorKind::Overloaded, Effect::None, message).into())
    }
}
