//! `POST /xcron/updateTask`.

use super::Api;
use super::definition::changed;
use super::fields::Fields;
use super::refusal::Refusal;
use crate::answer::Answer;
use crate::serve::WholeBody;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use xcron_core::decide::AmendError;
use xcron_core::{ChangeError, Consistency, TaskId};

/// How often an update is worked out anew because the task changed meanwhile.
const TRIES_MAX: u32 = 10;

#[derive(Serialize)]
struct Updated<'a> {
    task_id: &'a str,
    version: u64,
}

pub(super) async fn update_task(
    State(api): State<Arc<Api>>,
    WholeBody(body): WholeBody,
) -> Result<Answer, Refusal> {
    for _ in 0..TRIES_MAX {
        let mut fields = Fields::of_body(&body)?;
        let id = fields.task_id()?;
        let asked = fields.count("version")?;
        let found = api.scheduler.get(&id, Consistency::Linearizable).await?;
        let task = found.ok_or_else(|| ChangeError::Missing(id.clone()))?.task;
        let definition = changed(fields, &api.settings, &task.definition)?;
        // What was worked out on this version holds for no other.
        let version = asked.unwrap_or(task.state.version);
        match api.scheduler.update(&id, definition, Some(version)).await {
            Err(ChangeError::Refused(AmendError::Version { .. })) if asked.is_none() => {}
            updated => {
                let version = updated?;
                return Ok(Answer::done(&Updated { task_id: id.as_str(), version }));
            }
        }
    }
    Err(Refusal::nothing_done("the task is updated all the time: try again"))
}

impl Fields<'_> {
    /// Takes `task_id`, which must be there.
    pub(super) fn task_id(&mut self) -> Result<TaskId, Refusal> {
        let Some(id) = self.text("task_id")? else {
            return Err(self.missing("task_id", "the id of a task"));
        };
        Ok(TaskId::parse(&id)?)
    }
}
