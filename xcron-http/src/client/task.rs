//! A task as the server shows it, alone or on a page.

use super::body::Body;
use super::definition::{Callback, Kind, NewTask};
use super::options::EffectiveOptions;
use super::run::Run;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use xcron_core::Method;

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
    /// What its creator may have left open.
    #[serde(flatten)]
    pub options: EffectiveOptions,
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

/// What a task gets for all that its creator leaves open, but for what depends on the rest: another
/// [`Misfire`](xcron_core::Misfire) has another window, and a one-shot has no zone.
///
/// ```
/// # async fn example(client: &xcron_http::client::Client)
/// # -> Result<(), xcron_http::client::ClientError> {
/// println!("crontabs without a zone are in {:?}", client.defaults().await?.options.timezone);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defaults {
    /// What is sent when nothing but the URL is said.
    pub callback: CallbackDefaults,
    /// The rest.
    #[serde(flatten)]
    pub options: EffectiveOptions,
    /// Whether it begins paused.
    pub paused: bool,
}

/// What is sent when nothing but the URL is said.
///
/// ```
/// use xcron_http::client::CallbackDefaults;
///
/// let json = r#"{"body":null,"method":"POST","headers":{}}"#;
/// let callback: CallbackDefaults = serde_json::from_str(json).unwrap();
/// assert_eq!(callback.method, xcron_core::Method::Post);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackDefaults {
    /// Nothing: POST, PUT and PATCH send `{}`.
    pub body: Option<Body>,
    /// How.
    pub method: Method,
    /// Further headers.
    pub headers: BTreeMap<String, String>,
}

impl Task {
    /// What would create this very task again, under the same id.
    #[must_use]
    pub fn definition(&self) -> NewTask {
        let task = self.clone();
        let TaskCallback { url, body, method, headers } = task.callback;
        let headers = Some(headers).filter(|headers| !headers.is_empty()).into();
        let callback = Callback { url, body: body.into(), method: method.into(), headers };
        let mut new = NewTask::new(task.kind, task.format, callback).with_id(task.task_id);
        new.options = task.options.wanted();
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
