//! A task as `queryTask` shows it: every field of its definition with its effective value, what
//! it has come to, and how its latest runs ended.

use super::options_view::{CallbackOptionsView, OptionsView};
use super::run_view::RunView;
use serde::Serialize;
use xcron_core::{Schedule, Task, TaskStatus, TaskWithHistory, Timestamp};

#[derive(Serialize)]
pub(super) struct TaskView<'a> {
    task_id: &'a str,
    create_time: String,
    #[serde(rename = "type")]
    kind: u8,
    format: String,
    run_count: u64,
    callback: CallbackView<'a>,
    #[serde(flatten)]
    options: OptionsView<'a>,
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
    #[serde(flatten)]
    options: CallbackOptionsView<'a>,
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
        let (kind, format) = match &definition.schedule {
            Schedule::Cron(cron) => (1, cron.expression.to_string()),
            Schedule::Once(at) => (2, at.as_secs().to_string()),
        };
        let is_active = state.status == TaskStatus::Active;
        let counters = &state.counters;
        Self {
            task_id: id.as_str(),
            create_time: state.created_at.as_secs().to_string(),
            kind,
            format,
            run_count: counters.ended(),
            callback: CallbackView {
                url: &definition.callback.url,
                options: CallbackOptionsView::of(&definition.callback),
            },
            options: OptionsView::of(definition),
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
