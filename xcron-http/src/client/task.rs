//! A task as the server shows it, alone or on a page.

use super::body::Body;
use super::definition::{Callback, Kind, NewTask, Retry};
use super::run::Run;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use xcron_core::{DeliveryMode, DstFold, DstGap, Method, Misfire, Overlap};

/// A task: every field of its definition with its effective value, and what it has come to.
///
/// ```
/// # async fn example(client: &xcron_http::client::Client)
/// # -> Result<(), xcron_http::client::ClientError> {
/// let task = client.task("billing").await?;
/// assert_eq!(task.state, "active");
/// let copy = task.definition().with_id("billing-2");
/// client.create_task(&copy).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub task_id: String,
    /// When it was created: Unix seconds, in a string.
    pub create_time: String,
    /// Which kind of schedule `format` is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// A crontab expression, or Unix seconds in decimal digits.
    pub format: String,
    /// Runs that ended, whatever the result.
    pub run_count: u64,
    /// The request that is made when it is due.
    pub callback: TaskCallback,
    /// Free text.
    pub name: Option<String>,
    /// Free text by key.
    pub labels: BTreeMap<String, String>,
    /// The IANA zone of the crontab expression.
    pub timezone: Option<String>,
    /// What becomes of a fixed local time that does not exist.
    pub dst_gap: Option<DstGap>,
    /// What becomes of a fixed local time that exists twice.
    pub dst_fold: Option<DstFold>,
    /// No occurrence before it, in Unix seconds.
    pub start_time: Option<i64>,
    /// No occurrence after it, in Unix seconds.
    pub end_time: Option<i64>,
    /// Finished after so many runs.
    pub max_runs: Option<u64>,
    /// What becomes of occurrences that were missed.
    pub misfire: Misfire,
    /// Occurrences older than this are skipped.
    pub misfire_window_seconds: u64,
    /// What becomes of an occurrence while an earlier run has not ended.
    pub overlap: Overlap,
    /// Whether a run may be attempted again.
    pub delivery: DeliveryMode,
    /// When a failed attempt is repeated.
    pub retry: Retry,
    /// How long an attempt may take.
    pub timeout_seconds: u64,
    /// Each run is spread over so long.
    pub jitter_seconds: u64,
    /// Whether it is paused.
    pub paused: bool,
    /// `active`, `paused` or `finished`; text, because a newer server may know more.
    pub state: String,
    /// The next occurrence, in Unix seconds.
    pub next_time: Option<i64>,
    /// Runs that succeeded.
    pub success_count: u64,
    /// Runs that failed for good.
    pub failure_count: u64,
    /// At-most-once runs that were lost with their sender.
    pub unknown_count: u64,
    /// Runs that were cancelled.
    pub cancelled_count: u64,
    /// Occurrences that were skipped.
    pub skip_count: u64,
    /// Counts its definitions, from 1.
    pub version: u64,
    /// Why it is paused.
    pub note: Option<String>,
    /// Runs that have not ended, newest first.
    pub open_runs: Vec<Run>,
    /// Runs that ended, newest first; `None` on a page of tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_runs: Option<Vec<Run>>,
}

/// The request that a task makes, with all that was left open when it was created.
///
/// ```
/// use xcron_http::client::TaskCallback;
///
/// let json = r#"{"url":"http://127.0.0.1:9/","body":null,"method":"POST","headers":{}}"#;
/// let callback: TaskCallback = serde_json::from_str(json).unwrap();
/// assert_eq!(serde_json::to_string(&callback).unwrap(), json);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCallback {
    /// Where to.
    pub url: String,
    /// What it sends; `None`: `{}`, or nothing with GET and DELETE.
    pub body: Option<Body>,
    /// How.
    pub method: Method,
    /// Further headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
}

impl Task {
    /// What would create this very task again, under the same id.
    #[must_use]
    pub fn definition(&self) -> NewTask {
        let task = self.clone();
        let TaskCallback { url, body, method, headers } = task.callback;
        let headers = Some(headers).filter(|headers| !headers.is_empty());
        let callback = Callback { url, body, method: Some(method), headers };
        let mut new = NewTask::new(task.kind, task.format, callback).with_id(task.task_id);
        new.name = task.name;
        new.labels = Some(task.labels).filter(|labels| !labels.is_empty());
        new.timezone = task.timezone;
        new.start_time = task.start_time;
        new.end_time = task.end_time;
        new.max_runs = task.max_runs;
        new.misfire = Some(task.misfire);
        new.misfire_window_seconds = Some(task.misfire_window_seconds);
        new.overlap = Some(task.overlap);
        new.delivery = Some(task.delivery);
        new.retry = Some(task.retry);
        new.timeout_seconds = Some(task.timeout_seconds);
        new.jitter_seconds = Some(task.jitter_seconds);
        new.dst_gap = task.dst_gap;
        new.dst_fold = task.dst_fold;
        new.paused = task.paused.then_some(true);
        new
    }
}

/// A page of tasks, in the order of their ids.
///
/// ```
/// use xcron_http::client::TaskPage;
///
/// let last: TaskPage = serde_json::from_str(r#"{"tasks": [], "next_cursor": null}"#).unwrap();
/// assert_eq!(last.next_cursor, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Where the next page begins; `None` when this is the last.
    pub next_cursor: Option<String>,
}

/// What one item of a batch came to.
///
/// ```
/// use xcron_http::client::ItemResult;
///
/// let done: ItemResult = serde_json::from_str(r#"{"task_id": "a"}"#).unwrap();
/// assert_eq!(done, ItemResult::Done { task_id: "a".to_owned() });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ItemResult {
    /// It was done.
    Done {
        /// For which task.
        task_id: String,
    },
    /// It was refused, which changes nothing for the others.
    Refused {
        /// The code of the contract.
        code: u16,
        /// What was wrong and what was expected.
        message: String,
    },
}
