//! The calls about tasks.

use super::Client;
use super::definition::{NewTask, TaskChange};
use super::error::ClientError;
use super::exchange::Done;
use super::query::{Params, TaskQuery};
use super::task::{Defaults, ItemResult, Task, TaskPage};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Named {
    task_id: String,
}

#[derive(Deserialize)]
struct Updated {
    version: u64,
}

#[derive(Deserialize)]
struct Triggered {
    run_id: String,
}

#[derive(Deserialize)]
struct Results {
    results: Vec<ItemResult>,
}

#[derive(Deserialize)]
struct Deleted {
    deleted: u64,
    more: bool,
}

/// # Tasks
///
/// Each call fails with [`ClientError::Refused`] when the server says no, and otherwise as
/// [`ClientError`] tells.
impl Client {
    /// Creates a task; its id. The same task under the same id is there once, however often it is
    /// created.
    ///
    /// # Errors
    /// Code 1409 when another task has that id.
    pub async fn create_task(&self, task: &NewTask) -> Result<String, ClientError> {
        let named: Named = self.post("/xcron/createTask", task).await?;
        Ok(named.task_id)
    }

    /// Creates many tasks; what became of each, in their order.
    ///
    /// # Errors
    /// When nothing can be said of any of them.
    pub async fn create_tasks(&self, tasks: &[NewTask]) -> Result<Vec<ItemResult>, ClientError> {
        let results: Results =
            self.post("/xcron/createTasks", &BTreeMap::from([("tasks", tasks)])).await?;
        self.one_each(results.results, tasks.len())
    }

    /// A task.
    ///
    /// # Errors
    /// Code 1404 when there is none with that id.
    pub async fn task(&self, task_id: &str) -> Result<Task, ClientError> {
        self.read("/xcron/queryTask", Params::default().with("task_id", Some(task_id))).await
    }

    /// The same, with the attempts of its runs.
    ///
    /// # Errors
    /// Code 1404 when there is none with that id.
    pub async fn task_with_attempts(&self, task_id: &str) -> Result<Task, ClientError> {
        let params = Params::default().with("task_id", Some(task_id)).with("attempts", Some(true));
        self.read("/xcron/queryTask", params).await
    }

    /// What a task gets for all that its creator leaves open.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn defaults(&self) -> Result<Defaults, ClientError> {
        self.get("/xcron/defaults", &[]).await
    }

    /// One page of tasks.
    ///
    /// # Errors
    /// When the query is refused.
    pub async fn list_tasks(&self, query: &TaskQuery) -> Result<TaskPage, ClientError> {
        self.read("/xcron/listTasks", query.params()).await
    }

    /// Changes a task; the version that it has then.
    ///
    /// # Errors
    /// Code 1404 when there is none with that id, 1409 when it has another version than asked for.
    pub async fn update_task(&self, change: &TaskChange) -> Result<u64, ClientError> {
        let updated: Updated = self.post("/xcron/updateTask", change).await?;
        Ok(updated.version)
    }

    /// Deletes a task: no callback of it starts any more.
    ///
    /// # Errors
    /// Code 1404 when there is none with that id.
    pub async fn delete_task(&self, task_id: &str) -> Result<(), ClientError> {
        let _done: Done = self.post("/xcron/deleteTask", &json!({ "task_id": task_id })).await?;
        Ok(())
    }

    /// Deletes many tasks; what became of each, in their order.
    ///
    /// # Errors
    /// When nothing can be said of any of them.
    pub async fn delete_tasks(&self, task_ids: &[String]) -> Result<Vec<ItemResult>, ClientError> {
        let results: Results =
            self.post("/xcron/deleteTasks", &json!({ "task_ids": task_ids })).await?;
        self.one_each(results.results, task_ids.len())
    }

    /// Deletes tasks that have all these labels; how many, and whether there may be more: then
    /// the same call deletes the next ones.
    ///
    /// # Errors
    /// When no label is given.
    pub async fn delete_labelled(
        &self,
        labels: &BTreeMap<String, String>,
    ) -> Result<(u64, bool), ClientError> {
        let deleted: Deleted =
            self.post("/xcron/deleteTasks", &json!({ "labels": labels })).await?;
        Ok((deleted.deleted, deleted.more))
    }

    /// Pauses a task, for the reason that `note` gives.
    ///
    /// # Errors
    /// Code 1404 when there is none with that id.
    pub async fn pause_task(&self, task_id: &str, note: Option<&str>) -> Result<(), ClientError> {
        let body = json!({ "task_id": task_id, "note": note });
        let _done: Done = self.post("/xcron/pauseTask", &body).await?;
        Ok(())
    }

    /// Lets a paused task go on.
    ///
    /// # Errors
    /// Code 1404 when there is none with that id.
    pub async fn resume_task(&self, task_id: &str) -> Result<(), ClientError> {
        let _done: Done = self.post("/xcron/resumeTask", &json!({ "task_id": task_id })).await?;
        Ok(())
    }

    /// Runs a task once now, beside its schedule; the id of the run.
    ///
    /// # Errors
    /// Code 1404 when there is none with that id.
    pub async fn trigger_task(&self, task_id: &str) -> Result<String, ClientError> {
        let triggered: Triggered =
            self.post("/xcron/triggerTask", &json!({ "task_id": task_id })).await?;
        Ok(triggered.run_id)
    }

    fn one_each(
        &self,
        results: Vec<ItemResult>,
        count: usize,
    ) -> Result<Vec<ItemResult>, ClientError> {
        if results.len() == count {
            return Ok(results);
        }
        let problem = format!("it has {} results for {count} tasks", results.len());
        Err(self.not_understood(&problem))
    }
}
