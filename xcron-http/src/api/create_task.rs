//! `POST /xcron/createTask`.

use super::Api;
use super::definition::new_task;
use super::fields::Fields;
use super::refusal::Refusal;
use crate::answer::Answer;
use crate::serve::WholeBody;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Created<'a> {
    task_id: &'a str,
}

pub(super) async fn create_task(
    State(api): State<Arc<Api>>,
    WholeBody(body): WholeBody,
) -> Result<Answer, Refusal> {
    let generated = || api.ids.next(api.scheduler.clock().now()).to_string();
    let task = new_task(Fields::of_body(&body)?, &api.settings, generated)?;
    let id = task.id.clone();
    let _new_or_existing = api.scheduler.create(task).await?;
    Ok(Answer::done(&Created { task_id: id.as_str() }))
}
