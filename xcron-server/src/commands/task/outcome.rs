//! What became of each of many tasks: those that failed do not keep the others from being done.

use crate::commands::failure::{Failure, complain, told};
use crate::commands::output::{Output, json, print};
use crate::commands::progress::Progress;
use serde::Serialize;
use xcron_http::client::{Client, ClientError};

/// What became of one task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Outcome {
    pub(super) task_id: String,
    /// What was done, in one word; none when it failed.
    pub(super) result: Option<&'static str>,
    /// What was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

impl Outcome {
    pub(super) fn done(task_id: &str, result: &'static str) -> Self {
        Self { task_id: task_id.to_owned(), result: Some(result), error: None }
    }

    pub(super) fn failed(task_id: &str, error: &str) -> Self {
        Self { task_id: task_id.to_owned(), result: None, error: Some(error.to_owned()) }
    }
}

/// Does the same to each of the tasks, and says what became of each.
pub(super) async fn each(
    client: &Client,
    output: Output,
    done: &'static str,
    task_ids: &[String],
    act: impl AsyncFn(&Client, &str) -> Result<(), ClientError>,
) -> Result<(), Failure> {
    let mut outcomes = Vec::with_capacity(task_ids.len());
    let mut progress = Progress::begin("tasks");
    for (index, id) in task_ids.iter().enumerate() {
        progress.items(index, task_ids.len());
        match act(client, id).await {
            Ok(()) => outcomes.push(Outcome::done(id, done)),
            Err(error @ ClientError::Refused(_)) => {
                outcomes.push(Outcome::failed(id, &told(&error)));
            }
            // Nobody is there any more: the others would only fail in the same way.
            Err(error) => {
                outcomes.push(Outcome::failed(id, &told(&error)));
                break;
            }
        }
    }
    drop(progress);
    report(output, &outcomes)
}

/// Prints what became of each; an error when anything failed.
pub(super) fn report(output: Output, outcomes: &[Outcome]) -> Result<(), Failure> {
    let mut text = String::new();
    for Outcome { task_id, result, error } in outcomes {
        match (result, error) {
            (_, Some(error)) => complain(&format!("{task_id}: {error}")),
            (Some(result), None) => text.push_str(&format!("{result} {task_id}\n")),
            (None, None) => {}
        }
    }
    let text = if output.is_json() { json(&outcomes)? + "\n" } else { text };
    let printed = print(&text);
    // A task that failed is worth more than a reader who left.
    match outcomes.iter().any(|outcome| outcome.error.is_some()) {
        true => Err(Failure::Said),
        false => printed,
    }
}
