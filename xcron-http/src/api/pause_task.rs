//! `POST /xcron/pauseTask` and `POST /xcron/resumeTask`.

use super::Api;
use super::fields::Fields;
use super::refusal::Refusal;
use crate::answer::Answer;
use crate::serve::WholeBody;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Done {}

pub(super) async fn pause_task(
    State(api): State<Arc<Api>>,
    WholeBody(body): WholeBody,
) -> Result<Answer, Refusal> {
    let mut fields = Fields::of_body(&body)?;
    let id = fields.task_id()?;
    let note = fields.text("note")?;
    fields.finish(&["task_id", "note"])?;
    api.scheduler.pause(&id, note.as_deref()).await?;
    Ok(Answer::done(&Done {}))
}

pub(super) async fn resume_task(
    State(api): State<Arc<Api>>,
    WholeBody(body): WholeBody,
) -> Result<Answer, Refusal> {
    let mut fields = Fields::of_body(&body)?;
    let id = fields.task_id()?;
    // A note may be sent along as with a pause; a task that is followed again has none.
    let _note = fields.text("note")?;
    fields.finish(&["task_id", "note"])?;
    api.scheduler.resume(&id).await?;
    Ok(Answer::done(&Done {}))
}
