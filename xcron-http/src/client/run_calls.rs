//! The calls about runs, schedules and the account of both.

use super::Client;
use super::account::{Audit, AuditQuery};
use super::error::ClientError;
use super::preview::{Preview, PreviewQuery};
use super::query::{Params, RunQuery};
use super::run::RunPage;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Retried {
    run_ids: Vec<String>,
}

/// # Runs
impl Client {
    /// One page of runs.
    ///
    /// # Errors
    /// When the query is refused.
    pub async fn list_runs(&self, query: &RunQuery) -> Result<RunPage, ClientError> {
        self.read("/xcron/listRuns", query.params()).await
    }

    /// Runs a failed run again.
    ///
    /// # Errors
    /// Code 1404 when there is no such run, or it did not fail.
    pub async fn retry_run(&self, run_id: &str) -> Result<Vec<String>, ClientError> {
        self.retry(json!({ "run_id": run_id })).await
    }

    /// Runs all failed runs of a task again; their ids.
    ///
    /// # Errors
    /// Code 1404 when there is no such task.
    pub async fn retry_failed(&self, task_id: &str) -> Result<Vec<String>, ClientError> {
        self.retry(json!({ "task_id": task_id, "status": "failed" })).await
    }

    async fn retry(&self, body: Value) -> Result<Vec<String>, ClientError> {
        let retried: Retried = self.post("/xcron/retryRun", &body).await?;
        Ok(retried.run_ids)
    }

    /// When a schedule would fire.
    ///
    /// # Errors
    /// Codes 1000 and 1001 when it cannot be read or never fires.
    pub async fn preview_schedule(&self, query: &PreviewQuery) -> Result<Preview, ClientError> {
        let params = Params::default()
            .named("type", Some(query.kind))
            .with("format", Some(&query.format))
            .with("timezone", query.timezone.as_ref())
            .with("from", query.from)
            .with("count", query.count)
            .named("dst_gap", query.dst_gap)
            .named("dst_fold", query.dst_fold);
        self.get("/xcron/previewSchedule", &params.0).await
    }

    /// One page of the account of occurrences.
    ///
    /// # Errors
    /// When the query is refused.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Audit, ClientError> {
        let params = Params::default()
            .with("from", query.from)
            .with("to", query.to)
            .with("task_id", query.task_id.as_ref())
            .with("detail", query.detail.then_some(true))
            .with("limit", query.limit)
            .with("cursor", query.cursor.as_ref());
        self.read("/xcron/audit", params).await
    }
}
