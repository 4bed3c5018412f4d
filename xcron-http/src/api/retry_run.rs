//! `POST /xcron/retryRun`.

use super::Api;
use super::fields::{Fields, short};
use super::refusal::Refusal;
use crate::answer::Answer;
use crate::serve::WholeBody;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use xcron_core::TaskId;

#[derive(Serialize)]
struct Retried {
    run_ids: Vec<String>,
}

pub(super) async fn retry_run(
    State(api): State<Arc<Api>>,
    WholeBody(body): WholeBody,
) -> Result<Answer, Refusal> {
    let mut fields = Fields::of_body(&body)?;
    let (run_id, task_id) = (fields.text("run_id")?, fields.text("task_id")?);
    let status = fields.text("status")?;
    fields.finish(&["run_id", "task_id", "status"])?;
    let retried = match (run_id, task_id, status.as_deref()) {
        (Some(run_id), None, None) => {
            // A run is named after its task.
            let Some((task, _)) = run_id.rsplit_once('@') else {
                let problem = format!("is {}, expected the id of a run", short(&run_id));
                return Err(Refusal::field("run_id", problem));
            };
            api.scheduler.retry(&TaskId::parse(task)?, Some(&run_id)).await?
        }
        (None, Some(task_id), Some("failed")) => {
            api.scheduler.retry(&TaskId::parse(&task_id)?, None).await?
        }
        (None, Some(_), Some(other)) => {
            let problem = format!("is {}, expected failed", short(other));
            return Err(Refusal::field("status", problem));
        }
        _ => {
            let problem = "is missing, expected it alone, or task_id with status \"failed\"";
            return Err(Refusal::field("run_id", problem));
        }
    };
    let run_ids = retried.iter().map(ToString::to_string).collect();
    Ok(Answer::done(&Retried { run_ids }))
}
