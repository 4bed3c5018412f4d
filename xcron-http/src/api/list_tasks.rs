//! `GET /xcron/listTasks`.

use super::Api;
use super::definition::SECONDS_MAX;
use super::fields::short;
use super::params::Params;
use super::refusal::Refusal;
use super::selection::Selection;
use super::task_view::TaskView;
use crate::answer::{Answer, Code};
use axum::extract::State;
use http::Uri;
use serde::Serialize;
use std::sync::Arc;
use xcron_core::task::definition::LABELS_MAX;
use xcron_core::{TaskId, TaskStatus, Timestamp};

/// Its parameters.
pub(super) const PARAMS: &[&str] =
    &["type", "state", "label", "q", "due_before", "limit", "cursor", "consistency"];
/// The most tasks, or runs, of one page.
pub(super) const LIMIT_MAX: i64 = 1_000;
/// How many there are on a page by default.
pub(super) const LIMIT_DEFAULT: i64 = 100;
/// The most bytes of a text that is searched for.
const TEXT_BYTES_MAX: usize = 256;

#[derive(Serialize)]
struct Page<'a> {
    tasks: Vec<TaskView<'a>>,
    next_cursor: Option<String>,
}

pub(super) async fn list_tasks(State(api): State<Arc<Api>>, uri: Uri) -> Result<Answer, Refusal> {
    let mut params = Params::parse_repeating(uri.query(), "label")?;
    let selection = selection(&mut params)?;
    let limit = params.within("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT);
    let after = match params.take("cursor") {
        Some(cursor) => Some(TaskId::parse(&cursor).map_err(|_| bad_cursor(&cursor))?),
        None => None,
    };
    let consistency = params.consistency()?;
    params.finish(PARAMS)?;
    let limit = usize::try_from(limit).unwrap_or_default();
    let page = selection.page(&api.scheduler, after, limit, consistency).await;
    let (tasks, next) = page?;
    let tasks = tasks.iter().map(TaskView::of).collect();
    Ok(Answer::done(&Page { tasks, next_cursor: next.map(|id| id.to_string()) }))
}

/// Refuses a cursor that no page has given.
pub(super) fn bad_cursor(cursor: &str) -> Refusal {
    Refusal::field("cursor", format!("is {}, expected a next_cursor", short(cursor)))
}

fn selection(params: &mut Params<'_>) -> Result<Selection, Refusal> {
    let is_periodic = match params.integer("type")? {
        None => None,
        Some(1) => Some(true),
        Some(2) => Some(false),
        Some(other) => {
            let message = format!("type is {other}, expected 1 (periodic) or 2 (one-shot)");
            return Err(Refusal::new(Code::Type, message));
        }
    };
    let mut selection = Selection { is_periodic, ..Selection::default() };
    if let Some(name) = params.take("state") {
        let all = [TaskStatus::Active, TaskStatus::Paused, TaskStatus::Finished];
        let known = all.into_iter().find(|status| status.as_str() == name);
        selection.status = Some(known.ok_or_else(|| {
            let problem = format!("is {}, expected active, paused or finished", short(&name));
            Refusal::field("state", problem)
        })?);
    }
    let mut labels = 0;
    while let Some(label) = params.take("label") {
        labels += 1;
        if labels > LABELS_MAX {
            let problem = format!("is there more than {LABELS_MAX} times");
            return Err(Refusal::field("label", problem));
        }
        let Some((key, value)) = label.split_once(':') else {
            let problem = format!("is {}, expected key:value", short(&label));
            return Err(Refusal::field("label", problem));
        };
        let again = selection.labels.insert(key.to_owned(), value.to_owned());
        if again.is_some_and(|before| before != value) {
            let problem = format!("asks for two values of {}, expected one", short(key));
            return Err(Refusal::field("label", problem));
        }
    }
    if let Some(text) = params.take("q") {
        if text.len() > TEXT_BYTES_MAX {
            let problem = format!("has {} bytes, expected at most {TEXT_BYTES_MAX}", text.len());
            return Err(Refusal::field("q", problem));
        }
        selection.text = Some(text.to_lowercase());
    }
    let due_before = params.within("due_before", 0, SECONDS_MAX)?;
    selection.due_before = due_before.map(Timestamp::from_secs);
    Ok(selection)
}
