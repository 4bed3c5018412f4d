//! `GET /xcron/queryTask`.

use super::Api;
use super::params::Params;
use super::refusal::Refusal;
use super::task_view::TaskView;
use crate::answer::{Answer, Code};
use axum::extract::State;
use http::Uri;
use std::sync::Arc;
use xcron_core::TaskId;

pub(super) async fn query_task(State(api): State<Arc<Api>>, uri: Uri) -> Result<Answer, Refusal> {
    let mut params = Params::parse(uri.query())?;
    let Some(id) = params.take("task_id") else {
        return Err(Refusal::field("task_id", "is missing, expected the id of a task"));
    };
    let id = TaskId::parse(&id)?;
    let attempts = params.flag("attempts")?.unwrap_or_default();
    let consistency = params.consistency()?;
    params.finish(&["task_id", "attempts", "consistency"])?;
    match api.scheduler.get(&id, consistency).await? {
        Some(found) => {
            let history_max = api.settings.history_max;
            Ok(Answer::done(&TaskView::with_history(&found, history_max, attempts)))
        }
        None => Err(Refusal::new(Code::NotFound, format!("there is no task {id:?}"))),
    }
}
