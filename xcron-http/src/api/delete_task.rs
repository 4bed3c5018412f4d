//! `POST /xcron/deleteTask`.

use super::Api;
use super::fields::Fields;
use super::refusal::Refusal;
use crate::answer::Answer;
use crate::serve::WholeBody;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Deleted {}

pub(super) async fn delete_task(
    State(api): State<Arc<Api>>,
    WholeBody(body): WholeBody,
) -> Result<Answer, Refusal> {
    let mut fields = Fields::of_body(&body)?;
    let id = fields.task_id()?;
    fields.finish(&["task_id"])?;
    api.scheduler.delete(&id).await?;
    Ok(Answer::done(&Deleted {}))
}
