//! `GET /xcron/listRuns`: of a task, or of all; with `status=failed` the dead letters.

use super::Api;
use super::definition::SECONDS_MAX;
use super::fields::short;
use super::list_tasks::{LIMIT_DEFAULT, LIMIT_MAX, bad_cursor};
use super::params::Params;
use super::refusal::Refusal;
use super::run_view::{OPEN, RunView};
use crate::answer::{Answer, Code};
use axum::extract::State;
use http::Uri;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::sync::Arc;
use tokio::task::yield_now;
use xcron_core::{Consistency, RunEnd, TaskId, TaskWithHistory};

/// Its parameters.
pub(super) const PARAMS: &[&str] =
    &["task_id", "status", "from", "to", "attempts", "limit", "cursor", "consistency"];
/// The most tasks whose runs are looked at for one page; a cursor leads on from there.
const LOOKED_AT_MAX: usize = 20_000;
/// A page takes no further run once its runs are this long.
const PAGE_BYTES_MAX: usize = 1 << 20;
/// How many tasks are looked at before others have their turn.
const LOOKED_AT_ONCE: usize = 128;

const ENDS: [RunEnd; 7] = [
    RunEnd::Succeeded,
    RunEnd::Failed,
    RunEnd::Unknown,
    RunEnd::Cancelled,
    RunEnd::SkippedMisfire,
    RunEnd::SkippedOverlap,
    RunEnd::SkippedPaused,
];

#[derive(Default, Serialize)]
struct Page {
    runs: Vec<Box<RawValue>>,
    /// How long they are.
    #[serde(skip)]
    bytes: usize,
    next_cursor: Option<String>,
}

/// Which runs are wanted.
struct Wanted {
    status: Option<String>,
    from: Option<i64>,
    to: Option<i64>,
    /// Whether with their attempts.
    attempts: bool,
    limit: usize,
}

/// Where a page goes on: within the runs of a task, or after all of them.
struct Cursor {
    task: TaskId,
    /// The key of the last run that was shown.
    run: Option<(i64, u64)>,
}

pub(super) async fn list_runs(State(api): State<Arc<Api>>, uri: Uri) -> Result<Answer, Refusal> {
    let mut params = Params::parse(uri.query())?;
    let task = params.take("task_id").map(|id| TaskId::parse(&id)).transpose()?;
    let status = params.take("status").map(|status| known_status(&status)).transpose()?;
    let (from, to) = (params.within("from", 0, SECONDS_MAX)?, params.within("to", 0, SECONDS_MAX)?);
    let attempts = params.flag("attempts")?.unwrap_or_default();
    let limit = params.within("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT);
    let cursor = params.take("cursor").map(|cursor| Cursor::parse(&cursor)).transpose()?;
    let consistency = params.consistency()?;
    params.finish(PARAMS)?;
    let limit = usize::try_from(limit).unwrap_or_default();
    let wanted = Wanted { status, from, to, attempts, limit };
    let page = match task {
        Some(task) => of_task(&api, &task, &wanted, cursor, consistency).await?,
        None => of_all(&api, &wanted, cursor, consistency).await?,
    };
    Ok(Answer::done(&page))
}

fn known_status(name: &str) -> Result<String, Refusal> {
    let ends = ENDS.iter().map(|end| end.as_str());
    let known: Vec<&str> = ends.chain(OPEN).collect();
    if known.contains(&name) {
        return Ok(name.to_owned());
    }
    let problem = format!("is {}, expected one of {}", short(name), known.join(", "));
    Err(Refusal::field("status", problem))
}

async fn of_task(
    api: &Api,
    task: &TaskId,
    wanted: &Wanted,
    cursor: Option<Cursor>,
    consistency: Consistency,
) -> Result<Page, Refusal> {
    let found = api.scheduler.get(task, consistency).await?;
    let missing = || Refusal::new(Code::NotFound, format!("there is no task {task:?}"));
    let mut page = Page::default();
    let after = cursor.and_then(|cursor| cursor.run);
    page.next_cursor = page.take(&found.ok_or_else(missing)?, wanted, after)?;
    Ok(page)
}

async fn of_all(
    api: &Api,
    wanted: &Wanted,
    cursor: Option<Cursor>,
    mut consistency: Consistency,
) -> Result<Page, Refusal> {
    let mut page = Page::default();
    let mut after = None;
    if let Some(Cursor { task, run }) = cursor {
        if run.is_some()
            && let Some(found) = api.scheduler.get(&task, consistency).await?
        {
            consistency = Consistency::Stale;
            page.next_cursor = page.take(&found, wanted, run)?;
        }
        after = Some(task);
    }
    // Only some tasks have failed runs, and they are found without the others.
    let failed = wanted.status.as_deref() == Some(RunEnd::Failed.as_str());
    let mut looked_at = 0;
    while page.next_cursor.is_none() {
        let scan = api.scheduler.scan_history(after.as_ref(), LOOKED_AT_ONCE, failed, consistency);
        let tasks = scan.await?;
        consistency = Consistency::Stale;
        let is_last = tasks.len() < LOOKED_AT_ONCE;
        looked_at += tasks.len();
        for found in tasks {
            page.next_cursor = page.take(&found, wanted, None)?;
            if page.next_cursor.is_some() {
                return Ok(page);
            }
            after = Some(found.task.id);
        }
        if is_last {
            break;
        }
        if looked_at >= LOOKED_AT_MAX {
            page.next_cursor = after.map(|task| Cursor { task, run: None }.to_text());
            break;
        }
        yield_now().await;
    }
    Ok(page)
}

impl Page {
    /// Takes the wanted runs of a task, the latest first, those after the one with the key
    /// `after`. Answers where to go on if there is no room for all of them.
    fn take(
        &mut self,
        found: &TaskWithHistory,
        wanted: &Wanted,
        after: Option<(i64, u64)>,
    ) -> Result<Option<String>, Refusal> {
        let id = &found.task.id;
        let mut runs: Vec<RunView<'_>> = RunView::all_ended(found, wanted.attempts).collect();
        let open = &found.task.state.runs;
        runs.extend(open.iter().map(|run| RunView::open(id, run, wanted.attempts)));
        runs.retain(|run| wanted.takes(run) && after.is_none_or(|after| run.key < after));
        runs.sort_by_key(|run| std::cmp::Reverse(run.key));
        let mut last = after;
        for run in runs {
            if self.runs.len() == wanted.limit || self.bytes >= PAGE_BYTES_MAX {
                let cursor = Cursor { task: id.clone(), run: last.or(Some((i64::MAX, u64::MAX))) };
                return Ok(Some(cursor.to_text()));
            }
            last = Some(run.key);
            let shown = to_raw_value(&run);
            let shown = shown.map_err(|e| Refusal::new(Code::Internal, e.to_string()))?;
            self.bytes += shown.get().len();
            self.runs.push(shown);
        }
        Ok(None)
    }
}

impl Wanted {
    fn takes(&self, run: &RunView<'_>) -> bool {
        self.status.as_deref().is_none_or(|status| status == run.status)
            && self.from.is_none_or(|from| run.scheduled_time >= from)
            && self.to.is_none_or(|to| run.scheduled_time < to)
    }
}

impl Cursor {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let bad = || bad_cursor(text);
        let (task, key) = text.split_once('@').ok_or_else(bad)?;
        let task = TaskId::parse(task).map_err(|_| bad())?;
        if key.is_empty() {
            return Ok(Self { task, run: None });
        }
        let (millis, number) = key.split_once('.').ok_or_else(bad)?;
        let run = (millis.parse().map_err(|_| bad())?, number.parse().map_err(|_| bad())?);
        Ok(Self { task, run: Some(run) })
    }

    fn to_text(&self) -> String {
        let key = self.run.map(|(millis, number)| format!("{millis}.{number}"));
        format!("{}@{}", self.task, key.unwrap_or_default())
    }
}
