//! A task as `queryTask` shows it: every field of its definition with its effective value, what
//! it has come to, and how its latest runs ended.

use super::choice::{DELIVERY, DST_FOLD, DST_GAP, METHOD, MISFIRE, OVERLAP, name_of};
use super::run_view::RunView;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use xcron_core::{
    Callback, CallbackBody, RetryPolicy, Schedule, Task, TaskStatus, TaskWithHistory, Timestamp,
};

#[derive(Serialize)]
pub(super) struct TaskView<'a> {
    task_id: &'a str,
    create_time: String,
    #[serde(rename = "type")]
    kind: u8,
    format: String,
    run_count: u64,
    callback: CallbackView<'a>,
    name: Option<&'a str>,
    labels: &'a BTreeMap<String, String>,
    timezone: Option<&'a str>,
    dst_gap: Option<&'static str>,
    dst_fold: Option<&'static str>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    max_runs: Option<u64>,
    misfire: &'static str,
    misfire_window_seconds: u64,
    overlap: &'static str,
    delivery: &'static str,
    retry: RetryPolicy,
    timeout_seconds: u64,
    jitter_seconds: u64,
    paused: bool,
    state: &'static str,
    next_time: Option<i64>,
    success_count: u64,
    failure_count: u64,
    unknown_count: u64,
    cancelled_count: u64,
    skip_count: u64,
    version: u64,
    /// Why it is paused.
    note: Option<&'a str>,
    open_runs: Vec<RunView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_runs: Option<Vec<RunView<'a>>>,
}

#[derive(Serialize)]
struct CallbackView<'a> {
    url: &'a str,
    body: Option<BodyView<'a>>,
    method: &'static str,
    headers: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum BodyView<'a> {
    Text(&'a str),
    Json(&'a RawValue),
}

impl<'a> TaskView<'a> {
    /// The task with up to `history_max` of its latest runs, with their `attempts` if they are
    /// asked for.
    pub(super) fn with_history(
        found: &'a TaskWithHistory,
        history_max: usize,
        attempts: bool,
    ) -> Self {
        let runs = RunView::all_ended(found, attempts).take(history_max);
        let last_runs = Some(runs.collect());
        let Task { id, state, .. } = &found.task;
        let open_runs = state.runs.iter().rev().map(|run| RunView::open(id, run, attempts));
        Self { last_runs, open_runs: open_runs.collect(), ..Self::of(&found.task) }
    }

    /// The task alone.
    pub(super) fn of(task: &'a Task) -> Self {
        let (id, state) = (&task.id, &task.state);
        let definition = &*task.definition;
        let (kind, format, cron) = match &definition.schedule {
            Schedule::Cron(cron) => (1, cron.expression.to_string(), Some(cron)),
            Schedule::Once(at) => (2, at.as_secs().to_string(), None),
        };
        let is_active = state.status == TaskStatus::Active;
        let counters = &state.counters;
        Self {
            task_id: id.as_str(),
            create_time: state.created_at.as_secs().to_string(),
            kind,
            format,
            run_count: counters.ended(),
            callback: CallbackView::of(&definition.callback),
            name: definition.name.as_deref(),
            labels: &definition.labels,
            timezone: cron.map(|cron| &*cron.timezone),
            dst_gap: cron.map(|cron| name_of(DST_GAP, cron.dst_gap)),
            dst_fold: cron.map(|cron| name_of(DST_FOLD, cron.dst_fold)),
            start_time: definition.start_time.map(Timestamp::as_secs),
            end_time: definition.end_time.map(Timestamp::as_secs),
            max_runs: definition.max_runs,
            misfire: name_of(MISFIRE, definition.misfire),
            misfire_window_seconds: definition.misfire_window.as_secs(),
            overlap: name_of(OVERLAP, definition.overlap),
            delivery: name_of(DELIVERY, definition.delivery),
            retry: definition.retry,
            timeout_seconds: definition.timeout.as_secs(),
            jitter_seconds: definition.jitter.as_secs(),
            paused: state.status == TaskStatus::Paused,
            state: state.status.as_str(),
            next_time: state.next.filter(|_| is_active).map(Timestamp::as_secs),
            success_count: counters.succeeded,
            failure_count: counters.failed,
            unknown_count: counters.unknown,
            cancelled_count: counters.cancelled,
            skip_count: counters.skipped(),
            version: state.version,
            note: state.note.as_deref(),
            open_runs: state.runs.iter().rev().map(|run| RunView::open(id, run, false)).collect(),
            last_runs: None,
        }
    }
}

impl<'a> CallbackView<'a> {
    fn of(callback: &'a Callback) -> Self {
        let body = callback.body.as_ref().map(|body| match body {
            CallbackBody::Text(text) => BodyView::Text(text),
            // What was stored as JSON is JSON; if it ever is not, it is shown as text.
            CallbackBody::Json(text) => {
                serde_json::from_str(text).map_or(BodyView::Text(text), BodyView::Json)
            }
        });
        let method = name_of(METHOD, callback.method);
        Self { url: &callback.url, body, method, headers: &callback.headers }
    }
}
