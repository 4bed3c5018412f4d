//! Many tasks at once: a few commits for all of them, an answer for each.

use super::{CreateError, Created, DeleteError, Scheduler};
use crate::decide::{AdmitError, admit};
use crate::store::{Change, Conflict, Effect, StoreError, StoreErrorKind};
use crate::task::definition::{NewTask, TaskDefinition};
use crate::task::id::TaskId;
use std::sync::Arc;

/// The most tasks of one commit,
const CHUNK_TASKS_MAX: usize = 1_000;
/// and about how many bytes of them.
const CHUNK_BYTES_MAX: usize = 512 << 10;
/// What a task takes in a commit beside its texts.
const TASK_BYTES: usize = 256;

impl Scheduler {
    /// Makes each of `tasks` exist as [`create`](Self::create) does; one that is refused does not
    /// keep the others from it. The answers are in the order of the tasks.
    pub async fn create_many(&self, tasks: Vec<NewTask>) -> Vec<Result<Created, CreateError>> {
        let mut answers: Vec<Option<Result<Created, CreateError>>> = Vec::new();
        answers.resize_with(tasks.len(), || None);
        let mut chunk = Chunk::default();
        for (index, mut task) in tasks.into_iter().enumerate() {
            match self.admitted(&mut task, chunk.tasks.len()) {
                Ok(Some(change)) => chunk.push(index, task, change),
                Ok(None) => {
                    // Whether it exists is known once those before it do.
                    self.commit_chunk(std::mem::take(&mut chunk), &mut answers).await;
                    answers[index] = Some(self.create(task).await);
                }
                Err(error) => answers[index] = Some(Err(error)),
            }
            if chunk.is_full() {
                self.commit_chunk(std::mem::take(&mut chunk), &mut answers).await;
            }
        }
        self.commit_chunk(chunk, &mut answers).await;
        let unanswered = || Err(CreateError::Store(unanswered()));
        answers.into_iter().map(|answer| answer.unwrap_or_else(unanswered)).collect()
    }

    /// Makes each of the tasks not exist as [`delete`](Self::delete) does, with an answer for
    /// each, in their order.
    pub async fn delete_many(&self, ids: &[TaskId]) -> Vec<Result<(), DeleteError>> {
        let mut answers = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK_TASKS_MAX) {
            let delete = |id: &TaskId| Change::Delete { id: id.clone(), expected: None };
            let committed = self.parts.commit(chunk.iter().map(delete).collect()).await;
            match committed {
                Ok(committed) => answers.extend(chunk.iter().zip(committed).map(|(id, result)| {
                    result.map(|_revision| ()).map_err(|_missing| DeleteError::Missing(id.clone()))
                })),
                Err(error) => {
                    answers.extend(chunk.iter().map(|_| Err(DeleteError::Store(error.clone()))));
                }
            }
        }
        answers
    }

    /// The change that creates `task` after so many `others` that are to be committed with it;
    /// `None` when it must be looked at alone.
    fn admitted(&self, task: &mut NewTask, others: usize) -> Result<Option<Change>, CreateError> {
        let parts = &self.parts;
        let callback = parts.dispatcher.validate(task.definition.callback.clone())?;
        task.definition.callback = callback;
        if parts.store.counts().total() + others as u64 >= parts.settings.tasks_max {
            return Ok(None);
        }
        match admit(task, &parts.calendar, parts.decide_at()?) {
            Ok(state) => {
                let (id, definition) = (task.id.clone(), Arc::new(task.definition.clone()));
                Ok(Some(Change::Create { id, definition, state }))
            }
            Err(AdmitError::Past { .. } | AdmitError::NeverFires) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn commit_chunk(
        &self,
        chunk: Chunk,
        answers: &mut [Option<Result<Created, CreateError>>],
    ) {
        let Chunk { tasks, changes, .. } = chunk;
        if changes.is_empty() {
            return;
        }
        let committed = match self.parts.commit(changes).await {
            Ok(committed) => committed,
            Err(error) => {
                for (index, _) in tasks {
                    answers[index] = Some(Err(error.clone().into()));
                }
                return;
            }
        };
        for ((index, task), result) in tasks.into_iter().zip(committed) {
            answers[index] = Some(match result {
                Ok(_revision) => Ok(Created::New),
                Err(Conflict::Exists | Conflict::Missing | Conflict::Stale { .. }) => {
                    self.create(task).await
                }
            });
        }
    }
}

/// Tasks on their way into one commit.
#[derive(Debug, Default)]
struct Chunk {
    tasks: Vec<(usize, NewTask)>,
    changes: Vec<Change>,
    bytes: usize,
}

impl Chunk {
    fn push(&mut self, index: usize, task: NewTask, change: Change) {
        self.bytes += bytes(&task.definition);
        self.tasks.push((index, task));
        self.changes.push(change);
    }

    const fn is_full(&self) -> bool {
        self.tasks.len() >= CHUNK_TASKS_MAX || self.bytes >= CHUNK_BYTES_MAX
    }
}

/// About how many bytes a definition takes in a commit.
fn bytes(definition: &TaskDefinition) -> usize {
    let callback = &definition.callback;
    let body = callback.body.as_ref().map_or(0, |body| body.as_str().len());
    let pair = |(key, value): (&String, &String)| key.len() + value.len() + 8;
    let headers: usize = callback.headers.iter().map(pair).sum();
    let labels: usize = definition.labels.iter().map(pair).sum();
    TASK_BYTES + callback.url.len() + body + headers + labels
}

fn unanswered() -> StoreError {
    let message = "the store did not answer for a task";
    StoreError::new(StoreErrorKind::Fatal, Effect::Unknown, message)
}
