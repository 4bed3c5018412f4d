//! `GET /xcron/audit`: what the schedules have, against what became of it.

use super::Api;
use super::definition::SECONDS_MAX;
use super::list_tasks::{LIMIT_DEFAULT, LIMIT_MAX, bad_cursor};
use super::params::Params;
use super::refusal::Refusal;
use crate::answer::{Answer, Code};
use axum::extract::State;
use http::Uri;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::yield_now;
use xcron_core::decide::{Account, account};
use xcron_core::{Consistency, TaskId, TaskWithHistory, Timestamp};

/// Its parameters.
pub(super) const PARAMS: &[&str] =
    &["from", "to", "task_id", "detail", "limit", "cursor", "consistency"];
/// The most tasks that one answer adds up; a cursor leads on from there.
const TASKS_MAX: usize = 10_000;
/// How many are added up before others have their turn.
const TASKS_AT_ONCE: usize = 64;

#[derive(Default)]
struct Audit {
    total: Account,
    tasks: u64,
    unreadable: u64,
    details: Vec<Detail>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    total: Sums,
    /// Tasks that were added up.
    tasks: u64,
    /// Tasks whose schedule this version cannot read; they are not added up.
    unreadable: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Vec<Detail>>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Detail {
    task_id: String,
    #[serde(flatten)]
    sums: Sums,
}

#[derive(Serialize)]
struct Sums {
    expected: u64,
    /// How many came to what, by the name of the outcome.
    outcomes: BTreeMap<&'static str, u64>,
    pending: u64,
    difference: i64,
}

pub(super) async fn audit(State(api): State<Arc<Api>>, uri: Uri) -> Result<Answer, Refusal> {
    let mut params = Params::parse(uri.query())?;
    let (from, to) = (params.within("from", 0, SECONDS_MAX)?, params.within("to", 0, SECONDS_MAX)?);
    let task = params.take("task_id").map(|id| TaskId::parse(&id)).transpose()?;
    let is_detailed = params.flag("detail")?.unwrap_or_default();
    let limit = params.within("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT);
    let after = match params.take("cursor") {
        Some(cursor) => Some(TaskId::parse(&cursor).map_err(|_| bad_cursor(&cursor))?),
        None => None,
    };
    let consistency = params.consistency()?;
    params.finish(PARAMS)?;
    let now = api.scheduler.clock().now();
    let from = Timestamp::from_secs(from.unwrap_or(0));
    // Without an end, all that was to happen by now.
    let to = to.map_or_else(|| Timestamp::from_millis(now.as_millis() + 1), Timestamp::from_secs);
    if to < from {
        return Err(Refusal::field("to", "is before from, expected from or later"));
    }
    let audited = Span { api: &api, span: (from, to), now };
    let audit = match task {
        Some(task) => audited.one(&task, consistency).await?,
        None => {
            let max = if is_detailed { usize::try_from(limit).unwrap_or(0) } else { TASKS_MAX };
            audited.all(after, max, is_detailed, consistency).await?
        }
    };
    let details = is_detailed.then_some(audit.details);
    let Audit { total, tasks, unreadable, next_cursor, .. } = audit;
    let total = Sums::of(&total);
    Ok(Answer::done(&Shown { total, tasks, unreadable, details, next_cursor }))
}

/// What is audited.
struct Span<'a> {
    api: &'a Api,
    span: (Timestamp, Timestamp),
    now: Timestamp,
}

impl Span<'_> {
    async fn one(&self, task: &TaskId, consistency: Consistency) -> Result<Audit, Refusal> {
        let found = self.api.scheduler.get(task, consistency).await?;
        let missing = || Refusal::new(Code::NotFound, format!("there is no task {task:?}"));
        let mut audit = Audit::default();
        audit.add(self, &found.ok_or_else(missing)?, true);
        Ok(audit)
    }

    async fn all(
        &self,
        mut after: Option<TaskId>,
        max: usize,
        is_detailed: bool,
        mut consistency: Consistency,
    ) -> Result<Audit, Refusal> {
        let mut audit = Audit::default();
        let mut left = max;
        loop {
            let page_max = left.min(TASKS_AT_ONCE);
            let scheduler = &self.api.scheduler;
            let page = scheduler.scan_history(after.as_ref(), page_max, false, consistency).await?;
            consistency = Consistency::Stale;
            let is_last = page.len() < page_max;
            left -= page.len();
            for found in page {
                audit.add(self, &found, is_detailed);
                after = Some(found.task.id);
            }
            if is_last {
                return Ok(audit);
            }
            if left == 0 {
                audit.next_cursor = after.map(|id| id.to_string());
                return Ok(audit);
            }
            yield_now().await;
        }
    }
}

impl Audit {
    fn add(&mut self, audited: &Span<'_>, found: &TaskWithHistory, is_detailed: bool) {
        let calendar = audited.api.scheduler.calendar();
        let Some(account) = account(found, calendar, audited.span, audited.now) else {
            self.unreadable += 1;
            return;
        };
        self.tasks += 1;
        self.total.add(&account);
        if is_detailed {
            let task_id = found.task.id.to_string();
            self.details.push(Detail { task_id, sums: Sums::of(&account) });
        }
    }
}

impl Sums {
    fn of(account: &Account) -> Self {
        Self {
            expected: account.expected,
            outcomes: account.outcomes().into_iter().collect(),
            pending: account.pending,
            difference: account.difference(),
        }
    }
}
