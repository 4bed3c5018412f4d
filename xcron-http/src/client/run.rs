//! A run as the server shows it, and its attempts.

use serde::{Deserialize, Serialize};

/// A run, or occurrences that were skipped.
///
/// ```
/// # async fn example(client: &xcron_http::client::Client)
/// # -> Result<(), xcron_http::client::ClientError> {
/// use xcron_http::client::RunQuery;
///
/// let failed = RunQuery { status: Some("failed".to_owned()), ..RunQuery::default() };
/// for run in client.list_runs(&failed).await?.runs {
///     println!("{}: {}", run.run_id, run.error.unwrap_or_default());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The same for every attempt.
    pub run_id: String,
    /// Of which task.
    pub task_id: String,
    /// The occurrence, in Unix seconds.
    pub scheduled_time: i64,
    /// The last attempt's start, in Unix seconds.
    pub started_at: Option<i64>,
    /// Its end, in Unix seconds.
    pub ended_at: Option<i64>,
    /// Attempts made.
    pub attempt: u32,
    /// How it ended or what it waits for; text, because a newer server may know more.
    pub status: String,
    /// How many occurrences this stands for.
    pub count: u64,
    /// What the last attempt was answered.
    pub http_status: Option<u16>,
    /// What went wrong with the last attempt.
    pub error: Option<String>,
    /// The node that made the last attempt.
    pub node: Option<u64>,
    /// Its attempts, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Vec<Attempt>>,
}

/// One attempt of a run.
///
/// ```
/// use xcron_http::client::Attempt;
///
/// let json = r#"{"attempt": 1, "node": 3, "started_at": 5, "ended_at": 6, "latency_ms": 900,
///     "status": "failed", "http_status": 503, "error": "busy", "response": null}"#;
/// let attempt: Attempt = serde_json::from_str(json).unwrap();
/// assert_eq!(attempt.http_status, Some(503));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which one, from 1.
    pub attempt: u32,
    /// The node that made it.
    pub node: u64,
    /// When it left, in Unix seconds.
    pub started_at: i64,
    /// When its outcome was known, in Unix seconds.
    pub ended_at: i64,
    /// From its start to its outcome.
    pub latency_ms: Option<u64>,
    /// `succeeded`, `failed`, `lost` or `not_sent`.
    pub status: String,
    /// What it was answered.
    pub http_status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// The beginning of what the target said: not to be trusted.
    pub response: Option<String>,
}

/// A page of runs: tasks in the order of their ids, the runs of each newest first.
///
/// ```
/// use xcron_http::client::RunPage;
///
/// let last: RunPage = serde_json::from_str(r#"{"runs": [], "next_cursor": null}"#).unwrap();
/// assert_eq!(last.next_cursor, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<Run>,
    /// Where the next page begins; `None` when this is the last.
    pub next_cursor: Option<String>,
}
