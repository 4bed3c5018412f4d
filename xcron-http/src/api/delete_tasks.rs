//! `POST /xcron/deleteTasks`.

use super::Api;
use super::create_tasks::ItemResult;
use super::fields::Fields;
use super::refusal::Refusal;
use super::selection::Selection;
use crate::answer::Answer;
use crate::serve::WholeBody;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use xcron_core::{Consistency, TaskId};

#[derive(Serialize)]
struct Results {
    results: Vec<ItemResult>,
}

#[derive(Serialize)]
struct Deleted {
    deleted: u64,
    /// Whether there may be more: a call deletes so many at the most.
    more: bool,
}

pub(super) async fn delete_tasks(
    State(api): State<Arc<Api>>,
    WholeBody(body): WholeBody,
) -> Result<Answer, Refusal> {
    let mut fields = Fields::of_body(&body)?;
    let (ids, labels) = (fields.text_array("task_ids")?, fields.texts("labels")?);
    fields.finish(&["task_ids", "labels"])?;
    match (ids, labels) {
        (Some(ids), None) => {
            api.check_batch("task_ids", ids.len())?;
            let ids: Vec<_> = ids.iter().map(|id| TaskId::parse(id)).collect();
            let named: Vec<TaskId> = ids.iter().flatten().cloned().collect();
            let mut deleted = api.scheduler.delete_many(&named).await.into_iter();
            let results = ids.into_iter().map(|id| {
                let id = id?;
                deleted.next().unwrap_or(Ok(()))?;
                Ok(id.to_string())
            });
            let results = results.map(ItemResult::of).collect();
            Ok(Answer::done(&Results { results }))
        }
        (None, Some(labels)) if !labels.is_empty() => {
            let selection = Selection { labels, ..Selection::default() };
            let max = api.settings.batch_max;
            let fresh = Consistency::Linearizable;
            let (tasks, next) = selection.page(&api.scheduler, None, max, fresh).await?;
            let ids: Vec<TaskId> = tasks.into_iter().map(|task| task.id).collect();
            let mut deleted = 0;
            for result in api.scheduler.delete_many(&ids).await {
                match result {
                    Ok(()) => deleted += 1,
                    Err(xcron_core::DeleteError::Missing(_)) => {}
                    // Some may be gone: whoever asks again deletes the rest.
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(Answer::done(&Deleted { deleted, more: next.is_some() }))
        }
        _ => {
            let problem = "is missing, expected either task_ids or at least one of labels";
            Err(Refusal::field("task_ids", problem))
        }
    }
}
