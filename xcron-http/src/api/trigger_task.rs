//! `POST /xcron/triggerTask`.

use super::Api;
use super::fields::Fields;
use super::refusal::Refusal;
use crate::answer::Answer;
use crate::serve::WholeBody;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Triggered {
    run_id: String,
}

pub(super) async fn trigger_task(
    State(api): State<Arc<Api>>,
    WholeBody(body): WholeBody,
) -> Result<Answer, Refusal> {
    let mut fields = Fields::of_body(&body)?;
    let id = fields.task_id()?;
    fields.finish(&["task_id"])?;
    let run_id = api.scheduler.trigger(&id).await?.to_string();
    Ok(Answer::done(&Triggered { run_id }))
}
