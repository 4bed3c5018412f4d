//! `POST /xcron/createTasks`.

use super::Api;
use super::definition::new_task;
use super::fields::Fields;
use super::refusal::Refusal;
use crate::answer::{Answer, Code};
use crate::serve::WholeBody;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Results {
    results: Vec<ItemResult>,
}

/// What one item of a batch came to.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ItemResult {
    Done { task_id: String },
    Refused { code: u16, message: String },
}

pub(super) async fn create_tasks(
    State(api): State<Arc<Api>>,
    WholeBody(body): WholeBody,
) -> Result<Answer, Refusal> {
    let mut fields = Fields::of_body(&body)?;
    let Some(items) = fields.array("tasks")? else {
        return Err(fields.missing("tasks", "an array of tasks"));
    };
    fields.finish(&["tasks"])?;
    api.check_batch("tasks", items.len())?;
    let mut results: Vec<Result<String, Refusal>> = Vec::with_capacity(items.len());
    let mut tasks = Vec::with_capacity(items.len());
    for item in items {
        let generated = || api.ids.next(api.scheduler.clock().now()).to_string();
        let read = Fields::of_value(item).and_then(|item| new_task(item, &api.settings, generated));
        match read {
            Ok(task) => {
                results.push(Ok(task.id.to_string()));
                tasks.push(task);
            }
            Err(refusal) => results.push(Err(refusal)),
        }
    }
    let mut created = api.scheduler.create_many(tasks).await.into_iter();
    for result in results.iter_mut().filter(|result| result.is_ok()) {
        if let Some(Err(error)) = created.next() {
            *result = Err(error.into());
        }
    }
    let results = results.into_iter().map(ItemResult::of).collect();
    Ok(Answer::done(&Results { results }))
}

impl ItemResult {
    pub(super) fn of(result: Result<String, Refusal>) -> Self {
        match result {
            Ok(task_id) => Self::Done { task_id },
            Err(refusal) => {
                let (code, message) = refusal.told();
                Self::Refused { code: code.number(), message }
            }
        }
    }
}

impl Api {
    /// Refuses a batch of more items than are taken at once.
    pub(super) fn check_batch(&self, field: &str, items: usize) -> Result<(), Refusal> {
        let max = self.settings.batch_max;
        if items <= max {
            return Ok(());
        }
        let message = format!("{field} has {items} items, expected at most {max}");
        Err(Refusal::new(Code::TooLarge, message))
    }
}
