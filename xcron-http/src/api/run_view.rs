//! A run as it is shown, open or ended.

use super::attempt_view::AttemptView;
use serde::Serialize;
use xcron_core::{Occurrence, OpenRun, Phase, RunId, RunRecord, Task, TaskId, TaskWithHistory};

/// The states of a run that has not ended.
pub(super) const OPEN: [&str; 3] = ["queued", "running", "retrying"];

#[derive(Serialize)]
pub(super) struct RunView<'a> {
    run_id: String,
    task_id: &'a str,
    pub(super) scheduled_time: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    attempt: u32,
    pub(super) status: &'static str,
    count: u64,
    http_status: Option<u16>,
    error: Option<&'a str>,
    node: Option<u64>,
    /// Its attempts one by one, where they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptView>>,
    #[serde(skip)]
    pub(super) key: (i64, u64),
}

impl<'a> RunView<'a> {
    /// A run that has not ended, with its `attempts` if they are asked for.
    pub(super) fn open(id: &'a TaskId, run: &OpenRun, attempts: bool) -> Self {
        let (status, node) = match run.phase {
            Phase::Queued => (OPEN[0], None),
            Phase::Sending { holder, .. } => (OPEN[1], Some(holder.node)),
            Phase::Waiting { .. } => (OPEN[2], None),
        };
        let attempts = attempts.then(|| run.earlier.iter().cloned().map(AttemptView::of).collect());
        Self { attempt: run.attempt, status, node, attempts, ..Self::of(id, run.occurrence) }
    }

    /// The runs of a task that have ended, newest first, with their `attempts` if they are asked
    /// for. One that failed and is attempted again has not.
    pub(super) fn all_ended(
        found: &'a TaskWithHistory,
        attempts: bool,
    ) -> impl Iterator<Item = Self> {
        let Task { id, state, .. } = &found.task;
        let is_open =
            |run: &&RunRecord| state.runs.iter().any(|open| open.occurrence == run.occurrence);
        let ended = found.history.iter().filter(move |run| !is_open(run));
        ended.map(move |run| Self::ended(id, run, attempts))
    }

    /// How a run ended.
    fn ended(id: &'a TaskId, run: &'a RunRecord, attempts: bool) -> Self {
        Self {
            started_at: Some(run.started_at.as_secs()),
            ended_at: Some(run.ended_at.as_secs()),
            attempt: run.attempts,
            status: run.end.as_str(),
            count: run.count,
            http_status: run.code,
            error: run.error.as_deref(),
            node: Some(run.node),
            attempts: attempts.then(|| run.made().map(AttemptView::of).collect()),
            ..Self::of(id, run.occurrence)
        }
    }

    fn of(id: &'a TaskId, occurrence: Occurrence) -> Self {
        Self {
            run_id: RunId::new(id.clone(), occurrence).to_string(),
            task_id: id.as_str(),
            scheduled_time: occurrence.time().as_secs(),
            started_at: None,
            ended_at: None,
            attempt: 0,
            status: "",
            count: 1,
            http_status: None,
            error: None,
            node: None,
            attempts: None,
            key: key(occurrence),
        }
    }
}

/// What the runs of one task are ordered by.
const fn key(occurrence: Occurrence) -> (i64, u64) {
    match occurrence {
        Occurrence::At(at) => (at.as_millis(), 0),
        Occurrence::Manual { number, at } => (at.as_millis(), number),
    }
}
