//! Page after page of tasks or runs, by the cursor that each page gives.

use super::Client;
use super::error::ClientError;
use super::query::{RunQuery, TaskQuery};
use super::run::Run;
use super::task::Task;

/// Page after page of tasks.
///
/// ```
/// # async fn example(client: &xcron_http::client::Client)
/// # -> Result<(), xcron_http::client::ClientError> {
/// let mut pages = client.task_pages(Default::default());
/// while let Some(tasks) = pages.next_page().await? {
///     println!("{} more", tasks.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TaskPages<'a> {
    client: &'a Client,
    /// What is asked next; `None` after the last page.
    query: Option<TaskQuery>,
}

/// Page after page of runs.
///
/// ```
/// # async fn example(client: &xcron_http::client::Client)
/// # -> Result<(), xcron_http::client::ClientError> {
/// let mut pages = client.run_pages(Default::default());
/// while let Some(runs) = pages.next_page().await? {
///     println!("{} more", runs.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RunPages<'a> {
    client: &'a Client,
    /// What is asked next; `None` after the last page.
    query: Option<RunQuery>,
}

impl Client {
    /// All tasks that `query` chooses, page by page; its `limit` is the most of one page.
    #[must_use]
    pub fn task_pages(&self, query: TaskQuery) -> TaskPages<'_> {
        TaskPages { client: self, query: Some(query) }
    }

    /// All runs that `query` chooses, page by page; its `limit` is the most of one page.
    #[must_use]
    pub fn run_pages(&self, query: RunQuery) -> RunPages<'_> {
        RunPages { client: self, query: Some(query) }
    }
}

impl TaskPages<'_> {
    /// The next page, which may be empty although others follow; `None` after the last.
    ///
    /// # Errors
    /// Those of every call; then the same page can be asked for again.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Task>>, ClientError> {
        let Some(query) = &mut self.query else {
            return Ok(None);
        };
        let page = self.client.list_tasks(query).await?;
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => self.query = None,
        }
        Ok(Some(page.tasks))
    }
}

impl RunPages<'_> {
    /// The next page, which may be empty although others follow; `None` after the last.
    ///
    /// # Errors
    /// Those of every call; then the same page can be asked for again.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Run>>, ClientError> {
        let Some(query) = &mut self.query else {
            return Ok(None);
        };
        let page = self.client.list_runs(query).await?;
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => self.query = None,
        }
        Ok(Some(page.runs))
    }
}
